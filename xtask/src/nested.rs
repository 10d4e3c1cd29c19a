//! The templates of `deploy/` stand in `azuredeploy.json` word for word: the button deploys one file.

use thiserror::Error;

/// The deployment has no place for a template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NestedError {
    /// No resource bears the variable's value as its name.
    #[error("no resource is named [variables('{variable}')]")]
    NoResource {
        /// The variable.
        variable: String,
    },
    /// The resource has no template, or does not stand as the others do.
    #[error("the resource named [variables('{variable}')] has no indented member `template`")]
    NoTemplate {
        /// The variable.
        variable: String,
    },
}

/// The deployment with `template` in place of the one that is nested in the resource named
/// `[variables('VARIABLE')]`. All else stays as it is written.
pub fn with(deployment: &str, variable: &str, template: &str) -> Result<String, NestedError> {
    let name = format!("\"name\": \"[variables('{variable}')]\",\n");
    let Some((before, after)) = deployment.split_once(&name) else {
        let variable = variable.to_owned();
        return Err(NestedError::NoResource { variable });
    };
    let no_template = || NestedError::NoTemplate {
        variable: variable.to_owned(),
    };
    // A resource ends with a brace two columns left of its members.
    let members = last_line(before);
    let resource = members.strip_suffix("  ").ok_or_else(no_template)?;
    let (inside, behind) =
        split_at_line(after, &format!("{resource}}}")).ok_or_else(no_template)?;
    let key = "\"template\": ";
    let (head, old) = inside.split_once(key).ok_or_else(no_template)?;
    let indent = last_line(head);
    let (_, tail) = old
        .split_once(&format!("\n{indent}}}"))
        .ok_or_else(no_template)?;
    let template = template.trim_end().replace('\n', &format!("\n{indent}"));
    Ok(format!("{before}{name}{head}{key}{template}{tail}{behind}"))
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or_default()
}

/// The text before a line that begins so, and the text from the end of the line before on.
fn split_at_line<'a>(text: &'a str, line: &str) -> Option<(&'a str, &'a str)> {
    let at = text.find(&format!("\n{line}"))?;
    text.split_at_checked(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: &str = r#"{
  "resources": [
    {
      "name": "[variables('plainName')]",
      "kind": "plain"
    },
    {
      "name": "[variables('firstName')]",
      "properties": {
        "template": {
          "old": {
            "first": 1
          }
        }
      }
    },
    {
      "name": "[variables('secondName')]",
      "properties": {
        "template": {
          "old": 2
        },
        "mode":  "Incremental"
      }
    }
  ]
}
"#;

    #[test]
    fn a_template_takes_the_place_of_the_one_that_was_there() {
        let nested = with(
            DEPLOYMENT,
            "firstName",
            "{\n  \"new\": {\n    \"a\": 1\n  }\n}\n",
        );
        let old = "          \"old\": {\n            \"first\": 1\n";
        let new = "          \"new\": {\n            \"a\": 1\n";
        assert_eq!(nested.unwrap(), DEPLOYMENT.replace(old, new));
    }

    #[test]
    fn what_is_behind_the_template_stays() {
        let nested = with(DEPLOYMENT, "secondName", "{\n  \"new\": 3\n}\n");
        assert_eq!(
            nested.unwrap(),
            DEPLOYMENT.replace("\"old\": 2", "\"new\": 3")
        );
    }

    #[test]
    fn the_same_template_changes_nothing() {
        let nested = with(DEPLOYMENT, "secondName", "{\n  \"old\": 2\n}\n");
        assert_eq!(nested.unwrap(), DEPLOYMENT);
    }

    #[test]
    fn an_unknown_variable_is_an_error() {
        let error = with(DEPLOYMENT, "otherName", "{}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no resource is named [variables('otherName')]"
        );
    }

    #[test]
    fn the_template_of_another_resource_is_left_alone() {
        let error = with(DEPLOYMENT, "plainName", "{}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the resource named [variables('plainName')] has no indented member `template`"
        );
    }
}

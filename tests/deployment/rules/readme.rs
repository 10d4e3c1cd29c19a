//! What the README and `docs/deploy.md` say.

use std::collections::BTreeSet;

use regex::Regex;
use template_check::{evaluate::is_secure, look::Look};

use crate::bundle::Bundle;

/// `%2F` to `/`.
fn decoded(text: &str) -> String {
    let escape = Regex::new("%([0-9A-F]{2})").unwrap();
    let decode = |found: &regex::Captures<'_>| {
        let byte = u8::from_str_radix(&found[1], 16).unwrap_or_default();
        char::from(byte).to_string()
    };
    escape.replace_all(text, decode).into_owned()
}

/// Owner, repository and tag of an address of a file in a repository.
fn raw<'a>(address: &'a str, file: &str) -> Option<[&'a str; 3]> {
    let rest = address.strip_prefix("https://raw.githubusercontent.com/")?;
    let place = rest.strip_suffix(file)?.strip_suffix('/')?;
    place.split('/').collect::<Vec<_>>().try_into().ok()
}

/// The template's address and the form's, as the button has them.
fn button(readme: &str) -> Option<(String, String)> {
    let link = Regex::new(
        r"\]\(https://portal\.azure\.com/#create/Microsoft\.Template/uri/([^/)]+)/createUIDefinitionUri/([^/)]+)\)",
    );
    let found = link.ok()?.captures(readme)?;
    Some((decoded(&found[1]), decoded(&found[2])))
}

pub(super) fn the_button_leads_to_both_files(bundle: &Bundle) -> Vec<String> {
    let Some((template, form)) = button(&bundle.readme) else {
        return vec!["README.md has no Deploy button with a template and a form".to_owned()];
    };
    let template = raw(&template, "azuredeploy.json");
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    let is_right = template.is_some_and(|[_, _, tag]| tag == version)
        && template == raw(&form, "createUiDefinition.json");
    if is_right {
        return Vec::new();
    }
    vec![format!(
        "the button does not lead to azuredeploy.json and createUiDefinition.json of {version}"
    )]
}

/// Of this version, in the repository of the button, and named as `package.sh` names it.
pub(super) fn the_package_is_the_releases(bundle: &Bundle) -> Vec<String> {
    let button = button(&bundle.readme);
    let Some([owner, repository, tag]) = button
        .as_ref()
        .and_then(|(template, _)| raw(template, "azuredeploy.json"))
    else {
        return vec!["the button names no repository".to_owned()];
    };
    let built = Regex::new(r"dist/([\w.-]+\.zip)").unwrap();
    let built: BTreeSet<_> = built
        .captures_iter(&bundle.builder)
        .map(|found| found[1].to_owned())
        .collect();
    let expected = format!("https://github.com/{owner}/{repository}/releases/download/{tag}/");
    let default = &bundle.parameters()["packageUri"]["defaultValue"];
    let name = default.text().strip_prefix(&expected);
    if name.is_some_and(|name| built.len() == 1 && built.contains(name)) {
        return Vec::new();
    }
    vec![format!(
        "packageUri is {default}, but the release has {built:?} under {expected}"
    )]
}

/// The cells of the rows of a table whose first cell holds a code word.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// The code words of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// In the table of `docs/deploy.md`, with its default; and nothing else is.
pub(super) fn every_parameter_is_explained(bundle: &Bundle) -> Vec<String> {
    let Some((_, section)) = bundle.guide.split_once("\n## Parameters\n") else {
        return vec!["docs/deploy.md has no section Parameters".to_owned()];
    };
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut explained = BTreeSet::new();
    let mut faults = Vec::new();
    for row in rows(section) {
        let [names, default, _] = row.as_slice() else {
            faults.push(format!("{row:?} has not three cells"));
            continue;
        };
        for name in words(names) {
            explained.insert(name);
            let Some(declared) = bundle.parameters().get(name) else {
                faults.push(format!("docs/deploy.md: {name} is no parameter"));
                continue;
            };
            let is_right = match declared.get("defaultValue").map(Look::plain) {
                None => default.is_empty(),
                Some(text) if text.is_empty() => *default == "empty",
                // Said in words.
                Some(text) if text.starts_with('[') || text.contains("://") => {
                    !default.is_empty() && !default.contains('`')
                }
                Some(text) => *default == format!("`{text}`"),
            };
            if !is_right {
                faults.push(format!(
                    "docs/deploy.md: {name} has not the default {default}"
                ));
            }
        }
    }
    let missing = bundle
        .parameters()
        .keys()
        .filter(|name| !explained.contains(name.as_str()));
    faults.extend(missing.map(|name| format!("docs/deploy.md does not explain {name}")));
    faults
}

pub(super) fn every_output_is_explained(bundle: &Bundle) -> Vec<String> {
    let rest = bundle
        .guide
        .split_once("\n**Outputs.**")
        .unwrap_or_default()
        .1;
    let explained: BTreeSet<_> = words(rest.split("\n\n").next().unwrap_or_default()).collect();
    let outputs = bundle.template["outputs"].members();
    let outputs: BTreeSet<_> = outputs.map(|(name, _)| name.as_str()).collect();
    let differences = explained.symmetric_difference(&outputs);
    differences
        .map(|name| format!("{name} is explained in docs/deploy.md or an output, not both"))
        .collect()
}

/// Every `az deployment group create` of the README gives what must be given, and only what there is.
pub(super) fn the_commands_deploy(bundle: &Bundle) -> Vec<String> {
    let given = Regex::new(r"(?:^|\s)(\w+)=").unwrap();
    let mut faults = Vec::new();
    let mut commands = 0;
    for block in bundle.readme.split("```").skip(1).step_by(2) {
        let Some((_, command)) = block.split_once("--template-file azuredeploy.json --parameters")
        else {
            continue;
        };
        commands += 1;
        let given: BTreeSet<_> = given
            .captures_iter(command)
            .map(|found| found[1].to_owned())
            .collect();
        for (name, declared) in bundle.parameters() {
            // Whoever may list processes could read it, and the shell would keep it.
            if is_secure(declared) && given.contains(name) {
                faults.push(format!(
                    "a command of README.md shows the secret {name}: a file must hold it"
                ));
            }
            if declared.get("defaultValue").is_none() && !given.contains(name) {
                faults.push(format!("a command of README.md does not give {name}"));
            }
        }
        let unknown = given
            .iter()
            .filter(|name| !bundle.parameters().contains_key(*name));
        faults.extend(
            unknown
                .map(|name| format!("a command of README.md gives {name}, which is no parameter")),
        );
    }
    if commands == 0 {
        faults.push("README.md has no command that deploys".to_owned());
    }
    faults
}

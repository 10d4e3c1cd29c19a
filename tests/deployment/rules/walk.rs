//! Going through JSON and the expressions in it.

use serde_json::Value;
use template_check::{
    evaluate::NESTED,
    expression::{Expression, parse},
};

/// Calls `visit` with the path, the last name in it and the value of everything inside.
pub(super) fn each<'a>(value: &'a Value, path: &str, visit: &mut dyn FnMut(&str, &str, &'a Value)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{path}.{name}");
                visit(&path, name, value);
                each(value, &path, visit);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                visit(&path, "", value);
                each(value, &path, visit);
            }
        }
        _ => {}
    }
}

/// The texts inside, with their paths.
pub(super) fn texts(value: &Value) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    each(value, "", &mut |path, _, value| {
        found.extend(value.as_str().map(|text| (path.to_owned(), text)));
    });
    found
}

/// The expressions inside, with their paths. One that cannot be read fails the evaluation.
pub(super) fn expressions(value: &Value) -> Vec<(String, Expression)> {
    let mut found = Vec::new();
    each(value, "", &mut |path, name, value| {
        let texts = [Some(name), value.as_str()];
        for text in texts.into_iter().flatten() {
            if let Ok(Some(expression)) = parse(text) {
                found.push((path.to_owned(), expression));
            }
        }
    });
    found
}

/// The template and those nested in it, each without what is nested inside of itself.
pub(super) fn templates(template: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    collect(template, String::new(), &mut found);
    found
}

fn collect(template: &Value, path: String, found: &mut Vec<(String, Value)>) {
    let mut own = template.clone();
    let resources = own["resources"].as_array_mut();
    for (index, resource) in resources.into_iter().flatten().enumerate() {
        if resource["type"] == NESTED {
            let inner = resource["properties"]["template"].take();
            collect(
                &inner,
                format!("{path}.resources[{index}].properties.template"),
                found,
            );
        }
    }
    found.push((path, own));
}

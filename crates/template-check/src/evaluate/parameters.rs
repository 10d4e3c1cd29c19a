//! What is given against what is declared.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::scope::Frame;
use crate::look::Look;

/// How a value begins that the platform itself replaces with a secret.
pub const REFERENCE: &str = "@Microsoft.KeyVault(";

pub(super) fn read(
    frame: &mut Frame<'_>,
    template: &Value,
    given: &Map<String, Value>,
) -> Result<(), String> {
    let declared = template["parameters"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    if let Some(name) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(format!("parameters.{name} is given but not declared"));
    }
    for (name, declared) in &declared {
        let at = format!("parameters.{name}");
        let value = match (given.get(name), declared.get("defaultValue")) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => frame.value(default, &at)?,
            (None, None) => return Err(format!("{at} is neither given nor has a default")),
        };
        check(&value, declared).map_err(|error| format!("{at}: {error}"))?;
        Rc::make_mut(&mut frame.parameters).insert(name.clone(), value);
    }
    Ok(())
}

/// Whether a parameter's value is kept out of histories and logs.
#[must_use]
pub fn is_secure(declared: &Value) -> bool {
    let of = declared["type"].text().to_lowercase();
    of.starts_with("secure")
}

/// Whether a value is of the type that is declared.
pub(super) fn is_of(value: &Value, declared: &Value) -> Result<(), String> {
    let of = declared["type"].text();
    let fits = match of.to_lowercase().as_str() {
        "string" | "securestring" => value.is_string(),
        "bool" => value.is_boolean(),
        "int" => value.is_i64(),
        "array" => value.is_array(),
        "object" | "secureobject" => value.is_object(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{value} is no {of}"))
    }
}

fn check(value: &Value, declared: &Value) -> Result<(), String> {
    is_of(value, declared)?;
    let allowed = declared["allowedValues"].as_array();
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        return Err(format!("{value} is not among the allowed values"));
    }
    let length = value.as_str().map(|text| text.chars().count() as u64);
    let bounds = [
        ("minLength", "maxLength", length),
        ("minValue", "maxValue", value.as_u64()),
    ];
    for (least, most, size) in bounds {
        let bound = |name: &str| declared[name].as_u64();
        if let Some(size) = size
            && (bound(least).is_some_and(|least| size < least)
                || bound(most).is_some_and(|most| size > most))
        {
            return Err(format!("{size} lies outside of {least} and {most}"));
        }
    }
    Ok(())
}

//! Whether each resource has the members of its type and version, and each control of the form those of
//! its type, as far as `shapes.json` knows them.
//!
//! A shape is `"text"`, `"bool"`, `"number"`, a range of numbers such as `"1..365"`, or `"any"`, a list of
//! the values that are allowed, or an object of shapes: a name that ends in `!` must be there, `*` stands
//! for any name, and `[]` for the items of a list. A member that no shape names is either wrong or not yet
//! written down there. What begins with `$` is about the resource itself: how it may be called, and whether
//! it lies somewhere. Where Azure does not say how, it is the narrower reading: of an app's name only 32
//! characters count, names of rules of kind Direct end up in a host's, and on Flex Consumption 40 is the
//! least that an app's instances are limited to.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::{Map, Value};

use super::{
    form::{self, Control},
    order::in_each,
};
use crate::bundle::Bundle;

pub(super) static SHAPES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("shapes.json")).unwrap());

/// Members that every resource may have, and that are for the deployment only.
const COMMON: [&str; 8] = [
    "type",
    "apiVersion",
    "name",
    "comments",
    "condition",
    "dependsOn",
    "scope",
    "location",
];

pub(super) fn bodies_fit_their_types(bundle: &Bundle) -> Vec<String> {
    let faults = in_each(bundle, |_, deployed, faults| {
        for resource in &deployed.resources {
            let kind = resource.kind();
            let Some(shape) = SHAPES.get(&kind) else {
                faults.push(format!("shapes.json does not know {kind}"));
                continue;
            };
            let mut body = resource.body.as_object().cloned().unwrap_or_default();
            let has_location = body.contains_key("location");
            body.retain(|name, _| !COMMON.contains(&name.as_str()));
            // Parts of another resource lie where that lies.
            if has_location != (shape["$location"] == true) {
                faults.push(format!("{kind} has a location: {has_location}"));
            }
            check(&kind, &body.into(), shape, faults);
        }
    });
    // The same fault shows in many choices: once is enough.
    let short = |fault: &String| fault.split_once(": ").map(|(_, fault)| fault.to_owned());
    faults
        .iter()
        .filter_map(short)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Those of the form, with the words that they cannot do without.
pub(super) fn controls_fit_their_types(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for Control { name, of, body, .. } in form::controls(&bundle.form) {
        match SHAPES.get(of) {
            Some(shape) => check(name, body, shape, &mut faults),
            None => faults.push(format!("shapes.json does not know {of}, which {name} is")),
        }
    }
    faults
}

fn check(at: &str, value: &Value, shape: &Value, faults: &mut Vec<String>) {
    let fits = match shape {
        Value::String(of) => match of.as_str() {
            "text" => value.is_string(),
            "bool" => value.is_boolean(),
            "number" => value.is_i64(),
            "any" => true,
            range => is_within(value, range),
        },
        Value::Array(allowed) => allowed.contains(value),
        Value::Object(members) => {
            return match (value, members.get("[]")) {
                (Value::Array(items), Some(shape)) => {
                    for item in items {
                        check(&format!("{at}[]"), item, shape, faults);
                    }
                }
                (Value::Object(found), None) => check_members(at, found, members, faults),
                _ => faults.push(format!("{at} is of the wrong kind: {value}")),
            };
        }
        _ => false,
    };
    if !fits {
        faults.push(format!("{at} may not be {value}"));
    }
}

/// Whether a number lies in a range such as `1..365`, whose ends belong to it.
fn is_within(value: &Value, range: &str) -> bool {
    let ends = range.split_once("..");
    let ends = ends.and_then(|(least, most)| Some((least.parse().ok()?, most.parse().ok()?)));
    let is_within = |(least, most): (i64, i64)| {
        let value = value.as_i64();
        value.is_some_and(|value| (least..=most).contains(&value))
    };
    ends.is_some_and(is_within)
}

/// What is read by `reference()` or `listKeys()` has a version that its type has, and says the same in.
pub(super) fn what_is_read_has_the_version_of_its_type(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        let unknown = deployed
            .reads
            .iter()
            .filter(|kind| SHAPES.get(kind).is_none());
        faults
            .extend(unknown.map(|kind| format!("shapes.json does not know {kind}, which is read")));
    })
}

fn check_members(
    at: &str,
    found: &Map<String, Value>,
    shape: &Map<String, Value>,
    faults: &mut Vec<String>,
) {
    for name in shape.keys().filter_map(|name| name.strip_suffix('!')) {
        if found.get(name).is_none_or(Value::is_null) {
            faults.push(format!("{at}.{name} is missing"));
        }
    }
    for (name, value) in found {
        // Null says the same as nothing.
        if value.is_null() {
            continue;
        }
        let at = format!("{at}.{name}");
        match shape
            .get(name)
            .or_else(|| shape.get(&format!("{name}!")))
            .or_else(|| shape.get("*"))
        {
            Some(shape) => check(&at, value, shape, faults),
            None => faults.push(format!("{at} is not known")),
        }
    }
}

//! Changes to a set of files, written as text: `template.parameters.sink.type = "int"` sets a value,
//! `remove form.version` removes one, `readme: old -> new` replaces a text. ` and then ` joins two changes,
//! and `<12 letters>` stands for that many letters.
//!
//! In a path `[...]` finds an item of a list by its number, its type, its name or a part of it, and
//! `{...}` finds whatever has that name.

use std::borrow::Cow;

use regex::{Captures, Regex};
use serde_json::Value;

/// The files that can be changed.
pub trait Files {
    /// A file of JSON by its name in changes.
    fn json(&mut self, name: &str) -> Option<&mut Value>;
    /// A file of text by its name in changes.
    fn text(&mut self, name: &str) -> Option<&mut String>;
}

/// Makes the changes. `None` where there is nothing to change.
pub fn apply(changes: &str, files: &mut dyn Files) -> Option<()> {
    let mut changes = changes.split(" and then ");
    changes.try_for_each(|change| make(change, files))
}

fn make(change: &str, files: &mut dyn Files) -> Option<()> {
    if let Some(path) = change.strip_prefix("remove ") {
        let mark = if path.ends_with(']') { '[' } else { '.' };
        let (parent, last) = path.rsplit_once(mark)?;
        match find(files, parent)? {
            Value::Array(items) => drop(items.remove(position(items, last.trim_end_matches(']'))?)),
            parent => drop(parent.as_object_mut()?.remove(last)?),
        }
    } else if let Some((path, value)) = change.split_once(" = ") {
        *find(files, path)? = serde_json::from_str(&expand_letters(value)).ok()?;
    } else {
        let (name, texts) = change.split_once(": ")?;
        let (old, new) = texts.split_once(" -> ")?;
        let text = files.text(name)?;
        text.find(old)?;
        *text = text.replace(old, new);
    }
    Some(())
}

fn expand_letters(value: &str) -> Cow<'_, str> {
    let Ok(letters) = Regex::new(r"<(\d+) letters>") else {
        return value.into();
    };
    letters.replace_all(value, |found: &Captures<'_>| {
        "a".repeat(found[1].parse().unwrap_or_default())
    })
}

/// The value at a path such as `template.resources[settingsName].properties`.
fn find<'a>(files: &'a mut dyn Files, path: &str) -> Option<&'a mut Value> {
    let (name, mut rest) = path.split_at(path.find(['.', '{'])?);
    let mut value = files.json(name)?;
    while let Some(mark) = rest.chars().next() {
        rest = rest.split_at(1).1;
        let (step, after) = match mark {
            '[' => rest.split_once(']')?,
            '{' => rest.split_once('}')?,
            _ => rest.split_at(rest.find(['.', '[', '{']).unwrap_or(rest.len())),
        };
        rest = after;
        value = match mark {
            '[' => {
                let items = value.as_array_mut()?;
                let at = position(items, step)?;
                items.get_mut(at)?
            }
            '{' => named(value, step)?,
            _ => &mut value[step],
        };
    }
    Some(value)
}

/// By number, by type, by name, or by a part of the name or of a text.
fn position(items: &[Value], wanted: &str) -> Option<usize> {
    let is_it = |item: &Value| item["type"] == wanted || *item == wanted;
    let is_like = |item: &Value| {
        let text = item.as_str().or(item["name"].as_str());
        text.is_some_and(|text| text.contains(wanted))
    };
    let by_number = wanted.parse().ok();
    by_number
        .or_else(|| items.iter().position(is_it))
        .or_else(|| items.iter().position(is_like))
}

/// Whatever has that name, wherever it is.
fn named<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(members) if members.get("name").is_some_and(|found| found == name) => {
            Some(value)
        }
        Value::Object(members) => members.values_mut().find_map(|each| named(each, name)),
        Value::Array(items) => items.iter_mut().find_map(|each| named(each, name)),
        _ => None,
    }
}

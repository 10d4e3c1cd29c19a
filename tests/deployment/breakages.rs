//! The ways to break a deployment in `breakages.md`, each with the rule that must notice: so that no
//! rule keeps silent.

use std::{borrow::Cow, collections::BTreeSet};

use regex::{Captures, Regex};
use serde_json::Value;

use crate::{bundle::Bundle, rules::RULES};

/// What is wrong, the rule that says so, and the change that makes it.
type Breakage<'a> = [&'a str; 3];

fn breakages() -> Vec<Breakage<'static>> {
    let table = include_str!("breakages.md").lines();
    let rows = table.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.filter_map(|row| row.split(" | ").collect::<Vec<_>>().try_into().ok());
    // The first is the head of the table.
    let cells = cells.skip(1);
    cells
        .map(|cells: [&str; 3]| cells.map(|cell| cell.trim_matches('`')))
        .collect()
}

/// Makes the changes, if there is something to change.
pub(crate) fn apply(changes: &str, bundle: &mut Bundle) -> Option<()> {
    let mut changes = changes.split(" and then ");
    changes.try_for_each(|change| make(change, bundle))
}

fn make(change: &str, bundle: &mut Bundle) -> Option<()> {
    if let Some(path) = change.strip_prefix("remove ") {
        let mark = if path.ends_with(']') { '[' } else { '.' };
        let (parent, last) = path.rsplit_once(mark)?;
        match find(bundle, parent)? {
            Value::Array(items) => drop(items.remove(position(items, last.trim_end_matches(']'))?)),
            parent => drop(parent.as_object_mut()?.remove(last)?),
        }
    } else if let Some((path, value)) = change.split_once(" = ") {
        *find(bundle, path)? = serde_json::from_str(&expand_letters(value)).ok()?;
    } else {
        let (file, texts) = change.split_once(": ")?;
        let (old, new) = texts.split_once(" -> ")?;
        let file = match file {
            "readme" => &mut bundle.readme,
            "guide" => &mut bundle.guide,
            _ => &mut bundle.builder,
        };
        file.find(old)?;
        *file = file.replace(old, new);
    }
    Some(())
}

/// `<12 letters>` stands for that many letters.
fn expand_letters(value: &str) -> Cow<'_, str> {
    let letters = Regex::new(r"<(\d+) letters>").unwrap();
    letters.replace_all(value, |found: &Captures<'_>| {
        "a".repeat(found[1].parse().unwrap())
    })
}

/// The value at a path such as `template.resources[settingsName].properties`.
fn find<'a>(bundle: &'a mut Bundle, path: &str) -> Option<&'a mut Value> {
    let (file, mut rest) = path.split_at(path.find(['.', '{'])?);
    let mut value = match file {
        "template" => &mut bundle.template,
        "form" => &mut bundle.form,
        "trigger" => &mut bundle.trigger,
        _ => &mut bundle.host,
    };
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

/// Whatever bears that name, wherever it is.
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

/// Makes some; says which were not noticed.
fn unnoticed(breakages: &[Breakage<'_>]) -> Vec<String> {
    let mut silent = Vec::new();
    for [what, rule, change] in breakages {
        let (_, check) = RULES.iter().find(|(name, _)| name == rule).unwrap();
        let mut bundle = Bundle::read_to_break();
        assert!(
            apply(change, &mut bundle).is_some(),
            "nothing to change: {change}"
        );
        if check(&bundle).is_empty() {
            silent.push(format!("{rule} does not notice {what}"));
        }
    }
    silent
}

#[test]
fn every_breakage_is_noticed_by_its_rule() {
    let breakages = breakages();
    assert!(
        breakages.len() > 100,
        "the table was not read: {}",
        breakages.len()
    );
    let (one, other) = breakages.split_at(breakages.len() / 2);
    let silent: Vec<_> = std::thread::scope(|scope| {
        let halves = [one, other].map(|half| scope.spawn(|| unnoticed(half)));
        halves
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect()
    });
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
}

#[test]
fn every_rule_can_be_broken() {
    let broken: BTreeSet<_> = breakages().iter().map(|[_, rule, _]| *rule).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(broken, rules);
}

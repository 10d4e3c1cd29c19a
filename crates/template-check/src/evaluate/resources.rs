//! Which resources there are, in which order they are made, and making them.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use serde_json::{Map, Value, json};

use super::{
    Known, Resource, Target,
    counts::MAX_RESOURCES,
    run,
    scope::{Frame, path},
    stand_ins,
};
use crate::look::Look;

/// The type of a nested deployment.
pub const NESTED: &str = "Microsoft.Resources/deployments";

/// A resource before it is made.
struct Planned<'a> {
    raw: &'a Value,
    at: String,
    /// The loop that it comes from, with its place in it.
    turn: Option<(String, u64)>,
    id: String,
    of: String,
    name: String,
    target: Target,
    is_made: bool,
}

pub(super) fn make(
    frame: &mut Frame<'_>,
    template: &Value,
    existing: &Known,
    made: &mut Vec<Resource>,
) -> Result<(), String> {
    let planned = plan(frame, template)?;
    frame.declared = Rc::new(declare(&planned)?);
    let mut waiting: Vec<(&Planned<'_>, Vec<String>)> = Vec::new();
    for each in &planned {
        let needs = depends_on(frame, each, &planned)?;
        if each.is_made {
            waiting.push((each, needs));
        }
    }
    let beside: BTreeSet<String> = waiting.iter().map(|(each, _)| each.id.clone()).collect();
    let mut reached: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    while !waiting.is_empty() {
        let ready = |(_, needs): &(_, Vec<String>)| {
            needs
                .iter()
                .all(|id| reached.contains_key(id) || !beside.contains(id))
        };
        let next = waiting.iter().position(ready);
        let next = next.ok_or_else(|| {
            let ids: Vec<_> = waiting.iter().map(|(each, _)| &each.id).collect();
            format!("resources wait for each other: {ids:?}")
        })?;
        let (planned, needs) = waiting.remove(next);
        let mut waits_for = BTreeSet::new();
        // What is not made is not waited for, nor what it would have waited for.
        for (id, reached) in needs.iter().filter_map(|id| reached.get_key_value(id)) {
            waits_for.insert(id.clone());
            waits_for.extend(reached.iter().cloned());
        }
        let mut readable = existing.clone();
        let there = made.iter().filter(|made| waits_for.contains(&made.id));
        readable.extend(there.map(|made| (made.id.clone(), made.full.clone())));
        let before = readable.keys().cloned().collect();
        let inside = made.len();
        let (body, outputs) = body(frame, planned, readable, made)?;
        // Who waits for a nested deployment waits for all that it makes.
        waits_for.extend(made.iter().skip(inside).map(|made| made.id.clone()));
        reached.insert(planned.id.clone(), waits_for);
        let mut resource = Resource {
            id: planned.id.clone(),
            of: planned.of.clone(),
            name: planned.name.clone(),
            body,
            full: Arc::default(),
            waits_for: before,
        };
        let mut full = stand_ins::read(&resource, &planned.target);
        if let Some(outputs) = outputs {
            full["properties"]["outputs"] = outputs.into();
        }
        resource.full = full.into();
        made.push(resource);
    }
    Ok(())
}

/// What `reference()` and `dependsOn` can name: each resource by its id and, where only one has it, by
/// its name; with whether it is made.
fn declare(planned: &[Planned<'_>]) -> Result<BTreeMap<String, (String, bool)>, String> {
    let mut declared = BTreeMap::new();
    for each in planned {
        let entry = (each.id.clone(), each.is_made);
        if declared.insert(each.id.clone(), entry.clone()).is_some() {
            return Err(format!("{}: {} is declared twice", each.at, each.id));
        }
        let namesakes = planned.iter().filter(|other| other.name == each.name);
        if namesakes.count() == 1 {
            declared.insert(each.name.clone(), entry);
        }
    }
    Ok(declared)
}

fn plan<'a>(frame: &Frame<'_>, template: &'a Value) -> Result<Vec<Planned<'a>>, String> {
    let mut planned = Vec::new();
    for (index, raw) in template["resources"].items().enumerate() {
        let at = format!("resources[{index}]");
        if raw.get("resources").is_some() {
            return Err(format!(
                "{at}: write child resources beside their parent, not inside"
            ));
        }
        match raw["copy"]["name"].as_str() {
            Some(name) => {
                for turn in 0..frame.count(&raw["copy"], &at)? {
                    planned.push(place(frame, raw, &at, Some((name.to_owned(), turn)))?);
                }
            }
            None => planned.push(place(frame, raw, &at, None)?),
        }
    }
    if planned.len() > MAX_RESOURCES {
        let found = planned.len();
        return Err(format!("{found} resources; {MAX_RESOURCES} are the most"));
    }
    Ok(planned)
}

/// The frame in which a resource's expressions stand.
fn in_turn<'a>(frame: &Frame<'a>, turn: Option<&(String, u64)>) -> Frame<'a> {
    turn.map_or_else(
        || frame.clone(),
        |(name, index)| frame.at_index(name, *index),
    )
}

fn place<'a>(
    frame: &Frame<'_>,
    raw: &'a Value,
    at: &str,
    turn: Option<(String, u64)>,
) -> Result<Planned<'a>, String> {
    let frame = in_turn(frame, turn.as_ref());
    let text = |name: &str| {
        let value = frame.value(&raw[name], &format!("{at}.{name}"))?;
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{at}.{name}: {value} is no text"))
    };
    let is_made = match raw.get("condition") {
        Some(condition) => frame
            .value(condition, &format!("{at}.condition"))?
            .as_bool()
            .ok_or_else(|| format!("{at}.condition is neither true nor false"))?,
        None => true,
    };
    let (of, name) = (text("type")?, text("name")?);
    let mut target = frame.target.clone();
    if raw.get("subscriptionId").is_some() {
        target.subscription = text("subscriptionId")?;
    }
    if raw.get("resourceGroup").is_some() {
        target.group = text("resourceGroup")?;
    }
    let base = match raw.get("scope") {
        Some(_) => text("scope")?,
        None => target.id(),
    };
    let names: Vec<&str> = name.split('/').collect();
    let id = path(&base, &of, &names).map_err(|error| format!("{at}: {error}"))?;
    Ok(Planned {
        raw,
        at: at.to_owned(),
        turn,
        id: id.text().to_owned(),
        of,
        name,
        target,
        is_made,
    })
}

/// The ids of what a resource waits for.
fn depends_on(
    frame: &Frame<'_>,
    planned: &Planned<'_>,
    all: &[Planned<'_>],
) -> Result<Vec<String>, String> {
    let frame = in_turn(frame, planned.turn.as_ref());
    let at = format!("{}.dependsOn", planned.at);
    let mut ids = Vec::new();
    for raw in planned.raw["dependsOn"].items() {
        let value = frame.value(raw, &at)?;
        let wanted = value.text();
        let before = ids.len();
        match frame.declared.get(wanted) {
            Some((id, _)) => ids.push(id.clone()),
            None => ids.extend(
                all.iter()
                    .filter(|other| other.turn.as_ref().is_some_and(|(name, _)| name == wanted))
                    .map(|other| other.id.clone()),
            ),
        }
        if ids.len() == before {
            return Err(format!("{at}: {value} is not declared in this template"));
        }
    }
    Ok(ids)
}

/// A resource with everything evaluated, and a nested deployment's outputs.
fn body(
    frame: &Frame<'_>,
    planned: &Planned<'_>,
    readable: Known,
    made: &mut Vec<Resource>,
) -> Result<(Value, Option<Map<String, Value>>), String> {
    let early = in_turn(frame, planned.turn.as_ref());
    let mut late = early.clone();
    late.known = Some(Rc::new(readable));
    let mut body = Map::new();
    let mut outputs = None;
    for (name, raw) in planned.raw.members() {
        let at = format!("{}.{name}", planned.at);
        let value = match name.as_str() {
            "copy" => continue,
            "properties" if planned.of == NESTED => {
                let (value, results) = nested(&late, planned, raw, made)?;
                outputs = Some(results);
                value
            }
            "properties" => late.value(raw, &at)?,
            _ => early.value(raw, &at)?,
        };
        body.insert(name.clone(), value);
    }
    Ok((body.into(), outputs))
}

fn nested(
    frame: &Frame<'_>,
    planned: &Planned<'_>,
    raw: &Value,
    made: &mut Vec<Resource>,
) -> Result<(Value, Map<String, Value>), String> {
    let at = &planned.at;
    if raw["expressionEvaluationOptions"]["scope"] != "inner" {
        return Err(format!(
            "{at}: a nested deployment of outer scope mixes up whose parameters are meant; choose inner"
        ));
    }
    let parameters = frame.value(&raw["parameters"], &format!("{at}.properties.parameters"))?;
    let given = parameters.members();
    let given = given
        .map(|(name, given)| (name.clone(), given["value"].clone()))
        .collect();
    let known = frame.known.as_deref().cloned().unwrap_or_default();
    let outputs = run(
        &raw["template"],
        &given,
        &planned.target,
        &known,
        frame.noted,
        made,
    )
    .map_err(|error| format!("{at}.properties.template.{error}"))?;
    Ok((
        json!({
            "mode": raw["mode"],
            "parameters": parameters,
            // Not evaluated: what is declared, to compare.
            "template": { "parameters": raw["template"]["parameters"] }
        }),
        outputs,
    ))
}

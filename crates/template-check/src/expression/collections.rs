//! Functions on lists and objects.

use serde_json::{Map, Value, json};

use super::size;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    use Value::{Array, Number, Object, String as Text};
    Some(match (name, arguments) {
        ("createArray", items) => Ok(items.iter().cloned().collect()),
        ("createObject", members) => object(members),
        ("concat", lists @ [Array(_), ..]) => lists
            .iter()
            .map(|list| {
                list.as_array()
                    .cloned()
                    .ok_or("mixes lists and others".to_owned())
            })
            .collect::<Result<Vec<_>, _>>()
            .map(|lists| lists.concat().into()),
        ("union", lists @ [Array(_), ..]) => {
            let mut all = Vec::new();
            for item in lists.iter().filter_map(Value::as_array).flatten() {
                if !all.contains(item) {
                    all.push(item.clone());
                }
            }
            Ok(Array(all))
        }
        ("union", objects @ [Object(_), ..]) => {
            let mut all = Map::new();
            for object in objects.iter().filter_map(Value::as_object) {
                merge(&mut all, object);
            }
            Ok(Object(all))
        }
        ("contains", [Array(items), item]) => Ok(items.contains(item).into()),
        ("contains", [Object(members), Text(name)]) => Ok(find(members, name).is_some().into()),
        ("length", [Array(items)]) => Ok(items.len().into()),
        ("length", [Object(members)]) => Ok(members.len().into()),
        ("empty", [Array(items)]) => Ok(items.is_empty().into()),
        ("empty", [Object(members)]) => Ok(members.is_empty().into()),
        ("empty", [Value::Null]) => Ok(true.into()),
        ("first", [Array(items)]) => Ok(items.first().cloned().unwrap_or_default()),
        ("last", [Array(items)]) => Ok(items.last().cloned().unwrap_or_default()),
        ("take", [Array(items), Number(count)]) => {
            Ok(items.iter().take(size(count)).cloned().collect())
        }
        ("coalesce", values) => Ok(values
            .iter()
            .find(|value| !value.is_null())
            .cloned()
            .unwrap_or_default()),
        ("items", [Object(members)]) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.to_lowercase());
            let members = members.into_iter();
            Ok(members
                .map(|(name, value)| json!({ "key": name, "value": value }))
                .collect())
        }
        ("null", []) => Ok(Value::Null),
        _ => return None,
    })
}

fn object(members: &[Value]) -> Result<Value, String> {
    let (pairs, rest) = members.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("the last name has no value".to_owned());
    }
    pairs
        .iter()
        .map(|[name, value]| match name {
            Value::String(name) => Ok((name.clone(), value.clone())),
            other => Err(format!("{other} is no name")),
        })
        .collect::<Result<Map<_, _>, _>>()
        .map(Value::Object)
}

/// A member by its name, whatever its case.
pub(super) fn find<'a>(
    members: &'a Map<String, Value>,
    name: &str,
) -> Option<(&'a String, &'a Value)> {
    let same = |(found, _): &(&String, &Value)| found.to_lowercase() == name.to_lowercase();
    members
        .get_key_value(name)
        .or_else(|| members.iter().find(same))
}

/// Later members win, with their spelling; objects inside objects are merged.
fn merge(all: &mut Map<String, Value>, other: &Map<String, Value>) {
    for (name, value) in other {
        let old = find(all, name).map(|(old, _)| old.clone());
        let old = old.and_then(|old| all.remove(&old));
        let merged = match (old, value) {
            (Some(Value::Object(mut old)), Value::Object(new)) => {
                merge(&mut old, new);
                Value::Object(old)
            }
            _ => value.clone(),
        };
        all.insert(name.clone(), merged);
    }
}

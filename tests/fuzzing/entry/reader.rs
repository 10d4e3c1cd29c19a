//! What serde finds in a text.

use std::collections::BTreeMap;

use mimecast_ttp::model::feed::Feed;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The records that a reader of the whole text finds for `feed`.
pub(super) fn listed(feed: Feed, text: &str) -> Option<Vec<&str>> {
    let list = match feed {
        Feed::Url => "clickLogs",
        Feed::Attachment => "attachmentLogs",
        Feed::Impersonation => "impersonationLogs",
    };
    let mut records = Vec::new();
    for item in elements(only(text, "data")?)? {
        for record in elements(only(item, list)?)? {
            members(record)?;
            records.push(record);
        }
    }
    Some(records)
}

/// `text` without the white space around it, if it is JSON.
pub(super) fn json(text: &str) -> Option<&str> {
    serde_json::from_str(text).ok().map(RawValue::get)
}

pub(super) fn elements(array: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// The members of an object as they are written, duplicates included.
pub(super) fn members(object: &str) -> Option<Vec<(&str, &str)>> {
    serde_json::from_str(object)
        .ok()
        .map(|Members(members)| members)
}

/// The members by what their names say; the last of a name counts.
pub(super) fn by_name(object: &str) -> Option<BTreeMap<String, &str>> {
    members(object)?
        .into_iter()
        .map(|(name, value)| Some((serde_json::from_str(name).ok()?, value)))
        .collect()
}

/// The value of the only member that has this name.
pub(super) fn only<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut found = members(object)?
        .into_iter()
        .filter(|(key, _)| serde_json::from_str::<String>(key).is_ok_and(|key| key == name));
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

struct Members<'a>(Vec<(&'a str, &'a str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;

        impl<'de> Visitor<'de> for Walk {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<&RawValue>()? {
                    let value = map.next_value::<&RawValue>()?;
                    if !key.get().starts_with('"') {
                        return Err(A::Error::custom("a name is no string"));
                    }
                    members.push((key.get(), value.get()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Walk)
    }
}

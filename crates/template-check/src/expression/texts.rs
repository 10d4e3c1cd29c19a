//! Functions on texts.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use url::Url;

use super::size;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    use Value::{Array, Number, String as Text};
    Some(match (name, arguments) {
        ("concat", [Array(_), ..] | []) => return None,
        ("concat", parts) => parts
            .iter()
            .map(plain)
            .collect::<Result<String, _>>()
            .map(Text),
        ("format", [Text(pattern), values @ ..]) => format(pattern, values),
        ("toLower", [Text(text)]) => Ok(text.to_lowercase().into()),
        ("toUpper", [Text(text)]) => Ok(text.to_uppercase().into()),
        // These two and no others do not mind case.
        ("startsWith", [Text(text), Text(with)]) => {
            Ok(text.to_lowercase().starts_with(&with.to_lowercase()).into())
        }
        ("endsWith", [Text(text), Text(with)]) => {
            Ok(text.to_lowercase().ends_with(&with.to_lowercase()).into())
        }
        ("contains", [Text(text), Text(part)]) => Ok(text.contains(part.as_str()).into()),
        ("replace", [Text(text), Text(old), Text(new)]) => {
            Ok(text.replace(old.as_str(), new).into())
        }
        ("split", [Text(text), Text(by)]) => Ok(text.split(by.as_str()).map(Value::from).collect()),
        ("join", [Array(items), Text(by)]) => items
            .iter()
            .map(plain)
            .collect::<Result<Vec<_>, _>>()
            .map(|items| items.join(by).into()),
        ("substring", [Text(text), Number(from)]) => substring(text, size(from), None),
        ("substring", [Text(text), Number(from), Number(length)]) => {
            substring(text, size(from), Some(size(length)))
        }
        ("take", [Text(text), Number(count)]) => Ok(part(text, 0, size(count).min(length(text)))),
        ("length", [Text(text)]) => Ok(length(text).into()),
        ("first", [Text(text)]) => Ok(part(text, 0, length(text).min(1))),
        ("last", [Text(text)]) => {
            let length = length(text);
            Ok(part(text, length.saturating_sub(1), length))
        }
        ("empty", [Text(text)]) => Ok(text.is_empty().into()),
        ("string", [value]) => plain(value).or_else(|_| Ok(value.to_string())).map(Text),
        ("json", [Text(text)]) => serde_json::from_str(text).map_err(|error| error.to_string()),
        ("base64", [Text(text)]) => Ok(STANDARD.encode(text).into()),
        ("uri", [Text(base), Text(relative)]) => Url::parse(base)
            .and_then(|base| base.join(relative))
            .map(|url| url.as_str().into())
            .map_err(|error| format!("{base} and {relative}: {error}")),
        ("uriComponent", [Text(text)]) => Ok(percent_encoded(text).into()),
        _ => return None,
    })
}

/// A value inside a text.
fn plain(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        // As the service writes it.
        Value::Bool(value) => Ok(if *value { "True" } else { "False" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(format!("{value} is no text")),
    }
}

fn format(pattern: &str, values: &[Value]) -> Result<Value, String> {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            text.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            text.push('}');
            rest = after;
        } else {
            let place = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let (index, after) = place.ok_or_else(|| format!("`{pattern}` has a stray brace"))?;
            let value = index
                .parse()
                .ok()
                .and_then(|index: usize| values.get(index));
            let value = value.ok_or_else(|| format!("`{pattern}` has no value for {{{index}}}"))?;
            text.push_str(&plain(value)?);
            rest = after;
        }
    }
    text.push_str(rest);
    Ok(text.into())
}

/// The length of a text as the engine counts it: in units of UTF-16, as in .NET.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The units from one to before another.
fn part(text: &str, from: usize, until: usize) -> Value {
    let units: Vec<u16> = text.encode_utf16().skip(from).take(until - from).collect();
    String::from_utf16_lossy(&units).into()
}

/// All of the rest where no length is given.
fn substring(text: &str, from: usize, length: Option<usize>) -> Result<Value, String> {
    let until = length.map_or(self::length(text), |length| from + length);
    if from <= until && until <= self::length(text) {
        Ok(part(text, from, until))
    } else {
        Err(format!("`{text}` has no such part"))
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

//! What the host's files have in common: names without case, `%NAME%`, durations, overrides.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

/// Settings with this prefix override members of `host.json`.
const OVERRIDE_PREFIX: &str = "AzureFunctionsJobHost__";

/// The member of an object, whatever its case: the host reads its files through .NET
/// configuration, which does not tell cases apart.
pub(super) fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object
        .as_object()?
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

/// A truth value that is written as one or as text, as an override is.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// The setting `name`; its own case first, any other after that.
pub(super) fn setting<'a>(settings: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    let any_case = || {
        settings
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    settings.get(name).or_else(any_case).map(String::as_str)
}

/// Replaces each `%NAME%` by what `resolve` says. A lone percent sign stays.
pub(super) fn substitute<E>(
    text: &str,
    mut resolve: impl FnMut(&str) -> Result<String, E>,
) -> Result<String, E> {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        let Some((name, tail)) = after.split_once('%') else {
            break;
        };
        done.push_str(before);
        done.push_str(&resolve(name)?);
        rest = tail;
    }
    done.push_str(rest);
    Ok(done)
}

/// Applies the settings named `AzureFunctionsJobHost__a__b` to the content of `host.json`.
pub(super) fn apply_overrides(host_json: &mut Value, settings: &BTreeMap<String, String>) {
    for (name, value) in settings {
        let Some((prefix, path)) = name.split_at_checked(OVERRIDE_PREFIX.len()) else {
            continue;
        };
        if prefix.eq_ignore_ascii_case(OVERRIDE_PREFIX) {
            let path: Vec<&str> = path.split("__").collect();
            set(host_json, &path, value);
        }
    }
}

fn set(object: &mut Value, path: &[&str], text: &str) {
    let Some((name, rest)) = path.split_first() else {
        *object = Value::String(text.to_owned());
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Some(members) = object.as_object_mut() else {
        return;
    };
    let known = members
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned();
    let member = members
        .entry(known.unwrap_or_else(|| (*name).to_owned()))
        .or_insert(Value::Null);
    set(member, rest, text);
}

/// A .NET time span: `hh:mm`, `hh:mm:ss` or `d.hh:mm:ss`, the seconds with a fraction if need be.
pub(super) fn time_span(text: &str) -> Option<Duration> {
    let mut parts = text.split(':');
    let (first, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = first.split_once('.').unwrap_or(("0", first));
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let (days, hours) = (number(days)?, number(hours)?);
    let (minutes, whole) = (number(minutes)?, number(whole)?);
    if days > 10_675_199 || hours > 23 || minutes > 59 || whole > 59 || fraction.len() > 7 {
        return None;
    }
    let hundred_nanos = number(&format!("{fraction:0<7}"))?;
    let whole = ((days * 24 + hours) * 60 + minutes) * 60 + whole;
    Some(Duration::from_secs(whole) + Duration::from_nanos(hundred_nanos * 100))
}

fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(())?;
    text.parse().ok()
}

/// A time span as .NET prints it.
pub(super) fn print_time_span(span: Duration) -> String {
    let seconds = span.as_secs();
    let days = match seconds / 86_400 {
        0 => String::new(),
        days => format!("{days}."),
    };
    let fraction = match span.subsec_nanos() / 100 {
        0 => String::new(),
        hundred_nanos => format!(".{hundred_nanos:07}"),
    };
    format!(
        "{days}{:02}:{:02}:{:02}{fraction}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_between_percent_signs_are_replaced_and_a_lone_sign_stays() {
        let known = |name: &str| match name {
            "A" => Ok("1".to_owned()),
            _ => Err(name.to_owned()),
        };
        assert_eq!(substitute("x%A%y%A%", known), Ok("x1y1".to_owned()));
        assert_eq!(substitute("100%", known), Ok("100%".to_owned()));
        assert_eq!(substitute("%B%", known), Err("B".to_owned()));
    }

    #[test]
    fn time_spans_are_read_and_printed_as_in_dotnet() {
        let cases = [
            ("00:05:00", 300_000, "00:05:00"),
            ("1.02:03:04", 93_784_000, "1.02:03:04"),
            ("00:00:00.25", 250, "00:00:00.2500000"),
            ("10:30", 37_800_000, "10:30:00"),
        ];
        for (text, millis, printed) in cases {
            let span = time_span(text).unwrap();
            assert_eq!(span, Duration::from_millis(millis), "{text}");
            assert_eq!(print_time_span(span), printed, "{text}");
        }
        for text in [
            "",
            "5",
            "24:00:00",
            "00:60:00",
            "-1",
            "00:00:00:00",
            "+1:00:00",
            "0 * * * *",
        ] {
            assert_eq!(time_span(text), None, "{text}");
        }
    }

    #[test]
    fn a_setting_overrides_host_json_in_any_case() {
        let mut host_json = json!({"version": "2.0", "functionTimeout": "00:05:00"});
        let settings = [
            ("AzureFunctionsJobHost__FunctionTimeout", "00:00:09"),
            (
                "azurefunctionsjobhost__customHandler__description__defaultExecutablePath",
                "x",
            ),
            ("Other", "y"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        apply_overrides(&mut host_json, &BTreeMap::from(settings));
        assert_eq!(
            host_json,
            json!({
                "version": "2.0",
                "functionTimeout": "00:00:09",
                "customHandler": {"description": {"defaultExecutablePath": "x"}}
            })
        );
    }
}

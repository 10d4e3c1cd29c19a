//! How a line is written: for reading, or as JSON.

use serde::{Serialize, Serializer, ser::SerializeMap};
use tracing::{Level, Metadata};

use super::fields::{Fields, Value};
use crate::model::visible::escape_hidden;

/// What a line of JSON says of every event, so that no field may.
const RESERVED: [&str; 3] = ["level", "message", "target"];

/// A line: an event, followed by its fields and those of the spans around it.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) level: Level,
    pub(super) target: &'a str,
    pub(super) fields: Fields,
}

impl<'a> Line<'a> {
    pub(super) fn new(metadata: &Metadata<'a>, fields: Fields) -> Self {
        Self {
            level: *metadata.level(),
            target: metadata.target(),
            fields,
        }
    }

    /// `LEVEL message name=value`, without a line break.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{} {}", self.level, one_line(&self.fields.message));
        for (name, value) in &self.fields.values {
            let value = match value {
                Value::Bool(value) => value.to_string(),
                Value::Signed(value) => value.to_string(),
                Value::Unsigned(value) => value.to_string(),
                Value::Float(value) => value.to_string(),
                Value::Text(value) => quoted(&one_line(value)),
            };
            text.extend([" ", name, "=", &value]);
        }
        text
    }

    /// One JSON object: level, message, the fields, target.
    pub(super) fn json(&self) -> String {
        // Texts and numbers under names that are texts are always JSON.
        let json = serde_json::to_string(self).unwrap_or_else(|_| self.text());
        escape_hidden(&json).into_owned()
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("level", self.level.as_str())?;
        map.serialize_entry("message", &self.fields.message)?;
        for (name, value) in &self.fields.values {
            if !RESERVED.contains(name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.serialize_entry("target", self.target)?;
        map.end()
    }
}

/// One physical line is one log record for the host. Other control characters are shown, not sent: a
/// terminal would obey them.
fn one_line(text: &str) -> String {
    let joined = text
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" | ")
        .replace('\t', " ");
    escape_hidden(&joined).into_owned()
}

/// A value as it is where it ends at the next blank; in quotes otherwise.
fn quoted(value: &str) -> String {
    let is_plain = |character: char| !character.is_whitespace() && !"\"=".contains(character);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', r"\\").replace('"', r#"\""#))
}

/// Keeps an error an error: a quoted answer may contain "warn" (a click's action, for one), which
/// would make the host call the line a warning.
pub(super) fn keep_error(text: &str) -> String {
    without_warn(text, |r| ['-', r].iter().collect())
}

/// The same for a line of JSON, which means what it meant: a letter is spelled as an escape.
pub(super) fn keep_json_error(json: &str) -> String {
    without_warn(json, |r| format!("\\u{:04x}", u32::from(r)))
}

/// The text with something else for the `r` of each "warn".
fn without_warn(text: &str, r: impl Fn(char) -> String) -> String {
    let lower = text.to_ascii_lowercase();
    let hidden: Vec<_> = lower.match_indices("warn").map(|(at, _)| at + 2).collect();
    let mut kept = String::with_capacity(text.len() + hidden.len());
    for (at, character) in text.char_indices() {
        if hidden.binary_search(&at).is_ok() {
            kept.push_str(&r(character));
        } else {
            kept.push(character);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, values: &[(&'static str, Value)]) -> Line<'static> {
        Line {
            level: Level::ERROR,
            target: "mimecast_ttp::ingest",
            fields: Fields {
                message: message.to_owned(),
                values: values.to_vec(),
            },
        }
    }

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    #[test]
    fn an_event_is_one_line() {
        assert_eq!(
            one_line("ERROR two\n  lines\r\nthree"),
            "ERROR two | lines | three"
        );
        let hostile = "a\u{1b}[2Jb\tc\u{0}\u{85}d\nINFO e";
        let line = line(hostile, &[("reason", text(hostile))]);
        assert_eq!(
            line.text(),
            r#"ERROR a\u001b[2Jb c\u0000\u0085d | INFO e reason="a\\u001b[2Jb c\\u0000\\u0085d | INFO e""#
        );
        assert_eq!(line.json().lines().count(), 1);
        let read: serde_json::Value = serde_json::from_str(&line.json()).unwrap();
        assert_eq!(read["reason"], hostile);
    }

    #[test]
    fn values_that_hold_blanks_are_quoted() {
        let values = [
            ("feed", text("url")),
            ("delivered", Value::Unsigned(42)),
            ("lag_seconds", Value::Signed(-3)),
            ("duration_seconds", Value::Float(1.5)),
            ("known", Value::Bool(true)),
            ("reason", text(r#"two words, "one" of them \quoted"#)),
            ("empty", text("")),
            ("forged", text("a=b")),
        ];
        let line = line("It failed.", &values);
        assert_eq!(
            line.text(),
            r#"ERROR It failed. feed=url delivered=42 lag_seconds=-3 duration_seconds=1.5 known=true reason="two words, \"one\" of them \\quoted" empty="" forged="a=b""#
        );
        assert_eq!(
            line.json(),
            r#"{"level":"ERROR","message":"It failed.","feed":"url","delivered":42,"lag_seconds":-3,"duration_seconds":1.5,"known":true,"reason":"two words, \"one\" of them \\quoted","empty":"","forged":"a=b","target":"mimecast_ttp::ingest"}"#
        );
    }

    #[test]
    fn a_field_cannot_pass_for_the_level() {
        let line = line("It failed.", &[("level", text("INFO"))]);
        assert_eq!(
            line.json(),
            r#"{"level":"ERROR","message":"It failed.","target":"mimecast_ttp::ingest"}"#
        );
    }

    #[test]
    fn an_error_that_quotes_a_warning_stays_an_error() {
        let kept = keep_error("ERROR began `{\"action\":\"warn\"}` Warning é");
        assert!(!kept.to_ascii_lowercase().contains("warn"), "{kept}");
        assert_eq!(kept, "ERROR began `{\"action\":\"wa-rn\"}` Wa-rning é");
        assert_eq!(keep_error("ERROR plain"), "ERROR plain");
    }

    #[test]
    fn json_that_quotes_a_warning_stays_an_error_and_means_the_same() {
        let reason = "began `{\"action\":\"warn\"}` WARNING \\warn\r\nwarn é";
        let kept = keep_json_error(&line("It failed.", &[("reason", text(reason))]).json());
        assert!(!kept.to_ascii_lowercase().contains("warn"), "{kept}");
        let read: serde_json::Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(read["reason"], reason);
    }
}

//! The text of an answer, with what is not valid in it replaced where that is clear.

use std::fmt::{self, Write};

use serde::{
    Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use crate::model::record::has_control_characters;

/// Replacing characters makes a text longer. One that grows beyond this is not a page.
const MAX_TEXT_BYTES: usize = 10 * 1024 * 1024;

/// How many names of members a description lists.
const MAX_NAMES: usize = 8;

/// No member of an answer has a longer name.
const MAX_NAME_LENGTH: usize = 40;

/// The text of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BodyText {
    pub(super) text: String,
    /// How many characters were replaced.
    pub(super) repaired: u64,
}

impl BodyText {
    /// Reads a body. Bytes that are not UTF-8 would stop the feed for ever: they become the replacement
    /// character, as in every reader of the row. `None` for what is not text at all.
    pub(super) fn read(body: Vec<u8>) -> Option<Self> {
        let mut repaired = 0;
        let mut text = match String::from_utf8(body) {
            Ok(text) => text,
            Err(error) => {
                let body = error.into_bytes();
                let mut text = String::with_capacity(body.len());
                for chunk in body.utf8_chunks() {
                    text.push_str(chunk.valid());
                    if !chunk.invalid().is_empty() {
                        text.push(char::REPLACEMENT_CHARACTER);
                        repaired += 1;
                    }
                    if text.len() > MAX_TEXT_BYTES {
                        return None;
                    }
                }
                text
            }
        };
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Some(Self { text, repaired })
    }

    /// The text with the control characters inside its strings escaped. JSON does not allow them there,
    /// but services have sent them. `None` where there are none.
    pub(super) fn with_controls_escaped(&self) -> Option<Self> {
        if !has_control_characters(self.text.as_bytes()) {
            return None;
        }
        let mut text = String::with_capacity(self.text.len() + 64);
        let mut repaired = self.repaired;
        let (mut in_string, mut after_backslash) = (false, false);
        for character in self.text.chars() {
            if in_string && character < ' ' {
                if after_backslash {
                    text.push('\\');
                }
                push_escape(&mut text, character);
                repaired += 1;
                after_backslash = false;
                if text.len() > MAX_TEXT_BYTES {
                    return None;
                }
                continue;
            }
            if character == '"' && !after_backslash {
                in_string = !in_string;
            }
            after_backslash = in_string && character == '\\' && !after_backslash;
            text.push(character);
        }
        (repaired > self.repaired).then_some(Self { text, repaired })
    }
}

fn push_escape(text: &mut String, character: char) {
    match character {
        '\t' => text.push_str("\\t"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        other => {
            // Writing to a string does not fail.
            let _written = write!(text, "\\u{:04x}", u32::from(other));
        }
    }
}

/// What kind of text an answer is, without its content: that may hold mail addresses or the tokens in
/// links.
pub(super) fn describe(text: &[u8]) -> String {
    let length = text.len();
    match text.trim_ascii_start().first() {
        None => "empty".to_owned(),
        Some(b'<') => format!("HTML or XML of {length} bytes"),
        Some(b'[') => format!("a JSON array of {length} bytes"),
        Some(b'{') => match member_names(text) {
            Some(names) if names.is_empty() => format!("a JSON object of {length} bytes"),
            Some(names) => format!("a JSON object of {length} bytes with {}", names.join(", ")),
            None => format!("the beginning of a JSON object, {length} bytes long"),
        },
        Some(_) => format!("text of {length} bytes"),
    }
}

fn member_names(text: &[u8]) -> Option<Vec<String>> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let names = deserializer.deserialize_map(Names).ok()?;
    deserializer.end().ok()?;
    Some(names)
}

/// Collects the first names of an object's members that look like names.
struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let is_name = name.len() <= MAX_NAME_LENGTH
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if is_name && names.len() < MAX_NAMES {
                names.push(format!("`{name}`"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> Option<(String, u64)> {
        let text = BodyText {
            text: text.to_owned(),
            repaired: 0,
        };
        let escaped = text.with_controls_escaped()?;
        Some((escaped.text, escaped.repaired))
    }

    #[test]
    fn control_characters_inside_strings_become_their_escapes() {
        for (text, expected, count) in [
            ("{\"a\":\"x\ty\"}", r#"{"a":"x\ty"}"#, 1),
            ("{\"a\":\"\r\n\u{1}\"}", r#"{"a":"\r\n\u0001"}"#, 3),
            // Those between tokens stay.
            ("{\n\t\"a\":\t\"\t\"\n}", "{\n\t\"a\":\t\"\\t\"\n}", 1),
            // A quote or a backslash that is escaped does not end the string.
            ("{\"a\":\"\\\"\t\\\\\"}", r#"{"a":"\"\t\\"}"#, 1),
            // A backslash before one stands for itself.
            ("{\"a\":\"\\\t\"}", r#"{"a":"\\\t"}"#, 1),
        ] {
            assert_eq!(
                escaped(text),
                Some((expected.to_owned(), count)),
                "{text:?}"
            );
            let _value: serde_json::Value = serde_json::from_str(expected).unwrap();
        }
        assert_eq!(escaped("{\n\"a\": 1\n}"), None);
    }

    #[test]
    fn a_description_holds_nothing_of_the_content() {
        for (text, expected) in [
            ("", "empty"),
            ("<html>secret", "HTML or XML of 12 bytes"),
            ("[1]", "a JSON array of 3 bytes"),
            ("secret", "text of 6 bytes"),
            (
                r#"{"meta":{},"a@example.com":1,"data":"x"}"#,
                "a JSON object of 40 bytes with `meta`, `data`",
            ),
            ("{", "the beginning of a JSON object, 1 bytes long"),
            ("{}", "a JSON object of 2 bytes"),
        ] {
            assert_eq!(describe(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_body_that_is_no_text_is_refused_before_it_grows() {
        assert!(BodyText::read(vec![0xff; 16 * 1024 * 1024]).is_none());
        let few = BodyText::read(b"caf\xe9 \xff".to_vec()).unwrap();
        assert_eq!(
            (few.text.as_str(), few.repaired),
            ("caf\u{fffd} \u{fffd}", 2)
        );
    }
}

//! JSON as a vendor writes it: the same value in several spellings.

use std::borrow::Cow;

use super::dice::Dice;

/// The members of an object, in the order in which they are written.
pub(super) type Members = Vec<(&'static str, Json)>;

/// A JSON value that keeps the order of its members.
#[derive(Debug, Clone)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(u64),
    Text(Cow<'static, str>),
    List(Vec<Json>),
    Object(Members),
}

impl From<&'static str> for Json {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(list: Vec<T>) -> Self {
        Self::List(list.into_iter().map(Into::into).collect())
    }
}

/// How strings are written; all spellings denote the same text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spelling {
    /// `\/` for `/`, as Mimecast sometimes writes it.
    slashes: bool,
    escapes: Escapes,
}

#[derive(Debug, Clone, Copy)]
enum Escapes {
    /// Only what JSON requires.
    Few,
    /// Also what needs a surrogate pair.
    Pairs,
    /// Everything outside ASCII.
    All,
}

impl Spelling {
    /// Mostly plain, sometimes with escapes.
    pub(super) fn roll(dice: &mut Dice) -> Self {
        Self {
            slashes: dice.per_mille(350),
            escapes: match dice.below(10) {
                0..=5 => Escapes::Few,
                6..=7 => Escapes::Pairs,
                _ => Escapes::All,
            },
        }
    }
}

/// The members in one of a few fixed orders.
pub(super) fn arrange(members: &mut Members, dice: &mut Dice) {
    match dice.below(10) {
        0..=5 => {}
        6 => members.reverse(),
        7 => members.sort_unstable_by_key(|(name, _)| *name),
        place => {
            let start = members.len() / if place == 8 { 2 } else { 3 };
            members.rotate_left(start);
        }
    }
}

/// The text of an object, without any white space between the tokens.
pub(super) fn text(members: &Members, spelling: Spelling) -> String {
    let mut out = String::with_capacity(1024);
    object(members, spelling, &mut out);
    out
}

fn object(members: &Members, spelling: Spelling, out: &mut String) {
    out.push('{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        string(name, spelling, out);
        out.push(':');
        write(value, spelling, out);
    }
    out.push('}');
}

fn write(json: &Json, spelling: Spelling, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => out.push_str(&number.to_string()),
        Json::Text(text) => string(text, spelling, out),
        Json::List(list) => {
            out.push('[');
            for (place, value) in list.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write(value, spelling, out);
            }
            out.push(']');
        }
        Json::Object(members) => object(members, spelling, out),
    }
}

fn string(text: &str, spelling: Spelling, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '/' if spelling.slashes => out.push_str("\\/"),
            _ if letter < ' ' || escaped(letter, spelling.escapes) => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    out.push_str("\\u");
                    for shift in [12, 8, 4, 0] {
                        let digit = char::from_digit(u32::from(*unit >> shift) & 15, 16);
                        out.push(digit.unwrap_or('0'));
                    }
                }
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}

fn escaped(letter: char, escapes: Escapes) -> bool {
    match escapes {
        Escapes::Few => false,
        Escapes::Pairs => letter.len_utf16() == 2,
        Escapes::All => !letter.is_ascii(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_denotes_the_same_value() {
        let members: Members = vec![
            ("a", "é / \"q\" \\ \u{1} \r\n\t 🔒 登录".into()),
            ("b", vec!["x/y"].into()),
            ("c", Json::Null),
            ("d", 3.into()),
            ("e", Json::Object(vec![("k:n", true.into())])),
            ("f", Json::List(Vec::new())),
        ];
        let meant = serde_json::json!({
            "a": "é / \"q\" \\ \u{1} \r\n\t 🔒 登录", "b": ["x/y"], "c": null, "d": 3,
            "e": {"k:n": true}, "f": []
        });
        let mut texts = std::collections::HashSet::new();
        for slashes in [false, true] {
            for escapes in [Escapes::Few, Escapes::Pairs, Escapes::All] {
                let text = text(&members, Spelling { slashes, escapes });
                let read: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(read, meant, "{text}");
                texts.insert(text);
            }
        }
        assert_eq!(texts.len(), 6);
        assert!(texts.iter().any(|text| text.contains("\\ud83d\\udd12")));
    }
}

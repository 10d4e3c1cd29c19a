//! Looking into JSON without rebuilding it: rows and members stay slices of the posted text.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer as _,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// A JSON string, borrowed where it holds no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Splits the text of an array into the exact texts of its elements. A lone object counts as an
/// array of one: older samples of Microsoft's post their single record that way.
pub(super) fn elements(text: &str) -> serde_json::Result<Vec<&RawValue>> {
    if text.trim_ascii_start().starts_with('{') {
        serde_json::from_str(text).map(|row| vec![row])
    } else {
        serde_json::from_str(text)
    }
}

/// Calls `each` with the name and the exact text of every member of the object `text`, in order.
/// Fails where `text` is not an object, a name is not Unicode, or `each` fails.
pub(super) fn members<'a, F>(text: &'a str, each: F) -> serde_json::Result<()>
where
    F: FnMut(Cow<'a, str>, &'a str) -> serde_json::Result<()>,
{
    serde_json::Deserializer::from_str(text).deserialize_map(Each(each))
}

struct Each<F>(F);

impl<'de, F> Visitor<'de> for Each<F>
where
    F: FnMut(Cow<'de, str>, &'de str) -> serde_json::Result<()>,
{
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            let value: &'de RawValue = map.next_value()?;
            (self.0)(name, value.get()).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// The value of the JSON string `text`, quotes included in the argument. A string that is valid
/// JSON but not Unicode, such as half a surrogate pair, keeps its escapes as they were written.
pub(super) fn string(text: &str) -> Cow<'_, str> {
    if let Ok(Text(value)) = serde_json::from_str(text) {
        return value;
    }
    let inner = text.strip_prefix('"').unwrap_or(text);
    Cow::Borrowed(inner.strip_suffix('"').unwrap_or(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_exact_text() {
        let text = " [ {\"b\" : 1.0,\"a\":\"\\u00fc\"} ,{ } ]\n";
        let rows: Vec<_> = elements(text)
            .unwrap()
            .iter()
            .map(|row| row.get())
            .collect();
        assert_eq!(rows, ["{\"b\" : 1.0,\"a\":\"\\u00fc\"}", "{ }"]);
        assert_eq!(elements("\n {\"a\":1}").unwrap()[0].get(), "{\"a\":1}");
        assert!(elements("[]").unwrap().is_empty());
    }

    #[test]
    fn json_is_read_strictly() {
        for text in [
            "",
            "null",
            "[1,]",
            "[{}] x",
            "[{'a':1}]",
            "[NaN]",
            "[{\"a\":01}]",
            "[{\"a\":\"\n\"}]",
            "{\"a\":1}{\"a\":2}",
            "[{\"a\":1}",
            "\u{feff}[]",
        ] {
            assert!(elements(text).is_err(), "{text}");
        }
    }

    #[test]
    fn members_come_in_their_order_with_their_text() {
        let mut seen = Vec::new();
        members(r#"{"z":{"q": [1] },"\u0061":"x"}"#, |name, value| {
            seen.push((name.into_owned(), value));
            Ok(())
        })
        .unwrap();
        assert_eq!(
            seen,
            [
                ("z".to_owned(), r#"{"q": [1] }"#),
                ("a".to_owned(), r#""x""#)
            ]
        );
        assert!(members("[1]", |_, _| Ok(())).is_err());
    }

    #[test]
    fn half_a_surrogate_pair_keeps_its_escape() {
        assert_eq!(string(r#""a\ud83d\udcce""#), "a\u{1f4ce}");
        assert_eq!(string(r#""a\ud83d""#), r"a\ud83d");
    }
}

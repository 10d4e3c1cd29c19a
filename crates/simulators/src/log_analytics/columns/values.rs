//! One value: the type it is taken for and the columns it fits into.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use crate::log_analytics::{json, times};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A double. Integers beyond 2^53 lose their last digits.
    Number,
    /// A point in time.
    Time,
    /// A GUID, stored as text.
    Guid,
}

impl Kind {
    /// What Microsoft documents as the end of the column's name.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Text => "_s",
            Self::Boolean => "_b",
            Self::Number => "_d",
            Self::Time => "_t",
            Self::Guid => "_g",
        }
    }
}

/// What becomes of a number or a boolean whose property has a text column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IntoText {
    /// It is written into that column as text: a value that can be converted is converted.
    #[default]
    Convert,
    /// It gets a column of its own, `name_d` or `name_b`. Microsoft's example of the rule shows it
    /// for a number; which of the two the service does today is unconfirmed.
    Split,
}

/// What a column holds for one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Text, a time in RFC 3339, or a dashed GUID.
    Text(Cow<'a, str>),
    /// A number, always finite.
    Number(f64),
    /// True or false.
    Boolean(bool),
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Number(number) => match whole(*number) {
                Some(number) => serializer.serialize_i64(number),
                None => serializer.serialize_f64(*number),
            },
        }
    }
}

/// The number as an integer, if it is one that a double holds exactly: queries show no `.0`.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// A value that takes one column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    String(Cow<'a, str>),
    /// A number as it was written.
    Number(&'a str),
    Boolean(bool),
    /// JSON text: an array, or an object nested too deep to be flattened.
    Json(&'a str),
}

impl<'a> Scalar<'a> {
    /// Reads the JSON text of a string, number, boolean or array; `None` for null.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        match text.as_bytes().first()? {
            b'"' => Some(Self::String(json::string(text))),
            b't' => Some(Self::Boolean(true)),
            b'f' => Some(Self::Boolean(false)),
            b'n' => None,
            b'[' | b'{' => Some(Self::Json(text)),
            _ => Some(Self::Number(text)),
        }
    }

    /// The type of the column that this value would make.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::String(text) if times::parse(text).is_some() => Kind::Time,
            Self::String(text) if guid(text).is_some() => Kind::Guid,
            Self::String(_) | Self::Json(_) => Kind::Text,
            Self::Number(_) => Kind::Number,
            Self::Boolean(_) => Kind::Boolean,
        }
    }

    /// The value converted for a column of type `kind`, or `None` where it cannot be. Microsoft
    /// documents by example that texts become numbers and booleans, and that a number does not become a
    /// boolean; the rest is unconfirmed.
    pub(super) fn fit(&self, kind: Kind, into_text: IntoText) -> Option<Cell<'a>> {
        let convert = into_text == IntoText::Convert;
        match (self, kind) {
            (Self::String(text), Kind::Text) => Some(Cell::Text(text.clone())),
            (Self::String(text), Kind::Time) => {
                times::parse(text).map(|time| Cell::Text(times::format(time).into()))
            }
            (Self::String(text), Kind::Guid) => guid(text).map(|guid| Cell::Text(guid.into())),
            (Self::String(text), Kind::Number) => number(text).map(Cell::Number),
            (Self::String(text), Kind::Boolean) => boolean(text).map(Cell::Boolean),
            (Self::Number(text), Kind::Number) => number(text).map(Cell::Number),
            (Self::Number(text), Kind::Text) if convert => Some(Cell::Text((*text).into())),
            (Self::Boolean(value), Kind::Boolean) => Some(Cell::Boolean(*value)),
            (Self::Boolean(value), Kind::Text) if convert => {
                Some(Cell::Text(if *value { "true" } else { "false" }.into()))
            }
            (Self::Json(text), Kind::Text) => Some(Cell::Text((*text).into())),
            (Self::Number(_) | Self::Boolean(_) | Self::Json(_), _) => None,
        }
    }
}

/// Reads a double; one beyond the range becomes the largest possible (unconfirmed).
fn number(text: &str) -> Option<f64> {
    // Rust also reads `inf` and `nan`, which are words here.
    let plain = text.bytes().all(|byte| b"+-.eE0123456789".contains(&byte));
    let number: f64 = plain.then(|| text.parse().ok())??;
    Some(number.clamp(f64::MIN, f64::MAX))
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A text that looks like a GUID, dashed or as 32 hex digits, in its dashed form. Lower case is
/// what .NET writes; whether the service does so is unconfirmed.
fn guid(text: &str) -> Option<String> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let dashed = match text.len() {
        32 => false,
        36 => true,
        _ => return None,
    };
    let looks = text.bytes().enumerate().all(|(place, byte)| {
        if dashed && DASHES.contains(&place) {
            byte == b'-'
        } else {
            byte.is_ascii_hexdigit()
        }
    });
    if !looks {
        return None;
    }
    let mut guid = text.to_ascii_lowercase();
    if !dashed {
        for place in DASHES {
            guid.insert(place, '-');
        }
    }
    Some(guid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    #[test]
    fn the_type_is_inferred_from_the_value() {
        for (text, kind) in [
            ("\"x\"", Kind::Text),
            ("\"5\"", Kind::Text),
            ("\"\"", Kind::Text),
            ("true", Kind::Boolean),
            ("-1.5e3", Kind::Number),
            ("\"2026-01-05T09:07:03+0000\"", Kind::Time),
            ("\"Mon, 05 Jan 2026 09:07:03 GMT\"", Kind::Text),
            ("\"0f8fad5b-d9cb-469f-a165-70867728950e\"", Kind::Guid),
            ("\"0F8FAD5BD9CB469FA16570867728950E\"", Kind::Guid),
            ("\"g_0f8fad5bd9cb469fa16570867728950\"", Kind::Text),
            ("\"0f8fad5b-d9cb-469f-a165_70867728950e\"", Kind::Text),
            ("[1]", Kind::Text),
        ] {
            assert_eq!(Scalar::read(text).unwrap().kind(), kind, "{text}");
        }
        assert_eq!(Scalar::read("null"), None);
    }

    #[test]
    fn a_guid_gets_its_dashes_back() {
        assert_eq!(guid("0F8FAD5BD9CB469FA16570867728950E").unwrap(), GUID);
        assert_eq!(guid(GUID).unwrap(), GUID);
    }

    #[test]
    fn a_value_goes_into_the_columns_it_can_be_converted_for() {
        let text = |text: &'static str| Some(Cell::Text(text.into()));
        for (value, kind, cell) in [
            ("\"5.5\"", Kind::Number, Some(Cell::Number(5.5))),
            ("\"five\"", Kind::Number, None),
            ("\"inf\"", Kind::Number, None),
            ("\"True\"", Kind::Boolean, Some(Cell::Boolean(true))),
            ("\"yes\"", Kind::Boolean, None),
            ("\"soon\"", Kind::Time, None),
            ("\"x\"", Kind::Guid, None),
            (
                "\"2026-01-05T09:07:03Z\"",
                Kind::Text,
                text("2026-01-05T09:07:03Z"),
            ),
            ("5.0", Kind::Text, text("5.0")),
            ("5", Kind::Boolean, None),
            ("5", Kind::Time, None),
            ("1e999", Kind::Number, Some(Cell::Number(f64::MAX))),
            ("false", Kind::Text, text("false")),
            ("false", Kind::Number, None),
            ("[1, 2]", Kind::Text, text("[1, 2]")),
            ("[1, 2]", Kind::Number, None),
        ] {
            let fit = Scalar::read(value).unwrap().fit(kind, IntoText::Convert);
            assert_eq!(fit, cell, "{value} into {kind:?}");
        }
        for value in ["5", "true"] {
            let fit = Scalar::read(value)
                .unwrap()
                .fit(Kind::Text, IntoText::Split);
            assert_eq!(fit, None);
        }
    }

    #[test]
    fn numbers_are_shown_without_a_needless_fraction() {
        for (number, shown) in [
            (2.0, "2"),
            (-0.5, "-0.5"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (0.1, "0.1"),
        ] {
            let json = serde_json::to_string(&Cell::Number(number)).unwrap();
            assert_eq!(json, shown);
        }
    }
}

//! Values of a row on their way through a rule.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use crate::log_analytics::{Cell, columns, times};

/// The most bytes of a text that are kept: the documented 64 KB, the rest cut off without a word. That
/// UTF-8 bytes are counted is unconfirmed.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The types of columns and expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Int,
    Long,
    Real,
    Boolean,
    Dynamic,
    DateTime,
    /// Only in tables.
    Guid,
    /// Only within a transform.
    TimeSpan,
}

impl Type {
    /// By its name in a stream.
    pub(super) fn in_stream(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "int" => Self::Int,
            "long" => Self::Long,
            "real" => Self::Real,
            "boolean" => Self::Boolean,
            "dynamic" => Self::Dynamic,
            "datetime" => Self::DateTime,
            _ => return None,
        })
    }

    /// By its name in a table.
    pub(super) fn in_table(name: &str) -> Option<Self> {
        match name {
            "dateTime" => Some(Self::DateTime),
            "guid" => Some(Self::Guid),
            other => Self::in_stream(other),
        }
    }

    /// The value of a member as the stream has it; null where it does not convert.
    pub(super) fn read(self, json: Json) -> Value {
        match (self, json) {
            // A text is never null in that language.
            (Self::String, json) => Value::Text(text(json)),
            (_, Json::Null) | (Self::Guid | Self::TimeSpan, _) => Value::Null,
            (Self::Dynamic, json) => Value::Dynamic(json),
            (Self::Int, json) => json
                .as_i64()
                .filter(|number| i32::try_from(*number).is_ok())
                .map_or(Value::Null, Value::Long),
            (Self::Long, json) => json.as_i64().map_or(Value::Null, Value::Long),
            (Self::Real, json) => json.as_f64().map_or(Value::Null, Value::Real),
            (Self::Boolean, json) => json.as_bool().map_or(Value::Null, Value::Boolean),
            (Self::DateTime, json) => json
                .as_str()
                .and_then(times::parse)
                .map_or(Value::Null, Value::Time),
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Text(String),
    Long(i64),
    Real(f64),
    Boolean(bool),
    Time(DateTime<Utc>),
    Dynamic(Json),
}

impl Value {
    /// `tostring()`: null becomes an empty text.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text,
            Self::Long(number) => number.to_string(),
            Self::Real(number) => Json::from(number).to_string(),
            Self::Boolean(flag) => flag.to_string(),
            Self::Time(time) => times::format(time),
            Self::Dynamic(json) => text(json),
        }
    }

    /// What the table shows; nothing for a null.
    pub(super) fn into_cell(self) -> Option<Cell<'static>> {
        Some(match self {
            Self::Null => return None,
            #[expect(clippy::cast_precision_loss, reason = "columns hold doubles here")]
            Self::Long(number) => Cell::Number(number as f64),
            Self::Real(number) => Cell::Number(number),
            Self::Boolean(flag) => Cell::Boolean(flag),
            other => Cell::Text(columns::prefix(
                Cow::Owned(other.into_text()),
                MAX_TEXT_BYTES,
            )),
        })
    }
}

/// A text unchanged, anything else as compact JSON.
fn text(json: Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    }
}

//! Spans of time in analytics rules.

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, de::Error as _};

/// A number of minutes, hours or days, written `5m`, `1h` or `14d`: the only form that the Sentinel repository takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    number: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minutes,
    Hours,
    Days,
}

impl Span {
    /// The span that a text writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, letter) = text.char_indices().next_back()?;
        let unit = match letter {
            'm' => Unit::Minutes,
            'h' => Unit::Hours,
            'd' => Unit::Days,
            _ => return None,
        };
        let digits = text.get(..at)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|number| plain && *number > 0)?;
        Some(Self { number, unit })
    }

    /// The same as a length of time.
    #[must_use]
    pub fn length(self) -> TimeDelta {
        let number = i64::from(self.number);
        match self.unit {
            Unit::Minutes => TimeDelta::minutes(number),
            Unit::Hours => TimeDelta::hours(number),
            Unit::Days => TimeDelta::days(number),
        }
    }

    /// The same in ISO 8601, as the resource of a rule wants it.
    #[must_use]
    pub fn iso(self) -> String {
        let number = self.number;
        match self.unit {
            Unit::Minutes => format!("PT{number}M"),
            Unit::Hours => format!("PT{number}H"),
            Unit::Days => format!("P{number}D"),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Minutes => 'm',
            Unit::Hours => 'h',
            Unit::Days => 'd',
        };
        write!(to, "{}{unit}", self.number)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is no span: write a number and m, h or d, such as 5m"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_and_written() {
        for (text, minutes, iso) in [
            ("5m", 5, "PT5M"),
            ("14h", 840, "PT14H"),
            ("3d", 4320, "P3D"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.length().num_minutes(), minutes, "{text}");
            assert_eq!(span.iso(), iso);
            assert_eq!(span.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_no_span() {
        for text in [
            "", "m", "5", "0m", "-5m", "+5m", "1d12h", "5 m", "5s", "PT5M", "5ä",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}

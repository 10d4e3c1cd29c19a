//! How long a token lives, by the answer that holds it.
//!
//! OAuth 2.0 (RFC 6749, 5.1) says seconds, as a number, and lets `expires_in` be left out. Token services
//! also write it as a text or with a fraction; the managed identity endpoint writes `expires_on`, the
//! seconds since 1970, as a text. Whatever it says, no sum of it with a time overflows.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

/// What claims to live longer is asked for again after a day. No service is known whose tokens do.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(86_400);

/// A token that does not say how long it lives is asked for again after five minutes. Tokens of Mimecast
/// live for half an hour, those of Azure for an hour at least, and twelve requests an hour are no burden.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(300);

/// A shorter life ends before the token can be used.
const SHORTEST_SECONDS: f64 = 1.0;

/// As much of a strange value as a message shows.
const SHOWN_CHARACTERS: usize = 40;

/// Why a token cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    /// Its life is no number.
    #[error("{member} should be a number of seconds and is {shown}")]
    NoNumber {
        /// The member of the answer.
        member: &'static str,
        /// The beginning of its value.
        shown: String,
    },
    /// Its life is over.
    #[error("{member} is {shown}, so that the token has expired already")]
    Expired {
        /// The member of the answer.
        member: &'static str,
        /// The beginning of its value.
        shown: String,
    },
}

/// How long a token lives from `now` on: by `expires_in`, or else by `expires_on`, each the JSON text of
/// the member. They are texts since a number such as `1e400` is no JSON value to serde.
#[expect(clippy::similar_names, reason = "the members' own names")]
pub fn lifetime(
    expires_in: Option<&RawValue>,
    expires_on: Option<&RawValue>,
    now: DateTime<Utc>,
) -> Result<Duration, LifetimeError> {
    #[expect(clippy::cast_precision_loss, reason = "seconds fit a double")]
    let now = now.timestamp() as f64;
    let (member, value, begins) = match (expires_in, expires_on) {
        (Some(value), _) => ("expires_in", value, 0.0),
        (None, Some(value)) => ("expires_on", value, now),
        (None, None) => return Ok(DEFAULT_LIFETIME),
    };
    let shown = || -> String { value.get().chars().take(SHOWN_CHARACTERS).collect() };
    let Some(number) = number(value) else {
        return Err(LifetimeError::NoNumber {
            member,
            shown: shown(),
        });
    };
    let seconds = number - begins;
    if seconds < SHORTEST_SECONDS {
        return Err(LifetimeError::Expired {
            member,
            shown: shown(),
        });
    }
    let seconds = seconds.min(LONGEST_LIFETIME.as_secs_f64());
    Ok(Duration::from_secs_f64(seconds))
}

/// The number in a JSON number or text; infinite where it is larger than any. Never NaN.
fn number(value: &RawValue) -> Option<f64> {
    let text = value.get();
    let number = match serde_json::from_str::<String>(text) {
        Ok(inner) => inner.trim().parse::<f64>(),
        Err(_) => text.trim().parse::<f64>(),
    };
    number.ok().filter(|number| !number.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000, 0).unwrap()
    }

    #[test]
    fn every_spelling_of_a_life_is_used_and_none_is_longer_than_a_day() {
        for (text, seconds) in [
            ("1799", 1799),
            ("1799.0", 1799),
            ("1.799e3", 1799),
            (r#""1799""#, 1799),
            (r#"" 1799.0 ""#, 1799),
            ("1", 1),
            ("86401", DAY),
            ("99999999999999999999999999", DAY),
            ("1e400", DAY),
            (r#""1e400""#, DAY),
            ("18446744073709551615", DAY),
        ] {
            let lives = lifetime(Some(&raw(text)), None, noon()).unwrap();
            assert_eq!(lives, Duration::from_secs(seconds), "{text}");
        }
        assert_eq!(lifetime(None, None, noon()), Ok(DEFAULT_LIFETIME));
    }

    #[test]
    fn an_end_is_used_like_a_life() {
        for (text, seconds) in [
            (r#""1000060""#, 60),
            ("1000060", 60),
            ("1000060.0", 60),
            ("1e400", DAY),
            ("9223372036854775807", DAY),
        ] {
            let lives = lifetime(None, Some(&raw(text)), noon()).unwrap();
            assert_eq!(lives, Duration::from_secs(seconds), "{text}");
        }
    }

    #[test]
    fn a_life_that_is_over_or_no_number_is_named() {
        for text in ["0", "-1", "-1e400", "0.5", r#""0""#, r#""-7""#] {
            let error = lifetime(Some(&raw(text)), None, noon()).unwrap_err();
            assert!(matches!(error, LifetimeError::Expired { .. }), "{text}");
            assert!(error.to_string().contains("expires_in"), "{error}");
        }
        for text in [
            "true",
            "[]",
            "{}",
            r#""""#,
            r#""soon""#,
            r#""NaN""#,
            r#""1_799""#,
        ] {
            let error = lifetime(Some(&raw(text)), None, noon()).unwrap_err();
            assert!(matches!(error, LifetimeError::NoNumber { .. }), "{text}");
            assert!(error.to_string().contains("expires_in"), "{error}");
        }
        let error = lifetime(None, Some(&raw(r#""999999""#)), noon()).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"expires_on is "999999", so that the token has expired already"#
        );
        let long = format!("\"{}\"", "x".repeat(1000));
        let error = lifetime(Some(&raw(&long)), None, noon()).unwrap_err();
        assert!(error.to_string().len() < 120, "{error}");
    }
}

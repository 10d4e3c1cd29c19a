//! The SharedKey signature, and the date it covers.

use base64::{DecodeError, Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::Config;

/// Who may sign, and how far clocks may differ.
#[derive(Clone)]
pub(super) struct SharedKey {
    workspace_id: String,
    keys: Vec<Vec<u8>>,
    max_skew: TimeDelta,
}

/// What a signature covers, and the signature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed<'a> {
    /// The `Authorization` header.
    pub(super) authorization: Option<&'a str>,
    /// The `x-ms-date` header.
    pub(super) date: Option<&'a str>,
    /// The `Content-Type` header.
    pub(super) content_type: &'a str,
    /// The bytes of the body that arrived.
    pub(super) length: usize,
}

impl SharedKey {
    /// Fails where a key is not base64.
    pub(super) fn new(config: &Config) -> Result<Self, DecodeError> {
        let keys = std::iter::once(&config.workspace_key).chain(&config.secondary_key);
        Ok(Self {
            workspace_id: config.workspace_id.clone(),
            keys: keys
                .map(|key| STANDARD.decode(key))
                .collect::<Result<_, _>>()?,
            max_skew: TimeDelta::from_std(config.max_clock_skew).unwrap_or(TimeDelta::MAX),
        })
    }

    /// Checks date and signature at the time `now`; the error says what is wrong.
    pub(super) fn check(
        &self,
        signed: &Signed<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), &'static str> {
        let date = signed.date.ok_or("there is no x-ms-date header")?;
        let time = rfc1123(date).ok_or("the x-ms-date header is not in the form of RFC 1123")?;
        if (now - time).abs() > self.max_skew {
            return Err("the x-ms-date header is too far from the time of the service");
        }
        let (id, signature) = signed
            .authorization
            .ok_or("there is no Authorization header")?
            .strip_prefix("SharedKey ")
            .and_then(|credentials| credentials.split_once(':'))
            .ok_or("the Authorization header is not SharedKey id:signature")?;
        if id != self.workspace_id {
            return Err("the Authorization header names another workspace");
        }
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| "the signature is not base64")?;
        let text = string_to_sign(signed.length, signed.content_type, date);
        let signs = |key: &Vec<u8>| {
            Hmac::<Sha256>::new_from_slice(key)
                .is_ok_and(|mac| mac.chain_update(&text).verify_slice(&signature).is_ok())
        };
        if self.keys.iter().any(signs) {
            Ok(())
        } else {
            Err("the signature does not fit key, body length, content type and date")
        }
    }
}

/// Microsoft documents: method, length in bytes, content type, date header and path, joined by line
/// feeds without one at the end.
fn string_to_sign(length: usize, content_type: &str, date: &str) -> String {
    format!("POST\n{length}\n{content_type}\nx-ms-date:{date}\n/api/logs")
}

/// Reads `Mon, 05 Jan 2026 09:07:03 GMT` and no other form.
fn rfc1123(text: &str) -> Option<DateTime<Utc>> {
    const FORM: &str = "%a, %d %b %Y %H:%M:%S GMT";
    let time = NaiveDateTime::parse_from_str(text, FORM).ok()?.and_utc();
    // The parser forgives case, missing zeros and spaces; writing it again does not.
    (time.format(FORM).to_string() == text).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::SimClock, log_analytics::data_collector::tests::vectors};

    fn shared_key(key: &str) -> SharedKey {
        SharedKey::new(&Config {
            workspace_id: vectors::WORKSPACE_ID.to_owned(),
            workspace_key: key.to_owned(),
            ..Config::new(SimClock::real())
        })
        .unwrap()
    }

    #[test]
    fn every_published_signature_is_accepted() {
        for vector in vectors::GOOD {
            let body = vector.body();
            let signed = Signed {
                authorization: Some(&vector.authorization()),
                date: Some(vector.date),
                content_type: "application/json",
                length: body.len(),
            };
            let now = rfc1123(vector.date).unwrap();
            assert_eq!(
                shared_key(vector.key).check(&signed, now),
                Ok(()),
                "{}",
                vector.name
            );
        }
    }

    #[test]
    fn every_signature_made_by_mistake_is_refused() {
        for vector in vectors::BAD {
            let signed = Signed {
                authorization: Some(&vector.authorization()),
                date: Some(vector.date),
                content_type: "application/json",
                length: vector.body().len(),
            };
            let now = rfc1123(vector.date).unwrap();
            let refused = shared_key(vector.key).check(&signed, now);
            assert!(refused.is_err(), "{}", vector.name);
        }
    }

    #[test]
    fn dates_are_read_in_one_form_only() {
        assert_eq!(
            rfc1123("Mon, 05 Jan 2026 09:07:03 GMT")
                .unwrap()
                .timestamp(),
            1_767_604_023
        );
        for text in [
            "Mon, 5 Jan 2026 09:07:03 GMT",
            "mon, 05 jan 2026 09:07:03 GMT",
            "Tue, 05 Jan 2026 09:07:03 GMT",
            "Mon, 05 Jan 2026 09:07:03 UTC",
            "Mon, 05 Jan 2026 09:07:03 +0000",
            "Mon, 05 Jan 26 09:07:03 GMT",
            "Mo, 05 Jan 2026 09:07:03 GMT",
            "2026-01-05T09:07:03Z",
            "",
        ] {
            assert_eq!(rfc1123(text), None, "{text}");
        }
    }
}

//! Shared keys, as workspaces and storage accounts have them: HMAC-SHA256 over a string, in base64.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

/// A shared key, decoded.
#[derive(Debug)]
pub struct SharedKey(SecretBox<[u8]>);

/// The key is no base64: a fault of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not base64")]
pub struct NotBase64;

impl SharedKey {
    /// Decodes a key as the portal shows it, usually 88 characters.
    pub fn decode(text: &SecretString) -> Result<Self, NotBase64> {
        BASE64_STANDARD
            .decode(text.expose_secret())
            .ok()
            .filter(|bytes| !bytes.is_empty())
            .map(|bytes| Self(SecretBox::new(bytes.into_boxed_slice())))
            .ok_or(NotBase64)
    }

    /// `base64(HMAC-SHA256(key, text))`.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        // HMAC takes a key of any length, so there is always a MAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else {
            return String::new();
        };
        mac.update(text.as_bytes());
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// The date as `x-ms-date` wants it: `Mon, 05 Jan 2026 09:07:03 GMT`, English whatever the locale.
#[must_use]
pub fn header_date(now: DateTime<Utc>) -> String {
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_english_with_two_digits_and_gmt() {
        let time = crate::model::event_time::parse("2026-01-05T09:07:03Z").unwrap();
        assert_eq!(header_date(time), "Mon, 05 Jan 2026 09:07:03 GMT");
    }

    #[test]
    fn a_key_is_never_shown() {
        assert_eq!(SharedKey::decode(&"no key!".into()).unwrap_err(), NotBase64);
        assert_eq!(
            SharedKey::decode(&String::new().into()).unwrap_err(),
            NotBase64
        );
        let key = SharedKey::decode(&"AAECAwQFBgc=".into()).unwrap();
        assert!(!format!("{key:?}").contains("AAEC"));
    }
}

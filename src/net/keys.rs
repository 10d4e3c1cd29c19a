//! Keys that sign: HMAC over a text, in base64, as Mimecast, Log Analytics and Azure Storage all do.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac, digest::KeyInit};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha1::Sha1;
use sha2::Sha256;

/// A key, decoded. Never shown.
#[derive(Debug)]
pub struct HmacKey(SecretBox<[u8]>);

/// The key is no base64: a fault of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not base64")]
pub struct NotBase64;

impl PartialEq for HmacKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl HmacKey {
    /// Decodes a key as the vendors' portals show it, usually 88 characters ending in `==`.
    pub fn decode(text: &SecretString) -> Result<Self, NotBase64> {
        BASE64_STANDARD
            .decode(text.expose_secret())
            .ok()
            .filter(|bytes| !bytes.is_empty())
            .map(|bytes| Self(SecretBox::new(bytes.into_boxed_slice())))
            .ok_or(NotBase64)
    }

    /// `base64(HMAC-SHA1(key, text))`.
    #[must_use]
    pub fn sign_sha1(&self, text: &str) -> String {
        self.sign::<Hmac<Sha1>>(text)
    }

    /// `base64(HMAC-SHA256(key, text))`.
    #[must_use]
    pub fn sign_sha256(&self, text: &str) -> String {
        self.sign::<Hmac<Sha256>>(text)
    }

    #[expect(
        clippy::expect_used,
        reason = "an empty signature would look like a wrong key"
    )]
    fn sign<M: Mac + KeyInit>(&self, text: &str) -> String {
        let mut mac = <M as KeyInit>::new_from_slice(self.0.expose_secret())
            .expect("HMAC takes a key of any length");
        mac.update(text.as_bytes());
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_no_base64_is_refused_and_a_key_is_never_shown() {
        assert_eq!(HmacKey::decode(&"no key!".into()).unwrap_err(), NotBase64);
        assert_eq!(
            HmacKey::decode(&String::new().into()).unwrap_err(),
            NotBase64
        );
        let key = HmacKey::decode(&"AAECAwQFBgc=".into()).unwrap();
        assert!(!format!("{key:?}").contains("AAEC"));
    }
}

//! Renewing an expired binding.
//!
//! Peers send the expired access key and carry on with the stored pair: the call makes the old
//! binding valid again. Whether it may answer another pair is not documented, so a returned pair
//! that differs is adopted.

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};

use super::{credentials::Login, wire};
use crate::net::keys::HmacKey;

/// The keys in use.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) access_key: SecretString,
    pub(super) secret_key: HmacKey,
}

/// The path of the login function.
pub(super) const PATH: &str = "/api/login/login";

/// `Basic-Cloud` with the Mimecast cloud password.
pub(super) fn authorization(login: &Login) -> String {
    let pair = format!("{}:{}", login.email, login.password.expose_secret());
    format!("Basic-Cloud {}", BASE64_STANDARD.encode(pair))
}

/// The pair of a login's answer, if it holds one that differs from `current`.
pub(super) fn adopted(body: &[u8], current: &Keys) -> Option<Keys> {
    let binding = wire::binding(body)?;
    let (access, secret) = (binding.access_key?, binding.secret_key?);
    let secret_key = HmacKey::decode(&secret.into()).ok()?;
    let same = access == current.access_key.expose_secret() && secret_key == current.secret_key;
    if access.is_empty() || same {
        return None;
    }
    Some(Keys {
        access_key: access.into(),
        secret_key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_authorised_as_documented() {
        let login = Login {
            email: "svc-ttp@example.com".to_owned(),
            password: "S3cret!Pass".into(),
        };
        assert_eq!(
            authorization(&login),
            "Basic-Cloud c3ZjLXR0cEBleGFtcGxlLmNvbTpTM2NyZXQhUGFzcw=="
        );
    }

    #[test]
    fn a_returned_pair_is_adopted_only_where_it_differs() {
        let current = Keys {
            access_key: "old".into(),
            secret_key: HmacKey::decode(&"AAEC".into()).unwrap(),
        };
        let adopted = |body: &str| {
            adopted(body.as_bytes(), &current)
                .map(|keys| keys.access_key.expose_secret().to_owned())
        };
        assert_eq!(
            adopted(r#"{"data":[{"accessKey":"new","secretKey":"AwQF"}]}"#).as_deref(),
            Some("new")
        );
        assert_eq!(
            adopted(r#"{"data":[{"accessKey":"old","secretKey":"AAEC"}]}"#),
            None
        );
        assert_eq!(
            adopted(r#"{"data":[{"accessKey":"old","secretKey":"AwQF"}]}"#).as_deref(),
            Some("old")
        );
        assert_eq!(adopted(r#"{"data":[{"accessKey":"new"}]}"#), None);
        assert_eq!(adopted(r#"{"data":[]}"#), None);
        assert_eq!(adopted("<html>"), None);
    }
}

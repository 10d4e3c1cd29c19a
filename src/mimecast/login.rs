//! Renewing an expired binding.
//!
//! Peers send the expired access key and carry on with the stored pair: the call makes the old
//! binding valid again. Whether it may answer another pair is not documented, so a returned pair
//! that differs is adopted.

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::{
    credentials::{ApplicationKeys, Login},
    wire,
};
use crate::net::keys::HmacKey;

/// The keys in use.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) access_key: SecretString,
    pub(super) secret_key: HmacKey,
}

/// The path of the login function.
pub(super) const PATH: &str = "/api/login/login";

/// What to do where Mimecast refuses a login.
pub(super) const LOGIN_ADVICE: &str =
    "check mimecast_email and mimecast_password (the cloud password), or create new keys";

/// How much of the seal is kept, in characters of base64: 96 bits.
const SEAL_CHARACTERS: usize = 16;

/// Stands for the settings of a login: another text where one of them is another. It is sealed with the
/// secret key of the binding, so that whoever finds it can try out no passwords with it.
pub(super) fn settings_seal(base: &Url, keys: &ApplicationKeys) -> String {
    let (email, password) = keys.login.as_ref().map_or(("", ""), |login| {
        (login.email.as_str(), login.password.expose_secret())
    });
    let text = serde_json::json!([
        "mimecast-ttp settings of a login, version 1",
        base.as_str(),
        keys.app_id,
        keys.app_key.expose_secret(),
        keys.access_key.expose_secret(),
        email,
        password,
    ]);
    let seal = keys.secret_key.sign_sha256(&text.to_string());
    seal.chars().take(SEAL_CHARACTERS).collect()
}

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
    fn any_other_setting_gives_another_seal_and_none_shows_in_it() {
        let keys = |secret_key: &str, password: &str| ApplicationKeys {
            app_id: "id".to_owned(),
            app_key: "key".into(),
            access_key: "access".into(),
            secret_key: HmacKey::decode(&secret_key.into()).unwrap(),
            login: Some(Login {
                email: "svc-ttp@example.com".to_owned(),
                password: password.into(),
            }),
        };
        let base = |text: &str| Url::parse(text).unwrap();
        let eu = base("https://eu-api.mimecast.com");
        let seal = settings_seal(&eu, &keys("AAEC", "S3cret!Pass"));
        assert_eq!(seal.len(), SEAL_CHARACTERS);
        assert_eq!(seal, settings_seal(&eu, &keys("AAEC", "S3cret!Pass")));
        let us = base("https://us-api.mimecast.com");
        for other in [
            settings_seal(&eu, &keys("AAEC", "S3cret!Pass2")),
            settings_seal(&eu, &keys("AwQF", "S3cret!Pass")),
            settings_seal(&us, &keys("AAEC", "S3cret!Pass")),
        ] {
            assert_ne!(seal, other);
        }
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

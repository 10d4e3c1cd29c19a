//! Taking out of a text what the request had sent as a secret.
//!
//! Services and the proxies before them repeat requests in their errors, with keys, tokens and passwords in
//! the headers and forms. A text from an answer is told only after it went through here.

use std::fmt::Write;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use reqwest::header::{self, HeaderName};
use serde_json::Value;
use url::form_urlencoded;

/// What stands in place of a secret.
const REPLACEMENT: &str = "[secret]";

/// Shorter parts of a secret are no secrets: replaced everywhere, they would make a text unreadable.
const MIN_LENGTH: usize = 5;

/// The header that proves to the identity endpoint who asks.
const IDENTITY_HEADER: &str = "x-identity-header";

/// The form fields of token requests that are secrets.
const SECRET_FIELDS: [&str; 2] = ["client_secret", "client_assertion"];

/// The members of JSON bodies that are secrets: a login names the access key.
const SECRET_MEMBERS: [&str; 2] = ["accessKey", "secretKey"];

/// Requests with such members are short; batches are not looked through.
const MAX_JSON_BYTES: usize = 4 * 1024;

/// The secrets of one request.
#[derive(Clone, Default)]
pub struct SentSecrets {
    values: Vec<String>,
}

impl std::fmt::Debug for SentSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SentSecrets(..)")
    }
}

impl SentSecrets {
    /// Those in some headers, and in the body if it is a form.
    pub(super) fn of(headers: &[(HeaderName, String)], body: &[u8]) -> Self {
        let named = |name: &HeaderName| headers.iter().find(|(one, _)| one == name);
        let is_of_type =
            |kind| named(&header::CONTENT_TYPE).is_some_and(|(_, value)| value.starts_with(kind));
        let is_form = is_of_type("application/x-www-form-urlencoded");
        let identity = HeaderName::from_static(IDENTITY_HEADER);
        let mut values = Vec::new();
        for name in [&header::AUTHORIZATION, &identity] {
            values.extend(named(name).map(|(_, value)| value.clone()));
        }
        if is_form {
            let fields = form_urlencoded::parse(body);
            let secret = fields.filter(|(name, _)| SECRET_FIELDS.contains(&name.as_ref()));
            values.extend(secret.map(|(_, value)| value.into_owned()));
        }
        if is_of_type("application/json") && body.len() <= MAX_JSON_BYTES {
            let body: Value = serde_json::from_slice(body).unwrap_or_default();
            collect(&body, &mut values);
        }
        Self { values }
    }

    /// `text` without them, however they are written: as they were sent, decoded, in base64, in percent
    /// form, or with JSON's escapes.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let mut scrubbed = text.to_owned();
        for needle in self.needles() {
            if scrubbed.contains(&needle) {
                scrubbed = scrubbed.replace(&needle, REPLACEMENT);
            }
        }
        scrubbed
    }

    /// Everything to look for, the longest first: a part must not be replaced before the whole.
    fn needles(&self) -> Vec<String> {
        let mut parts = Vec::new();
        for value in &self.values {
            parts.push(value.clone());
            // `Bearer TOKEN`, `MC ACCESS_KEY:SIGNATURE`, `Basic-Cloud BASE64`.
            let credentials = value
                .split_once(' ')
                .map_or(value.as_str(), |(_, rest)| rest);
            parts.push(credentials.to_owned());
            parts.extend(credentials.split(':').map(ToOwned::to_owned));
            let decoded = STANDARD.decode(credentials).ok();
            if let Some(decoded) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
                parts.extend(
                    decoded
                        .split_once(':')
                        .map(|(_, password)| password.to_owned()),
                );
                parts.push(decoded);
            }
        }
        let mut needles: Vec<_> = parts.iter().flat_map(|part| spellings(part)).collect();
        needles.retain(|needle| needle.len() >= MIN_LENGTH);
        needles.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        needles.dedup();
        needles
    }
}

/// The secret members of a JSON body, however deep.
fn collect(body: &Value, values: &mut Vec<String>) {
    match body {
        Value::Array(items) => items.iter().for_each(|item| collect(item, values)),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(secret) if SECRET_MEMBERS.contains(&name.as_str()) => {
                        values.push(secret.clone());
                    }
                    other => collect(other, values),
                }
            }
        }
        _ => {}
    }
}

/// In percent form, with only the characters left that RFC 3986 calls unreserved.
fn percent_strict(secret: &str) -> String {
    let mut text = String::with_capacity(secret.len() * 3);
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _written = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn spellings(secret: &str) -> Vec<String> {
    let percent: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let strict = percent_strict(secret);
    vec![
        secret.replace('/', "\\/"),
        secret.replace('=', "\\u003d").replace('&', "\\u0026"),
        secret.replace('&', "&amp;"),
        secret.trim_end_matches('=').to_owned(),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        percent.replace('+', "%20"),
        percent.to_lowercase(),
        percent_strict(&strict),
        strict,
        percent,
        secret.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(name: &'static str, value: &str) -> SentSecrets {
        SentSecrets::of(&[(HeaderName::from_static(name), value.to_owned())], b"")
    }

    #[test]
    fn no_spelling_of_a_sent_secret_is_told() {
        let basic = STANDARD.encode("svc@example.test:pa/ss word+1");
        let form = (
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded".to_owned(),
        );
        let form = SentSecrets::of(&[form], b"client_id=id-1&client_secret=s%7Ecret%2B20%2F%3D");
        let cases = [
            (
                sent("authorization", "Bearer tok.en-123_45"),
                "tok.en-123_45",
            ),
            (
                sent("authorization", "MC accesskey-1:c2lnbmF0dXJl"),
                "accesskey-1",
            ),
            (
                sent("authorization", &format!("Basic-Cloud {basic}")),
                "pa/ss word+1",
            ),
            (
                sent("x-identity-header", "identity/secret=1"),
                "identity/secret=1",
            ),
            (form, "s~cret+20/="),
        ];
        for (secrets, secret) in cases {
            let mut echoes = spellings(secret);
            echoes.push(format!("{{\"sent\":\"{secret}\"}}"));
            for echo in echoes {
                let told = secrets.scrub(&format!("bad request: {echo}, sorry"));
                assert!(told.contains(REPLACEMENT), "{echo}: {told}");
                assert!(!told.contains(secret), "{told}");
            }
            assert_eq!(
                secrets.scrub("client id-1 is unknown"),
                "client id-1 is unknown"
            );
        }
    }
}

//! Renewing a binding.

use serde::Deserialize;

/// A binding as a login answers it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::mimecast) struct Binding {
    pub(in crate::mimecast) access_key: Option<String>,
    pub(in crate::mimecast) secret_key: Option<String>,
}

#[derive(Deserialize)]
struct LoginAnswer {
    data: Vec<Binding>,
}

/// Reads the answer to a login.
pub(in crate::mimecast) fn binding(body: &[u8]) -> Option<Binding> {
    let answer: LoginAnswer = serde_json::from_slice(body).ok()?;
    answer.data.into_iter().next()
}

/// The body of a login that renews an expired binding.
pub(in crate::mimecast) fn renewal_body(email: &str, access_key: &str) -> Vec<u8> {
    let body = serde_json::json!({"data": [{"userName": email, "accessKey": access_key}]});
    body.to_string().into_bytes()
}

//! API 2.0: tokens for client credentials.
//!
//! `POST /oauth/token` with a form; the answer names the life of the token in seconds. There is no
//! refresh token: another one is asked for in the same way (published clients, which see half an hour;
//! vendor guides differ on how long a token lives, so `expires_in` is what counts).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::{
    caller::{Caller, UNREACHABLE_ADVICE},
    credentials::Client,
    decision::{self, Decision, FailureList},
    wire::{self, Verdict},
};
use crate::net::{
    http::{Response, TransportError},
    token::{Issued, Issuer, LifetimeError, TokenError, lifetime},
};

/// The path of the token function.
const PATH: &str = "/oauth/token";

const FORM: &str = "application/x-www-form-urlencoded";

/// Asks Mimecast for tokens.
pub(super) struct MimecastTokens {
    pub(super) caller: Arc<Caller>,
    pub(super) client: Client,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    expires_in: Option<Box<RawValue>>,
}

#[async_trait]
impl Issuer for MimecastTokens {
    async fn issue(&self, time: Duration) -> Result<Issued, TokenError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client.id)
            .append_pair("client_secret", self.client.secret.expose_secret())
            .append_pair("grant_type", "client_credentials")
            .finish();
        let response = self.caller.post(PATH, Vec::new(), FORM, form, time).await;
        let response = response.map_err(|error| {
            let wrap = TokenRequestError::Unreachable;
            TokenError::unanswered(error, Some(UNREACHABLE_ADVICE), wrap)
        })?;
        let answered = match response.status.as_u16() {
            200 => serde_json::from_slice::<TokenResponse>(&response.body).ok(),
            _ => None,
        };
        match answered.filter(|answered| !answered.access_token.is_empty()) {
            Some(answered) => self.issued(answered),
            None => Err(self.not_issued(&response)),
        }
    }
}

impl MimecastTokens {
    fn issued(&self, answered: TokenResponse) -> Result<Issued, TokenError> {
        let now = self.caller.clock.now();
        let lives = lifetime(answered.expires_in.as_deref(), None, now).map_err(|error| {
            TokenError::refused(TokenRequestError::Unusable(error), Some(LIFETIME_ADVICE))
        })?;
        Ok(Issued {
            secret: answered.access_token.into(),
            lives,
        })
    }

    fn not_issued(&self, response: &Response) -> TokenError {
        let verdict = wire::verdict(&response.body);
        let decision = decision::decide(self.caller.summary(response, verdict.as_ref()));
        let status = wire::effective_status(response.status.as_u16(), verdict.as_ref());
        if decision == Decision::Accept {
            return TokenError::refused(TokenRequestError::NoToken, Some(NO_TOKEN_ADVICE));
        }
        let detail = detail(response, verdict.as_ref());
        let error = TokenRequestError::Refused { status, detail };
        match decision {
            Decision::Retry(after) => {
                let advice = match status {
                    200 => NO_TOKEN_ADVICE,
                    401 | 403 => advice(status, verdict.as_ref()),
                    _ => decision::TEMPORARY_ADVICE,
                };
                TokenError::unavailable(error, Some(advice), after)
            }
            _ => TokenError::refused(error, Some(advice(status, verdict.as_ref()))),
        }
    }
}

/// What an answer says. Its body is not shown, since it may hold a token; a page of HTML holds none.
fn detail(response: &Response, verdict: Option<&Verdict>) -> String {
    match verdict {
        Some(verdict) if !verdict.failures.is_empty() => {
            let failures = FailureList(&verdict.failures).to_string();
            format!(": {}", response.tell(&failures))
        }
        None if response.body.trim_ascii_start().starts_with(b"<") => {
            format!(": `{}`", response.excerpt())
        }
        _ => String::new(),
    }
}

const LIFETIME_ADVICE: &str = "check that mimecast_base_url leads to Mimecast; if it does, tell Mimecast's support what its token service answers";

const NO_TOKEN_ADVICE: &str = "check that mimecast_base_url leads to Mimecast and not to something else that answers in its place";

/// Why Mimecast gave no token.
#[derive(Debug, thiserror::Error)]
enum TokenRequestError {
    #[error("Mimecast cannot be reached for a token")]
    Unreachable(#[source] TransportError),
    #[error("Mimecast answered {status} to the request for a token{detail}")]
    Refused { status: u16, detail: String },
    #[error("Mimecast answered the request for a token with 200, but without a token")]
    NoToken,
    #[error("the token that Mimecast gave cannot be used")]
    Unusable(#[source] LifetimeError),
}

/// What to do about a refusal that asking again does not change.
fn advice(status: u16, verdict: Option<&Verdict>) -> &'static str {
    match status {
        403 if decision::is_foreign(verdict) => decision::FIREWALL_ADVICE,
        400 | 401 | 403 => {
            "check mimecast_client_id and mimecast_client_secret, those of an API 2.0 application"
        }
        404 => decision::HOST_ADVICE,
        300..=399 => decision::REDIRECT_ADVICE,
        _ => decision::OTHER_ADVICE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::scrub::SentSecrets;

    #[test]
    fn what_a_token_service_says_reaches_the_operator_and_a_token_does_not() {
        let detail = |body: &str| {
            let response = Response {
                status: reqwest::StatusCode::BAD_REQUEST,
                headers: reqwest::header::HeaderMap::new(),
                body: body.into(),
                sent: SentSecrets::default(),
            };
            detail(&response, wire::verdict(body.as_bytes()).as_ref())
        };
        for (body, expected) in [
            (
                r#"{"error":"invalid_client","error_description":"The client is disabled"}"#,
                ": invalid_client (The client is disabled)",
            ),
            (
                r#"{"fail":[{"code":"unauthorized","message":"Invalid client credentials"}]}"#,
                ": unauthorized (Invalid client credentials)",
            ),
            ("<html>Blocked</html>", ": `<html>Blocked</html>`"),
            (r#"{"access_token":"S3cret"}"#, ""),
            ("S3cret", ""),
            ("", ""),
        ] {
            assert_eq!(detail(body), expected, "{body}");
        }
    }

    #[test]
    fn a_refusal_for_good_is_never_called_temporary() {
        for status in [200, 302, 400, 401, 403, 404, 405, 415, 418, 451, 505] {
            for verdict in [None, Some(Verdict::default())] {
                let advice = advice(status, verdict.as_ref());
                assert!(!advice.contains("temporary"), "{status}: {advice}");
            }
        }
    }
}

//! API 2.0: tokens for client credentials.
//!
//! `POST /oauth/token` with a form; the answer names the life of the token in seconds. There is no
//! refresh token: another one is asked for in the same way (published clients; vendor guides differ on
//! how long a token lives, so `expires_in` is what counts).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    caller::{Caller, UNREACHABLE_ADVICE},
    credentials::Client,
    decision::{self, Decision, FailureList},
    wire,
};
use crate::net::{
    http::TransportError,
    token::{Issued, Issuer, TokenError},
};

/// The path of the token function.
const PATH: &str = "/oauth/token";

const FORM: &str = "application/x-www-form-urlencoded";

/// A token whose answer does not say how long it lives: peers see half an hour.
const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_secs(1800);

/// Asks Mimecast for tokens.
pub(super) struct MimecastTokens {
    pub(super) caller: Arc<Caller>,
    pub(super) client: Client,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    expires_in: Option<u64>,
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
            let error = TokenRequestError::Unreachable(error);
            TokenError::unavailable(error, Some(UNREACHABLE_ADVICE), None)
        })?;
        let status = response.status.as_u16();
        if status == 200
            && let Ok(issued) = serde_json::from_slice::<TokenResponse>(&response.body)
        {
            let lifetime = issued.expires_in.map(Duration::from_secs);
            return Ok(Issued {
                secret: issued.access_token.into(),
                lives: lifetime.unwrap_or(DEFAULT_TOKEN_LIFETIME),
            });
        }
        // The body is not shown: it may hold a token.
        let verdict = wire::verdict(&response.body);
        let detail = verdict.as_ref().map_or_else(String::new, |verdict| {
            format!(": {}", FailureList(&verdict.failures))
        });
        let error = TokenRequestError::Refused { status, detail };
        let advice = Some(advice(status));
        match decision::decide(self.caller.summary(&response, verdict.as_ref())) {
            Decision::Retry(after) => Err(TokenError::unavailable(error, advice, after)),
            _ => Err(TokenError::refused(error, advice)),
        }
    }
}

/// Why Mimecast gave no token.
#[derive(Debug, thiserror::Error)]
enum TokenRequestError {
    #[error("Mimecast cannot be reached for a token")]
    Unreachable(#[source] TransportError),
    #[error("Mimecast answered {status} to the request for a token{detail}")]
    Refused { status: u16, detail: String },
}

fn advice(status: u16) -> &'static str {
    match status {
        400 | 401 | 403 => {
            "check mimecast_client_id and mimecast_client_secret, those of an API 2.0 application"
        }
        404 => decision::HOST_ADVICE,
        _ => "nothing if it is temporary; if it lasts, check Mimecast's service status page",
    }
}

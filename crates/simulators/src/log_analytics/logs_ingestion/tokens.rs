//! The two places where tokens for the service come from: Microsoft Entra, and the managed identity
//! endpoint of the app. Both answer as Microsoft documents them.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method, header, request::Parts};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{config::Config, reply::Reply};
use crate::tokens::{GivenTokens, Life};

/// Other services for which there are tokens, and which take no posts.
const OTHERS: [&str; 2] = ["https://management.azure.com", "https://storage.azure.com"];

/// Both places.
#[derive(Debug, Default)]
pub(super) struct Issuers {
    tokens: GivenTokens,
    for_others: GivenTokens,
}

/// A status and a JSON body.
pub(super) type Answer = (u16, Value);

impl Issuers {
    /// Entra's token endpoint.
    pub(super) fn entra(
        &self,
        config: &Config,
        call: &Parts,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Answer {
        let refuse =
            |status, error: &str, code, text: &str| refusal(status, error, code, text, now);
        if call.method != Method::POST {
            let text = "The endpoint only accepts POST requests.";
            return refuse(400, "invalid_request", 900_561, text);
        }
        if call.uri.path() != format!("/{}/oauth2/v2.0/token", config.tenant) {
            return refuse(400, "invalid_request", 90_002, "Tenant not found.");
        }
        let kind = call.headers.get(header::CONTENT_TYPE);
        let is_form = kind.is_some_and(|kind| kind == "application/x-www-form-urlencoded");
        let fields = fields(if is_form { body } else { b"" });
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        for name in ["grant_type", "client_id", "scope"] {
            if field(name).is_empty() {
                let text = format!("The request body must contain the parameter '{name}'.");
                return refuse(400, "invalid_request", 900_144, &text);
            }
        }
        if field("grant_type") != "client_credentials" {
            let text = "The app requested an unsupported grant type.";
            return refuse(400, "unsupported_grant_type", 70_003, text);
        }
        if field("client_id") != config.client_id {
            let text = "Application not found in the directory.";
            return refuse(400, "unauthorized_client", 700_016, text);
        }
        if field("client_secret") != config.client_secret {
            let text = "Invalid client secret provided.";
            return refuse(401, "invalid_client", 7_000_215, text);
        }
        let Some(audience) = field("scope").strip_suffix("/.default") else {
            let text = "The provided value for scope is not valid.";
            return refuse(400, "invalid_scope", 1_002_012, text);
        };
        let Some(token) = self.token(config, audience, now) else {
            let text = "The resource principal was not found.";
            return refuse(400, "invalid_resource", 500_011, text);
        };
        let lives = config.token_life.as_secs();
        let body = json!({
            "token_type": "Bearer",
            "expires_in": lives,
            "ext_expires_in": lives,
            "access_token": token,
        });
        (200, body)
    }

    /// The app's managed identity endpoint.
    pub(super) fn managed(&self, config: &Config, call: &Parts, now: DateTime<Utc>) -> Answer {
        let fields = fields(call.uri.query().unwrap_or_default().as_bytes());
        let field = |name: &str| fields.get(name).map(String::as_str);
        let refuse = |message: &str| (400, json!({ "statusCode": 400, "message": message }));
        let header = call.headers.get("x-identity-header");
        if header.is_none_or(|header| header.as_bytes() != config.identity_header.as_bytes()) {
            return refuse("The X-IDENTITY-HEADER is wrong.");
        }
        if call.method != Method::GET {
            return refuse("Tokens are asked for by GET.");
        }
        if field("api-version") != Some("2019-08-01") {
            return refuse("This api-version is not supported.");
        }
        let identity = field("client_id");
        if identity != config.identity.as_deref() {
            return refuse(
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            );
        }
        let resource = field("resource").unwrap_or_default();
        let Some(token) = self.token(config, resource, now) else {
            return refuse("The resource principal was not found.");
        };
        let body = json!({
            "access_token": token,
            "client_id": identity.unwrap_or(&config.client_id),
            "expires_on": (now + config.token_life).timestamp().to_string(),
            "not_before": now.timestamp().to_string(),
            "resource": resource,
            "token_type": "Bearer",
        });
        (200, body)
    }

    /// A token for `audience`, with or without a slash at its end, if there is such a service.
    fn token(&self, config: &Config, audience: &str, now: DateTime<Utc>) -> Option<String> {
        let audience = audience.strip_suffix('/').unwrap_or(audience);
        let ends = now + config.token_life;
        if audience == config.audience {
            return Some(self.tokens.give(ends));
        }
        OTHERS
            .contains(&audience)
            .then(|| self.for_others.give(ends))
    }

    /// Refuses a call without a valid token for this service.
    pub(super) fn check(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<(), Reply> {
        let (code, message) = match self.tokens.life(headers, now) {
            Life::Good => return Ok(()),
            Life::Over => (
                "InvalidAuthenticationToken",
                "The authentication token has expired.",
            ),
            Life::Unknown if self.for_others.life(headers, now) == Life::Unknown => (
                "InvalidAuthenticationToken",
                "The authentication token is missing or not valid.",
            ),
            Life::Unknown => (
                "InvalidAudience",
                "The authentication token is for another audience.",
            ),
        };
        Err(Reply::error(401, code, message))
    }

    pub(super) fn expire_all(&self) {
        self.tokens.expire_all();
    }
}

/// An error as Entra words it.
fn refusal(status: u16, error: &str, code: u32, text: &str, now: DateTime<Utc>) -> Answer {
    let body = json!({
        "error": error,
        "error_description": format!("AADSTS{code}: {text}"),
        "error_codes": [code],
        "timestamp": now.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        "trace_id": Uuid::new_v4().to_string(),
        "correlation_id": Uuid::new_v4().to_string(),
    });
    (status, body)
}

fn fields(form: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(form).into_owned().collect()
}

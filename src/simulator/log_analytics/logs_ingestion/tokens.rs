//! The two places where tokens for the service come from: Microsoft Entra, and the managed identity
//! endpoint of the app. Both answer as Microsoft documents them.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::config::Config;
use crate::simulator::tokens::{GivenTokens, Life};

/// Both places.
#[derive(Debug, Default)]
pub(super) struct Issuers {
    tokens: GivenTokens,
}

/// A status and a JSON body.
pub(super) type Answer = (u16, Value);

impl Issuers {
    /// Entra's token endpoint.
    pub(super) fn entra(
        &self,
        config: &Config,
        method: &Method,
        path: &str,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Answer {
        let fields: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let refuse = |status, error: &str, description: &str| {
            let body = json!({ "error": error, "error_description": description });
            (status, body)
        };
        if *method != Method::POST || field("grant_type") != "client_credentials" {
            return refuse(400, "invalid_request", "AADSTS900144: grant_type");
        }
        if path != format!("/{}/oauth2/v2.0/token", config.tenant) {
            return refuse(400, "invalid_request", "AADSTS90002: Tenant not found.");
        }
        if field("client_id") != config.client_id {
            let description = "AADSTS700016: Application not found in the directory.";
            return refuse(400, "unauthorized_client", description);
        }
        if field("client_secret") != config.client_secret {
            let description = "AADSTS7000215: Invalid client secret provided.";
            return refuse(401, "invalid_client", description);
        }
        let Some(audience) = field("scope").strip_suffix("/.default") else {
            let description = "AADSTS1002012: The provided value for scope is not valid.";
            return refuse(400, "invalid_scope", description);
        };
        if audience.trim_end_matches('/') != config.audience {
            let description = "AADSTS500011: The resource principal was not found.";
            return refuse(400, "invalid_resource", description);
        }
        let lives = config.token_life.as_secs();
        let body = json!({
            "token_type": "Bearer",
            "expires_in": lives,
            "ext_expires_in": lives,
            "access_token": self.tokens.give(now + config.token_life),
        });
        (200, body)
    }

    /// The app's managed identity endpoint.
    pub(super) fn managed(
        &self,
        config: &Config,
        query: &str,
        headers: &HeaderMap,
        now: DateTime<Utc>,
    ) -> Answer {
        let fields: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let field = |name: &str| fields.get(name).map(String::as_str);
        let refuse = |message: &str| (400, json!({ "statusCode": 400, "message": message }));
        let header = headers.get("x-identity-header");
        if header.is_none_or(|header| header.as_bytes() != config.identity_header.as_bytes()) {
            return refuse("The X-IDENTITY-HEADER is wrong.");
        }
        if field("api-version") != Some("2019-08-01") {
            return refuse("This api-version is not supported.");
        }
        if field("client_id") != config.identity.as_deref() {
            return refuse("No managed identity was found for the specified client_id.");
        }
        let resource = field("resource").unwrap_or_default();
        if resource.trim_end_matches('/') != config.audience {
            return refuse("The resource principal was not found.");
        }
        let ends = now + config.token_life;
        let body = json!({
            "access_token": self.tokens.give(ends),
            "expires_on": ends.timestamp().to_string(),
            "resource": resource,
            "token_type": "Bearer",
        });
        (200, body)
    }

    /// Whether a call carries a token that lives.
    pub(super) fn lives(&self, headers: &HeaderMap, now: DateTime<Utc>) -> bool {
        self.tokens.life(headers, now) == Life::Good
    }

    pub(super) fn expire_all(&self) {
        self.tokens.expire_all();
    }
}

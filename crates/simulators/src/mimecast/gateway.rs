//! The gateway of API 2.0: tokens for client credentials, and what it says before a function is
//! reached.
//!
//! It checks in this order and answers the first thing that is wrong: path (404), verb (405), body
//! (400), token (401), quota (429), product (403). Its failures are flat, unlike those of API 1.0. The
//! order and the wording are unconfirmed; the codes are those that published clients know.

use axum::http::Method;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    answer::Answer,
    config::Config,
    quota::Standing,
    request::{Function, Request},
};
use crate::tokens::{GivenTokens, Life};

/// The gateway.
#[derive(Debug, Default)]
pub(super) struct Gateway {
    tokens: GivenTokens,
}

impl Gateway {
    /// Answers `/oauth/token`: the form of client credentials, nothing else.
    pub(super) fn token(&self, config: &Config, request: &Request, now: DateTime<Utc>) -> Answer {
        let field = |name| request.form_field(name);
        if field("grant_type") != Some("client_credentials") {
            return refusal(400, "unsupported_grant_type", "Grant type is not supported");
        }
        let right = field("client_id") == Some(config.client_id.as_str())
            && field("client_secret") == Some(config.client_secret.as_str());
        if !right {
            return refusal(401, "unauthorized", "Invalid client credentials");
        }
        let token = self.tokens.give(now + config.token_life);
        // By hand: some spellings of a life are no JSON value.
        let expires_in = match config.expires_in.as_deref() {
            None => format!(r#","expires_in":{}"#, config.token_life.as_secs()),
            Some("") => String::new(),
            Some(text) => format!(r#","expires_in":{text}"#),
        };
        let body =
            format!(r#"{{"access_token":"{token}","token_type":"Bearer"{expires_in},"scope":""}}"#);
        Answer::json(200, body, 0)
    }

    /// All checks of a call except those of the fields, in order.
    pub(super) fn check(
        &self,
        config: &Config,
        request: &Request,
        standing: Standing,
        now: DateTime<Utc>,
    ) -> Result<Function, Answer> {
        let Some(function @ (Function::GetLogs(_) | Function::Token)) = Function::at(&request.path)
        else {
            return Err(refusal(404, "not_found", "No such function"));
        };
        if request.method != Method::POST {
            return Err(refusal(
                405,
                "method_not_allowed",
                "Functions are called by POST",
            ));
        }
        let Function::GetLogs(log) = function else {
            if standing.exceeded {
                return Err(Answer::throttled());
            }
            return if request.is_form() {
                Ok(function)
            } else {
                Err(refusal(400, "invalid_request", "The body is not a form"))
            };
        };
        if request.body.is_none() {
            return Err(refusal(
                400,
                "invalid_request",
                "The body is not a JSON request",
            ));
        }
        match self.tokens.life(request.headers(), now) {
            Life::Unknown => return Err(refusal(401, "unauthorized", "Unauthorized Request")),
            Life::Over => {
                return Err(refusal(401, "token_expired", "Access token has expired"));
            }
            Life::Good => {}
        }
        if standing.exceeded {
            return Err(Answer::throttled());
        }
        if config.forbidden.contains(&log) {
            return Err(refusal(
                403,
                "app_forbidden",
                "The application is not permitted to call this function",
            ));
        }
        Ok(function)
    }

    /// Under which name the call is counted: limits are per function and application. `None` for whoever
    /// has no token.
    pub(super) fn counted_as(&self, request: &Request, now: DateTime<Utc>) -> Option<String> {
        (self.tokens.life(request.headers(), now) == Life::Good).then(|| request.path.clone())
    }

    /// Makes every token expire.
    pub(super) fn expire_all(&self) {
        self.tokens.expire_all();
    }
}

/// A refusal in the gateway's flat shape.
fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "fail": [{ "code": code, "message": message }] });
    Answer::json(status, body.to_string(), 0)
}

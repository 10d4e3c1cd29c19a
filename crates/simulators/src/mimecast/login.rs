//! Logging in, renewing a binding, logging out, finding the region.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    bindings::{Bindings, Pair},
    config::Config,
    lockout::Lockout,
    request::Request,
};

/// Answers a login: a new binding, or, where the item names an access key, the renewal of that one.
pub(super) fn login(
    config: &Config,
    bindings: &Bindings,
    lockout: &Lockout,
    request: &Request,
    now: DateTime<Utc>,
) -> Answer {
    let Some(user) = request.item_text("userName") else {
        return missing(request, "userName", "Field userName must not be empty");
    };
    let header = request.header("authorization").unwrap_or_default();
    let Some(encoded) = header.strip_prefix("Basic-Cloud ") else {
        return refused(user, "0001 Authentication type not allowed for the user");
    };
    let expected = format!("{}:{}", config.email, config.password);
    let right = STANDARD
        .decode(encoded)
        .is_ok_and(|found| found == expected.as_bytes());
    if lockout.is_locked(now) {
        return refused(user, "The account is locked");
    }
    if !right || user != config.email {
        lockout.failed(now);
        return refused(user, "Invalid user name or password");
    }
    lockout.worked();
    let pair = match request.item_text("accessKey") {
        None => Some(bindings.mint(now)),
        Some(old) if config.refresh_returns_new_keys => bindings.replace(old, now),
        Some(old) => bindings.revive(old, now),
    };
    match pair {
        Some(pair) => Answer::json(200, binding(config, &pair).to_string(), 0),
        None => refused(user, "Unknown access key"),
    }
}

/// Answers a logout, which has passed the checks of a signed call: drops the binding it names.
pub(super) fn logout(bindings: &Bindings, request: &Request) -> Answer {
    let Some(access_key) = request.item_text("accessKey") else {
        return missing(request, "accessKey", "Field accessKey must not be empty");
    };
    if bindings.forget(access_key) {
        return Answer::bare(200, 200);
    }
    let failure = Failure::new("err_xdk_unknown_access_key", "Unknown access key");
    Answer::fail(200, None, &failure)
}

/// Answers with the base address of a user; with none for an unknown user.
pub(super) fn discover(config: &Config, request: &Request) -> Answer {
    let Some(address) = request.item_text("emailAddress") else {
        return missing(
            request,
            "emailAddress",
            "Field emailAddress must not be empty",
        );
    };
    let mut item = json!({
        "emailAddress": address,
        "emailToken": "invented-email-token",
        "authenticate": ["Basic-Cloud"],
    });
    if address == config.email {
        item["region"] = json!({ "code": "eu", "api": request.base_url() });
    }
    let body = json!({ "meta": { "status": 200 }, "data": [item], "fail": [] });
    Answer::json(200, body.to_string(), 0)
}

/// The members of `data[0]` as seen live.
fn binding(config: &Config, pair: &Pair) -> Value {
    let mut item = json!({
        "accessKey": pair.access_key,
        "secretKey": pair.secret_key,
        "bindingType": "one_step",
        "extendOnValidate": false,
        "lastUserToken": "invented-user-token",
        "username": config.email,
    });
    if let Some(ttl) = config.binding_ttl {
        item["duration"] = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).into();
    }
    json!({ "meta": { "status": 200 }, "data": [item], "fail": [] })
}

/// A failed login: 401 with the user's name in `key`, as a published client reads it. Codes and
/// wording are unconfirmed.
fn refused(user: &str, message: &str) -> Answer {
    let key = json!({ "userName": user });
    Answer::fail(
        401,
        Some(&key),
        &Failure::new("err_xdk_login_failed", message),
    )
}

fn missing(request: &Request, field: &str, message: &str) -> Answer {
    let failure = Failure {
        field: Some(field),
        ..Failure::new("err_validation_null", message)
    };
    Answer::fail(200, request.item(), &failure)
}

//! What a call must bring, checked over the very bytes that arrived.

use axum::http::HeaderMap;
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, NaiveDateTime, Utc};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::{answer::Refusal, config::Config, state::Binding};

/// The headers that every signed call must have.
pub(super) struct Signed<'a> {
    pub(super) access_key: &'a str,
    signature: &'a str,
    pub(super) app_id: &'a str,
    date: &'a str,
    request_id: &'a str,
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// All headers are there and of the right form.
pub(super) fn signed(headers: &HeaderMap) -> Result<Signed<'_>, Refusal> {
    let missing = |what: &str| {
        Refusal::new(
            400,
            "err_missing_credentials",
            format!("0001 {what} is missing"),
        )
    };
    let authorization = text(headers, "authorization").ok_or_else(|| missing("Authorization"))?;
    let (access_key, signature) = authorization
        .strip_prefix("MC ")
        .and_then(|pair| pair.split_once(':'))
        .ok_or_else(|| missing("MC authorization"))?;
    let request_id = text(headers, "x-mc-req-id").ok_or_else(|| missing("x-mc-req-id"))?;
    if uuid::Uuid::parse_str(request_id).is_err() || request_id.len() != 36 {
        return Err(missing("a GUID in x-mc-req-id"));
    }
    Ok(Signed {
        access_key,
        signature,
        app_id: text(headers, "x-mc-app-id").ok_or_else(|| missing("x-mc-app-id"))?,
        date: text(headers, "x-mc-date").ok_or_else(|| missing("x-mc-date"))?,
        request_id,
    })
}

/// The access key is known and the signature over date, id, path and application key is right. The
/// real answer does not say which of them is wrong.
pub(super) fn signature(
    signed: &Signed<'_>,
    path: &str,
    binding: &Binding,
    config: &Config,
) -> Result<(), Refusal> {
    let right = expected(
        &binding.secret_key,
        signed.date,
        signed.request_id,
        path,
        &config.app_key,
    );
    if signed.access_key == binding.access_key && right.as_deref() == Some(signed.signature) {
        Ok(())
    } else {
        Err(Refusal::new(
            401,
            "err_xdk_invalid_signature",
            "0004 Invalid Signature",
        ))
    }
}

/// The signature that a call should have; `None` if the secret key is no base64.
pub(super) fn expected(
    secret_key: &str,
    date: &str,
    request_id: &str,
    path: &str,
    app_key: &str,
) -> Option<String> {
    let key = BASE64_STANDARD.decode(secret_key).ok()?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).ok()?;
    mac.update(format!("{date}:{request_id}:{path}:{app_key}").as_bytes());
    Some(BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

/// The date has the documented form and is near now.
pub(super) fn date(signed: &Signed<'_>, config: &Config) -> Result<(), Refusal> {
    let refused = |what: &str| Refusal::new(401, "err_xdk_invalid_date", what.to_owned());
    let date =
        parse_header_date(signed.date).ok_or_else(|| refused("the date has another form"))?;
    if (config.clock.now() - date)
        .abs()
        .to_std()
        .unwrap_or_default()
        > config.max_clock_skew
    {
        return Err(refused("the date is too far from now"));
    }
    Ok(())
}

/// `Tue, 24 Nov 2015 12:50:11 UTC`.
pub(super) fn parse_header_date(text: &str) -> Option<DateTime<Utc>> {
    let form = "%a, %d %b %Y %H:%M:%S UTC";
    let date = NaiveDateTime::parse_from_str(text, form).ok()?.and_utc();
    // The parser is lenient about digits; the form is not.
    (date.format(form).to_string() == text).then_some(date)
}

/// The user's `Basic-Cloud` authorization.
pub(super) fn login(headers: &HeaderMap, config: &Config) -> bool {
    let pair = format!("{}:{}", config.email, config.password);
    text(headers, "authorization") == Some(&format!("Basic-Cloud {}", BASE64_STANDARD.encode(pair)))
}

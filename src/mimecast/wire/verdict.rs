//! Whether an answer is a success: its status alone does not say.

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use crate::model::{bounded::AtMost, object::Object};

/// As much of a code or a message is kept: more than is told, so that a secret in it is found whole.
const MAX_TEXT_LENGTH: usize = 16 * 1024;

fn bounded(text: String) -> String {
    if text.len() <= MAX_TEXT_LENGTH {
        text
    } else {
        text.chars().take(MAX_TEXT_LENGTH).collect()
    }
}

/// No answer names more failures.
const MAX_FAILURES: usize = 100;

/// Everything in `fail`.
pub(super) type Fails = AtMost<Fail, MAX_FAILURES>;

/// One error that Mimecast names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// Such as `err_xdk_invalid_signature`; empty where there is none.
    pub code: String,
    /// Mimecast's own words, which may repeat secrets of the request.
    pub message: String,
    /// Mimecast's hint that trying again may help.
    pub retryable: bool,
}

/// What an answer of any shape says about success.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// `meta.status`, where there is one.
    pub meta_status: Option<u16>,
    /// Everything in `fail`; success only if empty.
    pub failures: Vec<Failure>,
}

impl Verdict {
    /// Whether nothing in it speaks of a failure.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failures.is_empty() && self.meta_status.is_none_or(|status| status < 400)
    }
}

/// The status that counts: a 200 may carry the real one inside.
#[must_use]
pub fn effective_status(http_status: u16, verdict: Option<&Verdict>) -> u16 {
    verdict
        .and_then(|verdict| verdict.meta_status)
        .filter(|meta| http_status == 200 && *meta >= 400)
        .unwrap_or(http_status)
}

#[derive(Deserialize)]
struct VerdictShape<'a> {
    #[serde(borrow)]
    meta: Option<Object<Meta<'a>>>,
    fail: Option<Fails>,
    error: Option<ErrorShape>,
    error_description: Option<String>,
}

/// A gateway's error, or the code of one as OAuth 2.0 spells it (RFC 6749, 5.2), with an
/// `error_description` beside it.
enum ErrorShape {
    Code(String),
    Failure(FailureShape),
}

/// Not derived as untagged: that would hold a value of any size in memory before it decides.
impl<'de> Deserialize<'de> for ErrorShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CodeOrFailure)
    }
}

struct CodeOrFailure;

impl<'de> Visitor<'de> for CodeOrFailure {
    type Value = ErrorShape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code or an object")
    }

    fn visit_str<E: Error>(self, code: &str) -> Result<Self::Value, E> {
        Ok(ErrorShape::Code(code.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        FailureShape::deserialize(MapAccessDeserializer::new(map)).map(ErrorShape::Failure)
    }
}

/// `{"key":..,"errors":[..]}` as API 1.0 answers, or the error itself as gateways do.
#[derive(Deserialize)]
pub(super) struct Fail {
    errors: Option<AtMost<FailureShape, MAX_FAILURES>>,
    code: Option<String>,
    message: Option<String>,
    #[serde(default)]
    retryable: bool,
}

#[derive(Deserialize)]
struct FailureShape {
    code: Option<String>,
    message: Option<String>,
    #[serde(default)]
    retryable: bool,
}

impl From<FailureShape> for Failure {
    fn from(shape: FailureShape) -> Self {
        Self {
            code: shape.code.map(bounded).unwrap_or_default(),
            message: shape.message.map(bounded).unwrap_or_default(),
            retryable: shape.retryable,
        }
    }
}

pub(super) fn failures(fail: Option<Fails>) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for fail in fail.unwrap_or_default().0 {
        match fail.errors {
            Some(AtMost(errors)) if !errors.is_empty() => {
                failures.extend(errors.into_iter().map(Into::into));
            }
            // An entry of `fail` is a failure even when it says nothing.
            _ => failures.push(
                FailureShape {
                    code: fail.code,
                    message: fail.message,
                    retryable: fail.retryable,
                }
                .into(),
            ),
        }
    }
    failures
}

/// Reads what an answer of any status says about success; `None` where it is no JSON object that could say it.
#[must_use]
pub fn verdict(body: &[u8]) -> Option<Verdict> {
    let Object::<VerdictShape<'_>>(shape) = serde_json::from_slice(body).ok()?;
    let mut failures = failures(shape.fail);
    failures.extend(shape.error.map(|error| match error {
        ErrorShape::Failure(failure) => failure.into(),
        ErrorShape::Code(code) => Failure {
            code: bounded(code),
            message: shape.error_description.map(bounded).unwrap_or_default(),
            retryable: false,
        },
    }));
    Some(Verdict {
        meta_status: shape.meta.and_then(|Object(meta)| meta.status),
        failures,
    })
}

/// The `meta` member of every answer.
#[derive(Deserialize)]
pub(super) struct Meta<'a> {
    pub(super) status: Option<u16>,
    #[serde(borrow)]
    pub(super) pagination: Option<Object<Pagination<'a>>>,
}

/// Where a page stands among the others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination<'a> {
    pub(super) next: Option<String>,
    /// Any value: a count that cannot be read must not stop a feed.
    #[serde(borrow)]
    total_count: Option<&'a RawValue>,
}

impl Pagination<'_> {
    /// The number of records in the whole range.
    pub(super) fn total(&self) -> Option<u64> {
        self.total_count?.get().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_failure_is_read() {
        let read = |body: &str| verdict(body.as_bytes()).unwrap();
        let nested = read(
            r#"{"meta":{"status":200},"data":[],"fail":[{"key":{"from":"x"},"errors":[{"code":"err_developer_key","message":"App ID is invalid","retryable":false},{"code":"b","message":"c","retryable":true}]}]}"#,
        );
        assert_eq!(nested.meta_status, Some(200));
        assert_eq!(nested.failures.len(), 2);
        assert_eq!(nested.failures[0].code, "err_developer_key");
        assert!(nested.failures[1].retryable);
        assert_eq!(
            read(r#"{"fail":[{"code":"token_expired","message":"Access token has expired"}]}"#)
                .failures[0]
                .code,
            "token_expired"
        );
        assert_eq!(
            read(r#"{"error":{"message":"Unauthorized Request"}}"#).failures[0].message,
            "Unauthorized Request"
        );
        assert_eq!(read(r#"{"fail":[{}]}"#).failures, [Failure::default()]);
        let of_oauth =
            read(r#"{"error":"invalid_client","error_description":"The client is disabled"}"#);
        assert_eq!(of_oauth.failures.len(), 1);
        assert_eq!(of_oauth.failures[0].code, "invalid_client");
        assert_eq!(of_oauth.failures[0].message, "The client is disabled");
        assert!(
            read(r#"{"meta":{"status":403},"fail":[]}"#)
                .failures
                .is_empty()
        );
        for body in ["<html>", "[null,null,null]", "7"] {
            assert_eq!(verdict(body.as_bytes()), None, "{body}");
        }
    }
}

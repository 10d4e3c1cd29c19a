//! What an answer of Mimecast means for what happens next: the one place that decides.

#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use super::wire::{self, Failure, Verdict};
use crate::model::feed::Feed;

/// How long to wait after a 429 that does not say: a minute, as peers do.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What the client does after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// It worked: read the page.
    Accept,
    /// Try again, not before the given time where Mimecast named one.
    Retry(Option<Duration>),
    /// The binding or the token has expired: renew it, once.
    Renew,
    /// The page token is of no use any more: begin the range again.
    RestartRange,
    /// Trying again does not help.
    Refuse,
}

/// What an answer says, without its records.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnswerSummary<'a> {
    /// The HTTP status.
    pub(super) status: u16,
    /// What the body says; `None` where it is no JSON object.
    pub(super) verdict: Option<&'a Verdict>,
    /// `X-RateLimit-Reset` in milliseconds.
    pub(super) rate_limit_reset: Option<Duration>,
    /// `Retry-After`, claimed by one third party only; honoured if it comes.
    pub(super) retry_after: Option<Duration>,
    /// Whether the request carried a page token.
    pub(super) with_page_token: bool,
    /// Whether it was authorised by a token, as API 2.0 is.
    pub(super) with_bearer: bool,
}

/// What the client does after `answer`.
///
/// Sources: Mimecast's response code and rate limit pages; recorded traffic for `err_developer_key`
/// inside a 200 (met now and then with a valid id) and for `0004 Invalid Signature`.
#[must_use]
pub(super) fn decide(answer: AnswerSummary<'_>) -> Decision {
    let no_failures: &[Failure] = &[];
    let failures = answer
        .verdict
        .map_or(no_failures, |verdict| &verdict.failures);
    let has = |code: &str| failures.iter().any(|failure| failure.code == code);
    let status = wire::effective_status(answer.status, answer.verdict);
    if status == 418 || has("err_xdk_binding_expired") {
        return Decision::Renew;
    }
    if answer.with_bearer && status == 401 {
        return Decision::Renew;
    }
    match status {
        429 => Decision::Retry(Some(
            answer
                .rate_limit_reset
                .or(answer.retry_after)
                .unwrap_or(DEFAULT_RETRY_AFTER),
        )),
        // What gateways say of a server behind them: 507 and 509 that it is full, 520 to 530 are Cloudflare's.
        408 | 500..=504 | 507 | 509 | 520..=530 => Decision::Retry(answer.retry_after),
        _ if has("err_developer_key") || failures.iter().any(|failure| failure.retryable) => {
            Decision::Retry(answer.retry_after)
        }
        // How the TTP functions refuse a token is not documented: a request that carried one and is
        // told that something in it is not valid is taken back to its first page.
        200 | 400 if answer.with_page_token && (status == 400 || !failures.is_empty()) => {
            Decision::RestartRange
        }
        // A proxy's page in place of an answer may be gone the next time.
        200 if answer.verdict.is_none() => Decision::Retry(None),
        200 if failures.is_empty() => Decision::Accept,
        _ => Decision::Refuse,
    }
}

/// Whether a range ends in what Mimecast takes for the future.
pub(super) fn ends_in_future(verdict: &Verdict) -> bool {
    let mut codes = verdict.failures.iter().map(|failure| &failure.code);
    codes.any(|code| code.contains("enddate_in_the_future"))
}

/// Whether the answer to a login says that its credentials are wrong. Another such answer may lock the
/// account, so every refusal in Mimecast's own words counts, whatever its code; and every 401.
pub(super) fn refuses_login(answer: AnswerSummary<'_>) -> bool {
    let is_of_application = answer.verdict.is_some_and(|verdict| {
        let mut failures = verdict.failures.iter();
        failures.any(|failure| failure.code == "err_developer_key")
    });
    if is_of_application {
        return false;
    }
    match wire::effective_status(answer.status, answer.verdict) {
        401 => true,
        403 => !is_foreign(answer.verdict),
        200 | 400 => !is_foreign(answer.verdict) && decide(answer) == Decision::Refuse,
        _ => false,
    }
}

/// Whether a refusal is not in Mimecast's own words: something in front of the API has made it.
pub(super) fn is_foreign(verdict: Option<&Verdict>) -> bool {
    verdict.is_none_or(Verdict::is_success)
}

/// Whether a new token that is refused too may be taken the next time. Published clients take these for
/// trouble of Mimecast's gateway.
pub(super) fn is_transient(verdict: Option<&Verdict>) -> bool {
    verdict.is_some_and(|verdict| {
        verdict.failures.iter().any(|failure| {
            failure.code == "token_verification_failed" || failure.message == "Unauthorized Request"
        })
    })
}

/// What to do where an API 2.0 application lacks a permission.
macro_rules! permission_advice {
    ($log:literal) => {
        concat!(
            "the API 2.0 application needs the product Security Events (products are chosen when it is made and cannot be changed: make a new one) and a role with the Read permission for ",
            $log,
            " under Monitoring"
        )
    };
}

/// What to do where API 2.0 is not found.
pub(super) const HOST_ADVICE: &str = "check mimecast_base_url: API 2.0 is at https://api.services.mimecast.com, or https://us-api.services.mimecast.com and https://uk-api.services.mimecast.com";

/// What to do about a 403 that something in front of the API has made.
pub(super) const FIREWALL_ADVICE: &str = "this 403 does not come from the API itself, but from a web application firewall, a proxy or a restriction of IP addresses in front of it: let Mimecast accept the outbound addresses of this app (the IP ranges of the API application and of the account), and check any proxy on the way";

/// What to do about an error that may pass.
pub(super) const TEMPORARY_ADVICE: &str =
    "nothing if it is temporary; if it lasts, check Mimecast's service status page";

/// What to do about a redirect.
pub(super) const REDIRECT_ADVICE: &str =
    "check mimecast_base_url: the host redirects to another address";

/// What to do about any other refusal.
pub(super) const OTHER_ADVICE: &str =
    "read Mimecast's own message above; if no setting fixes it, report it";

/// What an operator can do about a refusal. The product that the TTP functions are in is the one that
/// published integrations name.
#[must_use]
pub(super) fn advice(
    feed: Feed,
    status: u16,
    verdict: Option<&Verdict>,
    with_bearer: bool,
) -> &'static str {
    let has = |part: &str| {
        verdict.is_some_and(|verdict| {
            verdict
                .failures
                .iter()
                .any(|failure| failure.code.contains(part))
        })
    };
    if verdict.is_some_and(ends_in_future) {
        return "set this machine's clock; if it is right, raise settle_seconds by the difference until Mimecast's is";
    }
    if has("err_developer_key") {
        return "check mimecast_app_id, the Application ID of the registered API application";
    }
    match status {
        401 if with_bearer => {
            "check mimecast_client_id and mimecast_client_secret, and that the API 2.0 application is enabled"
        }
        403 if is_foreign(verdict) => FIREWALL_ADVICE,
        403 if with_bearer => match feed {
            Feed::Url => permission_advice!("URL Protection"),
            Feed::Attachment => permission_advice!("Attachment Protection"),
            Feed::Impersonation => permission_advice!("Impersonation Protection"),
        },
        404 if with_bearer => HOST_ADVICE,
        401 => {
            "check mimecast_access_key, mimecast_secret_key and mimecast_app_key: Mimecast gives the same answer whichever of them is wrong"
        }
        403 => "give the role of the API user the Read permission for this log under Monitoring",
        404 => {
            "check mimecast_base_url: it must be the regional API host, such as https://eu-api.mimecast.com"
        }
        418 => {
            "create new keys in the Mimecast console, or set mimecast_email and mimecast_password so that the binding can be renewed; an Authentication Cache TTL of Never Expires avoids this"
        }
        429 => "give this connector API keys of its own, if others use the same ones",
        500..=599 => TEMPORARY_ADVICE,
        300..=399 => REDIRECT_ADVICE,
        _ => OTHER_ADVICE,
    }
}

/// Mimecast's own words, for messages.
pub(super) struct FailureList<'a>(pub(super) &'a [Failure]);

impl fmt::Display for FailureList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, failure) in self.0.iter().take(3).enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            let code = if failure.code.is_empty() {
                "no code"
            } else {
                &failure.code
            };
            write!(f, "{separator}{code}")?;
            if !failure.message.is_empty() {
                write!(f, " ({})", failure.message)?;
            }
        }
        Ok(())
    }
}

//! What an answer of the Data Collector API means.

use super::Decision;
use crate::log_analytics::api::Answer;

/// A 404 is documented for "too large" as well as for a wrong address. Below this size it can only be
/// the address; the documented limit is 30 times as large.
const ALWAYS_ACCEPTED_BYTES: usize = 1_000_000;

/// Decides.
///
/// An acknowledgement is a 200 **without a body**, as documented. A 200 with one comes from something in
/// between, such as a web filter with its own page: the rows did not arrive. It is refused and not tried
/// again at once, so that a service which did store the rows is sent them once more in each pass at most.
///
/// Source: Microsoft's table of return codes; 413 is not in it, but can only mean one thing. Of the
/// codes of a 400, all but `InvalidDataFormat` speak of the request and not of its content. One that
/// the table does not know is taken for the content: before a record is set aside for it, the service
/// must have taken something, if only a post without rows.
#[must_use]
pub(in crate::log_analytics) fn decide(
    Answer {
        status,
        code,
        posted_bytes,
        has_body,
        retry_after,
    }: Answer<'_>,
) -> Decision {
    match (status, code) {
        (200, _) if !has_body => Decision::Accept,
        (
            400,
            "InactiveCustomer"
            | "InvalidApiVersion"
            | "MissingApiVersion"
            | "InvalidCustomerId"
            | "InvalidLogType"
            | "MissingLogType"
            | "MissingContentType"
            | "UnsupportedContentType",
        ) => Decision::Refuse,
        (400 | 413, _) => Decision::Split,
        (404, _) if posted_bytes > ALWAYS_ACCEPTED_BYTES => Decision::Split,
        (408 | 429 | 500 | 502 | 503 | 504, _) => Decision::Retry(retry_after),
        _ => Decision::Refuse,
    }
}

/// Whether a post of this size that is cut off without an answer, time and again, may be too large:
/// observed in place of the documented 404.
#[must_use]
pub(in crate::log_analytics) fn may_be_too_large(body_bytes: usize) -> bool {
    body_bytes > ALWAYS_ACCEPTED_BYTES
}

/// What an operator can do about a refusal; `code` is the service's `Error` member.
#[must_use]
pub(in crate::log_analytics) fn advice(status: u16, code: &str) -> &'static str {
    match (status, code) {
        (200, _) => {
            "something between this app and Log Analytics answered in its place, such as a proxy or a web filter: let log_analytics_uri (https://WORKSPACE.ods.opinsights.azure.com) pass"
        }
        (403, _) => {
            "check that log_analytics_workspace_key is a key of log_analytics_workspace_id, and this machine's clock"
        }
        (400, "InvalidCustomerId" | "InactiveCustomer") => {
            "check log_analytics_workspace_id: the workspace is unknown or closed"
        }
        (400, "InvalidDataFormat") => {
            "look at the row with `mimecast-ttp quarantine show`; it can be replayed once the service takes it, or dropped"
        }
        (404, _) => {
            "check log_analytics_uri: it must be the workspace's own address, such as https://WORKSPACE.ods.opinsights.azure.com"
        }
        (300..=399, _) => "check log_analytics_uri: the host redirects to another address",
        (429 | 500..=599, _) => {
            "nothing if it is temporary; if it lasts, check Azure's service status"
        }
        _ => "read the service's own message above",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_answer_is_turned_into_a_decision_here() {
        use Decision::{Accept, Refuse, Retry, Split};
        let answer = |status, code, posted_bytes, retry_after| Answer {
            status,
            code,
            posted_bytes,
            has_body: status != 200,
            retry_after,
        };
        let wait = Some(Duration::from_secs(7));
        for code in [
            "InactiveCustomer",
            "InvalidApiVersion",
            "MissingApiVersion",
            "InvalidCustomerId",
            "InvalidLogType",
            "MissingLogType",
            "MissingContentType",
            "UnsupportedContentType",
        ] {
            assert_eq!(decide(answer(400, code, 10, None)), Refuse, "{code}");
        }
        assert_eq!(decide(answer(400, "InvalidDataFormat", 10, None)), Split);
        assert_eq!(
            decide(answer(403, "InvalidAuthorization", 10, None)),
            Refuse
        );
        let page = Answer {
            has_body: true,
            ..answer(200, "", 10, None)
        };
        assert_eq!(decide(page), Refuse, "a page is no acknowledgement");
        for (status, bytes, after, decision) in [
            (200, 10, None, Accept),
            (202, 10, None, Refuse),
            (204, 10, None, Refuse),
            (301, 10, None, Refuse),
            (400, 10, None, Split),
            (401, 10, None, Refuse),
            (403, 10, None, Refuse),
            (404, 10, None, Refuse),
            (404, 1_000_000, None, Refuse),
            (404, 1_000_001, None, Split),
            (408, 10, None, Retry(None)),
            (413, 10, None, Split),
            (429, 10, wait, Retry(wait)),
            (429, 10, None, Retry(None)),
            (500, 10, None, Retry(None)),
            (502, 10, None, Retry(None)),
            (503, 10, wait, Retry(wait)),
            (504, 10, None, Retry(None)),
            (501, 10, None, Refuse),
        ] {
            assert_eq!(
                decide(answer(status, "", bytes, after)),
                decision,
                "{status} {bytes}"
            );
        }
    }
}

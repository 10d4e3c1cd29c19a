//! What an answer of the Data Collector API means for what happens next: the one place that decides.

use std::time::Duration;

/// A 404 is documented for "too large" as well as for a wrong address. Below this size it can only be
/// the address; the documented limit is 30 times as large.
const SURELY_SMALL_BYTES: usize = 1_000_000;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Taken.
    Accept,
    /// Try again, not before the given time where the service named one.
    Retry(Option<Duration>),
    /// Post it in halves.
    Split,
    /// Trying again does not help.
    Refuse,
}

/// Decides, from the status, the size of the body that was posted, and `Retry-After`.
///
/// Source: Microsoft's table of return codes; 413 is not in it, but can only mean one thing.
#[must_use]
pub fn decide(status: u16, body_bytes: usize, retry_after: Option<Duration>) -> Decision {
    match status {
        200 => Decision::Accept,
        413 => Decision::Split,
        404 if body_bytes > SURELY_SMALL_BYTES => Decision::Split,
        408 | 429 | 500 | 502 | 503 | 504 => Decision::Retry(retry_after),
        _ => Decision::Refuse,
    }
}

/// Whether a post of this size that is cut off without an answer, time and again, may be too large:
/// observed in place of the documented 404.
#[must_use]
pub fn may_be_too_large(body_bytes: usize) -> bool {
    body_bytes > SURELY_SMALL_BYTES
}

/// What an operator can do about a refusal; `code` is the service's `Error` member.
#[must_use]
pub(super) fn advice(status: u16, code: &str) -> &'static str {
    match (status, code) {
        (403, _) => {
            "check that log_analytics_workspace_key is a key of log_analytics_workspace_id, and this machine's clock"
        }
        (400, "InvalidCustomerId" | "InactiveCustomer") => {
            "check log_analytics_workspace_id: the workspace is unknown or closed"
        }
        (400, "InvalidDataFormat") => "this should not happen: report it with the request id",
        (404, _) => {
            "check log_analytics_uri: it must be the workspace's own address, such as https://WORKSPACE.ods.opinsights.azure.com"
        }
        (300..=399, _) => "check log_analytics_uri: the host sends elsewhere",
        (429 | 500..=599, _) => {
            "nothing, if it passes; Azure's service status tells of lasting trouble"
        }
        _ => "look at what the service says here",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_turned_into_a_decision_here() {
        use Decision::{Accept, Refuse, Retry, Split};
        let wait = Some(Duration::from_secs(7));
        for (status, bytes, after, decision) in [
            (200, 10, None, Accept),
            (202, 10, None, Refuse),
            (204, 10, None, Refuse),
            (301, 10, None, Refuse),
            (400, 10, None, Refuse),
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
            assert_eq!(decide(status, bytes, after), decision, "{status} {bytes}");
        }
    }
}

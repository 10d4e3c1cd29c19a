//! What an answer of the Logs Ingestion API means.

use std::time::Duration;

use super::Decision;

/// Decides, from the status and `Retry-After`.
///
/// Sources: the REST specification and the official clients, which insist on 204 (a 200 may be a
/// proxy's page); the live tests of those clients for 413 and 500. Which codes a 400 may have is not
/// documented: it is taken for the content, and before a record is set aside for it the service must
/// have taken something, if only a post without rows.
#[must_use]
pub(in crate::log_analytics) fn decide(status: u16, retry_after: Option<Duration>) -> Decision {
    match status {
        204 => Decision::Accept,
        401 => Decision::Renew,
        400 | 413 => Decision::Split,
        408 | 429 | 500 | 502 | 503 | 504 => Decision::Retry(retry_after),
        _ => Decision::Refuse,
    }
}

/// What an operator can do about a refusal.
#[must_use]
pub(in crate::log_analytics) fn advice(status: u16) -> &'static str {
    match status {
        400 => {
            "look at the row with `mimecast-ttp quarantine show`; if every row is refused, compare the streams of the data collection rule with deploy/logs-ingestion.json"
        }
        401 => {
            "check active_directory_authority and logs_ingestion_audience: the token is not for this service or this cloud"
        }
        403 => {
            "give this app's identity the role Monitoring Metrics Publisher on the data collection rule itself, and check logs_ingestion_rule_id; a new role takes up to 30 minutes, and nothing is lost meanwhile"
        }
        404 => {
            "check logs_ingestion_endpoint and logs_ingestion_rule_id, and that the rule has the streams of deploy/logs-ingestion.json"
        }
        300..=399 => "check logs_ingestion_endpoint: the host redirects to another address",
        429 | 500..=599 => "nothing if it is temporary; if it lasts, check Azure's service status",
        _ => "read the service's own message above",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_turned_into_a_decision_here() {
        use Decision::{Accept, Refuse, Renew, Retry, Split};
        let wait = Some(Duration::from_secs(7));
        for (status, after, decision) in [
            (200, None, Refuse),
            (202, None, Refuse),
            (204, None, Accept),
            (301, None, Refuse),
            (400, None, Split),
            (401, None, Renew),
            (403, None, Refuse),
            (404, None, Refuse),
            (408, None, Retry(None)),
            (413, None, Split),
            (429, wait, Retry(wait)),
            (500, None, Retry(None)),
            (501, None, Refuse),
            (502, None, Retry(None)),
            (503, wait, Retry(wait)),
            (504, None, Retry(None)),
        ] {
            assert_eq!(decide(status, after), decision, "{status}");
        }
    }
}

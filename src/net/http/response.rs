//! An answer, and how it may be told.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{StatusCode, header::HeaderMap};

use crate::{model::visible::visible, net::scrub::SentSecrets};

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// The secrets of the request.
    pub sent: SentSecrets,
}

/// How much of a body is looked through for secrets before its beginning is told. No secret is so long that
/// one which begins in what is told could end after this.
const MAX_TOLD_BYTES: usize = 64 * 1024;

impl Response {
    /// A text from this answer as it may be told: without what the request sent as a secret, visible, and
    /// not long.
    #[must_use]
    pub fn tell(&self, text: &str) -> String {
        visible(&self.sent.scrub(text))
    }

    /// The beginning of the body as it may be told.
    #[must_use]
    pub fn excerpt(&self) -> String {
        let cut = &self.body[..self.body.len().min(MAX_TOLD_BYTES)];
        self.tell(&String::from_utf8_lossy(cut))
    }

    /// A header as text; `None` where it is absent or not ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the server's clock showed when it answered, to the second.
    #[must_use]
    pub fn served_at(&self) -> Option<DateTime<Utc>> {
        let date = DateTime::parse_from_rfc2822(self.header("date")?).ok()?;
        Some(date.to_utc())
    }

    /// By how much the clock that showed `sent` and `received` around this exchange is ahead of the server's; negative
    /// where it is behind. The server has looked at its own in between, and tells whole seconds.
    #[must_use]
    pub fn clock_ahead(&self, sent: DateTime<Utc>, received: DateTime<Utc>) -> Option<TimeDelta> {
        let served = self.served_at()?;
        Some(if served < sent {
            sent - served
        } else {
            (received - served).min(TimeDelta::zero())
        })
    }

    /// How long the server asks to wait from `now` on.
    #[must_use]
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        retry_after(self.header("retry-after")?, now)
    }
}

/// Reads a `Retry-After` header: seconds, or a date, from which the wait at `now` follows.
fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_fast_clock() {
        let time = |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap();
        let mut response = Response {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Vec::new(),
            sent: SentSecrets::of(&[], &bytes::Bytes::new()),
        };
        assert_eq!(response.clock_ahead(time(0), time(1)), None);
        let date = time(10).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers.insert("date", date.parse().unwrap());
        for (sent, received, ahead) in [(0, 60, 0), (10, 10, 0), (17, 60, 7), (0, 4, -6)] {
            let found = response.clock_ahead(time(sent), time(received));
            assert_eq!(found, Some(TimeDelta::seconds(ahead)), "{sent} {received}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-03-02T08:00:00Z")
            .unwrap()
            .to_utc();
        assert_eq!(retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Mon, 02 Mar 2026 08:00:09 GMT", now),
            Some(Duration::from_secs(9))
        );
        assert_eq!(
            retry_after("Mon, 02 Mar 2026 07:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon", now), None);
    }
}

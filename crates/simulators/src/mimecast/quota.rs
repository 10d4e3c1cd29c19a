//! The rate limit: calls per fixed window and access key.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The windows that are running. Everyone without a known access key shares one.
#[derive(Debug)]
pub(super) struct Quota {
    window: Duration,
    known: u32,
    unknown: u32,
    running: Mutex<HashMap<Option<String>, Window>>,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    used: u32,
}

/// Where a caller stands after a call was counted; sent along with every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// `X-RateLimit-Limit`: calls per window.
    pub(super) limit: u32,
    /// `X-RateLimit-Remaining`: calls left in this window.
    pub(super) remaining: u32,
    /// `X-RateLimit-Reset`: milliseconds until the next window.
    pub(super) reset_ms: u64,
    /// Whether this call was one too many.
    pub(super) exceeded: bool,
}

impl Quota {
    pub(super) fn new(window: Duration, known: u32, unknown: u32) -> Self {
        Self {
            window,
            known,
            unknown,
            running: Mutex::default(),
        }
    }

    /// Counts a call of the known access key `key`, or of someone unknown, at `now`. Seen live:
    /// calls that fail for a wrong signature or application id cost one like all others.
    pub(super) fn spend(&self, key: Option<&str>, now: Instant) -> Standing {
        let limit = if key.is_some() {
            self.known
        } else {
            self.unknown
        };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let window = running.entry(key.map(str::to_owned)).or_insert(Window {
            since: now,
            used: 0,
        });
        if now.duration_since(window.since) >= self.window {
            *window = Window {
                since: now,
                used: 0,
            };
        }
        let exceeded = window.used >= limit;
        if !exceeded {
            window.used += 1;
        }
        let left = self.window.saturating_sub(now.duration_since(window.since));
        Standing {
            limit,
            remaining: limit - window.used,
            reset_ms: u64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u64::MAX),
            exceeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_gives_its_calls_and_then_starts_over() {
        let quota = Quota::new(Duration::from_secs(5), 2, 7);
        let start = Instant::now();
        let first = quota.spend(Some("key"), start);
        assert_eq!((first.limit, first.remaining, first.reset_ms), (2, 1, 5000));
        let later = start + Duration::from_millis(1500);
        let second = quota.spend(Some("key"), later);
        assert_eq!((second.remaining, second.reset_ms), (0, 3500));
        assert!(!second.exceeded);
        assert!(quota.spend(Some("key"), later).exceeded);
        let fresh = quota.spend(Some("key"), start + Duration::from_secs(5));
        assert_eq!((fresh.remaining, fresh.exceeded), (1, false));
    }

    #[test]
    fn the_unknown_share_a_window_of_their_own() {
        let quota = Quota::new(Duration::from_secs(5), 1, 2);
        let now = Instant::now();
        assert!(!quota.spend(Some("key"), now).exceeded);
        assert_eq!(quota.spend(None, now).remaining, 1);
        assert_eq!(quota.spend(None, now).remaining, 0);
        assert!(quota.spend(None, now).exceeded);
    }
}

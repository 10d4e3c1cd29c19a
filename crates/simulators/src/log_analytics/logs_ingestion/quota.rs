//! What a rule takes in a minute.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::{config::Config, reply::Reply};

/// What was used in the current minute. That the minutes are those of the clock is unconfirmed.
#[derive(Debug, Default)]
pub(super) struct Quota(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    requests: u64,
    bytes: u64,
}

impl Quota {
    /// Counts requests and unpacked bytes at `now`. What is above a limit is refused until the
    /// minute is over.
    pub(super) fn spend(
        &self,
        config: &Config,
        now: DateTime<Utc>,
        requests: u64,
        bytes: usize,
    ) -> Result<(), Reply> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.timestamp().div_euclid(60);
        if minute.number != number {
            *minute = Minute {
                number,
                ..Minute::default()
            };
        }
        minute.requests += requests;
        minute.bytes += bytes as u64;
        if minute.requests > config.requests_per_minute || minute.bytes > config.bytes_per_minute {
            let left = 60 - now.timestamp().rem_euclid(60);
            return Err(Reply::Throttled(left.to_string()));
        }
        Ok(())
    }
}

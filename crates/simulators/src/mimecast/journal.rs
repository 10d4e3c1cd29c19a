//! What was called, for tests to look at.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

/// One call, in the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The simulated time at which it arrived.
    pub at: DateTime<Utc>,
    /// The path asked for.
    pub path: String,
    /// The `x-mc-req-id` header, as sent. Repeats are served, as seen live; whether each call had a
    /// fresh one can be seen here.
    pub request_id: Option<String>,
    /// The `x-mc-date` header, as sent.
    pub date: Option<String>,
    /// `pageToken`, if a non-empty one was sent.
    pub page_token: Option<String>,
    /// `from` of the first request item, as sent.
    pub from: Option<String>,
    /// `to` of the first request item, as sent.
    pub to: Option<String>,
    /// The HTTP status answered; `None` while the answer is under way, and for good where the
    /// connection was dropped or the caller went away.
    pub status: Option<u16>,
    /// How many rows the answer held.
    pub rows: usize,
}

#[derive(Debug)]
pub(super) struct Journal {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counts: HashMap<String, u64>,
    calls: VecDeque<Call>,
    /// The number of the oldest call still kept.
    oldest: u64,
}

impl Journal {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            state: Mutex::default(),
        }
    }

    /// Writes down the arrival of a call and returns its number, for [`Journal::close`].
    pub(super) fn open(&self, call: Call) -> u64 {
        let mut state = self.lock();
        *state.counts.entry(call.path.clone()).or_insert(0) += 1;
        state.calls.push_back(call);
        let number = state.oldest + state.calls.len() as u64 - 1;
        while state.calls.len() > self.limit {
            let _ = state.calls.pop_front();
            state.oldest += 1;
        }
        number
    }

    /// Adds what was answered, where the call is still kept.
    pub(super) fn close(&self, number: u64, status: Option<u16>, rows: usize) {
        let mut state = self.lock();
        let place = number
            .checked_sub(state.oldest)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(call) = place.and_then(|place| state.calls.get_mut(place)) {
            call.status = status;
            call.rows = rows;
        }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().calls.iter().cloned().collect()
    }

    pub(super) fn count(&self, path: &str) -> u64 {
        self.lock().counts.get(path).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_calls_are_kept_and_all_are_counted() {
        let journal = Journal::new(2);
        let call = |path: &str| Call {
            at: DateTime::UNIX_EPOCH,
            path: path.to_owned(),
            request_id: None,
            date: None,
            page_token: None,
            from: None,
            to: None,
            status: None,
            rows: 0,
        };
        let first = journal.open(call("/a"));
        let second = journal.open(call("/b"));
        let third = journal.open(call("/a"));
        for number in [first, second, third] {
            journal.close(number, Some(200), 1);
        }
        let kept: Vec<_> = journal.calls();
        assert_eq!(kept.len(), 2);
        assert_eq!((kept[0].path.as_str(), kept[0].status), ("/b", Some(200)));
        assert_eq!((journal.count("/a"), journal.count("/b")), (2, 1));
    }
}

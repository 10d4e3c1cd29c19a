//! What the simulator remembers between calls.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::config::Config;

/// Calls that are kept in detail; more are only counted.
const JOURNAL_LENGTH: usize = 10_000;

/// One call, for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When, in simulated time.
    pub at: DateTime<Utc>,
    /// The path.
    pub path: String,
    /// `x-mc-req-id` as sent.
    pub request_id: String,
    /// `x-mc-date` as sent.
    pub date: String,
    /// Whether it carried a page token.
    pub with_token: bool,
    /// The status answered; 0 for a connection that was closed.
    pub status: u16,
    /// The records answered.
    pub rows: usize,
}

/// The keys that are valid now.
#[derive(Clone)]
pub(super) struct Binding {
    pub(super) access_key: String,
    pub(super) secret_key: String,
    pub(super) alive: bool,
    renewals: u32,
}

struct Window {
    started: Instant,
    used: u32,
}

pub(super) struct State {
    inner: Mutex<Inner>,
}

struct Inner {
    binding: Binding,
    windows: HashMap<String, Window>,
    journal: VecDeque<Call>,
    counts: BTreeMap<String, (u64, u64)>,
    rows: BTreeMap<String, u64>,
}

/// Where a call stands within its quota.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset: Duration,
    pub(super) used_up: bool,
}

impl State {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            inner: Mutex::new(Inner {
                binding: Binding {
                    access_key: config.access_key.clone(),
                    secret_key: config.secret_key.clone(),
                    alive: true,
                    renewals: 0,
                },
                windows: HashMap::new(),
                journal: VecDeque::new(),
                counts: BTreeMap::new(),
                rows: BTreeMap::new(),
            }),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn binding(&self) -> Binding {
        self.lock().binding.clone()
    }

    pub(super) fn expire(&self) {
        self.lock().binding.alive = false;
    }

    /// Makes the binding valid again; with `new_keys` under other keys.
    pub(super) fn renew(&self, new_keys: bool) -> Binding {
        let mut inner = self.lock();
        let binding = &mut inner.binding;
        binding.alive = true;
        if new_keys {
            binding.renewals += 1;
            binding.access_key = format!("renewed-{}-{}", binding.renewals, binding.access_key);
            let secret = base64::Engine::encode(
                &base64::prelude::BASE64_STANDARD,
                format!(
                    "renewed secret {} of sixty-four bytes or so, for what it is worth",
                    binding.renewals
                ),
            );
            binding.secret_key = secret;
        }
        binding.clone()
    }

    /// Counts a call of `bucket`, in fixed windows.
    pub(super) fn use_quota(&self, bucket: &str, limit: u32, length: Duration) -> Quota {
        let now = Instant::now();
        let mut inner = self.lock();
        let window = inner.windows.entry(bucket.to_owned()).or_insert(Window {
            started: now,
            used: 0,
        });
        if now.duration_since(window.started) >= length {
            *window = Window {
                started: now,
                used: 0,
            };
        }
        let used_up = window.used >= limit;
        window.used = window.used.saturating_add(1).min(limit);
        Quota {
            limit,
            remaining: limit - window.used,
            reset: length.saturating_sub(now.duration_since(window.started)),
            used_up,
        }
    }

    pub(super) fn note(&self, call: Call) {
        let mut inner = self.lock();
        let (calls, refused) = inner.counts.entry(call.path.clone()).or_default();
        *calls += 1;
        *refused += u64::from(call.status != 200);
        *inner.rows.entry(call.path.clone()).or_default() += call.rows as u64;
        if inner.journal.len() == JOURNAL_LENGTH {
            inner.journal.pop_front();
        }
        inner.journal.push_back(call);
    }

    pub(super) fn journal(&self) -> Vec<Call> {
        self.lock().journal.iter().cloned().collect()
    }

    pub(super) fn calls(&self, path: &str) -> u64 {
        self.lock().counts.get(path).map_or(0, |(calls, _)| *calls)
    }

    pub(super) fn rows(&self, path: &str) -> u64 {
        self.lock().rows.get(path).copied().unwrap_or(0)
    }
}

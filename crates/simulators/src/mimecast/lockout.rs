//! The lock of an account after failed logins.
//!
//! Five failures lock it for a quarter of an hour, which is Mimecast's default (support page "Password
//! Complexity and Expiration"). Unconfirmed: that a login that works, or a quarter of an hour without any,
//! makes it forget the failures before; and that one during the lock does not prolong it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

const FAILURES: u32 = 5;
const LOCKED_FOR: TimeDelta = TimeDelta::minutes(15);

/// The failed logins of the service user.
#[derive(Debug, Default)]
pub(super) struct Lockout(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    last_failure: Option<DateTime<Utc>>,
    locked_until: Option<DateTime<Utc>>,
    times_locked: u64,
}

impl Lockout {
    /// Whether even the right password is refused at `now`.
    pub(super) fn is_locked(&self, now: DateTime<Utc>) -> bool {
        self.state().locked_until.is_some_and(|until| now < until)
    }

    /// How often the account was locked.
    pub(super) fn times_locked(&self) -> u64 {
        self.state().times_locked
    }

    /// A login failed at `now`.
    pub(super) fn failed(&self, now: DateTime<Utc>) {
        let mut state = self.state();
        if state.locked_until.is_some_and(|until| now < until) {
            return;
        }
        let last = state.last_failure.replace(now);
        if last.is_some_and(|last| now - last >= LOCKED_FOR) {
            state.failures = 0;
        }
        state.failures += 1;
        if state.failures == FAILURES {
            state.failures = 0;
            state.locked_until = Some(now + LOCKED_FOR);
            state.times_locked += 1;
        }
    }

    /// A login worked.
    pub(super) fn worked(&self) {
        self.state().failures = 0;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

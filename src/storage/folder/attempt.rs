//! How far a write has come: agreed between whoever waits for it and the thread that does it.
//!
//! A thread cannot be stopped. So it asks before it changes anything, and whoever stops waiting says so:
//! after a failure that is reported as one nothing happens any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far a write has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// It has not asked for the lock, or not heard.
    #[default]
    Starting,
    /// Another process holds the lock.
    Locked,
    /// It holds the lock. Nothing that counts has changed.
    Preparing,
    /// Something is being changed: this cannot be taken back.
    Changing,
    /// Nobody waits for it any more. It changes nothing.
    GivenUp,
}

/// One write. Clones are of the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempt(Arc<Mutex<Phase>>);

impl Attempt {
    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to a phase. `false` if the write is given up.
    pub(super) fn enter(&self, next: Phase) -> bool {
        let mut phase = self.phase();
        if *phase == Phase::GivenUp {
            return false;
        }
        *phase = next;
        true
    }

    /// Gives it up, unless something is already being changed. Returns how far it had come.
    pub(super) fn give_up(&self) -> Phase {
        let mut phase = self.phase();
        let reached = *phase;
        if reached != Phase::Changing {
            *phase = Phase::GivenUp;
        }
        reached
    }
}

/// Whoever waits for a write. Dropped, it gives the write up.
#[derive(Debug, Default)]
pub(super) struct Caller(pub(super) Attempt);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_changes_nothing() {
        for reached in [Phase::Starting, Phase::Locked, Phase::Preparing] {
            let attempt = Attempt::default();
            assert!(attempt.enter(reached));
            assert_eq!(attempt.give_up(), reached);
            assert!(!attempt.enter(Phase::Changing), "{reached:?}");
        }
    }

    #[test]
    fn what_is_being_changed_is_not_given_up() {
        let attempt = Attempt::default();
        assert!(attempt.enter(Phase::Changing));
        assert_eq!(attempt.give_up(), Phase::Changing);
        assert_eq!(attempt.give_up(), Phase::Changing);
    }

    #[test]
    fn a_caller_that_goes_away_gives_up() {
        let caller = Caller::default();
        let attempt = caller.0.clone();
        drop(caller);
        assert!(!attempt.enter(Phase::Changing));
    }
}

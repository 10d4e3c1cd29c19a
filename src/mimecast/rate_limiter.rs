//! Staying below Mimecast's rate limit.
//!
//! Every answer says how many calls are left and in how many milliseconds there will be more
//! (`X-RateLimit-Remaining`, `X-RateLimit-Reset`; vendor page "Rate Limiting"). Calls are made side by
//! side, so those that are still on their way count as used. A call that would exceed the limit waits
//! instead of being refused. Whether the limit is one for all functions is documented in different ways: it is
//! taken as one, which is safe under both.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What is known of the limit.
#[derive(Debug, Default)]
pub(super) struct RateLimiter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    under_way: u64,
    window: Option<Window>,
}

/// What the last answer said.
#[derive(Debug, Clone, Copy)]
struct Window {
    left: u64,
    /// When there will be more, as time since the clock's fixed moment.
    until: Duration,
}

/// A call that is under way, until it is dropped.
#[derive(Debug)]
pub(super) struct CallPermit<'a>(&'a RateLimiter);

impl RateLimiter {
    /// A permit to call at `now`, or how long to wait before asking again.
    pub(super) fn permit(&self, now: Duration) -> Result<CallPermit<'_>, Duration> {
        let mut state = self.state();
        if let Some(window) = state.window
            && window.left <= state.under_way
            && let Some(wait) = window.until.checked_sub(now).filter(|wait| !wait.is_zero())
        {
            return Err(wait);
        }
        state.under_way += 1;
        Ok(CallPermit(self))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallPermit<'_> {
    /// The call was answered at `now`: so many are left, and in `reset` there will be more.
    pub(super) fn answered(&self, now: Duration, left: u64, reset: Duration) {
        let until = now.saturating_add(reset);
        let mut state = self.0.state();
        // Answers overtake each other: within a window the lowest number is the latest. Two answers are
        // of one window if their ends lie close, for what is left of it; the later end is the newer one.
        let left = match state.window {
            Some(window) if now < window.until => {
                let still = window.until.saturating_sub(now);
                if reset > still + reset / 2 {
                    left
                } else if still > reset + still / 2 {
                    return;
                } else {
                    left.min(window.left)
                }
            }
            _ => left,
        };
        state.window = Some(Window { left, until });
    }
}

impl Drop for CallPermit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way = state.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn no_more_calls_are_made_than_are_left_and_those_under_way_count() {
        let limiter = RateLimiter::default();
        // Nothing is known yet.
        let (first, second) = (
            limiter.permit(SECOND).unwrap(),
            limiter.permit(SECOND).unwrap(),
        );
        first.answered(SECOND, 2, 4 * SECOND);
        drop(first);
        let third = limiter.permit(SECOND).unwrap();
        assert_eq!(limiter.permit(2 * SECOND).unwrap_err(), 3 * SECOND);
        second.answered(2 * SECOND, 1, 3 * SECOND);
        drop(second);
        assert_eq!(limiter.permit(2 * SECOND).unwrap_err(), 3 * SECOND);
        third.answered(2 * SECOND, 0, 3 * SECOND);
        drop(third);
        assert!(limiter.permit(4 * SECOND).is_err());
        assert!(limiter.permit(5 * SECOND).is_ok());
    }

    #[test]
    fn an_answer_that_was_overtaken_does_not_raise_the_number() {
        let limiter = RateLimiter::default();
        let (early, late) = (
            limiter.permit(SECOND).unwrap(),
            limiter.permit(SECOND).unwrap(),
        );
        late.answered(SECOND, 0, SECOND);
        early.answered(SECOND, 1, SECOND);
        drop((early, late));
        assert!(limiter.permit(SECOND).is_err());
    }

    #[test]
    fn a_late_answer_of_the_window_before_does_not_close_the_next_one() {
        for late_first in [true, false] {
            let limiter = RateLimiter::default();
            let (old, new) = (
                limiter.permit(SECOND).unwrap(),
                limiter.permit(SECOND).unwrap(),
            );
            let answer_old = || old.answered(6 * SECOND, 0, SECOND / 10);
            if late_first {
                answer_old();
            }
            new.answered(6 * SECOND, 24, 5 * SECOND);
            if !late_first {
                answer_old();
            }
            assert!(limiter.permit(6 * SECOND).is_ok(), "{late_first}");
            drop((old, new));
        }
    }

    #[test]
    fn a_call_that_is_given_up_is_under_way_no_more() {
        let limiter = RateLimiter::default();
        limiter.permit(SECOND).unwrap().answered(SECOND, 1, SECOND);
        drop(limiter.permit(SECOND).unwrap());
        assert!(limiter.permit(SECOND).is_ok());
    }
}

//! The time by which a pass must have stopped.

use std::time::Duration;

/// A point on the monotonic time line of a clock (see `Clock::elapsed`), so that a wall clock that
/// is set back or forward does not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Duration);

impl Deadline {
    /// The deadline `budget` after `now`.
    #[must_use]
    pub fn after(now: Duration, budget: Duration) -> Self {
        Self(now.saturating_add(budget))
    }

    /// What is left at `now`; `None` once it has passed.
    #[must_use]
    pub fn remaining(self, now: Duration) -> Option<Duration> {
        self.0.checked_sub(now).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_at_the_deadline_or_after_it() {
        let second = Duration::from_secs(1);
        let deadline = Deadline::after(second * 10, second * 5);
        assert_eq!(deadline.remaining(second * 12), Some(second * 3));
        assert_eq!(deadline.remaining(second * 15), None);
        assert_eq!(deadline.remaining(second * 16), None);
    }
}

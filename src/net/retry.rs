//! Trying again, bounded in number and in time.

use std::{fmt, time::Duration};

use crate::{
    ingest::ports::{Clock, Randomness},
    model::deadline::Deadline,
};

/// No wait of this length fits into any deadline; a longer one need not be told apart.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30 * 86_400);

/// How often and how far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts in all.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles each time.
    pub first_wait: Duration,
    /// No own wait is longer.
    pub longest_wait: Duration,
    /// The longest single attempt.
    pub attempt_time: Duration,
}

impl Policy {
    /// Five attempts, 0.5 s to 15 s apart: rides out a restart of a service and leaves most of a run
    /// budget of some minutes.
    pub const STANDARD: Self = Self {
        attempts: 5,
        first_wait: Duration::from_millis(500),
        longest_wait: Duration::from_secs(15),
        attempt_time: Duration::from_secs(60),
    };

    /// The wait before attempt `next` (2, 3, ...): doubling, with a random share of up to half taken
    /// off so that feeds and instances do not come back together; or what the server asked for plus
    /// up to a tenth.
    fn wait(&self, next: u32, asked: Option<Duration>, random: &dyn Randomness) -> Duration {
        // 53 random bits make an even fraction below 1.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
        let fraction = (random.bits() >> 75) as f64 / (1_u64 << 53) as f64;
        let own = self
            .first_wait
            .saturating_mul(2_u32.saturating_pow(next.saturating_sub(2)))
            .min(self.longest_wait)
            .mul_f64(1.0 - fraction / 2.0);
        // A server that asks for no wait at all would use up every attempt in no time.
        asked.map_or(own, |asked| {
            asked
                .min(MAX_RETRY_AFTER)
                .mul_f64(1.0 + fraction / 10.0)
                .max(own)
        })
    }
}

/// What became of one attempt.
#[derive(Debug)]
pub enum Attempt<T, E> {
    /// It worked.
    Done(T),
    /// It may work another time, not before `after` where the server said so.
    Again {
        /// What went wrong.
        error: E,
        /// What the server asked to wait.
        after: Option<Duration>,
    },
    /// The same again, at once and free of charge, after something was put right in between.
    AtOnce,
    /// It will not work by trying again.
    Stop(E),
}

/// Why trying ended without success.
#[derive(Debug, PartialEq, Eq)]
pub enum RetryError<E> {
    /// Refused for good, or as often as is sensible.
    Failed {
        /// The last error.
        error: E,
        /// Attempts made.
        attempts: u32,
        /// Time spent.
        spent: Duration,
    },
    /// The server asked for a longer wait than the deadline leaves.
    Throttled {
        /// The wait it asked for.
        wait: Duration,
    },
    /// The deadline came: before the first attempt, in the middle of one, or before the next. The
    /// last error, if there was one, may say nothing about the service.
    OutOfTime(Option<E>),
}

impl<E: fmt::Display> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed {
                error,
                attempts,
                spent,
            } => {
                let plural = if *attempts == 1 { "" } else { "s" };
                write!(
                    f,
                    "{error} ({attempts} attempt{plural} in {:.1} s)",
                    spent.as_secs_f64()
                )
            }
            Self::Throttled { wait } => write!(
                f,
                "asked to wait {:.1} s, longer than the run budget leaves",
                wait.as_secs_f64()
            ),
            Self::OutOfTime(None) => f.write_str("the run budget ended"),
            Self::OutOfTime(Some(error)) => write!(f, "the run budget ended behind: {error}"),
        }
    }
}

/// A row of attempts, bounded in number and time:
///
/// ```text
/// loop {
///     let time = trying.begin()?;
///     let attempt = call(time).await;
///     if let Some(result) = trying.end(attempt).await {
///         break result;
///     }
/// }
/// ```
pub struct Trying<'a, E> {
    clock: &'a dyn Clock,
    random: &'a dyn Randomness,
    policy: Policy,
    deadline: Deadline,
    started: Duration,
    made: u32,
    /// Whether the attempt under way has less time than it would like.
    cut_short: bool,
    last: Option<E>,
}

impl<E> fmt::Debug for Trying<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trying")
            .field("policy", &self.policy)
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

impl<'a, E> Trying<'a, E> {
    /// Starts: no attempt is made yet.
    pub fn new(
        clock: &'a dyn Clock,
        random: &'a dyn Randomness,
        policy: Policy,
        deadline: Deadline,
    ) -> Self {
        Self {
            clock,
            random,
            policy,
            deadline,
            started: clock.elapsed(),
            made: 0,
            cut_short: false,
            last: None,
        }
    }

    /// Begins an attempt: how long it may take.
    pub fn begin(&mut self) -> Result<Duration, RetryError<E>> {
        let Some(left) = self.left() else {
            return Err(RetryError::OutOfTime(self.last.take()));
        };
        self.made += 1;
        self.cut_short = left < self.policy.attempt_time;
        Ok(left.min(self.policy.attempt_time))
    }

    /// Ends an attempt: the result with the number of attempts, or `None` after the wait before the
    /// next one.
    pub async fn end<T>(
        &mut self,
        attempt: Attempt<T, E>,
    ) -> Option<Result<(T, u32), RetryError<E>>> {
        let (error, after) = match attempt {
            Attempt::Done(value) => return Some(Ok((value, self.made))),
            Attempt::AtOnce => return None,
            Attempt::Stop(error) => return Some(Err(self.failed(error))),
            Attempt::Again { error, after } => (error, after),
        };
        // An attempt that the deadline cut short says nothing about the service.
        if self.cut_short && self.left().is_none() {
            return Some(Err(RetryError::OutOfTime(self.last.take())));
        }
        let wait = self.policy.wait(self.made + 1, after, self.random);
        let fits = self.left().is_some_and(|left| left > wait);
        if let Some(asked) = after.filter(|_| !fits) {
            return Some(Err(RetryError::Throttled {
                wait: asked.min(MAX_RETRY_AFTER),
            }));
        }
        if self.made >= self.policy.attempts {
            return Some(Err(self.failed(error)));
        }
        if !fits {
            return Some(Err(RetryError::OutOfTime(Some(error))));
        }
        self.last = Some(error);
        self.clock.sleep(wait).await;
        None
    }

    fn left(&self) -> Option<Duration> {
        self.deadline.remaining(self.clock.elapsed())
    }

    fn failed(&self, error: E) -> RetryError<E> {
        RetryError::Failed {
            error,
            attempts: self.made,
            spent: self.clock.elapsed().saturating_sub(self.started),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;

    /// A clock that sleeping moves.
    #[derive(Default)]
    struct Still(Mutex<Duration>);

    #[async_trait]
    impl Clock for Still {
        fn now(&self) -> chrono::DateTime<chrono::Utc> {
            chrono::DateTime::default() + self.elapsed()
        }
        fn elapsed(&self) -> Duration {
            *self.0.lock().unwrap()
        }
        async fn sleep(&self, duration: Duration) {
            *self.0.lock().unwrap() += duration;
        }
    }

    struct Fixed(u128);
    impl Randomness for Fixed {
        fn bits(&self) -> u128 {
            self.0
        }
    }

    async fn run(
        clock: &Still,
        budget: u64,
        mut answers: Vec<Attempt<&'static str, &'static str>>,
    ) -> Result<(&'static str, u32), RetryError<&'static str>> {
        answers.reverse();
        let deadline = Deadline::after(clock.elapsed(), Duration::from_secs(budget));
        let mut trying = Trying::new(clock, &Fixed(0), Policy::STANDARD, deadline);
        loop {
            trying.begin()?;
            if let Some(result) = trying.end(answers.pop().unwrap()).await {
                return result;
            }
        }
    }

    fn again(after: Option<u64>) -> Attempt<&'static str, &'static str> {
        Attempt::Again {
            error: "busy",
            after: after.map(Duration::from_millis),
        }
    }

    #[tokio::test]
    async fn trying_again_is_bounded_and_waits_double() {
        let clock = Still::default();
        let answers = (0..9).map(|_| again(None)).collect();
        let spent = Duration::from_millis(500 + 1000 + 2000 + 4000);
        assert_eq!(
            run(&clock, 1000, answers).await,
            Err(RetryError::Failed {
                error: "busy",
                attempts: 5,
                spent
            })
        );
    }

    #[tokio::test]
    async fn a_wait_that_was_asked_for_is_kept_if_it_fits() {
        let clock = Still::default();
        let answers = vec![again(Some(1500)), again(Some(900_000)), Attempt::Done("ok")];
        assert_eq!(run(&clock, 1000, answers).await, Ok(("ok", 3)));
        assert_eq!(clock.elapsed(), Duration::from_millis(901_500));
    }

    #[tokio::test]
    async fn no_wait_reaches_over_the_deadline() {
        let clock = Still::default();
        let wait = Duration::from_secs(30);
        assert_eq!(
            run(&clock, 10, vec![again(Some(30_000))]).await,
            Err(RetryError::Throttled { wait })
        );
        assert_eq!(clock.elapsed(), Duration::ZERO);
        assert!(matches!(
            run(&clock, 0, vec![]).await,
            Err(RetryError::OutOfTime(None))
        ));
        assert!(matches!(
            run(&clock, 1, vec![again(None), again(None)]).await,
            Err(RetryError::OutOfTime(Some("busy")))
        ));
    }

    #[tokio::test]
    async fn a_long_wait_asked_for_at_the_last_attempt_is_one_too() {
        let clock = Still::default();
        let mut answers: Vec<_> = (0..4).map(|_| again(None)).collect();
        answers.push(again(Some(u64::MAX)));
        let result = run(&clock, 1000, answers).await;
        assert_eq!(
            result,
            Err(RetryError::Throttled {
                wait: MAX_RETRY_AFTER
            })
        );
    }

    #[tokio::test]
    async fn what_is_refused_for_good_is_not_tried_again() {
        let clock = Still::default();
        let result = run(&clock, 1000, vec![Attempt::AtOnce, Attempt::Stop("no")]).await;
        assert_eq!(
            result,
            Err(RetryError::Failed {
                error: "no",
                attempts: 2,
                spent: Duration::ZERO
            })
        );
    }

    #[test]
    fn jitter_takes_off_at_most_half() {
        let policy = Policy::STANDARD;
        let most = policy.wait(3, None, &Fixed(0));
        let least = policy.wait(3, None, &Fixed(u128::MAX));
        assert_eq!(most, Duration::from_secs(1));
        assert!(least >= Duration::from_millis(500) && least < Duration::from_millis(501));
        assert_eq!(policy.wait(60, None, &Fixed(0)), policy.longest_wait);
    }
}

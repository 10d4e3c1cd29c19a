//! Trying again, bounded in number and in time.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::{
    ingest::{
        error::{ErrorKind, ServiceError},
        ports::{Clock, Randomness},
    },
    model::{checkpoint::Service, deadline::Deadline},
};

/// No wait of this length fits into any deadline; a longer one need not be told apart.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30 * 86_400);

/// How often and how far apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts in all; a request that is made again after a renewal is no further one.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles each time.
    pub first_wait: Duration,
    /// The longest single attempt.
    pub attempt_time: Duration,
}

impl Policy {
    /// Five attempts with waits of 0.5, 1, 2 and 4 s between them, 7.5 s in all, or what the service
    /// asks for: enough for a restart of a service, and a small part of a run budget of some minutes.
    pub const STANDARD: Self = Self {
        attempts: 5,
        first_wait: Duration::from_millis(500),
        attempt_time: Duration::from_secs(60),
    };

    /// How many attempts a call is worth that ended with a wait. A service that names one is asked again
    /// after it, even where a call is worth one attempt only.
    fn most_attempts(&self, asked: Option<Duration>) -> u32 {
        asked.map_or(self.attempts, |_| {
            self.attempts.max(Self::STANDARD.attempts)
        })
    }

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

/// What an error of one attempt asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, not before the given wait where the server named one.
    Retry(Option<Duration>),
    /// The same attempt again at once, after something was put right in between. Whoever asks for it
    /// bounds how often, see [`Once`].
    AtOnce,
    /// No other attempt: this is the error.
    Stop(ErrorKind),
}

/// An error of one attempt.
pub trait AttemptError: std::error::Error + Send + Sync + 'static {
    /// What it asks for.
    fn next(&self) -> Next;

    /// What an operator can do about it.
    fn advice(&self) -> Option<&'static str>;

    /// What kind of error it is once there is no other attempt.
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
}

/// What attempts are made by.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Who is called.
    pub service: Service,
    /// Tells the time and waits.
    pub clock: &'a dyn Clock,
    /// For jitter.
    pub random: &'a dyn Randomness,
    /// How often and how far apart.
    pub policy: Policy,
    /// When there is no more time.
    pub deadline: Deadline,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("service", &self.service)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Context<'_> {
    /// The time that is left before the deadline.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        self.deadline.remaining(self.clock.elapsed())
    }

    /// How long one call may take now; `None` where there is no time left.
    #[must_use]
    pub fn attempt_time(&self) -> Option<Duration> {
        Some(self.left()?.min(self.policy.attempt_time))
    }
}

/// What is done once over all attempts of a call, such as a renewal.
#[derive(Debug, Default)]
pub struct Once(AtomicBool);

impl Once {
    /// Whether this is the first time.
    pub fn is_first(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether it has been done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// It has been done.
    pub fn done(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Makes attempts until one works, none helps any more, or the time is over. Gives what worked with the
/// number of requests.
///
/// `attempt` gets the number of the request. It is no `AsyncFnMut`, whose futures the compiler cannot
/// yet prove to be `Send`.
pub async fn run<T, E, F>(
    context: Context<'_>,
    mut attempt: impl FnMut(u32) -> F,
) -> Result<(T, u32), ServiceError>
where
    E: AttemptError,
    F: Future<Output = Result<T, E>>,
{
    let started = context.clock.elapsed();
    let failed = |kind, made| {
        let spent = context.clock.elapsed().saturating_sub(started);
        ServiceError::new(context.service, kind).after(made, spent)
    };
    // Requests, and how many of them only repeated an attempt after a renewal.
    let (mut made, mut repeated) = (0, 0);
    let mut last: Option<E> = None;
    let because = |error: E, kind, made| {
        let advice = error.advice();
        failed(kind, made).with_advice(advice).with_source(error)
    };
    let out_of_time = |last: Option<E>, made| match last {
        Some(last) => because(last, ErrorKind::DeadlineExceeded, made),
        None => failed(ErrorKind::DeadlineExceeded, made),
    };
    loop {
        if context.left().is_none() {
            return Err(out_of_time(last, made));
        }
        made += 1;
        let error = match attempt(made).await {
            Ok(value) => return Ok((value, made)),
            Err(error) => error,
        };
        let after = match error.next() {
            Next::AtOnce => {
                repeated += 1;
                continue;
            }
            Next::Stop(kind) => return Err(because(error, kind, made)),
            Next::Retry(after) => after,
        };
        // An attempt that the deadline cut short says nothing about the service.
        if context.left().is_none() {
            return Err(out_of_time(last, made));
        }
        let attempts = made - repeated;
        let wait = context.policy.wait(attempts + 1, after, context.random);
        let fits = context.left().is_some_and(|left| left > wait);
        let kind = error.kind();
        // A range that fails for itself is not asked about again and again because it names a wait.
        let asked = after.filter(|_| kind != ErrorKind::Unreadable);
        let is_last = attempts >= context.policy.most_attempts(asked);
        if is_last && kind == ErrorKind::Unreadable {
            return Err(because(error, kind, made));
        }
        if let Some(asked) = after.filter(|_| !fits) {
            let retry_after = asked.min(MAX_RETRY_AFTER);
            return Err(because(error, ErrorKind::Throttled { retry_after }, made));
        }
        if is_last {
            return Err(because(error, kind, made));
        }
        if !fits {
            return Err(out_of_time(Some(error), made));
        }
        last = Some(error);
        context.clock.sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, sync::Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::ingest::error::Explain;

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

    /// What the service says to one attempt.
    #[derive(Debug, thiserror::Error)]
    #[error("busy")]
    struct Busy(Next);

    impl AttemptError for Busy {
        fn next(&self) -> Next {
            self.0.clone()
        }
        fn advice(&self) -> Option<&'static str> {
            Some("wait")
        }
    }

    async fn run(
        clock: &Still,
        budget: u64,
        answers: Vec<Result<&'static str, Next>>,
    ) -> Result<(&'static str, u32), ServiceError> {
        let context = Context {
            service: Service::Mimecast,
            clock,
            random: &Fixed(0),
            policy: Policy::STANDARD,
            deadline: Deadline::after(clock.elapsed(), Duration::from_secs(budget)),
        };
        let mut answers = answers.into_iter();
        super::run(context, |_| ready(answers.next().unwrap().map_err(Busy))).await
    }

    const fn again(after: Option<u64>) -> Result<&'static str, Next> {
        let after = match after {
            Some(milliseconds) => Some(Duration::from_millis(milliseconds)),
            None => None,
        };
        Err(Next::Retry(after))
    }

    #[tokio::test]
    async fn attempts_are_bounded_and_their_waits_double() {
        let clock = Still::default();
        let answers = (0..9).map(|_| again(None)).collect();
        let error = run(&clock, 1000, answers).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Failed, 5));
        let waits = 500 + 1000 + 2000 + 4000;
        assert_eq!(clock.elapsed(), Duration::from_millis(waits));
        assert_eq!(
            error.explain(),
            "failed after 5 attempts in 7.5 s: busy. What to do: wait"
        );
    }

    #[tokio::test]
    async fn a_wait_that_was_asked_for_is_kept_if_it_fits() {
        let clock = Still::default();
        let answers = vec![again(Some(1500)), again(Some(900_000)), Ok("ok")];
        assert_eq!(run(&clock, 1000, answers).await.unwrap(), ("ok", 3));
        assert_eq!(clock.elapsed(), Duration::from_millis(901_500));
    }

    #[tokio::test]
    async fn no_wait_reaches_over_the_deadline() {
        let clock = Still::default();
        let error = run(&clock, 10, vec![again(Some(30_000))])
            .await
            .unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
        assert_eq!(clock.elapsed(), Duration::ZERO);
        let error = run(&clock, 0, vec![]).await.unwrap_err();
        assert_eq!(error.explain(), "run budget exhausted");
        let error = run(&clock, 1, vec![again(None), again(None)])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::DeadlineExceeded);
        assert_eq!(
            error.explain(),
            "run budget exhausted after: busy. What to do: wait"
        );
    }

    #[tokio::test]
    async fn a_long_wait_asked_for_at_the_last_attempt_is_one_too() {
        let clock = Still::default();
        let mut answers: Vec<_> = (0..4).map(|_| again(None)).collect();
        answers.push(again(Some(u64::MAX)));
        let error = run(&clock, 1000, answers).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(MAX_RETRY_AFTER));
    }

    #[tokio::test]
    async fn what_is_refused_for_good_is_not_tried_again() {
        let clock = Still::default();
        let answers = vec![Err(Next::AtOnce), Err(Next::Stop(ErrorKind::Failed))];
        let error = run(&clock, 1000, answers).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Failed, 2));
        assert_eq!(clock.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_renewal_does_not_cost_an_attempt() {
        let clock = Still::default();
        let mut answers = vec![Err(Next::AtOnce)];
        answers.extend((0..4).map(|_| again(None)));
        answers.push(Ok("ok"));
        assert_eq!(run(&clock, 1000, answers).await.unwrap(), ("ok", 6));
        assert_eq!(clock.elapsed(), Duration::from_millis(7500));

        let clock = Still::default();
        let mut answers = vec![again(None), Err(Next::AtOnce)];
        answers.extend((0..9).map(|_| again(None)));
        let error = run(&clock, 1000, answers).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Failed, 6));
    }

    #[test]
    fn jitter_takes_off_at_most_half() {
        let policy = Policy::STANDARD;
        let most = policy.wait(3, None, &Fixed(0));
        let least = policy.wait(3, None, &Fixed(u128::MAX));
        assert_eq!(most, Duration::from_secs(1));
        assert!(least >= Duration::from_millis(500) && least < Duration::from_millis(501));
    }
}

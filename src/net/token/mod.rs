//! Bearer tokens that expire: kept, shared, and renewed early.
//!
//! Whoever asks first fetches the token, the others wait for it; where that fails, they get the same
//! error. A service that refuses a token has only that one dropped. While an old token lives, a renewal
//! that fails is no reason to stop.

mod failure;
mod lifetime;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tracing::{debug, warn};

pub use failure::{SharedFailure, TokenError};
pub use lifetime::{LONGEST_LIFETIME, LifetimeError, lifetime};

use crate::{
    ingest::{error::Explain, ports::Clock},
    model::deadline::Deadline,
};

/// A token is renewed this long before it expires, or after five sixths of a short life. Azure's own
/// clients take five minutes.
const RENEW_BEFORE_EXPIRY: Duration = Duration::from_secs(300);

/// After a failed renewal, while the old token is valid, the next try is this much later. So it is after
/// a refusal that another request would not change.
const RENEW_RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// A token request takes no longer than this, so that what it is for still has time.
const MAX_REQUEST_TIME: Duration = Duration::from_secs(30);

/// What an issuer gives.
#[derive(Debug)]
pub struct Issued {
    /// The token.
    pub secret: SecretString,
    /// How long it lives, from when it was asked for.
    pub lives: Duration,
}

/// There was no time left to ask.
#[derive(Debug, thiserror::Error)]
#[error("there is no time left to ask for a token")]
struct NoTimeLeft;

/// Gives tokens.
#[async_trait]
pub trait Issuer: Send + Sync {
    /// A new token, within `time`.
    async fn issue(&self, time: Duration) -> Result<Issued, TokenError>;
}

/// A token in use. Clones are the same one.
#[derive(Clone)]
pub struct Token {
    secret: Arc<SecretString>,
    number: u64,
}

impl Token {
    /// The value of an `Authorization` header.
    #[must_use]
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.secret.expose_secret())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// The token of one issuer.
pub struct Tokens {
    issuer: Box<dyn Issuer>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    issued: u64,
    current: Option<Current>,
    /// The last request, if it failed.
    failed: Option<SharedFailure>,
}

struct Current {
    token: Token,
    renew_at: Duration,
    ends: Duration,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    /// Nothing is asked of `issuer` before a token is needed.
    #[must_use]
    pub fn new(issuer: Box<dyn Issuer>, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuer,
            clock,
            held: Mutex::default(),
        }
    }

    /// The token: the one at hand, or a new one.
    pub async fn get(&self, deadline: Deadline) -> Result<Token, TokenError> {
        let asked_at = self.clock.elapsed();
        let mut held = self.held.lock().await;
        let now = self.clock.elapsed();
        let current = held.current.as_ref().filter(|current| now < current.ends);
        if let Some(current) = current
            && now < current.renew_at
        {
            return Ok(current.token.clone());
        }
        let old = current.map(|current| current.token.clone());
        let failed = held.failed.as_ref().filter(|_| old.is_none());
        if let Some(error) = failed.and_then(|failed| failed.for_asker(asked_at)) {
            return Err(error);
        }
        let Some(left) = deadline.remaining(now) else {
            return old.ok_or_else(|| TokenError::unavailable(NoTimeLeft, None, None));
        };
        match (self.issuer.issue(left.min(MAX_REQUEST_TIME)).await, old) {
            (Ok(issued), _) => {
                held.issued += 1;
                held.failed = None;
                let token = Token {
                    secret: Arc::new(issued.secret),
                    number: held.issued,
                };
                let early = RENEW_BEFORE_EXPIRY.min(issued.lives / 6);
                debug!(
                    lives_seconds = issued.lives.as_secs(),
                    "A new token was issued."
                );
                held.current = Some(Current {
                    token: token.clone(),
                    renew_at: now.saturating_add(issued.lives.saturating_sub(early)),
                    ends: now.saturating_add(issued.lives),
                });
                Ok(token)
            }
            (Err(error), Some(old)) => {
                warn!(
                    reason = error.explain(),
                    "A token could not be renewed; the old one is used until it expires."
                );
                if let Some(current) = &mut held.current {
                    current.renew_at = self.clock.elapsed().saturating_add(RENEW_RETRY_INTERVAL);
                }
                Ok(old)
            }
            (Err(error), None) => {
                held.failed = Some(SharedFailure::new(&error, self.clock.elapsed()));
                Err(error)
            }
        }
    }

    /// A service refused this token. If it is still the one at hand, the next caller gets a new one.
    pub async fn refused(&self, token: &Token) {
        let mut held = self.held.lock().await;
        let same = |current: &Current| current.token.number == token.number;
        if held.current.as_ref().is_some_and(same) {
            held.current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use chrono::{DateTime, Utc};

    use super::*;

    #[derive(Default)]
    struct Fixed(AtomicU64);

    impl Fixed {
        fn set(&self, seconds: u64) {
            self.0.store(seconds, Ordering::SeqCst);
        }
    }

    #[async_trait]
    impl Clock for Fixed {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst))
        }
        async fn sleep(&self, _: Duration) {}
    }

    /// Numbers its tokens; fails where it is told to, for good (1) or for now (2).
    #[derive(Default)]
    struct Numbers {
        asked: AtomicU64,
        fails: Arc<AtomicU64>,
        failed: Arc<AtomicU64>,
    }

    #[async_trait]
    impl Issuer for Numbers {
        async fn issue(&self, _: Duration) -> Result<Issued, TokenError> {
            tokio::task::yield_now().await;
            let fails = self.fails.load(Ordering::SeqCst);
            if fails > 0 {
                self.failed.fetch_add(1, Ordering::SeqCst);
                return Err(match fails {
                    1 => TokenError::refused("no", None),
                    _ => TokenError::unavailable("not now", None, None),
                });
            }
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Issued {
                secret: number.to_string().into(),
                lives: Duration::from_secs(600),
            })
        }
    }

    fn tokens() -> (Tokens, Arc<Fixed>, Arc<AtomicU64>) {
        let (clock, issuer) = (Arc::new(Fixed::default()), Numbers::default());
        let fails = Arc::clone(&issuer.fails);
        let tokens = Tokens::new(Box::new(issuer), Arc::clone(&clock) as Arc<dyn Clock>);
        (tokens, clock, fails)
    }

    fn long() -> Deadline {
        Deadline::after(Duration::ZERO, Duration::from_secs(100_000))
    }

    async fn got(tokens: &Tokens) -> Result<String, TokenError> {
        tokens.get(long()).await.map(|token| token.bearer())
    }

    #[tokio::test]
    async fn one_token_is_fetched_for_all_and_renewed_before_it_ends() {
        let (tokens, clock, _) = tokens();
        let both = tokio::join!(got(&tokens), got(&tokens));
        assert_eq!(
            (both.0.unwrap(), both.1.unwrap()),
            ("Bearer 1".into(), "Bearer 1".into())
        );
        clock.set(499);
        assert_eq!(got(&tokens).await.unwrap(), "Bearer 1");
        clock.set(500);
        assert_eq!(got(&tokens).await.unwrap(), "Bearer 2");
    }

    #[tokio::test]
    async fn only_the_token_that_was_refused_is_dropped() {
        let (tokens, ..) = tokens();
        let first = tokens.get(long()).await.unwrap();
        tokens.refused(&first).await;
        let second = tokens.get(long()).await.unwrap();
        tokens.refused(&first).await;
        assert_eq!(got(&tokens).await.unwrap(), second.bearer());
        assert_eq!(second.bearer(), "Bearer 2");
    }

    #[tokio::test]
    async fn the_old_token_serves_while_it_lives_if_renewing_fails() {
        let (tokens, clock, fails) = tokens();
        assert_eq!(got(&tokens).await.unwrap(), "Bearer 1");
        fails.store(1, Ordering::SeqCst);
        clock.set(550);
        assert_eq!(got(&tokens).await.unwrap(), "Bearer 1");
        clock.set(600);
        assert!(got(&tokens).await.is_err());
        fails.store(0, Ordering::SeqCst);
        clock.set(630);
        assert_eq!(got(&tokens).await.unwrap(), "Bearer 2");
    }

    #[tokio::test]
    async fn a_failed_request_is_one_for_all_who_wait_for_it() {
        for fails in [1, 2] {
            let (clock, issuer) = (Arc::new(Fixed::default()), Numbers::default());
            let failed = Arc::clone(&issuer.failed);
            issuer.fails.store(fails, Ordering::SeqCst);
            let tokens = Tokens::new(Box::new(issuer), Arc::clone(&clock) as Arc<dyn Clock>);
            let (one, two, three) = tokio::join!(got(&tokens), got(&tokens), got(&tokens));
            let texts = [one, two, three].map(|got| got.unwrap_err().to_string());
            assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
            assert_eq!(failed.load(Ordering::SeqCst), 1);
            // What may pass is asked again by the next attempt, what may not after a while.
            clock.set(1);
            assert!(got(&tokens).await.is_err());
            assert_eq!(failed.load(Ordering::SeqCst), fails);
            clock.set(30);
            assert!(got(&tokens).await.is_err());
            assert_eq!(failed.load(Ordering::SeqCst), fails + 1);
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = Token {
            secret: Arc::new("secret-token".into()),
            number: 1,
        };
        assert!(!format!("{token:?}").contains("secret-token"));
    }
}

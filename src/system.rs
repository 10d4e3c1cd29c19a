//! This machine's time and randomness, for the ports that everything else uses.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::ingest::ports::{Clock, Randomness};

/// This machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: tokio::time::Instant,
}

impl SystemClock {
    /// A clock whose elapsed time begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: tokio::time::Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The process's random source, seeded by the system.
#[derive(Debug, Clone, Copy)]
pub struct SystemRandom;

impl Randomness for SystemRandom {
    fn bits(&self) -> u128 {
        rand::random()
    }
}

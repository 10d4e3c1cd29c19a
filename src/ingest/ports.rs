//! What the pass needs of the outside world.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{
    batch::Batch,
    date_range::DateRange,
    deadline::Deadline,
    feed::Feed,
    page::{Page, PageToken},
};

/// What lies beneath an error, already free of secrets.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Time, so that nothing else asks for "now".
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> DateTime<Utc>;

    /// Time since some fixed moment, never running back; what a [`Deadline`] is measured by.
    fn elapsed(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// Random numbers, for jitter and request ids.
pub trait Randomness: Send + Sync {
    /// 128 random bits.
    fn bits(&self) -> u128;
}

/// Which page is wanted.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<'a> {
    /// The log.
    pub feed: Feed,
    /// The stretch of time.
    pub range: DateRange,
    /// The page after this token was given; the first page without.
    pub token: Option<&'a PageToken>,
}

/// Where records come from.
#[async_trait]
pub trait LogSource: Send + Sync {
    /// Reads one page, oldest records first.
    async fn fetch_page(
        &self,
        request: PageRequest<'_>,
        deadline: Deadline,
    ) -> Result<Page, SourceError>;
}

/// Why a page was not read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source no longer knows the token: read the range again from what is delivered.
    #[error("the page token was refused: {0}")]
    PageTokenRefused(Cause),
    /// There was no time left to go on; nothing is wrong.
    #[error("{0}")]
    OutOfTime(String),
    /// It will not work without someone doing something, or not now.
    #[error("{cause}")]
    Failed {
        /// What was attempted, what was answered, what to do.
        cause: Cause,
        /// How many requests were made.
        attempts: u32,
    },
}

/// Where batches go.
#[async_trait]
pub trait LogSink: Send + Sync {
    /// The largest body that one post may have, in bytes.
    fn max_batch_bytes(&self) -> usize;

    /// Posts a batch. `Ok` means that the sink has taken it.
    async fn deliver(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, SinkError>;
}

/// The sink's word for having taken a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// How many posts it took; more than one may have stored the batch more than once.
    pub attempts: u32,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The sink says that the batch is too large: halves may pass.
    #[error("the batch is too large: {0}")]
    TooLarge(Cause),
    /// There was no time left to go on; nothing is wrong.
    #[error("{0}")]
    OutOfTime(String),
    /// It will not work without someone doing something, or not now.
    #[error("{cause}")]
    Failed {
        /// What was attempted, what was answered, what to do.
        cause: Cause,
        /// How many posts were made.
        attempts: u32,
    },
}

/// The version of a saved text: its `ETag`, or the word that there is none yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// Nothing is saved.
    Absent,
    /// This is.
    Tag(String),
}

/// What a store holds for a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The text; `None` where nothing is saved.
    pub text: Option<String>,
    /// Its version, to be given back on the next save.
    pub version: Version,
}

/// Where checkpoints are kept.
#[async_trait]
pub trait CheckpointStore: Send + Sync {
    /// Where the feed's checkpoint lies, as an operator would look for it.
    fn place(&self, feed: Feed) -> String;

    /// Reads the feed's text.
    async fn load(&self, feed: Feed) -> Result<Saved, StoreError>;

    /// Writes the feed's text, all of it or nothing, if it still has the version `expected`.
    async fn save(&self, feed: Feed, text: &str, expected: &Version)
    -> Result<Version, StoreError>;
}

/// Why a store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else has written since the text was read: they go on, this one stops.
    #[error("another run has saved its progress meanwhile")]
    RaceLost,
    /// Reading or writing failed.
    #[error("{0}")]
    Failed(Cause),
}

/// The outside world of a pass.
#[derive(Clone)]
pub struct Ports {
    /// Mimecast.
    pub source: std::sync::Arc<dyn LogSource>,
    /// Log Analytics.
    pub sink: std::sync::Arc<dyn LogSink>,
    /// The checkpoints.
    pub store: std::sync::Arc<dyn CheckpointStore>,
    /// Time.
    pub clock: std::sync::Arc<dyn Clock>,
    /// Tells one run from another.
    pub random: std::sync::Arc<dyn Randomness>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

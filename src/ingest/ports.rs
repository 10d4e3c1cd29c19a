//! What the pass needs of the outside world.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    error::{ServiceError, StoreError},
    report::health::HealthRows,
};
use crate::model::{
    batch::Batch,
    date_range::DateRange,
    deadline::Deadline,
    feed::Feed,
    page::{Page, PageToken},
    store_key::{Folder, StoreKey},
};

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

    /// An id for one request, in the usual form of a GUID.
    fn request_id(&self) -> String {
        uuid::Builder::from_random_bytes(self.bits().to_be_bytes())
            .into_uuid()
            .to_string()
    }
}

/// Which page is wanted.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<'a> {
    /// The log.
    pub feed: Feed,
    /// The times asked for.
    pub range: DateRange,
    /// The page after this token was given; the first page without.
    pub token: Option<&'a PageToken>,
    /// At most so many records: [`FULL_PAGE`], or one where only the count is wanted.
    pub size: u32,
    /// How many attempts it is worth.
    pub patience: Patience,
}

/// How many attempts a page is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As many as the source makes.
    Usual,
    /// One, and not a long one: the range has failed before, and a failure is expected.
    One,
    /// Two of the usual length: the second confirms the failure.
    Two,
}

/// The most records a page may hold; Mimecast's own default is 100.
pub const FULL_PAGE: u32 = 500;

/// Where records come from.
#[async_trait]
pub trait LogSource: Send + Sync {
    /// Reads one page, oldest records first.
    async fn fetch_page(
        &self,
        request: PageRequest<'_>,
        deadline: Deadline,
    ) -> Result<Page, ServiceError>;
}

/// Where batches go.
#[async_trait]
pub trait LogSink: Send + Sync {
    /// The largest body that one post may have, in bytes.
    fn max_batch_bytes(&self) -> usize;

    /// The longest value that a column takes whole, in bytes; the service cuts off the rest.
    fn max_value_bytes(&self) -> usize;

    /// How many posts of a feed may be under way at a time. At most this many batches are delivered twice
    /// where the process dies, or the checkpoint cannot be saved, after their acknowledgement.
    fn max_concurrent_posts(&self) -> usize {
        1
    }

    /// Posts a batch. `Ok` means that the sink has taken it.
    async fn deliver(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, ServiceError>;

    /// Posts a delivered batch, whose receipt says [`to_copy`](Receipt::to_copy), to the second sink. Called once
    /// the delivery is saved, so that a slow second sink cannot come between an acknowledgement and the
    /// checkpoint. Returns whether the second sink took it; the checkpoint does not depend on it.
    async fn copy(&self, _batch: &Batch, _deadline: Deadline) -> bool {
        false
    }

    /// Whether the sink takes a post of the feed at all: one without rows. Asked before a record is
    /// held to be at fault.
    async fn post_nothing(&self, feed: Feed, deadline: Deadline) -> Result<(), ServiceError>;
}

/// Where a pass says what it did.
#[async_trait]
pub trait HealthSink: Send + Sync {
    /// Posts rows about a pass. `Ok` means that the sink has taken them.
    async fn deliver_health(
        &self,
        rows: &HealthRows,
        deadline: Deadline,
    ) -> Result<(), ServiceError>;
}

/// A sink's acknowledgement of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// How many posts it took; more than one may have stored the batch more than once.
    pub attempts: u32,
    /// Whether the batch is to be given to a second sink, too.
    pub to_copy: bool,
}

impl Receipt {
    /// Taken after so many posts.
    #[must_use]
    pub const fn after(attempts: u32) -> Self {
        Self {
            attempts,
            to_copy: false,
        }
    }
}

/// The version of something saved: its `ETag`, or the word that there is none yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// Nothing is saved.
    Absent,
    /// This is.
    Tag(String),
}

/// What a store holds under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The content; `None` where nothing is saved.
    pub content: Option<Vec<u8>>,
    /// Its version, to be given back on the next save.
    pub version: Version,
}

/// Where checkpoints, the ledger, the quarantine and a refused login are kept.
#[async_trait]
pub trait Store: Send + Sync {
    /// Where a key lies, as an operator would look for it.
    fn address(&self, key: StoreKey) -> String;

    /// Reads what is saved.
    async fn load(&self, key: StoreKey, deadline: Deadline) -> Result<Saved, StoreError>;

    /// Writes the content, all of it or nothing, if the key still has the version `expected`.
    async fn save(
        &self,
        key: StoreKey,
        content: &[u8],
        expected: &Version,
        deadline: Deadline,
    ) -> Result<Version, StoreError>;

    /// Whether there may be no room for what is saved.
    fn may_be_full(&self) -> bool {
        false
    }

    /// Saves, once it is certain that a content longer by `room` bytes could be saved in its place: what is
    /// saved after a post must not fail for want of room. A store that cannot be full need not look.
    async fn save_with_room(
        &self,
        key: StoreKey,
        content: &[u8],
        expected: &Version,
        _room: usize,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        self.save(key, content, expected, deadline).await
    }

    /// Removes what is saved; nothing there is as good.
    async fn remove(&self, key: StoreKey, deadline: Deadline) -> Result<(), StoreError>;

    /// Everything in a folder, in the order of names.
    async fn list(&self, folder: Folder, deadline: Deadline) -> Result<Vec<StoreKey>, StoreError>;
}

/// The outside world of a pass.
#[derive(Clone)]
pub struct Ports {
    /// Mimecast.
    pub source: std::sync::Arc<dyn LogSource>,
    /// Log Analytics.
    pub sink: std::sync::Arc<dyn LogSink>,
    /// Log Analytics too, if it is to hear of each pass.
    pub health: Option<std::sync::Arc<dyn HealthSink>>,
    /// Checkpoints, ledger, quarantine, and a refused login.
    pub store: std::sync::Arc<dyn Store>,
    /// Tells the time and waits.
    pub clock: std::sync::Arc<dyn Clock>,
    /// Tells one run from another.
    pub random: std::sync::Arc<dyn Randomness>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

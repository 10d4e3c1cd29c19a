//! Where a feed stands: what is saved of it, or why no run can go on from there.

use chrono::{DateTime, TimeDelta, Utc};

use super::ledger::Ledger;
use crate::{
    ingest::{
        error::{Explain, StoreError, with_advice},
        ports::{Store, Version},
    },
    model::{
        checkpoint::{CheckpointError, Start},
        deadline::Deadline,
        event_time,
        feed::Feed,
        ledger::Hour,
        store_key::StoreKey,
    },
};

/// How far a checkpoint may lie ahead of a clock that was set back a little.
pub(in crate::ingest) const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It holds something else.
    #[error(transparent)]
    Content(#[from] CheckpointError),
    /// It is gone, and what was delivered with it.
    #[error(
        "nothing is saved there, although the ledger shows deliveries up to {}: the checkpoint was lost or deleted",
        event_time::to_utc_text(.0.end())
    )]
    Lost(Hour),
    /// It lies in the future.
    #[error(
        "it lies in the future, at {}; nothing would be read until then", event_time::to_utc_text(*.0)
    )]
    InFuture(DateTime<Utc>),
}

impl Explain for OpenError {
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.advice(),
            Self::Lost(_) => Some(
                "put the checkpoint back, from a version of the blob or a backup; or choose where to go on with `mimecast-ttp checkpoint rewind --feed FEED --to TIME`: what the ledger knows is not delivered again, what was delivered after its end is",
            ),
            Self::InFuture(_) => Some(
                "check this machine's clock, or set the checkpoint back with `mimecast-ttp checkpoint rewind`",
            ),
            Self::Content(_) => Some(
                "put back a valid checkpoint, or replace the content by the time to start from, such as 2026-11-24T05:00:00Z (deliveries before it are not repeated), or delete it and choose where to go on with `mimecast-ttp checkpoint rewind`: what the ledger does not know is then delivered again",
            ),
        }
    }

    fn explain(&self) -> String {
        match self {
            Self::Store(error) => error.explain(),
            other => with_advice(other.to_string(), other.advice()),
        }
    }
}

/// Reads what is saved of a feed's progress.
pub(in crate::ingest) async fn read(
    store: &dyn Store,
    feed: Feed,
    deadline: Deadline,
) -> Result<(Start, Version), OpenError> {
    let saved = store.load(StoreKey::Checkpoint(feed), deadline).await?;
    let text = saved.content.as_deref().map(String::from_utf8_lossy);
    Ok((Start::read(text.as_deref(), feed)?, saved.version))
}

/// Where a feed stands.
#[derive(Debug)]
pub(in crate::ingest) struct Standing {
    pub(in crate::ingest) start: Start,
    pub(super) version: Version,
    /// The last hour of the ledger, where the checkpoint does not know of it.
    pub(super) ledger_reaches: Option<Hour>,
}

/// Where a feed stands, or why no run can go on from there.
pub(in crate::ingest) async fn standing(
    store: &dyn Store,
    feed: Feed,
    now: DateTime<Utc>,
    deadline: Deadline,
) -> Result<Standing, OpenError> {
    let (start, version) = read(store, feed, deadline).await?;
    let ledger = Ledger {
        feed,
        store,
        deadline,
    };
    let is_ahead = |time: &DateTime<Utc>| *time > now + CLOCK_TOLERANCE;
    if let Some(time) = start.watermark().filter(is_ahead) {
        return Err(OpenError::InFuture(time));
    }
    let ledger_reaches = match start {
        Start::From(_) => None,
        Start::Fresh | Start::TakenOver(_) => ledger.hours().await?.pop(),
    };
    if let (Start::Fresh, Some(last)) = (&start, ledger_reaches) {
        return Err(OpenError::Lost(last));
    }
    Ok(Standing {
        start,
        version,
        ledger_reaches,
    })
}

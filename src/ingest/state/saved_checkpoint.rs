//! Looking at a feed's checkpoint, and setting it back.

use chrono::{DateTime, Utc};

use super::{
    checkpoint_writer,
    standing::{self, OpenError},
};
use crate::{
    ingest::{
        error::{Explain, StoreError, with_advice},
        ports::{Store, Version},
    },
    model::{
        checkpoint::Start,
        deadline::Deadline,
        event_time,
        feed::Feed,
        ledger::{Hour, LedgerHour},
        progress::RETENTION,
        store_key::StoreKey,
    },
};

/// A feed's checkpoint as it is saved.
#[derive(Debug)]
pub struct SavedCheckpoint {
    /// Where the next run starts from.
    pub start: Start,
    version: Version,
}

/// Why a checkpoint cannot be set back.
#[derive(Debug, thiserror::Error)]
pub enum RewindError {
    /// It is no rewind: the feed stands there, or that is now.
    #[error(
        "it is not before {}: what lies between would not be read", event_time::to_utc_text(*.0)
    )]
    NotBack(DateTime<Utc>),
    /// It is further back than Mimecast keeps its logs.
    #[error("Mimecast keeps its logs for 30 days: there is nothing to read before {}", event_time::to_utc_text(*.0))]
    TooFar(DateTime<Utc>),
    /// It was changed meanwhile, or cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for RewindError {
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.advice(),
            Self::NotBack(_) | Self::TooFar(_) => None,
        }
    }

    fn explain(&self) -> String {
        match self {
            Self::Store(error) => error.explain(),
            other => with_advice(other.to_string(), other.advice()),
        }
    }
}

impl SavedCheckpoint {
    /// Reads the feed's checkpoint.
    pub async fn load(
        store: &dyn Store,
        feed: Feed,
        deadline: Deadline,
    ) -> Result<Self, OpenError> {
        let (start, version) = standing::read(store, feed, deadline).await?;
        Ok(Self { start, version })
    }

    /// What is to be saved so that the next run starts from `to`. Without a checkpoint of ours a plain time:
    /// the next run asks the ledger, if there is one.
    pub fn rewound(&self, to: DateTime<Utc>, now: DateTime<Utc>) -> Result<Start, RewindError> {
        let stands = self.start.watermark().unwrap_or(now);
        if to >= stands {
            return Err(RewindError::NotBack(stands));
        }
        if to < now - RETENTION {
            return Err(RewindError::TooFar(now - RETENTION));
        }
        Ok(match &self.start {
            Start::From(checkpoint) => {
                let mut rewound = checkpoint.clone();
                rewound.rewind(to, now);
                Start::From(rewound)
            }
            Start::Fresh | Start::TakenOver(_) => Start::TakenOver(to),
        })
    }

    /// The hours from `from` on of which the ledger has lost something: what was delivered there would be
    /// delivered again.
    pub async fn lost_hours(
        &self,
        store: &dyn Store,
        feed: Feed,
        from: DateTime<Utc>,
        deadline: Deadline,
    ) -> Result<Vec<Hour>, StoreError> {
        let Start::From(checkpoint) = &self.start else {
            return Ok(Vec::new());
        };
        let (from, to) = (from.max(checkpoint.tally.since()), checkpoint.filed_before);
        let mut lost = Vec::new();
        for hour in Hour::between(from, to).filter(|hour| hour.start() < to) {
            let content = store
                .load(StoreKey::Ledger(feed, hour), deadline)
                .await?
                .content;
            let found = content
                .and_then(|bytes| LedgerHour::from_bytes(hour, &bytes).ok())
                .map_or(0, |ledger| ledger.entries().count() as u64);
            if found < checkpoint_writer::expected(checkpoint, hour) {
                lost.push(hour);
            }
        }
        Ok(lost)
    }

    /// Saves `start` in place of this one, unless a run has saved meanwhile.
    pub async fn replace(
        &self,
        store: &dyn Store,
        feed: Feed,
        start: &Start,
        written_by: &str,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let text = match start {
            Start::From(checkpoint) => checkpoint.to_text(feed, written_by),
            Start::TakenOver(time) => event_time::to_utc_text(*time),
            Start::Fresh => String::new(),
        };
        store
            .save(
                StoreKey::Checkpoint(feed),
                text.as_bytes(),
                &self.version,
                deadline,
            )
            .await?;
        Ok(())
    }
}

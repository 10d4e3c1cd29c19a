//! Reading and writing the ledger: what was delivered, hour by hour.
//!
//! The ledger only ever makes fewer copies. When it is damaged, or something is missing from it, a
//! warning says so and the records in question may be delivered once more; they are never skipped. A
//! store that does not answer is no reason for copies: the next run asks again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tracing::warn;

use crate::{
    ingest::{error::StoreError, ports::Store},
    model::{
        date_range::DateRange,
        deadline::Deadline,
        feed::Feed,
        ledger::{Entry, Hour, LedgerHour},
        store_key::{Folder, StoreKey},
    },
};

/// How often an hour is tried at most, when another run writes it at the same time.
const MAX_ATTEMPTS: u32 = 4;

/// A feed's ledger.
#[derive(Clone, Copy)]
pub(in crate::ingest) struct Ledger<'a> {
    pub(in crate::ingest) feed: Feed,
    pub(in crate::ingest) store: &'a dyn Store,
    pub(in crate::ingest) deadline: Deadline,
}

impl Ledger<'_> {
    /// Adds entries to the hours they belong to.
    pub(in crate::ingest) async fn add(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        let mut hours: BTreeMap<Hour, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            hours.entry(Hour::of(entry.time)).or_default().push(entry);
        }
        for (hour, entries) in hours {
            self.add_to(hour, entries).await?;
        }
        Ok(())
    }

    async fn add_to(&self, hour: Hour, entries: Vec<Entry>) -> Result<(), StoreError> {
        let key = StoreKey::Ledger(self.feed, hour);
        let mut turn = 1;
        loop {
            let saved = self.store.load(key, self.deadline).await?;
            let mut ledger = match &saved.content {
                Some(bytes) => self.read(hour, bytes),
                None => LedgerHour::new(hour),
            };
            ledger.add(entries.iter().copied());
            let bytes = ledger.to_bytes();
            match self
                .store
                .save(key, &bytes, &saved.version, self.deadline)
                .await
            {
                Ok(_) => return Ok(()),
                // Entries are only ever added, so whoever comes second adds to what is there now.
                Err(StoreError::Conflict) if turn < MAX_ATTEMPTS => turn += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn read(&self, hour: Hour, bytes: &[u8]) -> LedgerHour {
        LedgerHour::from_bytes(hour, bytes).unwrap_or_else(|damaged| {
            let key = self.store.address(StoreKey::Ledger(self.feed, hour));
            warn!(
                feed = %self.feed,
                key,
                reason = %damaged,
                "The ledger cannot be used: if this hour is read again, its records may be delivered a second time."
            );
            LedgerHour::new(hour)
        })
    }

    /// What was delivered in the hours that a range touches. `expected` says how many
    /// entries an hour should have at least.
    pub(in crate::ingest) async fn known(
        &self,
        range: DateRange,
        expected: &(dyn Fn(Hour) -> u64 + Sync),
    ) -> Result<Vec<Entry>, StoreError> {
        let mut known = Vec::new();
        for hour in Hour::between(range.from(), range.to()) {
            let key = StoreKey::Ledger(self.feed, hour);
            let before = known.len();
            if let Some(bytes) = self.store.load(key, self.deadline).await?.content {
                known.extend(self.read(hour, &bytes).entries());
            }
            let found = (known.len() - before) as u64;
            if found < expected(hour) {
                let key = self.store.address(key);
                warn!(feed = %self.feed, key, found, "The ledger has lost entries. Records of this hour may be delivered once more.");
            }
        }
        Ok(known)
    }

    /// What was delivered in an hour.
    pub(in crate::ingest) async fn hour(&self, hour: Hour) -> Result<Vec<Entry>, StoreError> {
        let key = StoreKey::Ledger(self.feed, hour);
        let content = self.store.load(key, self.deadline).await?.content;
        Ok(content.map_or_else(Vec::new, |bytes| {
            self.read(hour, &bytes).entries().collect()
        }))
    }

    /// The hours that there are, in their order.
    pub(in crate::ingest) async fn hours(&self) -> Result<Vec<Hour>, StoreError> {
        let folder = Folder::Ledger(self.feed);
        let keys = self.store.list(folder, self.deadline).await?;
        let hour = |key| match key {
            StoreKey::Ledger(_, hour) => Some(hour),
            _ => None,
        };
        Ok(keys.into_iter().filter_map(hour).collect())
    }

    /// Removes every hour before `kept_from`.
    pub(in crate::ingest) async fn remove_before(
        &self,
        kept_from: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for hour in self.hours().await? {
            if hour < Hour::of(kept_from) {
                let key = StoreKey::Ledger(self.feed, hour);
                self.store.remove(key, self.deadline).await?;
            }
        }
        Ok(())
    }
}

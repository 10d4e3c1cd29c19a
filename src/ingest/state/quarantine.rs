//! Setting aside records that the sink refuses for good, and what an operator does with them.

use crate::{
    ingest::{
        error::{Chain, Explain, ServiceError, StoreError},
        ports::{LogSink, Receipt, Store},
    },
    model::{
        batch::Batch,
        deadline::Deadline,
        feed::Feed,
        fingerprint::Fingerprint,
        quarantined::{NotQuarantined, Quarantined},
        store_key::{Folder, StoreKey},
    },
};

/// The records in quarantine.
#[derive(Clone, Copy)]
pub struct Quarantine<'a> {
    store: &'a dyn Store,
    deadline: Deadline,
}

impl std::fmt::Debug for Quarantine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Quarantine").finish_non_exhaustive()
    }
}

/// Why a record in quarantine cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is none with this fingerprint.
    #[error("there is no record {0} in quarantine")]
    Absent(Fingerprint),
    /// There is another one under its key.
    #[error("the blob or file of that name holds the record {1} of {0}")]
    Misplaced(Feed, Fingerprint),
    /// There is something else under its key.
    #[error(transparent)]
    Content(#[from] NotQuarantined),
}

impl Explain for QuarantineError {
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => error.advice(),
            Self::Absent(_) | Self::Misplaced(..) | Self::Content(_) => None,
        }
    }

    fn explain(&self) -> String {
        match self {
            Self::Store(error) => error.explain(),
            other => Chain(other).to_string(),
        }
    }
}

impl<'a> Quarantine<'a> {
    /// The quarantine in `store`; nothing takes longer than until `deadline`.
    #[must_use]
    pub const fn new(store: &'a dyn Store, deadline: Deadline) -> Self {
        Self { store, deadline }
    }

    /// Sets a record aside. One that is there already, from a run that died before it could remember,
    /// stays as it is.
    pub async fn put(&self, held: &Quarantined) -> Result<(), StoreError> {
        let key = StoreKey::Quarantine(held.feed, held.fingerprint);
        let saved = self.store.load(key, self.deadline).await?;
        if saved.content.is_some() {
            return Ok(());
        }
        match self
            .store
            .save(
                key,
                held.to_text().as_bytes(),
                &saved.version,
                self.deadline,
            )
            .await
        {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The fingerprints of a feed's records in quarantine.
    pub async fn list(&self, feed: Feed) -> Result<Vec<Fingerprint>, StoreError> {
        let keys = self
            .store
            .list(Folder::Quarantine(feed), self.deadline)
            .await?;
        Ok(keys
            .into_iter()
            .filter_map(|key| match key {
                StoreKey::Quarantine(_, fingerprint) => Some(fingerprint),
                _ => None,
            })
            .collect())
    }

    /// A record in quarantine.
    pub async fn get(
        &self,
        feed: Feed,
        fingerprint: Fingerprint,
    ) -> Result<Quarantined, QuarantineError> {
        let key = StoreKey::Quarantine(feed, fingerprint);
        let content = self.store.load(key, self.deadline).await?.content;
        let content = content.ok_or(QuarantineError::Absent(fingerprint))?;
        let held = Quarantined::read(&String::from_utf8_lossy(&content))?;
        // It would be posted for one and removed as another.
        if (held.feed, held.fingerprint) != (feed, fingerprint) {
            return Err(QuarantineError::Misplaced(held.feed, held.fingerprint));
        }
        Ok(held)
    }

    /// Removes a record for good.
    pub async fn remove(&self, feed: Feed, fingerprint: Fingerprint) -> Result<(), StoreError> {
        let key = StoreKey::Quarantine(feed, fingerprint);
        self.store.remove(key, self.deadline).await
    }

    /// Posts a record again, as it was. It stays in quarantine: removing it is the caller's next step,
    /// so that a lost answer leaves it there.
    pub async fn post(
        &self,
        held: &Quarantined,
        sink: &dyn LogSink,
    ) -> Result<Receipt, ServiceError> {
        let batch = Batch::of_one(held.feed, &held.row, held.fingerprint, held.time);
        sink.deliver(&batch, self.deadline).await
    }
}

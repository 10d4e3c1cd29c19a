//! The embedded store: files in a folder, for local use and the demo.
//!
//! A write goes to a file beside the target, is flushed to the disk, and replaces the target in
//! one step: a killed process leaves the old text or the new one. Writers take turns by a lock on a
//! file, which the system releases when a process dies; the version of a text is its hash. A write that is
//! reported as failed has changed nothing, and changes nothing later.

mod attempt;
mod error;
mod files;

use std::{fmt, fs::File, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;

use self::{
    attempt::{Attempt, Caller, Phase},
    error::FolderError,
};
use super::{Effect, check_size};
use crate::{
    ingest::{
        error::StoreError,
        ports::{Clock, Saved, Store, Version},
    },
    model::{
        deadline::Deadline,
        store_key::{Folder, StoreKey},
    },
};

/// How long a call may take, the wait for the lock included, unless the deadline comes first: a stopped
/// process that holds it must not stop this one.
const TIME: Duration = Duration::from_secs(10);

/// How often a lock that another process holds is tried.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// A folder.
#[derive(Clone)]
pub struct FolderStore {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FolderStore").field(&self.folder).finish()
    }
}

impl FolderStore {
    /// Uses `folder`, which is made when something is first saved.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            folder: folder.into(),
            clock,
        }
    }

    fn path(&self, key: StoreKey) -> PathBuf {
        self.folder.join(key.name())
    }

    /// What a call may take.
    fn time(&self, deadline: Deadline) -> Duration {
        let left = deadline.remaining(self.clock.elapsed());
        TIME.min(left.unwrap_or_default())
    }

    fn timed_out(&self, time: Duration) -> FolderError {
        let folder = self.folder.clone();
        FolderError::TimedOut { folder, time }
    }

    /// Reads, within a time.
    async fn look<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let time = self.time(deadline);
        tokio::time::timeout(time, self.in_thread(Effect::Reads, work))
            .await
            .unwrap_or_else(|_| Err(self.timed_out(time).determinate()))
    }

    /// Takes the lock and writes, within a time. `work` enters [`Phase::Changing`] before it changes
    /// anything; if nobody waits for it by then, it changes nothing.
    async fn change<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce(&Attempt) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let time = self.time(deadline);
        let caller = Caller::default();
        let attempt = caller.0.clone();
        let turn = async {
            let lock = self.lock(&attempt).await?;
            attempt.enter(Phase::Preparing);
            let work = move || {
                let done = work(&attempt);
                drop(lock);
                done
            };
            self.in_thread(Effect::Writes, work).await
        };
        if let Ok(done) = tokio::time::timeout(time, turn).await {
            return done;
        }
        Err(match caller.0.give_up() {
            Phase::Locked => FolderError::Locked(self.folder.clone()).determinate(),
            Phase::Starting | Phase::Preparing | Phase::GivenUp => {
                self.timed_out(time).determinate()
            }
            Phase::Changing => self.timed_out(time).indeterminate(),
        })
    }

    /// Waits for the turn of the folder's writers.
    async fn lock(&self, attempt: &Attempt) -> Result<File, StoreError> {
        loop {
            let folder = self.folder.clone();
            let work = move || files::try_lock(&folder);
            if let Some(lock) = self.in_thread(Effect::Reads, work).await? {
                return Ok(lock);
            }
            attempt.enter(Phase::Locked);
            self.clock.sleep(LOCK_POLL).await;
        }
    }

    async fn in_thread<T: Send + 'static>(
        &self,
        effect: Effect,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|source| {
            let folder = self.folder.clone();
            let error = FolderError::BrokeOff { folder, source };
            Err(match effect {
                Effect::Reads => error.determinate(),
                Effect::Writes => error.indeterminate(),
            })
        })
    }
}

#[async_trait]
impl Store for FolderStore {
    fn address(&self, key: StoreKey) -> String {
        self.path(key).display().to_string()
    }

    fn may_be_full(&self) -> bool {
        true
    }

    async fn load(&self, key: StoreKey, deadline: Deadline) -> Result<Saved, StoreError> {
        let path = self.path(key);
        self.look(deadline, move || files::read(&path)).await
    }

    async fn save(
        &self,
        key: StoreKey,
        content: &[u8],
        expected: &Version,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        self.save_with_room(key, content, expected, 0, deadline)
            .await
    }

    async fn save_with_room(
        &self,
        key: StoreKey,
        content: &[u8],
        expected: &Version,
        room: usize,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        check_size(content)?;
        let path = self.path(key);
        let (content, expected) = (content.to_vec(), expected.clone());
        self.change(deadline, move |attempt| {
            files::write(&path, &content, &expected, room, attempt)
        })
        .await
    }

    async fn remove(&self, key: StoreKey, deadline: Deadline) -> Result<(), StoreError> {
        let path = self.path(key);
        self.change(deadline, move |attempt| files::remove(&path, attempt))
            .await
    }

    async fn list(&self, folder: Folder, deadline: Deadline) -> Result<Vec<StoreKey>, StoreError> {
        let root = self.folder.clone();
        self.look(deadline, move || files::list(&root, folder))
            .await
    }
}

#[cfg(test)]
mod tests;

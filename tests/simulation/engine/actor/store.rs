//! The store, as a run sees it.

use async_trait::async_trait;
use mimecast_ttp::{
    ingest::{
        error::{StoreError, StoreFailure},
        ports::{Saved, Store, Version},
    },
    model::{
        deadline::Deadline,
        store_key::{Folder, StoreKey},
    },
};

use super::{super::bugs::Bug, Actor};

/// What a store does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StoreFault {
    None,
    /// Nothing happens, and it says so.
    Fails,
    /// It happens, and the answer is lost.
    AnswerLost,
}

impl Actor {
    async fn store_fault(&self, deadline: Deadline) -> StoreFault {
        match self.fault(|state| state.odds.store, 3) {
            Some(0) => StoreFault::Fails,
            Some(1) => StoreFault::AnswerLost,
            Some(_) => {
                self.slow(deadline).await;
                StoreFault::None
            }
            None => StoreFault::None,
        }
    }
}

fn unavailable() -> StoreError {
    StoreError::Determinate(failure())
}

fn failure() -> StoreFailure {
    StoreFailure::new("blob storage answered 503", None)
}

#[async_trait]
impl Store for Actor {
    fn address(&self, place: StoreKey) -> String {
        place.name()
    }

    async fn load(&self, place: StoreKey, deadline: Deadline) -> Result<Saved, StoreError> {
        self.step("load").await;
        if self.store_fault(deadline).await != StoreFault::None || self.is_late(deadline) {
            return Err(unavailable());
        }
        let state = self.world.state();
        let saved = match state.saved.get(&place) {
            Some((content, version)) => Saved {
                content: Some(content.clone()),
                version: Version::Tag(version.to_string()),
            },
            None => Saved {
                content: None,
                version: Version::Absent,
            },
        };
        Ok(match (place, &saved.content) {
            (StoreKey::Ledger(..), _) if self.world.has(Bug::LedgerBehindCheckpoint) => Saved {
                content: state.runs[self.run]
                    .held_ledger
                    .get(&place)
                    .cloned()
                    .or(saved.content),
                ..saved
            },
            (StoreKey::Checkpoint(_), Some(content))
                if self.world.has(Bug::ForgetsWhatWasDelivered) =>
            {
                Saved {
                    content: Some(without_memory(content)),
                    ..saved
                }
            }
            _ => saved,
        })
    }

    async fn save(
        &self,
        place: StoreKey,
        content: &[u8],
        expected: &Version,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        self.step("save").await;
        let fault = self.store_fault(deadline).await;
        if fault == StoreFault::Fails || self.is_late(deadline) {
            return Err(unavailable());
        }
        if self.world.has(Bug::LedgerBehindCheckpoint) && matches!(place, StoreKey::Ledger(..)) {
            let mut state = self.world.state();
            state.runs[self.run]
                .held_ledger
                .insert(place, content.to_vec());
            return Ok(expected.clone());
        }
        let blind = self.world.has(Bug::BlindOverwrite);
        let written = {
            let mut state = self.world.state();
            let written = state.write(place, content, expected, blind)?;
            if let StoreKey::Checkpoint(feed) = place {
                state.oracle.saved(self.run, feed, content);
            }
            written
        };
        self.step("saved").await;
        if matches!(place, StoreKey::Checkpoint(_)) {
            self.release_held();
        }
        if fault == StoreFault::AnswerLost {
            return Err(StoreError::Indeterminate(failure()));
        }
        Ok(written)
    }

    async fn remove(&self, place: StoreKey, deadline: Deadline) -> Result<(), StoreError> {
        self.step("remove").await;
        if self.store_fault(deadline).await == StoreFault::Fails {
            return Err(unavailable());
        }
        self.world.state().saved.remove(&place);
        self.step("removed").await;
        Ok(())
    }

    async fn list(&self, folder: Folder, deadline: Deadline) -> Result<Vec<StoreKey>, StoreError> {
        self.step("list").await;
        if self.store_fault(deadline).await != StoreFault::None {
            return Err(unavailable());
        }
        let prefix = folder.prefix();
        let state = self.world.state();
        Ok(state
            .saved
            .keys()
            .copied()
            .filter(|place| place.name().starts_with(&prefix))
            .collect())
    }
}

/// A checkpoint that forgets what was delivered.
fn without_memory(content: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(content) else {
        return content.to_vec();
    };
    if let Some(members) = value.as_object_mut() {
        members.remove("delivered");
        members.remove("displaced");
    }
    value.to_string().into_bytes()
}

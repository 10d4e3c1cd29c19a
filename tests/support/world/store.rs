//! The store of a world: what is saved, under the rule of versions.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mimecast_ttp::{
    ingest::{
        error::StoreError,
        ports::{Saved, Store, Version},
    },
    model::{
        deadline::Deadline,
        feed::Feed,
        store_key::{Folder, StoreKey},
    },
};

use super::{World, at};

/// What lies in each place, and its version.
pub(super) struct Places {
    saved: Mutex<HashMap<StoreKey, (Vec<u8>, u64)>>,
    /// How many saves come before somebody else is first.
    saves_left: AtomicU64,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            saved: Mutex::default(),
            saves_left: AtomicU64::new(u64::MAX),
        }
    }
}

impl Places {
    fn version(&self, place: StoreKey) -> Version {
        let saved = self.saved.lock().unwrap();
        saved.get(&place).map_or(Version::Absent, |(_, version)| {
            Version::Tag(version.to_string())
        })
    }

    fn put(&self, place: StoreKey, content: &[u8]) {
        let mut saved = self.saved.lock().unwrap();
        let version = saved.get(&place).map_or(1, |(_, version)| version + 1);
        saved.insert(place, (content.to_vec(), version));
    }
}

impl World {
    /// The saved checkpoint of the URL feed.
    pub fn checkpoint(&self) -> Option<String> {
        self.text(StoreKey::Checkpoint(Feed::Url))
    }

    /// The watermark in the saved text.
    pub fn watermark(&self) -> DateTime<Utc> {
        let text = self.checkpoint().expect("a checkpoint");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        at(value["watermark"].as_str().unwrap())
    }

    /// The text in a place.
    pub fn text(&self, place: StoreKey) -> Option<String> {
        let saved = self.store.saved.lock().unwrap();
        let (content, _) = saved.get(&place)?;
        Some(String::from_utf8(content.clone()).unwrap())
    }

    /// Puts a checkpoint of the URL feed into place.
    pub fn put_checkpoint(&self, text: &str) {
        self.store
            .put(StoreKey::Checkpoint(Feed::Url), text.as_bytes());
    }

    /// The places in use.
    pub fn places(&self) -> Vec<StoreKey> {
        let mut places: Vec<_> = self.store.saved.lock().unwrap().keys().copied().collect();
        places.sort_unstable();
        places
    }

    /// Loses what lies in a place.
    pub fn lose(&self, place: StoreKey) {
        self.store.saved.lock().unwrap().remove(&place).unwrap();
    }

    /// Loses the end of what lies in a place.
    pub fn damage(&self, place: StoreKey) {
        let mut saved = self.store.saved.lock().unwrap();
        saved.get_mut(&place).unwrap().0.truncate(40);
    }

    /// Somebody else is always first to save.
    pub fn lose_races(&self) {
        self.lose_races_after(0);
    }

    /// Somebody else is always first to save, from the save after so many on.
    pub fn lose_races_after(&self, saves: u64) {
        self.store.saves_left.store(saves, Ordering::SeqCst);
    }
}

#[async_trait]
impl Store for World {
    fn address(&self, place: StoreKey) -> String {
        format!("memory/{}", place.name())
    }

    async fn load(&self, place: StoreKey, _: Deadline) -> Result<Saved, StoreError> {
        let saved = self.store.saved.lock().unwrap();
        let content = saved.get(&place).map(|(content, _)| content.clone());
        drop(saved);
        let version = self.store.version(place);
        Ok(Saved { content, version })
    }

    async fn save(
        &self,
        place: StoreKey,
        content: &[u8],
        expected: &Version,
        _: Deadline,
    ) -> Result<Version, StoreError> {
        tokio::task::yield_now().await;
        let left = self.store.saves_left.load(Ordering::SeqCst);
        self.store
            .saves_left
            .store(left.saturating_sub(1), Ordering::SeqCst);
        if left == 0 || self.store.version(place) != *expected {
            return Err(StoreError::Conflict);
        }
        self.store.put(place, content);
        if matches!(place, StoreKey::Checkpoint(_)) {
            self.event("save");
        }
        Ok(self.store.version(place))
    }

    async fn remove(&self, place: StoreKey, _: Deadline) -> Result<(), StoreError> {
        self.store.saved.lock().unwrap().remove(&place);
        Ok(())
    }

    async fn list(&self, folder: Folder, _: Deadline) -> Result<Vec<StoreKey>, StoreError> {
        let mut places = self.places();
        places.retain(|place| place.name().starts_with(&folder.prefix()));
        Ok(places)
    }
}

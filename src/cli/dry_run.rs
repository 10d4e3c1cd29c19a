//! `run --dry-run`: a pass whose posts and saves go nowhere.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::say;
use crate::{
    ingest::{
        error::{ServiceError, StoreError},
        ports::{LogSink, Receipt, Saved, Store, Version},
        report::PassReport,
    },
    model::{
        batch::Batch,
        deadline::Deadline,
        feed::Feed,
        store_key::{Folder, StoreKey},
    },
};

/// How many rows of a feed are shown.
const SAMPLES: usize = 3;

/// A sink that takes everything and sends nothing.
pub(super) struct DrySink {
    /// Says how large a post may be.
    sink: Arc<dyn LogSink>,
    samples: Mutex<BTreeMap<Feed, Vec<String>>>,
}

impl DrySink {
    pub(super) fn new(sink: Arc<dyn LogSink>) -> Self {
        Self {
            sink,
            samples: Mutex::default(),
        }
    }

    /// The first rows of a feed that would have been sent.
    fn samples(&self, feed: Feed) -> Vec<String> {
        lock(&self.samples).get(&feed).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl LogSink for DrySink {
    fn max_batch_bytes(&self) -> usize {
        self.sink.max_batch_bytes()
    }

    fn max_value_bytes(&self) -> usize {
        self.sink.max_value_bytes()
    }

    fn max_concurrent_posts(&self) -> usize {
        self.sink.max_concurrent_posts()
    }

    async fn deliver(&self, batch: &Batch, _: Deadline) -> Result<Receipt, ServiceError> {
        let mut samples = lock(&self.samples);
        let samples = samples.entry(batch.feed()).or_default();
        let missing = SAMPLES.saturating_sub(samples.len());
        let rows = batch.rows().iter().take(missing);
        samples.extend(rows.map(|row| batch.text(row).to_owned()));
        Ok(Receipt::after(1))
    }

    async fn post_nothing(&self, _: Feed, _: Deadline) -> Result<(), ServiceError> {
        Ok(())
    }
}

/// A store that reads what is saved, and keeps what is written for the pass alone.
pub(super) struct DryStore {
    store: Arc<dyn Store>,
    /// What was written; `None` where it was removed.
    written: Mutex<HashMap<StoreKey, Saved>>,
}

impl DryStore {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            written: Mutex::default(),
        }
    }
}

#[async_trait]
impl Store for DryStore {
    fn address(&self, key: StoreKey) -> String {
        self.store.address(key)
    }

    async fn load(&self, key: StoreKey, deadline: Deadline) -> Result<Saved, StoreError> {
        let written = lock(&self.written).get(&key).cloned();
        match written {
            Some(saved) => Ok(saved),
            None => self.store.load(key, deadline).await,
        }
    }

    async fn save(
        &self,
        key: StoreKey,
        content: &[u8],
        expected: &Version,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        if self.load(key, deadline).await?.version != *expected {
            return Err(StoreError::Conflict);
        }
        let mut written = lock(&self.written);
        let version = Version::Tag(format!("dry-{}", written.len()));
        let saved = Saved {
            content: Some(content.to_vec()),
            version: version.clone(),
        };
        written.insert(key, saved);
        Ok(version)
    }

    async fn remove(&self, key: StoreKey, _: Deadline) -> Result<(), StoreError> {
        let nothing = Saved {
            content: None,
            version: Version::Absent,
        };
        lock(&self.written).insert(key, nothing);
        Ok(())
    }

    async fn list(&self, folder: Folder, deadline: Deadline) -> Result<Vec<StoreKey>, StoreError> {
        let mut keys = self.store.list(folder, deadline).await?;
        let written = lock(&self.written);
        let of_folder = |key: &StoreKey| folder.key(&key.name()).is_some();
        keys.extend(written.keys().copied().filter(of_folder));
        keys.retain(|key| written.get(key).is_none_or(|saved| saved.content.is_some()));
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }
}

/// Says what would have been delivered, with the first rows of each feed.
pub(super) fn print(report: &PassReport, sink: &DrySink, as_json: bool) {
    if as_json {
        let feeds = report.feeds.iter().map(|report| {
            let samples = sink.samples(report.feed);
            let rows = samples.iter().map(|row| {
                // A row is valid JSON, but may hold what no other tool reads, such as half a character.
                serde_json::from_str(row).unwrap_or_else(|_| Value::from(row.as_str()))
            });
            json!({
                "feed": report.feed,
                "outcome": report.outcome,
                "message": report.message,
                "would_deliver": report.counts.delivered,
                "batches": report.counts.batches,
                "bytes": report.counts.bytes,
                "known_before": report.counts.duplicates,
                "samples": rows.collect::<Vec<_>>(),
            })
        });
        let feeds: Vec<_> = feeds.collect();
        return say(&format!("{:#}", json!({"dry_run": true, "feeds": feeds})));
    }
    for report in &report.feeds {
        let counts = &report.counts;
        let plural =
            |count: u64, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        say(&format!(
            "{}: would deliver {} in {} of {} bytes in all; {} known before ({})",
            report.feed,
            plural(counts.delivered, "record"),
            plural(counts.batches, "post"),
            counts.bytes,
            counts.duplicates,
            report.outcome.name()
        ));
        if let Some(message) = &report.message {
            say(&format!("  {message}"));
        }
        for row in sink.samples(report.feed) {
            say(&format!("  {row}"));
        }
    }
    say("Nothing was posted, and no progress was saved.");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

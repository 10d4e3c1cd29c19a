//! The state of the simulated services, and what happened to it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, ServiceError, StoreError},
        ports::Version,
    },
    model::{
        checkpoint::Service,
        event_time,
        feed::Feed,
        page::{Page, PageToken},
        store_key::StoreKey,
    },
};
use tokio::{sync::Notify, time::Instant};

use super::{
    bugs::Bug,
    dice::Dice,
    oracle::Oracle,
    story::{Odds, Order, Record, Story},
};

/// One run of the program.
#[derive(Debug, Default)]
pub struct Run {
    /// Port calls made.
    pub calls: u64,
    /// At which of its port calls it is killed.
    pub crash_at: Option<u64>,
    /// Or right behind which of its writes: where such programs are hurt most.
    pub crash_behind_write: Option<u64>,
    pub writes: u64,
    pub crash: Arc<Notify>,
    pub dead: bool,
    /// The sink refuses every content in this run.
    pub refuses_all: bool,
    /// For the bugs: what is held back, and the last token.
    pub held_batch: Option<(Feed, Vec<usize>)>,
    pub held_ledger: BTreeMap<StoreKey, Vec<u8>>,
    pub last_offset: Option<usize>,
}

pub struct State {
    pub dice: Dice,
    pub odds: Odds,
    pub runs: Vec<Run>,
    pub saved: BTreeMap<StoreKey, (Vec<u8>, u64)>,
    pub versions: u64,
    pub oracle: Oracle,
    /// For the bug that takes message and second for an identity.
    pub seen: HashMap<(usize, String), usize>,
    /// A digest of everything that happened, in its order.
    pub trace: u64,
}

pub struct World {
    pub story: Story,
    pub bug: Option<Bug>,
    started: Instant,
    state: Mutex<State>,
    /// Every page can be read from now on.
    healed: AtomicBool,
}

impl World {
    pub fn new(story: Story, bug: Option<Bug>) -> Arc<Self> {
        let state = State {
            dice: Dice::new(!story.seed),
            odds: story.odds,
            runs: Vec::new(),
            saved: BTreeMap::new(),
            versions: 0,
            oracle: Oracle::new(story.sink.max_concurrent_posts()),
            seen: HashMap::new(),
            trace: story.seed,
        };
        Arc::new(Self {
            story,
            bug,
            started: Instant::now(),
            state: Mutex::new(state),
            healed: AtomicBool::new(false),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.story.began + TimeDelta::from_std(self.started.elapsed()).unwrap()
    }

    pub fn elapsed(&self) -> std::time::Duration {
        self.started.elapsed()
    }

    pub async fn sleep_until(&self, time: DateTime<Utc>) {
        let left = (time - self.now()).to_std().unwrap_or_default();
        tokio::time::sleep(left).await;
    }

    pub fn records(&self, feed: Feed) -> impl Iterator<Item = &Record> {
        self.story
            .records
            .iter()
            .filter(move |record| record.feed == feed)
    }

    /// Everything can be read from now on.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::SeqCst);
    }

    /// Whether a page that would hold the record fails.
    pub fn is_unreadable(&self, record: &Record) -> bool {
        !self.healed.load(Ordering::SeqCst) && self.story.is_unreadable(record.time)
    }

    /// A page of a listing as Mimecast makes it.
    pub fn page(
        &self,
        feed: Feed,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        token: Option<&PageToken>,
        offset: usize,
        size: u32,
    ) -> Result<Page, ServiceError> {
        let of_range = format!("{}-{}-", from.timestamp(), to.timestamp());
        let offset = match token {
            None => offset,
            // A token carries its query.
            Some(token) => match token.as_str().strip_prefix(&of_range) {
                Some(offset) => offset.parse().unwrap(),
                None => {
                    return Err(
                        ServiceError::new(Service::Mimecast, ErrorKind::PageTokenRefused)
                            .with_source("of another range"),
                    );
                }
            },
        };
        let (counted, listing) = self.listing(feed, (from, to));
        if size > 1 && listing.iter().any(|record| self.is_unreadable(record)) {
            let error = ServiceError::new(Service::Mimecast, ErrorKind::Unreadable);
            return Err(error.with_source("status 500"));
        }
        let size = size.min(self.story.page_size) as usize;
        let shown: Vec<_> = listing
            .iter()
            .skip(offset)
            .take(size)
            .filter(|record| !self.dropped_by_bug(record))
            .map(|record| &record.text)
            .collect();
        let mut page = Page::of(feed, &shown);
        let next = offset + size;
        let at = |offset| PageToken::new(format!("{of_range}{offset}"));
        page.next = if next < listing.len() || (self.story.trailing_page && offset < listing.len())
        {
            at(next)
        } else if self.story.looping_token && offset > 0 {
            at(offset)
        } else {
            None
        };
        page.total = self.story.says_total.then_some(counted as u64);
        page.attempts = 1;
        Ok(page)
    }

    /// How many records of a range are counted by now, and those that show, in the source's order.
    fn listing(
        &self,
        feed: Feed,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
    ) -> (usize, Vec<&Record>) {
        let now = self.now();
        let inside = |record: &&Record| {
            from <= record.time
                && (record.time < to || (record.time == to && !self.story.excludes_to))
        };
        let counted = self
            .records(feed)
            .filter(inside)
            .filter(|record| record.counted <= now)
            .count();
        let mut listing: Vec<_> = self
            .records(feed)
            .filter(inside)
            .filter(|record| record.visible <= now)
            .collect();
        match self.story.order {
            Order::OldestFirst => listing.sort_by_key(|record| (record.time, record.number)),
            Order::NewestFirst => {
                listing.sort_by_key(|record| (record.time, record.number));
                listing.reverse();
            }
            Order::Shuffled => listing.sort_by_key(|record| record.number * 7919 % 1009),
        }
        (counted, listing)
    }

    fn dropped_by_bug(&self, record: &Record) -> bool {
        if !self.has(Bug::DedupByMessageAndSecond) {
            return false;
        }
        let row: serde_json::Value = serde_json::from_str(&record.text).unwrap();
        let second = usize::try_from(record.time.timestamp()).unwrap();
        let key = (second, row["messageId"].to_string());
        *self.state().seen.entry(key).or_insert(record.number) != record.number
    }
}

impl State {
    pub fn note(&mut self, what: &str, at: DateTime<Utc>) {
        for byte in what.bytes().chain(at.timestamp_millis().to_le_bytes()) {
            self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    /// Writes under the rule of versions, unless `blind`.
    pub fn write(
        &mut self,
        place: StoreKey,
        content: &[u8],
        expected: &Version,
        blind: bool,
    ) -> Result<Version, StoreError> {
        let there = self
            .saved
            .get(&place)
            .map_or(Version::Absent, |(_, version)| {
                Version::Tag(version.to_string())
            });
        if there != *expected && !blind {
            return Err(StoreError::Conflict);
        }
        self.versions += 1;
        self.saved.insert(place, (content.to_vec(), self.versions));
        Ok(Version::Tag(self.versions.to_string()))
    }

    /// The records that lie in quarantine.
    pub fn quarantined(&self) -> BTreeSet<usize> {
        self.saved
            .iter()
            .filter(|(place, _)| matches!(place, StoreKey::Quarantine(..)))
            .map(|(_, (content, _))| {
                let held: serde_json::Value = serde_json::from_slice(content).unwrap();
                number(held["row"].as_str().unwrap())
            })
            .collect()
    }
}

/// The number of a row's record.
fn number(row: &str) -> usize {
    let row: serde_json::Value = serde_json::from_str(row).unwrap();
    usize::try_from(row["n"].as_u64().unwrap()).unwrap()
}

/// The numbers of the records in a batch.
pub fn numbers(body: &Bytes) -> Vec<usize> {
    let rows: Vec<serde_json::Value> = serde_json::from_slice(body).expect("a JSON array");
    rows.iter().map(|row| number(&row.to_string())).collect()
}

/// The times in a checkpoint's text: watermark and the place of the first move.
pub fn times(text: &[u8]) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
    let text = std::str::from_utf8(text).unwrap();
    if let Some(plain) = event_time::parse(text) {
        return (plain, None);
    }
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let time = |value: &serde_json::Value| event_time::parse(value.as_str()?);
    (
        time(&value["watermark"]).unwrap(),
        time(&value["moves"][0]["to"]),
    )
}

//! A world in memory behind the ports: a source with given records, a sink and a store that can be
//! told to misbehave, and a clock that a test moves.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, Rejection, ServiceError, StoreError},
        pass::{Pass, PassConfig},
        ports::{
            Clock, HealthSink, LogSink, LogSource, PageRequest, Ports, Receipt, Saved, Store,
            Version,
        },
        report::{FeedReport, health::HealthRows},
    },
    model::{
        batch::Batch,
        checkpoint::Service,
        deadline::Deadline,
        event_time,
        feed::Feed,
        page::{Page, PageToken},
        progress::Lookback,
        store_key::{Folder, StoreKey},
    },
};

/// A time in the tests' short form.
pub fn at(text: &str) -> DateTime<Utc> {
    event_time::parse(text).expect("a time")
}

/// How the tests' passes read, unless they say otherwise.
pub const LOOKBACK: Lookback = Lookback {
    lookback: TimeDelta::days(1),
    settle: TimeDelta::seconds(15),
    late_arrival: TimeDelta::minutes(15),
    reconcile: TimeDelta::hours(24),
};

/// A record of the URL feed with a serial number.
pub fn record(serial: u64, time: DateTime<Utc>) -> String {
    format!(
        r#"{{"url":"https://example.com/{serial}","n":{serial},"date":"{}"}}"#,
        time.format("%Y-%m-%dT%H:%M:%S+0000")
    )
}

/// One thing that the source does instead of answering.
pub enum SourceFault {
    RefuseToken,
    Fail(&'static str),
    OutOfTime,
    Throttle(Duration),
    Panic,
}

/// One thing that the sink does instead of taking a batch.
pub enum SinkFault {
    TooLarge,
    Throttle(Duration),
    Fail(&'static str),
}

/// A record of the world.
#[derive(Clone)]
pub struct Given {
    /// From when on it shows.
    pub visible: DateTime<Utc>,
    /// Its own time.
    pub time: DateTime<Utc>,
    /// Its text.
    pub text: String,
}

/// The world's records and everything that happened.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one habit of the source, and tests combine them freely"
)]
pub struct World {
    pub now: Mutex<DateTime<Utc>>,
    pub elapsed: Mutex<Duration>,
    /// Records of the URL feed.
    pub records: Mutex<Vec<Given>>,
    /// Held by a test to keep the source from answering.
    pub gate: tokio::sync::Mutex<()>,
    pub page_size: usize,
    pub page_time: Duration,
    pub count_time: Duration,
    pub post_time: Duration,
    pub max_concurrent_posts: usize,
    /// The numbers of posts that are answered behind all others that are under way.
    pub slow_posts: HashSet<u64>,
    /// A record that is counted but not shown up to and including this fetch.
    pub hidden: Mutex<Option<(usize, u64)>>,
    pub source_faults: Mutex<HashMap<u64, SourceFault>>,
    pub sink_faults: Mutex<VecDeque<Option<SinkFault>>>,
    pub max_rows: Mutex<usize>,
    /// The serial numbers of rows that the sink refuses whatever they come with.
    pub poison: Mutex<Vec<u64>>,
    /// The sink refuses every content, even none.
    pub refuses_all: Mutex<bool>,
    pub fetches: AtomicU64,
    pub counts: AtomicU64,
    pub posts: AtomicU64,
    pub events: Mutex<Vec<String>>,
    pub delivered: Mutex<Vec<serde_json::Value>>,
    /// What passes said of themselves, and whether nobody hears it.
    pub told: Mutex<Vec<serde_json::Value>>,
    pub deaf: bool,
    pub saved: Mutex<HashMap<StoreKey, (Vec<u8>, u64)>>,
    pub race: Mutex<bool>,
    /// Whether a range leaves out the second `to`.
    pub excludes_to: bool,
    /// Whether pages say how many records a range holds.
    pub says_total: bool,
    /// Whether they say nothing of a range that holds none.
    pub silent_when_empty: bool,
    /// What they say whatever the range.
    pub lying_total: Option<u64>,
    pub trailing_token: bool,
    pub looping_token: bool,
    pub reversed: bool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            now: Mutex::new(at("2026-03-02T08:00:00Z")),
            elapsed: Mutex::default(),
            records: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            page_size: 3,
            page_time: Duration::ZERO,
            count_time: Duration::ZERO,
            post_time: Duration::ZERO,
            max_concurrent_posts: 1,
            slow_posts: HashSet::new(),
            hidden: Mutex::default(),
            source_faults: Mutex::default(),
            sink_faults: Mutex::default(),
            max_rows: Mutex::new(usize::MAX),
            poison: Mutex::default(),
            refuses_all: Mutex::default(),
            fetches: AtomicU64::new(0),
            counts: AtomicU64::new(0),
            posts: AtomicU64::new(0),
            events: Mutex::default(),
            delivered: Mutex::default(),
            told: Mutex::default(),
            deaf: false,
            saved: Mutex::default(),
            race: Mutex::default(),
            excludes_to: false,
            says_total: true,
            silent_when_empty: false,
            lying_total: None,
            trailing_token: false,
            looping_token: false,
            reversed: false,
        }
    }
}

impl World {
    /// A world with records at the given times, numbered from 0, visible at once.
    pub fn with(times: &[&str]) -> Self {
        let world = Self::default();
        for time in times {
            world.add(at(time), at(time));
        }
        world
    }

    /// Adds a record that shows from `visible` on; returns its serial number.
    pub fn add(&self, visible: DateTime<Utc>, time: DateTime<Utc>) -> u64 {
        let serial = self.records.lock().unwrap().len() as u64;
        self.add_text(visible, time, record(serial, time));
        serial
    }

    /// Adds a record with the given text.
    pub fn add_text(&self, visible: DateTime<Utc>, time: DateTime<Utc>, text: String) {
        self.records.lock().unwrap().push(Given {
            visible,
            time,
            text,
        });
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        *self.now.lock().unwrap() += by;
        *self.elapsed.lock().unwrap() += by;
    }

    /// Lets time go by for a call. Calls that are under way at the same time share it.
    async fn take_time(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        let done = self.elapsed() + time;
        tokio::task::yield_now().await;
        self.advance(done.saturating_sub(self.elapsed()));
    }

    /// The serial numbers of what was delivered, in order.
    pub fn serials(&self) -> Vec<u64> {
        self.delivered
            .lock()
            .unwrap()
            .iter()
            .map(|row| row["n"].as_u64().unwrap())
            .collect()
    }

    /// The serial numbers of what was delivered, lowest first.
    pub fn sorted_serials(&self) -> Vec<u64> {
        let mut serials = self.serials();
        serials.sort_unstable();
        serials
    }

    /// The saved checkpoint of the URL feed.
    pub fn checkpoint(&self) -> Option<String> {
        self.text(StoreKey::Checkpoint(Feed::Url))
    }

    /// The text in a place.
    pub fn text(&self, place: StoreKey) -> Option<String> {
        let saved = self.saved.lock().unwrap();
        let (content, _) = saved.get(&place)?;
        Some(String::from_utf8(content.clone()).unwrap())
    }

    /// Puts a checkpoint of the URL feed into place.
    pub fn put_checkpoint(&self, text: &str) {
        let place = StoreKey::Checkpoint(Feed::Url);
        let mut saved = self.saved.lock().unwrap();
        let version = saved.get(&place).map_or(1, |(_, version)| version + 1);
        saved.insert(place, (text.as_bytes().to_vec(), version));
    }

    /// The places in use.
    pub fn places(&self) -> Vec<StoreKey> {
        let mut places: Vec<_> = self.saved.lock().unwrap().keys().copied().collect();
        places.sort_unstable();
        places
    }

    /// The watermark in the saved text.
    pub fn watermark(&self) -> DateTime<Utc> {
        let text = self.checkpoint().expect("a checkpoint");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        at(value["watermark"].as_str().unwrap())
    }

    /// Runs one pass over the URL feed.
    pub async fn pass(self: &Arc<Self>) -> FeedReport {
        self.pass_with(Duration::from_secs(240), 1_000_000).await
    }

    /// Runs one pass with a budget and a batch size.
    pub async fn pass_with(
        self: &Arc<Self>,
        budget: Duration,
        batch_max_bytes: usize,
    ) -> FeedReport {
        self.feeds(&[Feed::Url], budget, batch_max_bytes)
            .await
            .remove(0)
    }

    /// Runs one pass over some feeds; only the URL feed has records.
    pub async fn feeds(
        self: &Arc<Self>,
        feeds: &[Feed],
        budget: Duration,
        batch_max_bytes: usize,
    ) -> Vec<FeedReport> {
        let ports = Ports {
            source: self.clone(),
            sink: self.clone(),
            health: Some(self.clone()),
            store: self.clone(),
            clock: self.clone(),
            random: Arc::new(mimecast_ttp::system::SystemRandom),
        };
        let plan = PassConfig {
            lookback: LOOKBACK,
            budget,
            batch_max_bytes,
            parallel_ranges: 4,
        };
        Pass::new(ports, plan).run(feeds).await.feeds
    }

    fn event(&self, text: impl Into<String>) {
        self.events.lock().unwrap().push(text.into());
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }
    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap()
    }
    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}

#[async_trait]
impl LogSource for World {
    async fn fetch_page(
        &self,
        request: PageRequest<'_>,
        _: Deadline,
    ) -> Result<Page, ServiceError> {
        let counting = request.size == 1;
        let number = if counting {
            self.counts.fetch_add(1, Ordering::SeqCst);
            self.fetches.load(Ordering::SeqCst)
        } else {
            self.fetches.fetch_add(1, Ordering::SeqCst) + 1
        };
        self.take_time(if counting {
            self.count_time
        } else {
            self.page_time
        })
        .await;
        drop(self.gate.lock().await);
        let fault = if counting {
            None
        } else {
            self.event(format!("fetch {number}"));
            self.source_faults.lock().unwrap().remove(&number)
        };
        match fault {
            Some(SourceFault::RefuseToken) => {
                return Err(
                    ServiceError::new(Service::Mimecast, ErrorKind::PageTokenRefused)
                        .with_source("token refused"),
                );
            }
            Some(SourceFault::Fail(why)) => {
                return Err(
                    ServiceError::new(Service::Mimecast, ErrorKind::Failed).with_source(why)
                );
            }
            Some(SourceFault::OutOfTime) => {
                return Err(
                    ServiceError::new(Service::Mimecast, ErrorKind::DeadlineExceeded)
                        .with_source("throttled"),
                );
            }
            Some(SourceFault::Throttle(wait)) => {
                return Err(ServiceError::new(
                    Service::Mimecast,
                    ErrorKind::Throttled { retry_after: wait },
                ));
            }
            Some(SourceFault::Panic) => panic!("the source broke"),
            None => {}
        }
        let (now, range) = (self.now(), request.range);
        let mut rows: Vec<_> = self
            .records
            .lock()
            .unwrap()
            .iter()
            .filter(|given| {
                request.feed == Feed::Url
                    && given.visible <= now
                    && (range.from()..=range.to()).contains(&given.time)
                    && !(self.excludes_to && given.time == range.to())
            })
            .cloned()
            .collect();
        rows.sort_by_key(|given| given.time);
        if self.reversed {
            rows.reverse();
        }
        let counted = rows.len() as u64;
        let hidden = *self.hidden.lock().unwrap();
        if let Some((index, until)) = hidden
            && number <= until
            && index < rows.len()
        {
            rows.remove(index);
        }
        let offset: usize = request
            .token
            .map_or(0, |token| token.as_str().parse().unwrap());
        let texts: Vec<_> = rows
            .iter()
            .skip(offset)
            .take(self.page_size.min(request.size as usize))
            .map(|given| &given.text)
            .collect();
        let mut page = Page::of(request.feed, &texts);
        let end = offset + texts.len();
        if end < rows.len() || (self.trailing_token && !texts.is_empty()) {
            page.next = PageToken::new(end.to_string());
        }
        if self.looping_token && request.token.is_some() {
            page.next = request.token.cloned();
        }
        page.total = self
            .says_total
            .then_some(self.lying_total.unwrap_or(counted))
            .filter(|_| counted > 0 || !self.silent_when_empty);
        page.attempts = 1;
        tokio::task::yield_now().await;
        Ok(page)
    }
}

#[async_trait]
impl LogSink for World {
    fn max_batch_bytes(&self) -> usize {
        30_000_000
    }

    fn max_value_bytes(&self) -> usize {
        1000
    }

    fn max_concurrent_posts(&self) -> usize {
        self.max_concurrent_posts
    }

    async fn deliver(&self, batch: &Batch, _: Deadline) -> Result<Receipt, ServiceError> {
        let number = self.posts.fetch_add(1, Ordering::SeqCst) + 1;
        self.event(format!("post {number}"));
        self.advance(self.post_time);
        let fault = self.sink_faults.lock().unwrap().pop_front().flatten();
        // Long enough for whatever else can go on meanwhile.
        let turns = if self.slow_posts.contains(&number) {
            500
        } else {
            8
        };
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        match fault {
            Some(SinkFault::TooLarge) => return Err(refusal(413)),
            Some(SinkFault::Throttle(wait)) => {
                return Err(ServiceError::new(
                    Service::LogAnalytics,
                    ErrorKind::Throttled { retry_after: wait },
                ));
            }
            Some(SinkFault::Fail(why)) => {
                return Err(
                    ServiceError::new(Service::LogAnalytics, ErrorKind::Failed).with_source(why)
                );
            }
            None => {}
        }
        let rows: Vec<serde_json::Value> =
            serde_json::from_slice(batch.body()).expect("a JSON array");
        if rows.len() > *self.max_rows.lock().unwrap() {
            return Err(refusal(413));
        }
        let poison = self.poison.lock().unwrap().clone();
        let is_poison = |row: &serde_json::Value| poison.contains(&row["n"].as_u64().unwrap());
        if *self.refuses_all.lock().unwrap() || rows.iter().any(is_poison) {
            return Err(refusal(400));
        }
        self.delivered.lock().unwrap().extend(rows);
        self.event(format!("taken {number}"));
        Ok(Receipt::after(1))
    }

    async fn probe(&self, feed: Feed, deadline: Deadline) -> Result<(), ServiceError> {
        self.deliver(&Batch::empty(feed), deadline).await.map(drop)
    }
}

#[async_trait]
impl HealthSink for World {
    async fn deliver_health(&self, rows: &HealthRows, _: Deadline) -> Result<(), ServiceError> {
        if self.deaf {
            return Err(refusal(403));
        }
        let told: Vec<_> = serde_json::from_slice(&rows.body).expect("a JSON array");
        assert_eq!(told.len(), rows.count);
        self.told.lock().unwrap().extend(told);
        Ok(())
    }
}

fn refusal(status: u16) -> ServiceError {
    let rejection = Rejection {
        status: Some(status),
        request_id: Some("request-1".to_owned()),
    };
    ServiceError::new(Service::LogAnalytics, ErrorKind::ContentRejected(rejection))
        .with_source(format!("answered {status}"))
}

#[async_trait]
impl Store for World {
    fn address(&self, place: StoreKey) -> String {
        format!("memory/{}", place.name())
    }

    async fn load(&self, place: StoreKey, _: Deadline) -> Result<Saved, StoreError> {
        Ok(match self.saved.lock().unwrap().get(&place) {
            Some((content, version)) => Saved {
                content: Some(content.clone()),
                version: Version::Tag(version.to_string()),
            },
            None => Saved {
                content: None,
                version: Version::Absent,
            },
        })
    }

    async fn save(
        &self,
        place: StoreKey,
        content: &[u8],
        expected: &Version,
        _: Deadline,
    ) -> Result<Version, StoreError> {
        tokio::task::yield_now().await;
        if *self.race.lock().unwrap() {
            return Err(StoreError::Conflict);
        }
        let mut saved = self.saved.lock().unwrap();
        let current = saved.get(&place).map_or(Version::Absent, |(_, version)| {
            Version::Tag(version.to_string())
        });
        if current != *expected {
            return Err(StoreError::Conflict);
        }
        let version = saved.get(&place).map_or(1, |(_, version)| version + 1);
        saved.insert(place, (content.to_vec(), version));
        if matches!(place, StoreKey::Checkpoint(_)) {
            self.events.lock().unwrap().push("save".to_owned());
        }
        Ok(Version::Tag(version.to_string()))
    }

    async fn remove(&self, place: StoreKey, _: Deadline) -> Result<(), StoreError> {
        self.saved.lock().unwrap().remove(&place);
        Ok(())
    }

    async fn list(&self, folder: Folder, _: Deadline) -> Result<Vec<StoreKey>, StoreError> {
        let places = self.places();
        Ok(places
            .into_iter()
            .filter(|place| place.name().starts_with(&folder.prefix()))
            .collect())
    }
}

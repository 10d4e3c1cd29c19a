//! The whole connector between real sockets: its three adapters, each through a proxy of its own, to
//! the simulators and to Azurite.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    ingest::{
        pass::{Pass, PassConfig},
        ports::{Clock, Ports, Randomness, Store, Version},
        report::{FeedReport, Outcome, PassReport},
    },
    model::{checkpoint::Start, deadline::Deadline, feed::Feed, store_key::StoreKey},
    storage::blob::BlobStore,
};
use simulators::{
    clock::SimClock,
    log::Log,
    log_analytics::MemoryRows,
    mimecast::{self, Api, Simulator},
    records::{GivenRecords, Moment},
};

use crate::{
    adapters::{Hasty, NetClock, azurite, blob_store, source},
    log_service::{LogService, Way, rows},
    proxy::Proxy,
    support::{
        azurite::{Azurite, connection_string},
        world::{LOOKBACK, at},
    },
};

/// Records of each log: three pages, and some batches.
pub const RECORDS: u64 = 60;
const PAGE: usize = 25;
const BATCH_BYTES: usize = 3_000;

/// Plenty of time: the pass ends long before.
pub const PLENTY: Duration = Duration::from_secs(60);
/// Little time: enough for everything but a fault that has no end.
pub const LITTLE: Duration = Duration::from_secs(5);
/// A pass that takes so much longer than its budget hangs.
const HANGS: Duration = Duration::from_secs(20);
/// For the test's own looks at the store.
const WHENEVER: Duration = Duration::from_secs(60);

/// Azurite's published account key.
const AZURITE_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq";

/// The three outside services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Mimecast,
    Sink,
    Store,
}

/// One outside world.
pub struct Bench {
    pub mimecast: Simulator,
    mimecast_config: mimecast::Config,
    sink: LogService,
    rows: Arc<MemoryRows>,
    /// Stays as long as this does.
    _azurite: Arc<Azurite>,
    container: String,
    to_mimecast: Proxy,
    to_sink: Proxy,
    to_store: Proxy,
    time: SimClock,
    pub clock: Arc<NetClock>,
    pub store_clock: Arc<NetClock>,
    /// The store without a proxy, for the test to look.
    pub direct: BlobStore,
    watermarks: Mutex<HashMap<Feed, DateTime<Utc>>>,
    ports: Ports,
}

fn records(now: DateTime<Utc>) -> GivenRecords {
    let mut records = GivenRecords::default();
    for log in Log::ALL {
        for number in 0..RECORDS {
            let time = now - TimeDelta::hours(2) + TimeDelta::seconds(10 * number.cast_signed());
            let text = format!(
                r#"{{"n":{number},"subject":"Grüße","{}":"{}"}}"#,
                log.time_member(),
                time.format("%Y-%m-%dT%H:%M:%S+0000")
            );
            let at = time.timestamp();
            records.push(log, Moment { at, visible_at: at }, text);
        }
    }
    records
}

impl Bench {
    /// Starts one, with Mimecast's API 1.0 and the Data Collector API.
    pub async fn start() -> Self {
        Self::with(Api::V1, Way::DataCollector).await
    }

    /// Starts one.
    pub async fn with(api: Api, way: Way) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let azurite = azurite();
        let time = SimClock::real();
        let mut mimecast_config =
            mimecast::Config::new(Arc::new(records(time.now())), time.clone());
        mimecast_config.max_page_size = PAGE;
        mimecast_config.api = api;
        let mimecast = Simulator::start(mimecast_config.clone(), 0).await.unwrap();
        let rows = Arc::new(MemoryRows::default());
        let sink = LogService::start(way, time.clone(), rows.clone()).await;
        let (clock, store_clock) = (NetClock::start(), NetClock::start());
        let port = |url: String| url.rsplit(':').next().unwrap().parse().unwrap();
        let to_mimecast = Proxy::start(port(mimecast.base_url()));
        let to_sink = Proxy::start(port(sink.base_url()));
        let to_store = Proxy::start(azurite.port());
        let container = format!("network-{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let direct = blob_store(&azurite.connection_string(), &container, NetClock::start());
        // Made beforehand, so that every test may count on the order of requests.
        let place = StoreKey::Checkpoint(Feed::Url);
        let soon = Deadline::after(Duration::ZERO, WHENEVER);
        direct
            .save(place, b"", &Version::Absent, soon)
            .await
            .unwrap();
        direct.remove(place, soon).await.unwrap();
        let random: Arc<dyn Randomness> = Arc::new(Hasty);
        let ports = Ports {
            source: Arc::new(source(&to_mimecast.url(), &mimecast_config, &clock)),
            sink: sink.sink(&to_sink.url(), &clock),
            health: None,
            store: Arc::new(blob_store(
                &connection_string(&to_store.url()),
                &container,
                store_clock.clone(),
            )),
            clock: clock.clone(),
            random,
        };
        Self {
            mimecast,
            mimecast_config,
            sink,
            rows,
            _azurite: azurite,
            container,
            to_mimecast,
            to_sink,
            to_store,
            time,
            clock,
            store_clock,
            direct,
            watermarks: Mutex::default(),
            ports,
        }
    }

    /// The proxy before a service.
    pub const fn to(&self, service: Service) -> &Proxy {
        match service {
            Service::Mimecast => &self.to_mimecast,
            Service::Sink => &self.to_sink,
            Service::Store => &self.to_store,
        }
    }

    /// The ports, with another address for one service.
    pub fn ports_at(&self, service: Service, url: &str) -> Ports {
        let mut ports = self.ports.clone();
        match service {
            Service::Mimecast => {
                ports.source = Arc::new(source(url, &self.mimecast_config, &self.clock));
            }
            Service::Sink => {
                ports.sink = self.sink.sink(url, &self.clock);
            }
            Service::Store => {
                ports.store = Arc::new(blob_store(
                    &connection_string(url),
                    &self.container,
                    self.store_clock.clone(),
                ));
            }
        }
        ports
    }

    /// A pass over the URL feed.
    pub async fn pass(&self, budget: Duration) -> FeedReport {
        self.pass_over(&self.ports, &[Feed::Url], budget)
            .await
            .feeds
            .remove(0)
    }

    /// A pass over all feeds.
    pub async fn pass_of_all(&self, budget: Duration) -> Vec<FeedReport> {
        self.pass_over(&self.ports, &Feed::ALL, budget).await.feeds
    }

    /// A pass. Whatever happens in it: it ends, shows no secret, and no watermark moves back.
    pub async fn pass_over(&self, ports: &Ports, feeds: &[Feed], budget: Duration) -> PassReport {
        let plan = PassConfig {
            lookback: LOOKBACK,
            budget,
            batch_max_bytes: BATCH_BYTES,
            parallel_ranges: 4,
        };
        let pass = Pass::new(ports.clone(), plan);
        let report = tokio::time::timeout(budget + HANGS, pass.run(feeds))
            .await
            .expect("a pass ends");
        let text = format!("{report:?}");
        for secret in self.secrets() {
            assert!(!text.contains(&secret), "a secret in: {text}");
        }
        for feed in feeds {
            self.watermark_stands_or_moves_on(*feed).await;
        }
        report
    }

    async fn watermark_stands_or_moves_on(&self, feed: Feed) {
        let soon = Deadline::after(self.clock.elapsed(), WHENEVER);
        let saved = self.direct.load(StoreKey::Checkpoint(feed), soon).await;
        let before = self.watermarks.lock().unwrap().get(&feed).copied();
        let Some(content) = saved.unwrap().content else {
            assert_eq!(before, None, "a checkpoint does not vanish");
            return;
        };
        let text = String::from_utf8(content).unwrap();
        // The text of the existing connector is a bare time.
        let now = serde_json::from_str::<serde_json::Value>(&text).map_or_else(
            |_| at(&text),
            |value| at(value["watermark"].as_str().unwrap()),
        );
        assert!(
            before.is_none_or(|before| before <= now),
            "{before:?} {now}"
        );
        self.watermarks.lock().unwrap().insert(feed, now);
    }

    /// Puts a checkpoint of the URL feed in place, as the existing connector writes it, that lies
    /// before every record.
    pub async fn put_checkpoint(&self) {
        let time = self.time.now() - TimeDelta::hours(3);
        let text = time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let soon = Deadline::after(self.clock.elapsed(), WHENEVER);
        let place = StoreKey::Checkpoint(Feed::Url);
        let saved = self
            .direct
            .save(place, text.as_bytes(), &Version::Absent, soon);
        saved.await.unwrap();
    }

    /// Sets the URL feed's checkpoint back to before every record.
    pub async fn rewind(&self) {
        let soon = Deadline::after(self.clock.elapsed(), WHENEVER);
        let place = StoreKey::Checkpoint(Feed::Url);
        let saved = self.direct.load(place, soon).await.unwrap();
        let text = String::from_utf8(saved.content.unwrap()).unwrap();
        let Start::From(mut checkpoint) = Start::read(Some(&text), Feed::Url).unwrap() else {
            panic!("no checkpoint: {text}");
        };
        let now = self.time.now();
        checkpoint.rewind(now - TimeDelta::hours(3), now);
        let text = checkpoint.to_text(Feed::Url, "a test");
        let saved = self
            .direct
            .save(place, text.as_bytes(), &saved.version, soon);
        saved.await.unwrap();
        self.watermarks.lock().unwrap().remove(&Feed::Url);
    }

    fn secrets(&self) -> Vec<String> {
        let config = &self.mimecast_config;
        [
            &config.app_key,
            &config.access_key,
            &config.secret_key,
            &config.password,
            self.sink.secret(),
        ]
        .into_iter()
        .cloned()
        .chain([AZURITE_KEY.to_owned()])
        .collect()
    }

    /// Puts the time of this world forward, for everyone but the store.
    pub fn advance(&self, by: TimeDelta) {
        *self.clock.ahead.lock().unwrap() += by;
        self.time.advance(by.to_std().unwrap()).unwrap();
    }

    /// How often each record of a feed arrived, with the fingerprints that it came under.
    fn arrived(&self, log: Log) -> BTreeMap<u64, Vec<String>> {
        let mut arrived: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for text in self.rows.texts(log.table()) {
            let row: serde_json::Value = serde_json::from_str(&text).unwrap();
            let fingerprint = row["mimecastFingerprint"].as_str().unwrap().to_owned();
            let serial = row["n"].as_u64().unwrap();
            arrived.entry(serial).or_default().push(fingerprint);
        }
        arrived
    }

    /// How many different records of the log arrived.
    pub fn count(&self, log: Log) -> u64 {
        self.arrived(log).len() as u64
    }

    /// Every record of the log has arrived, and none twice.
    pub fn all_arrived_once(&self, log: Log, case: &str) {
        self.all_arrived(log, case);
        for (serial, fingerprints) in self.arrived(log) {
            assert_eq!(fingerprints.len(), 1, "{case}: record {serial} came twice");
        }
    }

    /// Every record of the log has arrived. Those that came again are one batch at most, came `times`
    /// times more at most, and their copies can be told by the fingerprint. Gives how many they are.
    pub fn all_arrived_and_one_batch_again(&self, log: Log, times: usize, case: &str) -> usize {
        self.all_arrived(log, case);
        let mut again = BTreeSet::new();
        for (serial, fingerprints) in self.arrived(log) {
            let copies = fingerprints.len() - 1;
            assert!(copies <= times, "{case}: {serial} {fingerprints:?}");
            let different: BTreeSet<_> = fingerprints.iter().collect();
            assert_eq!(different.len(), 1, "{case}: {serial} {fingerprints:?}");
            if copies > 0 {
                again.insert(serial);
            }
        }
        let one_batch = self.to_sink.served().iter().any(|post| {
            let rows = rows(&post.body);
            let serials: BTreeSet<_> = rows.iter().map(|row| row["n"].as_u64().unwrap()).collect();
            again.is_subset(&serials)
        });
        assert!(one_batch, "{case}: more than a batch again: {again:?}");
        again.len()
    }

    fn all_arrived(&self, log: Log, case: &str) {
        let arrived: Vec<_> = self.arrived(log).into_keys().collect();
        assert_eq!(arrived, (0..RECORDS).collect::<Vec<_>>(), "{case}");
        // The proxies added nothing and swallowed nothing on their own.
        for proxy in [&self.to_mimecast, &self.to_sink, &self.to_store] {
            assert_eq!(proxy.failures(), 0, "{case}: a fault that nobody ordered");
        }
        let posts = self.to_sink.served().len() as u64;
        assert_eq!(self.sink.posts(), posts, "{case}");
        assert!(posts > 2, "{case}: {posts} posts are too few to tell");
    }
}

/// The report of a feed says that all went well.
pub fn complete(report: &FeedReport, case: &str) {
    assert_eq!(report.outcome, Outcome::Complete, "{case}: {report}");
}

/// The report says what failed and what to do.
pub fn failed(report: &FeedReport, says: &[&str], case: &str) {
    assert_eq!(report.outcome, Outcome::Failed, "{case}: {report}");
    let message = report.message.as_deref().unwrap();
    for part in says {
        assert!(message.contains(part), "{case}: no `{part}` in: {message}");
    }
}

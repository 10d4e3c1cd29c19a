//! The real adapters, and what they share: a clock that counts, chance without long waits, Azurite.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    azure::connection_string,
    ingest::ports::{Clock, Randomness},
    log_analytics::DataCollectorSink,
    mimecast::MimecastSource,
    net::http::HttpClient,
    storage::blob::{Access, BlobStore},
    system::{SystemClock, SystemRandom},
};
use simulators::{log_analytics, mimecast};

use crate::support::{
    azurite::Azurite,
    ports::{credentials, workspace},
};

/// This machine's clock, which a test can put forward. It counts how often it is asked: the store
/// asks once for each request that it signs, those that never arrive too.
pub struct NetClock {
    system: SystemClock,
    pub ahead: Mutex<TimeDelta>,
    pub asked: AtomicU64,
    /// How many waits were begun: the adapters wait between two attempts.
    pub waits: AtomicU64,
}

impl NetClock {
    pub fn start() -> Arc<Self> {
        Arc::new(Self {
            system: SystemClock::start(),
            ahead: Mutex::new(TimeDelta::zero()),
            asked: AtomicU64::new(0),
            waits: AtomicU64::new(0),
        })
    }
}

#[async_trait]
impl Clock for NetClock {
    fn now(&self) -> DateTime<Utc> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.system.now() + *self.ahead.lock().unwrap()
    }
    fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }
    async fn sleep(&self, duration: Duration) {
        self.waits.fetch_add(1, Ordering::SeqCst);
        self.system.sleep(duration).await;
    }
}

/// Takes the most off every wait between two attempts; in the rest it is random.
pub struct Hasty;

impl Randomness for Hasty {
    fn bits(&self) -> u128 {
        SystemRandom.bits() | (u128::MAX << 88)
    }
}

/// One Azurite for all tests that run at the same time; each has a container of its own. Not in a
/// static for good: those are never dropped, and it would outlive the tests.
pub fn azurite() -> Arc<Azurite> {
    static SHARED: Mutex<Weak<Azurite>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    shared.upgrade().unwrap_or_else(|| {
        let azurite = Arc::new(Azurite::start());
        *shared = Arc::downgrade(&azurite);
        azurite
    })
}

pub fn source(base: &str, config: &mimecast::Config, clock: &Arc<NetClock>) -> MimecastSource {
    MimecastSource::new(
        HttpClient::new().unwrap(),
        base.parse().unwrap(),
        credentials(config),
        clock.clone(),
        Arc::new(Hasty),
    )
}

pub fn log_sink(
    base: &str,
    config: &log_analytics::Config,
    clock: &Arc<NetClock>,
) -> DataCollectorSink {
    let http = HttpClient::new().unwrap();
    DataCollectorSink::new(
        http,
        workspace(base, config),
        clock.clone(),
        Arc::new(Hasty),
    )
}

pub fn blob_store(connection_string: &str, container: &str, clock: Arc<NetClock>) -> BlobStore {
    let access = Access::ConnectionString(connection_string::parse(connection_string).unwrap());
    BlobStore::new(&HttpClient::new().unwrap(), access, container, clock).unwrap()
}

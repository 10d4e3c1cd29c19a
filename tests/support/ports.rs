//! The real adapters against the simulators, with a clock that does not make a test wait.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mimecast_ttp::{
    ingest::ports::{Clock, Randomness},
    log_analytics::{DataCollectorSink, Workspace},
    mimecast::{ApplicationKeys, Client, Credentials, Login, MimecastSource},
    net::{http::HttpClient, keys::HmacKey},
    system::SystemRandom,
};
use simulators::{
    clock::SimClock,
    log_analytics,
    mimecast::{self, Api},
};

/// The simulated time; sleeping moves it at once.
pub struct TestClock {
    pub time: SimClock,
    pub slept: Mutex<Vec<Duration>>,
}

impl TestClock {
    pub fn new(time: SimClock) -> Arc<Self> {
        Arc::new(Self {
            time,
            slept: Mutex::default(),
        })
    }

    fn total(&self) -> Duration {
        self.slept.lock().unwrap().iter().sum()
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        self.time.now() + self.total()
    }
    fn elapsed(&self) -> Duration {
        self.total()
    }
    async fn sleep(&self, duration: Duration) {
        self.slept.lock().unwrap().push(duration);
    }
}

/// The simulator's keys or client, as the program knows them.
pub fn credentials(config: &mimecast::Config) -> Credentials {
    match config.api {
        Api::V1 => Credentials::Keys(ApplicationKeys {
            app_id: config.app_id.clone(),
            app_key: config.app_key.clone().into(),
            access_key: config.access_key.clone().into(),
            secret_key: HmacKey::decode(&config.secret_key.clone().into()).unwrap(),
            login: Some(Login {
                email: config.email.clone(),
                password: config.password.clone().into(),
            }),
        }),
        Api::V2 => Credentials::Client(Client {
            id: config.client_id.clone(),
            secret: config.client_secret.clone().into(),
        }),
    }
}

pub fn source(
    simulator: &mimecast::Simulator,
    config: &mimecast::Config,
    clock: Arc<dyn Clock>,
) -> MimecastSource {
    source_at(&simulator.base_url(), config, clock)
}

/// The simulated Mimecast, reached at `base`.
pub fn source_at(base: &str, config: &mimecast::Config, clock: Arc<dyn Clock>) -> MimecastSource {
    let random: Arc<dyn Randomness> = Arc::new(SystemRandom);
    MimecastSource::new(
        HttpClient::new().unwrap(),
        base.parse().unwrap(),
        credentials(config),
        clock,
        random,
    )
}

pub fn sink(
    simulator: &log_analytics::DataCollector,
    config: &log_analytics::Config,
    clock: Arc<dyn Clock>,
) -> DataCollectorSink {
    sink_at(&simulator.base_url(), config, clock)
}

/// The simulated workspace, reached at `base`.
pub fn workspace(base: &str, config: &log_analytics::Config) -> Workspace {
    Workspace {
        id: config.workspace_id.clone(),
        key: HmacKey::decode(&config.workspace_key.clone().into()).unwrap(),
        base: base.parse().unwrap(),
    }
}

pub fn sink_at(
    base: &str,
    config: &log_analytics::Config,
    clock: Arc<dyn Clock>,
) -> DataCollectorSink {
    let random: Arc<dyn Randomness> = Arc::new(SystemRandom);
    DataCollectorSink::new(
        HttpClient::new().unwrap(),
        workspace(base, config),
        clock,
        random,
    )
}

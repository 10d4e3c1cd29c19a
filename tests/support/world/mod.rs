//! A world in memory behind the ports: a source with given records, a sink and a store that can be
//! told to misbehave, and a clock that a test moves.

mod builder;
mod sink;
mod source;
mod store;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    ingest::{
        pass::{Pass, PassConfig},
        ports::{Clock, Ports},
        report::FeedReport,
    },
    model::{event_time, feed::Feed, progress::Lookback},
};

pub use self::{builder::Builder, sink::SinkFault, source::SourceFault};

/// A time in the tests' short form.
pub fn at(text: &str) -> DateTime<Utc> {
    event_time::parse(text).expect("a time")
}

/// How the tests' passes read, unless they say otherwise.
pub const LOOKBACK: Lookback = Lookback {
    first_run: TimeDelta::days(1),
    settle: TimeDelta::seconds(15),
    late_arrival: TimeDelta::minutes(15),
    reconcile: TimeDelta::hours(24),
};

/// How long the tests' passes may take, unless they say otherwise.
pub const BUDGET: Duration = Duration::from_secs(240);

/// How the tests' passes go about it, unless they say otherwise.
pub fn plan() -> PassConfig {
    PassConfig {
        lookback: LOOKBACK,
        budget: BUDGET,
        batch_max_bytes: 1_000_000,
        parallel_ranges: 4,
    }
}

/// The world and everything that happened in it. Only the URL feed has records.
pub struct World {
    now: Mutex<DateTime<Utc>>,
    elapsed: Mutex<Duration>,
    events: Mutex<Vec<String>>,
    source: source::Source,
    sink: sink::Sink,
    store: store::Places,
}

impl World {
    /// A world at 08:00 on 2 March 2026, with nothing in it and no fault.
    pub fn builder() -> Builder {
        Builder::new(Self {
            now: Mutex::new(at("2026-03-02T08:00:00Z")),
            elapsed: Mutex::default(),
            events: Mutex::default(),
            source: source::Source::default(),
            sink: sink::Sink::default(),
            store: store::Places::default(),
        })
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        *self.now.lock().unwrap() += by;
        *self.elapsed.lock().unwrap() += by;
    }

    /// Sets the clock to another time, as a person does: no time goes by.
    pub fn set_clock(&self, now: DateTime<Utc>) {
        *self.now.lock().unwrap() = now;
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

    /// What happened, in order: `fetch 1`, `post 1`, `taken 1`, `save` of a checkpoint.
    pub fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }

    fn event(&self, text: impl Into<String>) {
        self.events.lock().unwrap().push(text.into());
    }

    /// Everything outside, as a pass sees it.
    pub fn ports(self: &Arc<Self>) -> Ports {
        Ports {
            source: self.clone(),
            sink: self.clone(),
            health: Some(self.clone()),
            store: self.clone(),
            clock: self.clone(),
            random: Arc::new(mimecast_ttp::system::SystemRandom),
        }
    }

    /// Runs one pass over the URL feed.
    pub async fn pass(self: &Arc<Self>) -> FeedReport {
        self.pass_with(BUDGET, 1_000_000).await
    }

    /// Runs one pass with a budget and a batch size.
    pub async fn pass_with(
        self: &Arc<Self>,
        budget: Duration,
        batch_max_bytes: usize,
    ) -> FeedReport {
        let plan = PassConfig {
            budget,
            batch_max_bytes,
            ..plan()
        };
        let pass = Pass::new(self.ports(), plan);
        pass.run(&[Feed::Url]).await.feeds.remove(0)
    }

    /// Runs one pass over all feeds.
    pub async fn pass_of_all(self: &Arc<Self>) -> Vec<FeedReport> {
        let pass = Pass::new(self.ports(), plan());
        pass.run(&Feed::ALL).await.feeds
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

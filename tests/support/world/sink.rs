//! The sink of a world: what it has taken, and how it misbehaves.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, Rejection, ServiceError},
        ports::{HealthSink, LogSink, Receipt},
        report::health::HealthRows,
    },
    model::{batch::Batch, checkpoint::Service, deadline::Deadline, feed::Feed},
};
use serde_json::Value;

use super::World;

/// One thing that the sink does instead of taking a batch.
pub enum SinkFault {
    TooLarge,
    Throttle(Duration),
    Fail(&'static str),
}

pub(super) struct Sink {
    pub(super) max_concurrent_posts: usize,
    pub(super) slow_posts: HashSet<u64>,
    pub(super) max_rows: usize,
    pub(super) refuses_health: bool,
    pub(super) has_second: bool,
    faults: Mutex<VecDeque<Option<SinkFault>>>,
    refused_rows: Mutex<HashSet<u64>>,
    refuses_all: AtomicBool,
    posts: AtomicU64,
    delivered: Mutex<Vec<Value>>,
    told: Mutex<Vec<Value>>,
}

impl Default for Sink {
    fn default() -> Self {
        Self {
            max_concurrent_posts: 1,
            slow_posts: HashSet::new(),
            max_rows: usize::MAX,
            refuses_health: false,
            has_second: false,
            faults: Mutex::default(),
            refused_rows: Mutex::default(),
            refuses_all: AtomicBool::new(false),
            posts: AtomicU64::new(0),
            delivered: Mutex::default(),
            told: Mutex::default(),
        }
    }
}

impl World {
    /// Sets what the next posts meet.
    pub fn break_posts(&self, faults: impl IntoIterator<Item = Option<SinkFault>>) {
        self.sink.faults.lock().unwrap().extend(faults);
    }

    /// Rows that the sink refuses whatever they come with.
    pub fn refuse_rows(&self, serials: impl IntoIterator<Item = u64>) {
        self.sink.refused_rows.lock().unwrap().extend(serials);
    }

    /// The sink refuses no row any more.
    pub fn accept_rows(&self) {
        self.sink.refused_rows.lock().unwrap().clear();
    }

    /// Whether the sink refuses every content, even none.
    pub fn refuse_all(&self, refuses: bool) {
        self.sink.refuses_all.store(refuses, Ordering::SeqCst);
    }

    /// How many posts there were.
    pub fn posts(&self) -> u64 {
        self.sink.posts.load(Ordering::SeqCst)
    }

    /// The rows that were taken, in order.
    pub fn delivered(&self) -> Vec<Value> {
        self.sink.delivered.lock().unwrap().clone()
    }

    /// Their serial numbers.
    pub fn serials(&self) -> Vec<u64> {
        let delivered = self.sink.delivered.lock().unwrap();
        let serials = delivered.iter().map(|row| row["n"].as_u64().unwrap());
        serials.collect()
    }

    /// Their serial numbers, lowest first.
    pub fn sorted_serials(&self) -> Vec<u64> {
        let mut serials = self.serials();
        serials.sort_unstable();
        serials
    }

    /// What passes said of themselves.
    pub fn told(&self) -> Vec<Value> {
        self.sink.told.lock().unwrap().clone()
    }

    fn take(&self, batch: &Batch) -> Result<(), ServiceError> {
        let sink = &self.sink;
        let rows: Vec<Value> = serde_json::from_slice(batch.body()).expect("a JSON array");
        if rows.len() > sink.max_rows {
            return Err(refusal(413));
        }
        let refused = sink.refused_rows.lock().unwrap();
        let is_refused = |row: &Value| refused.contains(&row["n"].as_u64().unwrap());
        if sink.refuses_all.load(Ordering::SeqCst) || rows.iter().any(is_refused) {
            return Err(refusal(400));
        }
        sink.delivered.lock().unwrap().extend(rows);
        Ok(())
    }
}

impl SinkFault {
    fn error(self) -> ServiceError {
        let error = |kind| ServiceError::new(Service::LogAnalytics, kind);
        match self {
            Self::TooLarge => refusal(413),
            Self::Throttle(wait) => error(ErrorKind::Throttled { retry_after: wait }),
            Self::Fail(why) => error(ErrorKind::Failed).with_source(why),
        }
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
impl LogSink for World {
    fn max_batch_bytes(&self) -> usize {
        30_000_000
    }

    fn max_value_bytes(&self) -> usize {
        1000
    }

    fn max_concurrent_posts(&self) -> usize {
        self.sink.max_concurrent_posts
    }

    async fn deliver(&self, batch: &Batch, _: Deadline) -> Result<Receipt, ServiceError> {
        let number = self.sink.posts.fetch_add(1, Ordering::SeqCst) + 1;
        self.event(format!("post {number}"));
        let fault = self.sink.faults.lock().unwrap().pop_front().flatten();
        // Long enough for whatever else can go on meanwhile.
        let slow = self.sink.slow_posts.contains(&number);
        for _ in 0..if slow { 500 } else { 8 } {
            tokio::task::yield_now().await;
        }
        if let Some(fault) = fault {
            return Err(fault.error());
        }
        self.take(batch)?;
        self.event(format!("taken {number}"));
        Ok(Receipt {
            to_copy: self.sink.has_second,
            ..Receipt::after(1)
        })
    }

    async fn copy(&self, batch: &Batch, _: Deadline) -> bool {
        self.event(format!("copy of {}", batch.rows().len()));
        true
    }

    async fn post_nothing(&self, feed: Feed, deadline: Deadline) -> Result<(), ServiceError> {
        self.deliver(&Batch::empty(feed), deadline).await.map(drop)
    }
}

#[async_trait]
impl HealthSink for World {
    async fn deliver_health(&self, rows: &HealthRows, _: Deadline) -> Result<(), ServiceError> {
        if self.sink.refuses_health {
            return Err(refusal(403));
        }
        let told: Vec<Value> = serde_json::from_slice(&rows.body).expect("a JSON array");
        assert_eq!(told.len(), rows.count);
        self.sink.told.lock().unwrap().extend(told);
        Ok(())
    }
}

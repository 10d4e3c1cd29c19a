//! The demo's Log Analytics, in either form.

use std::{borrow::Cow, io, sync::Arc};

use super::progress::Progress;
use crate::{
    cli::{args::SinkKind, simulated},
    simulator::{
        clock::SimClock,
        log::Log,
        log_analytics::{
            self, DataCollector, LogsIngestion, NdjsonFolder, RowSink, StoredRow, TooLarge,
            logs_ingestion,
        },
        scenario::Tally,
    },
};

pub(super) enum Sink {
    DataCollector(DataCollector),
    LogsIngestion(LogsIngestion),
}

/// Notes each stored row in the tally and on the progress bar.
pub(super) struct Watcher {
    pub(super) kind: SinkKind,
    pub(super) tally: Arc<Tally>,
    pub(super) progress: Progress,
}

impl RowSink for Watcher {
    fn store(&self, table: &str, rows: &[StoredRow<'_>]) {
        let Some(log) = Log::ALL.into_iter().find(|log| log.table() == table) else {
            return;
        };
        for row in rows {
            self.tally.note(log, &self.as_read(log, row.raw));
        }
        self.progress.stored(log, rows.len());
    }
}

impl Watcher {
    /// The row as it was before the sender gave its `id` the name that a stream may have.
    fn as_read<'a>(&self, log: Log, raw: &'a str) -> Cow<'a, str> {
        match (self.kind, log) {
            (SinkKind::LogsIngestion, Log::Impersonation) => {
                raw.replacen("\"eventId\"", "\"id\"", 1).into()
            }
            _ => raw.into(),
        }
    }
}

/// Posts of one log.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Posts {
    pub(super) taken: usize,
    pub(super) failed: usize,
    pub(super) rows: usize,
}

impl Posts {
    fn of(posts: impl IntoIterator<Item = (bool, usize)>) -> Self {
        posts
            .into_iter()
            .fold(Self::default(), |sum, (taken, rows)| Self {
                taken: sum.taken + usize::from(taken),
                failed: sum.failed + usize::from(!taken),
                rows: sum.rows + rows,
            })
    }
}

impl Sink {
    /// Starts it; gives the settings that lead there too.
    pub(super) async fn start(
        clock: SimClock,
        watcher: Watcher,
        files: Arc<NdjsonFolder>,
    ) -> io::Result<(Self, simulated::Values)> {
        let kind = watcher.kind;
        let sinks: Vec<Arc<dyn RowSink>> = vec![Arc::new(watcher), files];
        Ok(match kind {
            SinkKind::DataCollector => {
                let mut config = log_analytics::Config::new(clock);
                // Smaller than the batches of a backlog, so that some have to be halved.
                config.max_body_bytes = 900_000;
                config.too_large = TooLarge::Status413;
                config.sinks = sinks;
                let service = DataCollector::start(config.clone(), 0).await?;
                let settings = simulated::data_collector(&service, &config);
                (Self::DataCollector(service), settings)
            }
            SinkKind::LogsIngestion => {
                let mut config = logs_ingestion::Config::new(clock, simulated::rule()?);
                config.sinks = sinks;
                let service = LogsIngestion::start(config.clone(), 0).await?;
                let settings = simulated::logs_ingestion(&service, &config);
                (Self::LogsIngestion(service), settings)
            }
        })
    }

    /// Faults in the middle of a backlog; all of them pass.
    pub(super) fn first_faults(&self) {
        match self {
            Self::DataCollector(service) => {
                use log_analytics::Fault;
                let faults = service.faults();
                faults.on(log_type(Log::Url), 2..=2, Fault::Status(500));
                faults.on(log_type(Log::Attachment), 1..=2, Fault::Status(503));
                faults.on(
                    log_type(Log::Impersonation),
                    1..=1,
                    Fault::DropBeforeStoring,
                );
            }
            Self::LogsIngestion(service) => {
                use logs_ingestion::Fault;
                let faults = service.faults();
                faults.on(stream(Log::Url), 2..=2, Fault::Status(500));
                faults.on(stream(Log::Url), 3..=3, Fault::TooLarge);
                faults.on(stream(Log::Attachment), 1..=2, Fault::Status(503));
                faults.on(stream(Log::Impersonation), 1..=1, Fault::DropBeforeStoring);
            }
        }
    }

    /// Some faults of everyday life.
    pub(super) fn faults(&self) {
        let second = "1".to_owned();
        match self {
            Self::DataCollector(service) => {
                let retry_after = Some(second);
                let fault = log_analytics::Fault::Throttled { retry_after };
                service.faults().next(log_type(Log::Attachment), 1, fault);
            }
            Self::LogsIngestion(service) => {
                let fault = logs_ingestion::Fault::Throttled(second);
                service.faults().next(stream(Log::Attachment), 1, fault);
            }
        }
    }

    /// Tokens end, where there are any.
    pub(super) fn expire(&self) {
        match self {
            Self::DataCollector(_) => {}
            Self::LogsIngestion(service) => service.expire_tokens(),
        }
    }

    /// Lets one post be stored and its answer get lost.
    pub(super) fn lose_an_answer(&self) {
        match self {
            Self::DataCollector(service) => {
                let fault = log_analytics::Fault::StoreThenDrop;
                service
                    .faults()
                    .on(log_type(Log::Impersonation), 2..=2, fault);
            }
            Self::LogsIngestion(service) => {
                let fault = logs_ingestion::Fault::StoreThenDrop;
                service
                    .faults()
                    .on(stream(Log::Impersonation), 2..=2, fault);
            }
        }
    }

    /// The posts of a log.
    pub(super) fn posts(&self, log: Log) -> Posts {
        match self {
            Self::DataCollector(service) => {
                let posts = service.posts().into_iter();
                let of_log = posts.filter(|post| post.log_type == log_type(log));
                Posts::of(of_log.map(|post| (post.status == Some(200), post.rows)))
            }
            Self::LogsIngestion(service) => {
                let posts = service.posts().into_iter();
                let of_log = posts.filter(|post| post.stream == stream(log));
                Posts::of(of_log.map(|post| (post.status == Some(204), post.rows)))
            }
        }
    }
}

/// The name that posts carry, without the `_CL` of the table.
fn log_type(log: Log) -> &'static str {
    log.table().trim_end_matches("_CL")
}

fn stream(log: Log) -> String {
    format!("Custom-{}", log.table())
}

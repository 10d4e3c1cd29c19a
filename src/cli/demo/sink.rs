//! What the demo does to its Log Analytics, and how it watches it.

use std::{borrow::Cow, sync::Arc};

use super::progress::Progress;
use crate::cli::simulated::{Sink, SinkKind, log_type, stream};
use scenario::Tally;
use simulators::{
    log::Log,
    log_analytics::{self, RowSink, StoredRow, logs_ingestion},
};

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

/// Larger than any record, so that a batch above it can be halved.
const LARGE: usize = 100_000;

impl Sink {
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
                faults.on(stream(Log::Url), 3..=3, Fault::TooLarge(LARGE));
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
}

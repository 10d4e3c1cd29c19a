//! From settings to a pass that is ready to run.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

#[cfg(feature = "simulator")]
use crate::ingest::ports::LogSource;
use crate::{
    azure::identity,
    checkpoints::{
        blob::{Access, BlobStore},
        folder::FolderStore,
    },
    http::HttpClient,
    ingest::{
        pass::{Pass, Plan},
        ports::{Clock, LogSink, Ports, Randomness, Store},
    },
    log_analytics::DataCollectorSink,
    mimecast::MimecastSource,
    model::deadline::Deadline,
    settings::{CheckpointSettings, Faults, Settings},
    system::{SystemClock, SystemRandom},
};

/// Why there is no pass.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Settings are missing or wrong.
    #[error(transparent)]
    Settings(#[from] Faults),
    /// Something else cannot be set up.
    #[error("{0}")]
    Other(String),
}

fn other(error: impl std::fmt::Display) -> Fault {
    Fault::Other(format!("{error}."))
}

/// Builds a pass from the settings that `lookup` gives.
pub(super) fn pass(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Pass, Fault> {
    let settings = Settings::read(lookup)?;
    let clock = clock(lookup)?;
    let random: Arc<dyn Randomness> = Arc::new(SystemRandom);
    let http = HttpClient::new().map_err(other)?;
    let store = store(&http, settings.checkpoints, &clock)?;
    let source = MimecastSource::new(
        http.clone(),
        settings.mimecast_base,
        settings.credentials,
        Arc::clone(&clock),
        Arc::clone(&random),
    );
    let sink = DataCollectorSink::new(
        http,
        settings.workspace,
        Arc::clone(&clock),
        Arc::clone(&random),
    );
    let ports = Ports {
        source: Arc::new(source),
        sink: Arc::new(sink),
        store,
        clock,
        random,
    };
    let plan = Plan {
        reach: settings.reach,
        budget: settings.run_budget,
        batch_max_bytes: settings.batch_max_bytes,
        parallel_ranges: settings.parallel_ranges,
    };
    Ok(Pass::new(ports, plan))
}

/// A source to be read without a pass, and the clock it goes by.
#[cfg(feature = "simulator")]
pub(super) struct Source {
    pub(super) source: Arc<dyn LogSource>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The source that `lookup` names, on this machine.
#[cfg(feature = "simulator")]
pub(super) fn source(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Source, Fault> {
    let settings = Settings::read(lookup)?;
    let clock = clock(lookup)?;
    let source = MimecastSource::new(
        HttpClient::local().map_err(other)?,
        settings.mimecast_base,
        settings.credentials,
        Arc::clone(&clock),
        Arc::new(SystemRandom),
    );
    Ok(Source {
        source: Arc::new(source),
        clock,
    })
}

/// What is saved, for the commands that look at it and mend it.
pub(super) struct Storage {
    pub(super) store: Arc<dyn Store>,
    pub(super) random: Arc<dyn Randomness>,
    clock: Arc<dyn Clock>,
}

/// A person waits no longer for one command.
const PATIENCE: Duration = Duration::from_secs(120);

impl Storage {
    /// The time by which a call must have ended.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.clock.elapsed(), PATIENCE)
    }

    /// The wall clock.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// Opens the storage that `lookup` names; needs no other settings.
pub(super) fn storage(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Storage, Fault> {
    let settings = Settings::read_storage(lookup)?;
    let clock = clock(lookup)?;
    let http = HttpClient::new().map_err(other)?;
    Ok(Storage {
        store: store(&http, settings, &clock)?,
        random: Arc::new(SystemRandom),
        clock,
    })
}

/// The sink that `lookup` names; needs no other settings.
pub(super) fn sink(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Arc<dyn LogSink>, Fault> {
    let workspace = Settings::read_workspace(lookup)?;
    let http = HttpClient::new().map_err(other)?;
    let random = Arc::new(SystemRandom);
    Ok(Arc::new(DataCollectorSink::new(
        http,
        workspace,
        clock(lookup)?,
        random,
    )))
}

fn store(
    http: &HttpClient,
    settings: CheckpointSettings,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Store>, Fault> {
    let (access, container) = match settings {
        CheckpointSettings::Folder(folder) => {
            return Ok(Arc::new(FolderStore::new(folder, Arc::clone(clock))));
        }
        CheckpointSettings::ConnectionString { access, container } => {
            (Access::ConnectionString(access), container)
        }
        CheckpointSettings::Identity {
            endpoint,
            client_id,
            container,
        } => {
            let credential = identity::managed(http, client_id.as_deref()).map_err(|error| {
                Fault::Other(format!("The managed identity cannot be used: {error}."))
            })?;
            let access = Access::Identity {
                endpoint,
                credential,
            };
            (access, container)
        }
    };
    let store = BlobStore::new(http, access, &container, Arc::clone(clock)).map_err(other)?;
    Ok(Arc::new(store))
}

#[cfg(feature = "simulator")]
fn clock(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Arc<dyn Clock>, Fault> {
    match super::clock_file::from(lookup) {
        Some(clock) => Ok(Arc::new(clock.map_err(other)?)),
        None => Ok(Arc::new(SystemClock::start())),
    }
}

#[cfg(not(feature = "simulator"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the simulated clock, which can fail, is not in this build"
)]
fn clock(_: &dyn Fn(&str) -> Option<String>) -> Result<Arc<dyn Clock>, Fault> {
    Ok(Arc::new(SystemClock::start()))
}

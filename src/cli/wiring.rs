//! From settings to a pass that is ready to run.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use url::Url;

use super::dry_run::{DrySink, DryStore};
#[cfg(feature = "simulator")]
use crate::ingest::ports::LogSource;
use crate::{
    azure::identity::{ClientCredentials, Credential, ManagedIdentity},
    functions::Handler,
    ingest::{
        error::Explain,
        pass::{Pass, PassConfig},
        ports::{Clock, HealthSink, LogSink, Ports, Randomness, Store},
        stop::Stop,
    },
    log_analytics::{DataCollectorSink, DualWriteSink, LogsIngestionSink, Rule, Workspace},
    mimecast::MimecastSource,
    model::deadline::Deadline,
    net::{
        http::{ClientError, HttpClient},
        token::{Issuer, Tokens},
    },
    settings::{CheckpointSettings, Faults, Identity, RuleSettings, Settings, SinkSettings},
    storage::{
        blob::{self, Access, BlobStore},
        folder::FolderStore,
    },
    system::{SystemClock, SystemRandom},
};

/// What a token for blob storage is for, in every cloud.
const STORAGE_AUDIENCE: &str = "https://storage.azure.com";

/// Why something could not be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetupError {
    /// Settings are missing or wrong.
    #[error(transparent)]
    Settings(#[from] Faults),
    #[error(transparent)]
    Http(#[from] ClientError),
    #[error(transparent)]
    Store(#[from] blob::SetupError),
    #[error(
        "the settings ask for the managed identity, but {0} is not set: no identity is assigned to this app, or the program is not running inside the app"
    )]
    NoIdentity(&'static str),
    #[error("IDENTITY_ENDPOINT is not a valid URL")]
    IdentityEndpoint(#[source] url::ParseError),
    #[cfg(feature = "simulator")]
    #[error("the simulated clock cannot be read")]
    Clock(#[source] std::io::Error),
}

impl Explain for SetupError {
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NoIdentity(_) => Some(
                "assign one (Identity in the portal, or `az functionapp identity assign`); for Logs Ingestion, you can set active_directory_tenant_id, active_directory_app_id and active_directory_app_secret instead. Outside the app no managed identity is available: use a connection string there",
            ),
            _ => None,
        }
    }
}

impl SetupError {
    /// What to tell the operator.
    pub(super) fn message(&self) -> String {
        match self {
            // One line for each fault, each a sentence.
            Self::Settings(faults) => faults.to_string(),
            other => format!("{}.", other.explain()),
        }
    }
}

/// Builds a pass from the settings that `lookup` gives.
pub(super) fn pass(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Pass, SetupError> {
    pass_by(Settings::read(lookup)?, lookup)
}

/// Builds a pass whose posts and saves go nowhere, and the sink that has seen its rows.
pub(super) fn dry_pass(
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<(Pass, Arc<DrySink>), SetupError> {
    let settings = Settings::read(lookup)?;
    let config = config(&settings);
    // A refused login is remembered all the same, lest Mimecast locks the account.
    let ports = ports(settings, lookup)?;
    let sink = Arc::new(DrySink::new(ports.sink));
    let ports = Ports {
        sink: sink.clone(),
        health: None,
        store: Arc::new(DryStore::new(ports.store)),
        ..ports
    };
    Ok((Pass::new(ports, config), sink))
}

/// What the Functions host calls.
pub(super) fn handler(
    lookup: &dyn Fn(&str) -> Option<String>,
    stop: Stop,
) -> Result<Handler, SetupError> {
    let settings = Settings::read(lookup)?;
    let retiring = settings.retiring();
    let pass = pass_by(settings, lookup)?.until(stop);
    Ok(Handler::Pass { pass, retiring })
}

fn pass_by(
    settings: Settings,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Pass, SetupError> {
    let config = config(&settings);
    Ok(Pass::new(ports(settings, lookup)?, config))
}

const fn config(settings: &Settings) -> PassConfig {
    PassConfig {
        lookback: settings.lookback,
        budget: settings.run_budget,
        batch_max_bytes: settings.batch_max_bytes,
        parallel_ranges: settings.parallel_ranges,
    }
}

fn ports(settings: Settings, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Ports, SetupError> {
    let clock = clock(lookup)?;
    let random: Arc<dyn Randomness> = Arc::new(SystemRandom);
    let http = HttpClient::new()?;
    let source = MimecastSource::new(
        http.clone(),
        settings.mimecast_base,
        settings.credentials,
        Arc::clone(&clock),
        Arc::clone(&random),
    );
    let azure = Azure {
        lookup,
        http: &http,
        clock: &clock,
    };
    let (sink, health) = azure.sink(settings.sink, &random)?;
    let store = azure.store(settings.checkpoints)?;
    Ok(Ports {
        source: Arc::new(source.remembering_in(Arc::clone(&store))),
        sink,
        health: settings.health_rows.then_some(health),
        store,
        clock,
        random,
    })
}

/// What a check looks at.
pub(super) struct Checked {
    pub(super) pass: Pass,
    pub(super) http: HttpClient,
    pub(super) clock: Arc<dyn Clock>,
    /// The sink of a rehearsal, which a pass does not depend on.
    pub(super) second: Option<Sinks>,
}

/// Builds what a check looks at.
pub(super) fn checked(
    settings: Settings,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Checked, SetupError> {
    let http = HttpClient::new()?;
    let clock = clock(lookup)?;
    let second = match Settings::read_sink(lookup)? {
        SinkSettings::Both { rule, .. } => {
            let azure = Azure {
                lookup,
                http: &http,
                clock: &clock,
            };
            let random: Arc<dyn Randomness> = Arc::new(SystemRandom);
            Some(azure.sink(SinkSettings::Rule(rule), &random)?)
        }
        SinkSettings::Workspace(_) | SinkSettings::Rule(_) => None,
    };
    Ok(Checked {
        pass: pass_by(settings, lookup)?,
        http,
        clock,
        second,
    })
}

/// A source to be read without a pass, and the clock it goes by.
#[cfg(feature = "simulator")]
pub(super) struct Source {
    pub(super) source: Arc<dyn LogSource>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The source that `lookup` names, on this machine.
#[cfg(feature = "simulator")]
pub(super) fn source(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Source, SetupError> {
    let settings = Settings::read(lookup)?;
    let clock = clock(lookup)?;
    let source = MimecastSource::new(
        HttpClient::new()?.without_proxy(),
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
const STORE_TIMEOUT: Duration = Duration::from_secs(120);

impl Storage {
    /// The time by which a call must have ended.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.clock.elapsed(), STORE_TIMEOUT)
    }

    /// The wall clock.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// Opens the storage that `lookup` names; needs no other settings.
pub(super) fn storage(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Storage, SetupError> {
    let settings = Settings::read_storage(lookup)?;
    let clock = clock(lookup)?;
    let http = HttpClient::new()?;
    let azure = Azure {
        lookup,
        http: &http,
        clock: &clock,
    };
    Ok(Storage {
        store: azure.store(settings)?,
        random: Arc::new(SystemRandom),
        clock,
    })
}

/// The sink that `lookup` names; needs no other settings.
pub(super) fn sink(
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Arc<dyn LogSink>, SetupError> {
    let settings = Settings::read_sink(lookup)?;
    let clock = clock(lookup)?;
    let azure = Azure {
        lookup,
        http: &HttpClient::new()?,
        clock: &clock,
    };
    let random: Arc<dyn Randomness> = Arc::new(SystemRandom);
    let (sink, _) = azure.sink(settings, &random)?;
    Ok(sink)
}

/// A sink by what it is asked for.
pub(super) type Sinks = (Arc<dyn LogSink>, Arc<dyn HealthSink>);

fn both<T: LogSink + HealthSink + 'static>(sink: Arc<T>) -> Sinks {
    (sink.clone(), sink)
}

/// What clients of Azure are made of.
struct Azure<'a> {
    /// Knows the managed identity: the platform names it in the environment.
    lookup: &'a dyn Fn(&str) -> Option<String>,
    http: &'a HttpClient,
    clock: &'a Arc<dyn Clock>,
}

impl Azure<'_> {
    fn sink(
        &self,
        settings: SinkSettings,
        random: &Arc<dyn Randomness>,
    ) -> Result<Sinks, SetupError> {
        Ok(match settings {
            SinkSettings::Workspace(workspace) => {
                both(Arc::new(self.data_collector(workspace, random)))
            }
            SinkSettings::Rule(rule) => both(Arc::new(self.logs_ingestion(rule, random)?)),
            SinkSettings::Both {
                workspace,
                rule,
                until,
            } => {
                let first = Arc::new(self.data_collector(workspace, random));
                let second = Arc::new(self.logs_ingestion(rule, random)?);
                let clock = Arc::clone(self.clock);
                both(Arc::new(DualWriteSink::new(first, second, until, clock)))
            }
        })
    }

    fn data_collector(
        &self,
        workspace: Workspace,
        random: &Arc<dyn Randomness>,
    ) -> DataCollectorSink {
        let (clock, random) = (Arc::clone(self.clock), Arc::clone(random));
        DataCollectorSink::new(self.http.clone(), workspace, clock, random)
    }

    fn logs_ingestion(
        &self,
        rule: RuleSettings,
        random: &Arc<dyn Randomness>,
    ) -> Result<LogsIngestionSink, SetupError> {
        let issuer = self.issuer(rule.identity, rule.audience)?;
        let (clock, random) = (Arc::clone(self.clock), Arc::clone(random));
        let rule = Rule {
            endpoint: rule.endpoint,
            id: rule.id,
            tokens: Tokens::new(issuer, Arc::clone(&clock)),
        };
        let http = self.http.clone();
        Ok(LogsIngestionSink::new(http, rule, clock, random))
    }

    fn store(&self, settings: CheckpointSettings) -> Result<Arc<dyn Store>, SetupError> {
        let (access, container) = match settings {
            CheckpointSettings::Folder(folder) => {
                return Ok(Arc::new(FolderStore::new(folder, Arc::clone(self.clock))));
            }
            CheckpointSettings::ConnectionString { access, container } => {
                (Access::ConnectionString(access), container)
            }
            CheckpointSettings::Identity {
                endpoint,
                client_id,
                container,
            } => {
                let identity = Identity::Managed { client_id };
                let issuer = self.issuer(identity, STORAGE_AUDIENCE.to_owned())?;
                let access = Access::Identity {
                    endpoint,
                    credential: Arc::new(Credential {
                        issuer,
                        clock: Arc::clone(self.clock),
                    }),
                };
                (access, container)
            }
        };
        let store = BlobStore::new(self.http, access, &container, Arc::clone(self.clock));
        Ok(Arc::new(store?))
    }

    fn issuer(&self, identity: Identity, audience: String) -> Result<Box<dyn Issuer>, SetupError> {
        let (http, clock) = (self.http.clone(), Arc::clone(self.clock));
        Ok(match identity {
            Identity::Client {
                authority,
                tenant,
                client_id,
                secret,
            } => Box::new(ClientCredentials {
                http,
                authority,
                tenant,
                client_id,
                secret,
                audience,
                clock,
            }),
            Identity::Managed { client_id } => {
                let endpoint = self.platform("IDENTITY_ENDPOINT")?;
                Box::new(ManagedIdentity {
                    http,
                    endpoint: Url::parse(&endpoint).map_err(SetupError::IdentityEndpoint)?,
                    header: self.platform("IDENTITY_HEADER")?.into(),
                    client_id,
                    audience,
                    clock,
                })
            }
        })
    }

    /// What the platform sets where the app has an identity.
    fn platform(&self, name: &'static str) -> Result<String, SetupError> {
        (self.lookup)(name).ok_or(SetupError::NoIdentity(name))
    }
}

#[cfg(feature = "simulator")]
fn clock(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Arc<dyn Clock>, SetupError> {
    match super::clock_file::from(lookup) {
        Some(clock) => Ok(Arc::new(clock.map_err(SetupError::Clock)?)),
        None => Ok(Arc::new(SystemClock::start())),
    }
}

#[cfg(not(feature = "simulator"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the simulated clock, which can fail, is not in this build"
)]
fn clock(_: &dyn Fn(&str) -> Option<String>) -> Result<Arc<dyn Clock>, SetupError> {
    Ok(Arc::new(SystemClock::start()))
}

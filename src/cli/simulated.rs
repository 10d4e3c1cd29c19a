//! The way from the connector to the simulators.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use simulators::{
    clock::SimClock,
    log::Log,
    log_analytics::{self, DataCollector, LogsIngestion, RowSink, logs_ingestion},
    mimecast::{self, Api, Simulator},
};

/// The rule that is deployed, of the program itself.
const RULE: &str = include_str!("../../deploy/logs-ingestion.json");

/// Names and values of settings.
pub(super) type Values = BTreeMap<String, String>;

fn values<'a>(settings: impl IntoIterator<Item = (&'static str, &'a String)>) -> Values {
    let settings = settings.into_iter();
    settings
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

/// The settings that lead to a simulated Mimecast.
pub(super) fn mimecast(simulator: &Simulator, config: &mimecast::Config) -> Values {
    let base = simulator.base_url();
    let credentials: &[(&str, &String)] = match config.api {
        Api::V1 => &[
            ("mimecast_app_id", &config.app_id),
            ("mimecast_app_key", &config.app_key),
            ("mimecast_access_key", &config.access_key),
            ("mimecast_secret_key", &config.secret_key),
            ("mimecast_email", &config.email),
            ("mimecast_password", &config.password),
        ],
        Api::V2 => &[
            ("mimecast_client_id", &config.client_id),
            ("mimecast_client_secret", &config.client_secret),
        ],
    };
    let all = credentials.iter().copied();
    values(all.chain([("mimecast_base_url", &base)]))
}

/// The settings that lead to a simulated workspace.
fn data_collector(simulator: &DataCollector, workspace: &log_analytics::Config) -> Values {
    values([
        ("log_analytics_workspace_id", &workspace.workspace_id),
        ("log_analytics_workspace_key", &workspace.workspace_key),
        ("log_analytics_uri", &simulator.base_url()),
    ])
}

/// The settings that lead to a simulated rule, and what the platform would set for its identity.
fn logs_ingestion(simulator: &LogsIngestion, config: &logs_ingestion::Config) -> Values {
    values([
        ("logs_ingestion_endpoint", &simulator.base_url()),
        ("logs_ingestion_rule_id", &config.rule_id),
        ("IDENTITY_ENDPOINT", &simulator.identity_endpoint()),
        ("IDENTITY_HEADER", &config.identity_header),
    ])
}

/// The API that the simulated Log Analytics has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SinkKind {
    DataCollector,
    LogsIngestion,
}

/// The simulated Log Analytics, in either form.
pub(super) enum Sink {
    DataCollector(DataCollector),
    LogsIngestion(LogsIngestion),
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
    /// Starts it on a port, 0 for a free one; gives the settings that lead there too. Each post takes
    /// `latency`. `adjust` may make the Data Collector API stricter, or more lenient.
    pub(super) async fn start(
        kind: SinkKind,
        clock: SimClock,
        port: u16,
        sinks: Vec<Arc<dyn RowSink>>,
        latency: Duration,
        adjust: impl FnOnce(&mut log_analytics::Config),
    ) -> io::Result<(Self, Values)> {
        Ok(match kind {
            SinkKind::DataCollector => {
                let mut config = log_analytics::Config::new(clock);
                config.sinks = sinks;
                config.latency = latency;
                adjust(&mut config);
                let service = DataCollector::start(config.clone(), port).await?;
                let settings = data_collector(&service, &config);
                (Self::DataCollector(service), settings)
            }
            SinkKind::LogsIngestion => {
                let rule = logs_ingestion::Rule::in_template(RULE).map_err(io::Error::other)?;
                let mut config = logs_ingestion::Config::new(clock, rule);
                config.sinks = sinks;
                config.latency = latency;
                let service = LogsIngestion::start(config.clone(), port).await?;
                let settings = logs_ingestion(&service, &config);
                (Self::LogsIngestion(service), settings)
            }
        })
    }

    /// How many posts came, of every table.
    pub(super) fn posts_in_all(&self) -> usize {
        match self {
            Self::DataCollector(service) => service.posts().len(),
            Self::LogsIngestion(service) => service.posts().len(),
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
pub(super) fn log_type(log: Log) -> &'static str {
    log.table().trim_end_matches("_CL")
}

/// The stream of a log.
pub(super) fn stream(log: Log) -> String {
    format!("Custom-{}", log.table())
}

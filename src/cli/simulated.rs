//! The way from the connector to the simulators.

use std::collections::BTreeMap;

use crate::simulator::{
    log_analytics::{self, DataCollector, LogsIngestion, logs_ingestion},
    mimecast::{self, Api, Simulator},
};

/// The rule that is deployed, of the program itself.
const RULE: &str = include_str!("../../deploy/logs-ingestion.json");

/// The simulated rule: that of the template.
pub(super) fn rule() -> std::io::Result<logs_ingestion::Rule> {
    logs_ingestion::Rule::in_template(RULE).map_err(std::io::Error::other)
}

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
pub(super) fn data_collector(
    simulator: &DataCollector,
    workspace: &log_analytics::Config,
) -> Values {
    values([
        ("log_analytics_workspace_id", &workspace.workspace_id),
        ("log_analytics_workspace_key", &workspace.workspace_key),
        ("log_analytics_uri", &simulator.base_url()),
    ])
}

/// The settings that lead to a simulated rule, and what the platform would set for its identity.
pub(super) fn logs_ingestion(simulator: &LogsIngestion, config: &logs_ingestion::Config) -> Values {
    values([
        ("logs_ingestion_endpoint", &simulator.base_url()),
        ("logs_ingestion_rule_id", &config.rule_id),
        ("IDENTITY_ENDPOINT", &simulator.identity_endpoint()),
        ("IDENTITY_HEADER", &config.identity_header),
    ])
}

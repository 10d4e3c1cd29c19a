//! The way from the connector to the simulators.

use std::collections::BTreeMap;

use crate::simulator::{
    log_analytics::{self, DataCollector},
    mimecast::{self, Api, Simulator},
};

/// The settings that lead the connector to the simulators.
pub(super) fn settings(
    mimecast: &Simulator,
    mimecast_config: &mimecast::Config,
    log_analytics: &DataCollector,
    workspace: &log_analytics::Config,
) -> BTreeMap<String, String> {
    let credentials: &[(&str, &String)] = match mimecast_config.api {
        Api::V1 => &[
            ("mimecast_app_id", &mimecast_config.app_id),
            ("mimecast_app_key", &mimecast_config.app_key),
            ("mimecast_access_key", &mimecast_config.access_key),
            ("mimecast_secret_key", &mimecast_config.secret_key),
            ("mimecast_email", &mimecast_config.email),
            ("mimecast_password", &mimecast_config.password),
        ],
        Api::V2 => &[
            ("mimecast_client_id", &mimecast_config.client_id),
            ("mimecast_client_secret", &mimecast_config.client_secret),
        ],
    };
    let (mimecast_url, log_analytics_url) = (mimecast.base_url(), log_analytics.base_url());
    let others = [
        ("mimecast_base_url", &mimecast_url),
        ("log_analytics_workspace_id", &workspace.workspace_id),
        ("log_analytics_workspace_key", &workspace.workspace_key),
        ("log_analytics_uri", &log_analytics_url),
    ];
    let all = credentials.iter().copied().chain(others);
    all.map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

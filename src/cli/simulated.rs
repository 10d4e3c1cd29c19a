//! The way from the connector to the simulators.

use std::collections::BTreeMap;

use crate::simulator::{
    log_analytics::{self, DataCollector},
    mimecast::{self, Simulator},
};

/// The settings that lead the connector to the simulators.
pub(super) fn settings(
    mimecast: &Simulator,
    mimecast_config: &mimecast::Config,
    log_analytics: &DataCollector,
    workspace: &log_analytics::Config,
) -> BTreeMap<String, String> {
    [
        ("mimecast_base_url", mimecast.base_url()),
        ("mimecast_app_id", mimecast_config.app_id.clone()),
        ("mimecast_app_key", mimecast_config.app_key.clone()),
        ("mimecast_access_key", mimecast_config.access_key.clone()),
        ("mimecast_secret_key", mimecast_config.secret_key.clone()),
        ("mimecast_email", mimecast_config.email.clone()),
        ("mimecast_password", mimecast_config.password.clone()),
        ("log_analytics_workspace_id", workspace.workspace_id.clone()),
        (
            "log_analytics_workspace_key",
            workspace.workspace_key.clone(),
        ),
        ("log_analytics_uri", log_analytics.base_url()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

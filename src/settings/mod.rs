//! The app settings: read once, through a lookup function, all faults reported together.
//!
//! Names are those of the existing connector, so that an installed app can switch its package and
//! keep its settings. The README's table and `local.settings.json.example` are checked against
//! [`NAMES`] by a test.

mod faults;
mod mimecast;
mod misspelt;
mod read;
mod reader;
pub mod schedule;
mod sink;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use url::Url;

pub use faults::{Faults, SettingFault};
pub use misspelt::misspelt;

use crate::{
    azure::connection_string::BlobAccess,
    log_analytics::Workspace,
    mimecast::Credentials,
    model::{progress::Lookback, retiring::Retiring},
};

/// Every setting that this program reads.
pub const NAMES: &[&str] = &[
    "mimecast_base_url",
    "mimecast_app_id",
    "mimecast_app_key",
    "mimecast_access_key",
    "mimecast_secret_key",
    "mimecast_email",
    "mimecast_password",
    "mimecast_client_id",
    "mimecast_client_secret",
    "log_analytics_workspace_id",
    "log_analytics_workspace_key",
    "log_analytics_uri",
    "logs_ingestion_endpoint",
    "logs_ingestion_rule_id",
    "logs_ingestion_identity",
    "logs_ingestion_audience",
    "active_directory_tenant_id",
    "active_directory_app_id",
    "active_directory_app_secret",
    "active_directory_authority",
    "dual_write_until",
    "AzureWebJobsStorage",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__clientId",
    "checkpoint_container",
    "checkpoint_dir",
    "lookback_days",
    "settle_seconds",
    "late_arrival_minutes",
    "reconcile_hours",
    "run_budget_seconds",
    "batch_max_bytes",
    "parallel_ranges",
    "health_rows",
];

/// Everything that can be set, in the form in which it is used.
#[derive(Debug)]
pub struct Settings {
    /// Where Mimecast is.
    pub mimecast_base: Url,
    /// Who we are to Mimecast.
    pub credentials: Credentials,
    /// Where rows go.
    pub sink: SinkSettings,
    /// Where progress is kept.
    pub checkpoints: CheckpointSettings,
    /// How far a pass reads.
    pub lookback: Lookback,
    /// How long a pass may work.
    pub run_budget: Duration,
    /// The size of one post, in bytes.
    pub batch_max_bytes: usize,
    /// How many ranges are read side by side, over all feeds.
    pub parallel_ranges: usize,
    /// Whether the workspace hears of each pass.
    pub health_rows: bool,
}

/// Where rows go.
#[derive(Debug)]
pub enum SinkSettings {
    /// Into a workspace, by the Data Collector API.
    Workspace(Workspace),
    /// To a data collection rule, by the Logs Ingestion API.
    Rule(RuleSettings),
    /// To both until the rehearsal ends, and then to the rule alone.
    Both {
        /// Counts until then.
        workspace: Workspace,
        /// Counts from then on.
        rule: RuleSettings,
        /// When it ends.
        until: DateTime<Utc>,
    },
}

/// A data collection rule.
#[derive(Debug)]
pub struct RuleSettings {
    /// Its endpoint, or that of a data collection endpoint.
    pub endpoint: Url,
    /// Its immutable id.
    pub id: String,
    /// What tokens are for, without a slash at the end.
    pub audience: String,
    /// Who sends.
    pub identity: Identity,
}

/// Who we are to Azure.
#[derive(Debug)]
pub enum Identity {
    /// The managed identity of the app.
    Managed {
        /// The client id of a user-assigned identity; the system-assigned one without.
        client_id: Option<String>,
    },
    /// An application of Microsoft Entra.
    Client {
        /// Who issues tokens.
        authority: Url,
        /// The tenant's id or domain.
        tenant: String,
        /// The application's id.
        client_id: String,
        /// Its secret.
        secret: SecretString,
    },
}

/// Where progress is kept.
#[derive(Debug)]
pub enum CheckpointSettings {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In blob storage, by a connection string.
    ConnectionString {
        /// The account.
        access: BlobAccess,
        /// The container.
        container: String,
    },
    /// In blob storage, by the managed identity.
    Identity {
        /// The blob service.
        endpoint: Url,
        /// The client id of a user-assigned identity; the system-assigned one without.
        client_id: Option<String>,
        /// The container.
        container: String,
    },
}

impl CheckpointSettings {
    /// The blob service; `None` for a folder. Its query may hold a signature.
    #[must_use]
    pub const fn endpoint(&self) -> Option<&Url> {
        match self {
            Self::Folder(_) => None,
            Self::ConnectionString { access, .. } => Some(&access.endpoint),
            Self::Identity { endpoint, .. } => Some(endpoint),
        }
    }
}

impl Settings {
    /// Reads the settings that `lookup` gives. Blank values count as absent.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        read::settings(&lookup)
    }

    /// The chosen way out of Mimecast and into Log Analytics, in words.
    #[must_use]
    pub fn chosen(&self) -> (&'static str, &'static str) {
        let api = match self.credentials {
            Credentials::Keys(_) => "Mimecast API 1.0",
            Credentials::Client(_) => "Mimecast API 2.0",
        };
        let sink = match self.sink {
            SinkSettings::Workspace(_) => "Data Collector API",
            SinkSettings::Rule(_) => "Logs Ingestion API",
            SinkSettings::Both { .. } => {
                "Data Collector API, and for a rehearsal the Logs Ingestion API"
            }
        };
        (api, sink)
    }

    /// What of these settings has no future.
    #[must_use]
    pub fn retiring(&self) -> Vec<Retiring> {
        let by_keys = matches!(self.credentials, Credentials::Keys(_));
        // A rehearsal is the move under way.
        let collects = matches!(self.sink, SinkSettings::Workspace(_));
        let all = [
            (by_keys, Retiring::MimecastV1),
            (collects, Retiring::DataCollector),
        ];
        let used = all.into_iter().filter(|(is_used, _)| *is_used);
        used.map(|(_, retiring)| retiring).collect()
    }

    /// Reads only what says where progress is kept: enough for looking at it.
    pub fn read_storage(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<CheckpointSettings, Faults> {
        read::storage(&lookup)
    }

    /// Reads only what says where rows go.
    pub fn read_sink(lookup: impl Fn(&str) -> Option<String>) -> Result<SinkSettings, Faults> {
        read::only_sink(&lookup)
    }
}

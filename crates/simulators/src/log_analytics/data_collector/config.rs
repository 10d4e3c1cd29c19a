//! What the simulated workspace is like.

use std::{fmt, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    clock::SimClock,
    log_analytics::{IntoText, RowSink},
};

/// How a workspace that does not exist is called here.
const WORKSPACE_ID: &str = "5ca1ab1e-0000-4000-8000-10ca1ba5e000";

/// The 64 bytes of its key, which opens nothing.
const KEY: &[u8; 64] = b"a workspace key that opens nothing outside of this simulator....";

/// The settings of a [`DataCollector`](super::DataCollector).
#[derive(Clone)]
pub struct Config {
    /// The time of the service.
    pub clock: SimClock,
    /// The workspace id, a lower-case GUID.
    pub workspace_id: String,
    /// The primary key in base64. Real ones are 64 bytes long.
    pub workspace_key: String,
    /// The secondary key in base64. Microsoft documents that both keys are valid at any time.
    pub secondary_key: Option<String>,
    /// How far `x-ms-date` may be from the time of the service. The real limit is unconfirmed; the
    /// default, 15 minutes, is the habit of Azure's other SharedKey services.
    pub max_clock_skew: Duration,
    /// The largest body that is taken, in bytes. Microsoft documents 30 MB; that it means
    /// 30,000,000 is the careful reading.
    pub max_body_bytes: usize,
    /// What happens to a larger one.
    pub too_large: TooLarge,
    /// How long each post waits before anything is done with it, in real time.
    pub latency: Duration,
    /// Whether rows are looked into. Without, a row need only be a JSON object: reserved names are not
    /// refused, its time is that of receipt, and there are no columns. For whoever measures the
    /// client: looking costs more than the client's own work.
    pub inspect: bool,
    /// Whether rows are put into columns, so that readers see them as a query would.
    pub columns: bool,
    /// Whether a number or boolean is converted for a text column.
    pub into_text: IntoText,
    /// Who gets the accepted rows.
    pub sinks: Vec<Arc<dyn RowSink>>,
}

/// How a body above the limit is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TooLarge {
    /// 404 without a body, as Microsoft documents.
    #[default]
    NotFound404,
    /// 413 without a body; unconfirmed, but what HTTP has for it.
    Status413,
    /// The connection is closed without an answer, as observed.
    DropConnection,
}

impl Config {
    /// A workspace with an invented id and key, the limits of the real service, and no sinks.
    #[must_use]
    pub fn new(clock: SimClock) -> Self {
        Self {
            clock,
            workspace_id: WORKSPACE_ID.to_owned(),
            workspace_key: STANDARD.encode(KEY),
            secondary_key: None,
            max_clock_skew: Duration::from_secs(15 * 60),
            max_body_bytes: 30_000_000,
            too_large: TooLarge::default(),
            latency: Duration::ZERO,
            inspect: true,
            columns: true,
            into_text: IntoText::default(),
            sinks: Vec::new(),
        }
    }
}

/// Without the keys: invented or not, a key in a log is a bad example.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("workspace_id", &self.workspace_id)
            .field("max_clock_skew", &self.max_clock_skew)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("too_large", &self.too_large)
            .field("latency", &self.latency)
            .field("inspect", &self.inspect)
            .field("columns", &self.columns)
            .field("into_text", &self.into_text)
            .field("sinks", &self.sinks.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_key() {
        let config = Config {
            secondary_key: Some("c2Vjb25kYXJ5".to_owned()),
            ..Config::new(SimClock::real())
        };
        let shown = format!("{config:?}");
        assert!(shown.contains(WORKSPACE_ID), "{shown}");
        assert!(!shown.contains(&config.workspace_key), "{shown}");
        assert!(!shown.contains("c2Vjb25kYXJ5"), "{shown}");
    }
}

//! What the simulated service is like.

use std::{fmt, sync::Arc, time::Duration};

use super::rule::Rule;
use crate::{clock::SimClock, log_analytics::RowSink};

/// The settings of a [`LogsIngestion`](super::LogsIngestion). The credentials that [`Config::new`] fills
/// in are invented.
#[derive(Clone)]
pub struct Config {
    /// The time of the service.
    pub clock: SimClock,
    /// What the rule does with rows.
    pub rule: Rule,
    /// The rule's immutable id.
    pub rule_id: String,
    /// The tenant that issues tokens.
    pub tenant: String,
    /// The application that may send.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The value that proves to the managed identity endpoint that the caller is the app.
    pub identity_header: String,
    /// The client id of the user-assigned identity; without one the system-assigned identity is asked
    /// for.
    pub identity: Option<String>,
    /// What tokens must be for.
    pub audience: String,
    /// How long a token lives, in simulated time.
    pub token_life: Duration,
    /// How many posts are answered 403 first, as while the role is not in effect yet.
    pub role_after: u64,
    /// How many requests the rule takes in a minute of simulated time.
    pub requests_per_minute: u64,
    /// How many bytes, unpacked.
    pub bytes_per_minute: u64,
    /// How long each post waits before anything is done with it, in real time.
    pub latency: Duration,
    /// Who gets the accepted rows.
    pub sinks: Vec<Arc<dyn RowSink>>,
}

impl Config {
    /// A well-behaved service with that rule, and the limits that are documented.
    #[must_use]
    pub fn new(clock: SimClock, rule: Rule) -> Self {
        Self {
            clock,
            rule,
            rule_id: "dcr-5ca1ab1e000040008000b1a2b3c4d5e6".to_owned(),
            tenant: "7e4a47ab-0000-4000-8000-0123456789ab".to_owned(),
            client_id: "a9911ca7-0000-4000-8000-0123456789ab".to_owned(),
            client_secret: "Qx8~demo.Entra+Secret/0123456789".to_owned(),
            identity_header: "invented-identity-header".to_owned(),
            identity: None,
            audience: "https://monitor.azure.com".to_owned(),
            token_life: Duration::from_secs(3599),
            role_after: 0,
            requests_per_minute: 12_000,
            bytes_per_minute: 2_000_000_000,
            latency: Duration::ZERO,
            sinks: Vec::new(),
        }
    }
}

// By hand: the credentials stay out even though they are invented, so that the habit holds.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("clock", &self.clock)
            .field("rule_id", &self.rule_id)
            .field("audience", &self.audience)
            .field("token_life", &self.token_life)
            .field("role_after", &self.role_after)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("bytes_per_minute", &self.bytes_per_minute)
            .finish_non_exhaustive()
    }
}

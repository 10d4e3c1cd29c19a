//! What an answer of Log Analytics means for what happens next: the one place that decides.

pub(super) mod data_collector;
pub(super) mod logs_ingestion;

use std::time::Duration;

/// What the sink does after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Taken.
    Accept,
    /// Try again, not before the given time where the service named one.
    Retry(Option<Duration>),
    /// The token was refused: get another one, once.
    Renew,
    /// The content is at fault: a part of it may pass.
    Split,
    /// Trying again does not help.
    Refuse,
}

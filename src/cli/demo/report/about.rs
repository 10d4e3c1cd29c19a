//! What the page is told about the play.

use chrono::{DateTime, Utc};

/// What the page says of itself.
#[derive(Debug)]
pub(in crate::cli::demo) struct About {
    pub(in crate::cli::demo) records: usize,
    pub(in crate::cli::demo) seed: u64,
    /// When the last run was.
    pub(in crate::cli::demo) now: DateTime<Utc>,
}

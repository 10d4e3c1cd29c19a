//! What the page is told about the play.

use chrono::{DateTime, Utc};

/// What the page says of itself.
#[derive(Debug)]
pub struct About {
    /// How many records were played.
    pub records: usize,
    /// The seed that plays the same again.
    pub seed: u64,
    /// When the last run was.
    pub now: DateTime<Utc>,
}

//! What the page is given about the demo.

use chrono::{DateTime, Utc};

/// What the page says about itself.
#[derive(Debug)]
pub struct About {
    /// How many records were played.
    pub records: usize,
    /// The seed that repeats the same demo.
    pub seed: u64,
    /// When the last run was.
    pub now: DateTime<Utc>,
}

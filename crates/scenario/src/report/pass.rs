//! What the connector reports about itself, row by row.

use chrono::{DateTime, Utc};

use super::cells::Cells;
use simulators::log_analytics::StoredRow;

/// Where its rows are.
pub const TABLE: &str = "MimecastTTPHealth_CL";

/// One feed's part of a pass.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) time: DateTime<Utc>,
    pub(super) feed: String,
    pub(super) outcome: String,
    pub(super) delivered: u32,
    pub(super) duplicates: u32,
    pub(super) quarantined: u32,
    pub(super) missing: u32,
    pub(super) calls: u32,
    pub(super) retries: u32,
    pub(super) lag_seconds: Option<u32>,
    pub(super) duration_seconds: f64,
    pub(super) version: String,
    pub(super) message: String,
}

/// The pass that a row describes.
pub(super) fn pass(row: &StoredRow<'_>) -> Option<Pass> {
    let cells = Cells(row.columns.as_ref()?);
    let count = |name| cells.number(name).map_or(0, whole);
    Some(Pass {
        time: row.time_generated,
        feed: cells.lower("feed_s"),
        outcome: cells.lower("outcome_s"),
        delivered: count("delivered_d"),
        duplicates: count("duplicates_d"),
        quarantined: count("quarantined_d"),
        missing: count("missing_d"),
        calls: count("calls_d"),
        retries: count("retries_d"),
        lag_seconds: cells.number("lagSeconds_d").map(whole),
        duration_seconds: cells.number("durationSeconds_d").unwrap_or(0.0),
        version: cells.text("version_s").to_owned(),
        message: cells.text("message_s").to_owned(),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is clamped"
)]
fn whole(number: f64) -> u32 {
    number.clamp(0.0, f64::from(u32::MAX)) as u32
}

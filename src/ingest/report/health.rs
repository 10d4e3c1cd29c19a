//! What a pass says of itself to the workspace: one row for each feed, so that quiet differs from dead.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{FeedReport, Outcome};
use crate::model::{event_time, feed::Feed};

/// At most this many characters of a message; the host's log has the rest.
const MAX_MESSAGE_LENGTH: usize = 2000;

/// Rows for the table `MimecastTTPHealth_CL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthRows {
    /// How many there are.
    pub count: usize,
    /// A JSON array of them.
    pub body: Bytes,
}

/// A row. Its members are the table's columns, each with the suffix of its type.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(rename = "time_generated")]
    time: &'a str,
    feed: Feed,
    outcome: Outcome,
    delivered: u64,
    duplicates: u64,
    quarantined: u64,
    missing: u64,
    identical: u64,
    gaps: u64,
    batches: u64,
    calls: u64,
    retries: u64,
    duration_seconds: f64,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// The rows about a pass that ended at `now`.
pub(in crate::ingest) fn rows(
    reports: &[FeedReport],
    now: DateTime<Utc>,
) -> serde_json::Result<HealthRows> {
    let time = event_time::to_utc_text(now);
    let rows: Vec<_> = reports.iter().map(|report| row(report, &time)).collect();
    Ok(HealthRows {
        count: rows.len(),
        body: serde_json::to_vec(&rows)?.into(),
    })
}

fn row<'a>(report: &'a FeedReport, time: &'a str) -> Row<'a> {
    let counts = &report.counts;
    Row {
        time,
        feed: report.feed,
        outcome: report.outcome,
        delivered: counts.delivered,
        duplicates: counts.duplicates,
        quarantined: counts.quarantined,
        missing: counts.missing,
        identical: counts.identical,
        gaps: counts.gaps,
        batches: counts.batches,
        calls: counts.calls,
        retries: counts.retries,
        duration_seconds: report.duration_seconds,
        version: env!("CARGO_PKG_VERSION"),
        lag_seconds: report.lag_seconds,
        watermark: report.watermark.map(event_time::to_utc_text),
        message: report.message.as_deref().map(beginning),
    }
}

/// As much of a message as goes into a row.
fn beginning(message: &str) -> &str {
    let end = message.char_indices().nth(MAX_MESSAGE_LENGTH);
    end.map_or(message, |(end, _)| message.split_at(end).0)
}

//! Fetch alone: the same records, read page by page and thrown away.
//!
//! It is the time below which no pass can stay that reads one page of a feed after the other, and
//! tells how much of a pass is waiting for Mimecast.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{task::JoinSet, time::Instant};

use super::BenchError;
use crate::{
    cli::wiring::{self, Source},
    ingest::{
        error::ServiceError,
        ports::{FULL_PAGE, PageRequest, Patience},
    },
    model::{date_range::DateRange, deadline::Deadline, feed::Feed},
};

/// More than any pass has.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Reads everything from `from` to `to` through the connector's own client, the feeds side by side.
/// Gives the time it took and how many records there were.
pub(super) async fn alone(
    settings: &BTreeMap<String, String>,
    feeds: &[Feed],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<(Duration, usize), BenchError> {
    let source = wiring::source(&|name| settings.get(name).cloned())
        .map_err(|error| io::Error::other(error.message()))?;
    let range = DateRange::new(from, to, to).map_err(io::Error::other)?;
    let source = Arc::new(source);
    let began = Instant::now();
    let mut walks = JoinSet::new();
    for feed in feeds.iter().copied() {
        let source = Arc::clone(&source);
        let _task = walks.spawn(async move { walk(&source, feed, range).await });
    }
    let mut records = 0;
    while let Some(walked) = walks.join_next().await {
        records += walked.map_err(io::Error::other)??;
    }
    Ok((began.elapsed(), records))
}

async fn walk(source: &Source, feed: Feed, range: DateRange) -> Result<usize, ServiceError> {
    let deadline = Deadline::after(source.clock.elapsed(), PATIENCE);
    let mut records = 0;
    let mut token = None;
    loop {
        let request = PageRequest {
            feed,
            range,
            token: token.as_ref(),
            size: FULL_PAGE,
            patience: Patience::Usual,
        };
        let page = source.source.fetch_page(request, deadline).await?;
        records += page.len();
        if page.next.is_none() {
            return Ok(records);
        }
        token = page.next;
    }
}

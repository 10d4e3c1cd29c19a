//! Whether everything that a pass needs answers, without changing anything that counts.
//!
//! Mimecast is asked for one record of each feed, the store keeps a small blob for a moment, and the sink gets
//! posts without rows.

use std::{error::Error as _, fmt, time::Duration};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use futures_util::future::join_all;
use serde::Serialize;

use super::{
    error::{Chain, ErrorKind, Explain, ServiceError, StoreError},
    ports::{Clock, HealthSink, LogSink, LogSource, PageRequest, Patience, Ports, Store, Version},
    report::health,
    state::{
        checkpoint_writer::{self, OpenError},
        ledger::Ledger,
    },
};
use crate::model::{
    checkpoint::Start, date_range::DateRange, deadline::Deadline, event_time, feed::Feed,
    store_key::StoreKey,
};

/// A check takes no longer than this.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The range that is asked for ends so long before now, and is as long as the next.
const ASKED_BEFORE: TimeDelta = TimeDelta::minutes(2);
const ASKED_FOR: TimeDelta = TimeDelta::hours(1);

/// A clock that differs by more is worth a word, and one that differs by much more must be set right: signatures
/// are refused from five minutes (Mimecast) or fifteen (Azure Monitor) on.
const CLOCK_WARNING: TimeDelta = TimeDelta::seconds(30);
const CLOCK_FAILURE: TimeDelta = TimeDelta::minutes(4);

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// It works, but somebody should look.
    Warn,
    /// Runs will fail, or miss something.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        })
    }
}

/// One line of a preflight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `mimecast url`, `storage`.
    pub check: String,
    /// What came of it.
    pub result: Verdict,
    /// What was seen, and what to do.
    pub message: String,
}

impl Finding {
    /// A finding.
    pub fn new(check: impl Into<String>, result: Verdict, message: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            result,
            message: message.into(),
        }
    }

    fn failed(check: impl Into<String>, error: &impl Explain) -> Self {
        Self::new(check, Verdict::Fail, format!("{}.", error.explain()))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.check, self.result, self.message)
    }
}

/// Checks everything behind the ports, side by side.
pub async fn run(ports: &Ports) -> Vec<Finding> {
    let (mimecast, storage, sink) = tokio::join!(
        source(&*ports.source, &*ports.clock),
        store(&*ports.store, &*ports.clock),
        sink(&*ports.sink, ports.health.as_deref(), &*ports.clock, "sink"),
    );
    [mimecast, storage, sink].concat()
}

/// Whether each feed may be read, and whether the clocks agree.
async fn source(source: &dyn LogSource, clock: &dyn Clock) -> Vec<Finding> {
    let asked = join_all(Feed::ALL.map(|feed| readable(source, clock, feed))).await;
    let clocks = asked.iter().find_map(|(_, served_at)| *served_at);
    let mut findings: Vec<_> = asked.into_iter().map(|(finding, _)| finding).collect();
    findings.extend(clocks.map(|served_at| clocks_agree("Mimecast", served_at, clock.now())));
    findings
}

/// Asks for one record of the last hour.
async fn readable(
    source: &dyn LogSource,
    clock: &dyn Clock,
    feed: Feed,
) -> (Finding, Option<DateTime<Utc>>) {
    let check = format!("mimecast {feed}");
    let now = clock.now();
    let to = now.trunc_subsecs(0) - ASKED_BEFORE;
    let Ok(range) = DateRange::new(to - ASKED_FOR, to, now) else {
        let message = "this machine's clock shows no usable time.";
        return (Finding::new(check, Verdict::Fail, message), None);
    };
    let request = PageRequest {
        feed,
        range,
        token: None,
        size: 1,
        patience: Patience::One,
    };
    let deadline = Deadline::after(clock.elapsed(), TIMEOUT);
    match source.fetch_page(request, deadline).await {
        Ok(page) => {
            let held = match page.total {
                Some(1) => "1 record".to_owned(),
                Some(total) => format!("{total} records"),
                None if page.is_empty() => "no record".to_owned(),
                None => "records".to_owned(),
            };
            let message = format!(
                "may be read; {held} in an hour until {}.",
                event_time::to_utc_text(to)
            );
            (Finding::new(check, Verdict::Ok, message), page.served_at)
        }
        Err(error) => (unreadable(check, &error), None),
    }
}

/// A rate limit that is used up just now says nothing about whether the feed may be read.
fn unreadable(check: String, error: &ServiceError) -> Finding {
    let cause = error.source().map(|cause| Chain(cause).to_string());
    match (error.kind(), cause) {
        (ErrorKind::DeadlineExceeded, Some(cause)) => {
            let message = format!("no answer within {} s: {cause}.", TIMEOUT.as_secs());
            Finding::new(check, Verdict::Warn, message)
        }
        (ErrorKind::Throttled { .. }, _) => Finding {
            result: Verdict::Warn,
            ..Finding::failed(check, error)
        },
        _ => Finding::failed(check, error),
    }
}

/// How this machine's clock stands to that of a service, which showed `theirs` at `ours`.
#[must_use]
pub fn clocks_agree(service: &str, theirs: DateTime<Utc>, ours: DateTime<Utc>) -> Finding {
    let difference = ours - theirs;
    let seconds = difference.num_seconds();
    let result = match difference.abs() {
        difference if difference > CLOCK_FAILURE => Verdict::Fail,
        difference if difference > CLOCK_WARNING => Verdict::Warn,
        _ => Verdict::Ok,
    };
    let direction = if seconds > 0 { "ahead of" } else { "behind" };
    let message = match result {
        Verdict::Ok => format!("agrees with {service}'s."),
        _ => format!(
            "{} s {direction} {service}'s. What to do: have this machine's clock set by a time server.",
            seconds.abs()
        ),
    };
    Finding::new("clock", result, message)
}

/// Whether the store keeps its promises, and whether each checkpoint can be read.
async fn store(store: &dyn Store, clock: &dyn Clock) -> Vec<Finding> {
    let deadline = Deadline::after(clock.elapsed(), TIMEOUT);
    let probed = match probe(store, deadline).await {
        Ok(finding) => finding,
        Err(error) => Finding::failed("storage", &error),
    };
    let checkpoints = Feed::ALL.map(|feed| checkpoint(store, feed, clock.now(), deadline));
    let mut findings = vec![probed];
    findings.extend(join_all(checkpoints).await);
    findings
}

/// Writes, reads, and removes a small blob, and tries a write that must be refused.
async fn probe(store: &dyn Store, deadline: Deadline) -> Result<Finding, StoreError> {
    let place = store.address(StoreKey::Probe);
    let finding = |result, message: String| Ok(Finding::new("storage", result, message));
    // What a check left that was killed.
    let before = store.load(StoreKey::Probe, deadline).await?.version;
    let first = store
        .save(StoreKey::Probe, b"probe", &before, deadline)
        .await;
    let version = match first {
        Err(StoreError::Conflict) => {
            let message = format!("another check is under way ({place}); try again.");
            return finding(Verdict::Warn, message);
        }
        saved => saved?,
    };
    let read = store.load(StoreKey::Probe, deadline).await?;
    let stale = store
        .save(StoreKey::Probe, b"stale", &Version::Absent, deadline)
        .await;
    store.remove(StoreKey::Probe, deadline).await?;
    if read.content.as_deref() != Some(b"probe") || read.version != version {
        let message = format!(
            "{place} does not give back what was written. What to do: keep checkpoints elsewhere."
        );
        return finding(Verdict::Fail, message);
    }
    match stale {
        Err(StoreError::Conflict) => finding(
            Verdict::Ok,
            format!("{place} was written, read and removed."),
        ),
        Ok(_) => finding(
            Verdict::Fail,
            format!(
                "{place} took a write that it had to refuse: two runs could overwrite each other's progress. What to do: keep checkpoints elsewhere."
            ),
        ),
        Err(error) => Err(error),
    }
}

async fn checkpoint(
    store: &dyn Store,
    feed: Feed,
    now: DateTime<Utc>,
    deadline: Deadline,
) -> Finding {
    let check = format!("checkpoint {feed}");
    let start = match checkpoint_writer::read(store, feed, deadline).await {
        Ok((start, _)) => start,
        Err(error) => return Finding::failed(check, &error),
    };
    let ledger = Ledger {
        feed,
        store,
        deadline,
    };
    let message = match start {
        Start::From(saved) => format!(
            "everything up to {} is delivered, {} s ago.",
            event_time::to_utc_text(saved.watermark),
            (now - saved.watermark).num_seconds()
        ),
        Start::TakenOver(time) => format!(
            "a plain time: the next run reads from {} on.",
            event_time::to_utc_text(time)
        ),
        Start::Fresh => match ledger.hours().await {
            Ok(hours) => match hours.last() {
                Some(last) => return Finding::failed(check, &OpenError::Lost(*last)),
                None => "none yet: the first run reads the last lookback_days.".to_owned(),
            },
            Err(error) => return Finding::failed(check, &error),
        },
    };
    Finding::new(check, Verdict::Ok, message)
}

/// Whether the sink takes a post for each feed, and for the health rows. `name` tells one sink from another.
pub async fn sink(
    sink: &dyn LogSink,
    health: Option<&dyn HealthSink>,
    clock: &dyn Clock,
    name: &str,
) -> Vec<Finding> {
    let deadline = Deadline::after(clock.elapsed(), TIMEOUT);
    let feeds = Feed::ALL.map(async |feed| {
        let check = format!("{name} {feed}");
        match sink.post_nothing(feed, deadline).await {
            Ok(()) => Finding::new(check, Verdict::Ok, "takes a post without rows."),
            Err(error) => Finding::failed(check, &error),
        }
    });
    let mut findings = join_all(feeds).await;
    if let Some(health) = health
        && let Ok(nothing) = health::rows(&[], clock.now())
    {
        let check = format!("{name} health");
        findings.push(match health.deliver_health(&nothing, deadline).await {
            Ok(()) => Finding::new(check, Verdict::Ok, "takes a post without rows."),
            Err(error) => Finding::failed(check, &error),
        });
    }
    findings
}

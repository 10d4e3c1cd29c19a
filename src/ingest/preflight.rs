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
    state::standing::{OpenError, Standing, standing},
};
use crate::model::{
    checkpoint::{Service, Start, Wait},
    date_range::DateRange,
    deadline::Deadline,
    event_time,
    feed::Feed,
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
pub enum CheckResult {
    /// All is well.
    Ok,
    /// It works, but somebody should look.
    Warn,
    /// Runs will fail, or miss something.
    Fail,
}

impl fmt::Display for CheckResult {
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
    pub result: CheckResult,
    /// What was seen, and what to do.
    pub message: String,
}

impl Finding {
    /// A finding.
    pub fn new(check: impl Into<String>, result: CheckResult, message: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            result,
            message: message.into(),
        }
    }

    /// A rate limit that is used up just now says nothing about whether the service may be used.
    fn of_service(check: String, error: &ServiceError) -> Self {
        let cause = error.source().map(|cause| Chain(cause).to_string());
        match (error.kind(), cause) {
            (ErrorKind::DeadlineExceeded, Some(cause)) => {
                let message = format!("no answer within {} s: {cause}.", TIMEOUT.as_secs());
                Self::new(check, CheckResult::Warn, message)
            }
            (ErrorKind::DeadlineExceeded, None) => {
                let message = format!(
                    "no answer within {} s. What to do: check the address, the network's rules for outbound calls, and the proxy.",
                    TIMEOUT.as_secs()
                );
                Self::new(check, CheckResult::Fail, message)
            }
            (ErrorKind::Throttled { .. }, _) => Self {
                result: CheckResult::Warn,
                ..Self::failed(check, error)
            },
            _ => Self::failed(check, error),
        }
    }

    fn failed(check: impl Into<String>, error: &impl Explain) -> Self {
        Self::new(check, CheckResult::Fail, format!("{}.", error.explain()))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.check, self.result, self.message)
    }
}

/// Checks everything behind the ports. A service that asked for a wait is left alone.
pub async fn run(ports: &Ports) -> Vec<Finding> {
    let (clock, store) = (&*ports.clock, &*ports.store);
    let deadline = Deadline::after(clock.elapsed(), TIMEOUT);
    let standings = Feed::ALL.map(|feed| standing(store, feed, clock.now(), deadline));
    let (probed, standings) = tokio::join!(
        probe(store, ports.random.bits(), deadline),
        join_all(standings)
    );
    let waits = standings.iter().filter_map(|standing| {
        let Ok(Standing {
            start: Start::From(checkpoint),
            ..
        }) = standing
        else {
            return None;
        };
        checkpoint.wait.filter(|wait| wait.holds_at(clock.now()))
    });
    let waits: Vec<_> = waits.collect();
    let wait_of = |service| waits.iter().find(|wait| wait.asked_by == service);
    let (mimecast, sink) = tokio::join!(
        async {
            match wait_of(Service::Mimecast) {
                Some(wait) => vec![left_alone("mimecast", *wait)],
                None => source(&*ports.source, clock).await,
            }
        },
        async {
            match wait_of(Service::LogAnalytics) {
                Some(wait) => vec![left_alone("sink", *wait)],
                None => sink(&*ports.sink, ports.health.as_deref(), clock, "sink").await,
            }
        }
    );
    let probed = probed.unwrap_or_else(|error| Finding::failed("storage", &error));
    let checkpoints = Feed::ALL.into_iter().zip(&standings);
    let checkpoints = checkpoints.map(|(feed, standing)| checkpoint(feed, standing, clock.now()));
    [mimecast, vec![probed], checkpoints.collect(), sink].concat()
}

fn left_alone(check: &str, wait: Wait) -> Finding {
    let until = event_time::to_utc_text(wait.until);
    let message = format!(
        "not asked: {} asked for no calls before {until}.",
        wait.asked_by
    );
    Finding::new(check, CheckResult::Warn, message)
}

/// Whether each feed may be read, and whether the clocks agree.
async fn source(source: &dyn LogSource, clock: &dyn Clock) -> Vec<Finding> {
    let asked = join_all(Feed::ALL.map(|feed| readable(source, clock, feed))).await;
    let ahead = asked.iter().find_map(|(_, ahead)| *ahead);
    let mut findings: Vec<_> = asked.into_iter().map(|(finding, _)| finding).collect();
    findings.extend(ahead.map(|ahead| clocks_agree("Mimecast", ahead)));
    findings
}

/// Asks for one record of the last hour. By how much this machine's clock is ahead, as far as the answer shows.
async fn readable(
    source: &dyn LogSource,
    clock: &dyn Clock,
    feed: Feed,
) -> (Finding, Option<TimeDelta>) {
    let check = format!("mimecast {feed}");
    let now = clock.now();
    let to = now.trunc_subsecs(0) - ASKED_BEFORE;
    let Ok(range) = DateRange::new(to - ASKED_FOR, to, now) else {
        let message = "this machine's clock shows no usable time.";
        return (Finding::new(check, CheckResult::Fail, message), None);
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
            let until = event_time::to_utc_text(to);
            let message = format!("may be read; {held} in the hour up to {until}.");
            (
                Finding::new(check, CheckResult::Ok, message),
                page.clock_ahead,
            )
        }
        Err(error) => (Finding::of_service(check, &error), None),
    }
}

/// How this machine's clock stands to that of a service, of which it is ahead by so much.
#[must_use]
pub fn clocks_agree(service: &str, ahead: TimeDelta) -> Finding {
    let result = match ahead.abs() {
        difference if difference > CLOCK_FAILURE => CheckResult::Fail,
        difference if difference > CLOCK_WARNING => CheckResult::Warn,
        _ => CheckResult::Ok,
    };
    let seconds = ahead.num_seconds();
    let direction = if seconds > 0 { "ahead of" } else { "behind" };
    let message = match result {
        CheckResult::Ok => format!("agrees with {service}'s."),
        _ => format!(
            "{} s {direction} {service}'s. What to do: have this machine's clock set by a time server.",
            seconds.abs()
        ),
    };
    Finding::new("clock", result, message)
}

/// Writes, reads, and removes a small blob, and tries a write that must be refused. The blob is this check's own.
async fn probe(store: &dyn Store, number: u128, deadline: Deadline) -> Result<Finding, StoreError> {
    #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
    let key = StoreKey::Check(number as u64);
    let place = store.address(key);
    let finding = |result, message: String| Ok(Finding::new("storage", result, message));
    let saved = store.save(key, b"check", &Version::Absent, deadline).await;
    let version = match saved {
        Ok(version) => version,
        Err(error) => {
            // It may be there all the same.
            drop(store.remove(key, deadline).await);
            return Err(error);
        }
    };
    let read = store.load(key, deadline).await;
    let stale = store.save(key, b"stale", &Version::Absent, deadline).await;
    store.remove(key, deadline).await?;
    let read = read?;
    if read.content.as_deref() != Some(b"check") || read.version != version {
        let message = format!(
            "{place} does not give back what was written. What to do: keep checkpoints elsewhere."
        );
        return finding(CheckResult::Fail, message);
    }
    match stale {
        Err(StoreError::Conflict) => finding(
            CheckResult::Ok,
            format!("{place} was written, read and removed."),
        ),
        Ok(_) => finding(
            CheckResult::Fail,
            format!(
                "{place} took a write that it had to refuse: two runs could overwrite each other's progress. What to do: keep checkpoints elsewhere."
            ),
        ),
        Err(error) => Err(error),
    }
}

fn checkpoint(feed: Feed, standing: &Result<Standing, OpenError>, now: DateTime<Utc>) -> Finding {
    let check = format!("checkpoint {feed}");
    let start = match standing {
        Ok(standing) => &standing.start,
        Err(error) => return Finding::failed(check, error),
    };
    let message = match start {
        Start::From(saved) => format!(
            "delivered up to {}, {} s ago.",
            event_time::to_utc_text(saved.watermark),
            (now - saved.watermark).num_seconds()
        ),
        Start::TakenOver(time) => format!(
            "a plain time: the next run reads from {} on.",
            event_time::to_utc_text(*time)
        ),
        Start::Fresh => "none yet: the first run reads the last lookback_days.".to_owned(),
    };
    Finding::new(check, CheckResult::Ok, message)
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
            Ok(()) => Finding::new(check, CheckResult::Ok, "takes a post without rows."),
            Err(error) => Finding::of_service(check, &error),
        }
    });
    let mut findings = join_all(feeds).await;
    if let Some(health) = health
        && let Ok(nothing) = health::rows(&[], clock.now())
    {
        let check = format!("{name} health");
        findings.push(match health.deliver_health(&nothing, deadline).await {
            Ok(()) => Finding::new(check, CheckResult::Ok, "takes a post without rows."),
            Err(error) => Finding::of_service(check, &error),
        });
    }
    findings
}

//! `status`: how far each feed is, and why.

use std::{
    fmt::Write,
    io::{self, IsTerminal},
    time::Duration,
};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use futures_util::future::join_all;
use serde_json::json;

use super::{
    AT_FAULT, DONE, FAILED,
    args::Status,
    feeds,
    paint::{Paint, Tone},
    say, say_error, say_painted,
    wiring::{self, Storage},
    words::in_words,
};
use crate::{
    ingest::{
        error::Explain,
        report::{Outcome, history::History},
        status::{FeedStatus, Health, RunStatus},
    },
    model::{event_time::to_utc_text, visible::escape_hidden},
};

/// How often `--watch` looks again.
const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

pub(super) async fn status(
    options: &Status,
    environment: &dyn Fn(&str) -> Option<String>,
    paint: Paint,
) -> u8 {
    let storage = match wiring::storage(environment) {
        Ok(storage) => storage,
        Err(error) => {
            say_error(&error.message());
            return AT_FAULT;
        }
    };
    loop {
        let found = read(options, &storage).await;
        if options.watch {
            let clear = if io::stdout().is_terminal() {
                CLEAR
            } else {
                ""
            };
            let _is_read = say_painted(&format!("{clear}{}", to_utc_text(storage.now())));
        }
        let is_written = print(&found, options.json, storage.now(), paint);
        if !options.watch || !is_written {
            let needs_attention = |status: &FeedStatus| status.health.needs_attention();
            return if found.iter().any(needs_attention) {
                FAILED
            } else {
                DONE
            };
        }
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
}

async fn read(options: &Status, storage: &Storage) -> Vec<FeedStatus> {
    let store = &*storage.store;
    let history = History::load(store, storage.deadline()).await;
    let history = history.unwrap_or_else(|error| {
        say_error(&format!(
            "The history of runs cannot be read: {}.",
            error.explain()
        ));
        History::default()
    });
    let (now, deadline) = (storage.now(), storage.deadline());
    let feeds = feeds(&options.feeds).into_iter();
    join_all(feeds.map(|feed| FeedStatus::read(store, feed, &history, now, deadline))).await
}

/// Prints it; `false` where nobody reads any more.
fn print(found: &[FeedStatus], as_json: bool, now: DateTime<Utc>, paint: Paint) -> bool {
    if as_json {
        say(&format!("{:#}", json!({"now": now, "feeds": found})));
        return true;
    }
    let mut is_written = true;
    for status in found {
        let tone = match status.health {
            Health::Well | Health::New => Tone::Good,
            Health::Waiting => Tone::Warning,
            _ => Tone::Bad,
        };
        let health = paint.over(tone, &format!("{:<10}", status.health));
        let text = format!(
            "{}: {}{}",
            status.feed,
            headline(status, now),
            lines(status, now)
        );
        is_written &= say_painted(&format!("{health} {}", escape_hidden(&text)));
    }
    is_written
}

/// The one sentence that matters.
fn headline(status: &FeedStatus, now: DateTime<Utc>) -> String {
    match (status.watermark, &status.error) {
        (_, Some(error)) => format!("{}: {error}.", status.checkpoint),
        (None, None) => "nothing is saved: the first run reads the last lookback_days.".to_owned(),
        (Some(watermark), None) => format!(
            "delivered up to {} ({}).",
            to_utc_text(watermark.trunc_subsecs(0)),
            ago(watermark, now)
        ),
    }
}

fn ago(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if time > now {
        return format!("{} ahead of this machine's clock", in_words(time - now));
    }
    format!("{} ago", in_words(now - time))
}

fn lines(status: &FeedStatus, now: DateTime<Utc>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _written = write!(text, "\n             {name:<11} {value}");
    };
    let runs = &status.runs;
    match &runs.last {
        Some(last) => line("last run", &run(last, now)),
        None => line("last run", "none is known"),
    }
    if let Some(failure) = runs
        .last_failure
        .as_ref()
        .filter(|one| runs.last.as_ref() != Some(one))
    {
        line("last failure", &run(failure, now));
    }
    if runs.count > 0 {
        let word = if runs.count == 1 { "run" } else { "runs" };
        line(
            "24 hours",
            &format!("{} {word}, {} failed", runs.count, runs.failed),
        );
    }
    if let Some(wait) = &status.wait {
        let value = format!(
            "{} asked for no calls before {}, in {}; waits began {}",
            wait.asked_by,
            to_utc_text(wait.until),
            in_words(wait.until - now),
            ago(wait.since, now)
        );
        line("waits", &value);
    }
    for gap in &status.gaps {
        let value = format!(
            "{}..{} cannot be read since {}, last tried {}: {}",
            to_utc_text(gap.from),
            to_utc_text(gap.to),
            to_utc_text(gap.since),
            ago(gap.tried_at, now),
            gap.reason
        );
        line("gap", &value);
    }
    if status.watermark.is_some() && status.error.is_none() {
        let compared = status.reconciled_at.map_or_else(
            || "not yet compared with Mimecast's".to_owned(),
            |at| format!("compared with Mimecast's {}", ago(at, now)),
        );
        line("counts", &compared);
    }
    match status.quarantined {
        Some(0) => {}
        Some(1) => line("quarantine", "1 record, see `mimecast-ttp quarantine list`"),
        Some(held) => line(
            "quarantine",
            &format!("{held} records, see `mimecast-ttp quarantine list`"),
        ),
        None => line("quarantine", "cannot be read"),
    }
    line("next run", &next(status, now));
    text
}

fn run(status: &RunStatus, now: DateTime<Utc>) -> String {
    let run = &status.run;
    let outcome = match run.outcome {
        Outcome::Complete => "complete",
        Outcome::OutOfTime => "ended with its budget",
        Outcome::Waiting => "waiting",
        Outcome::Stopped => "asked to end",
        Outcome::RaceLost => "left the work to another run",
        Outcome::Failed => "failed",
    };
    let mut text = format!(
        "{}: {outcome}, {} delivered in {:.1} s",
        ago(status.at, now),
        run.delivered,
        run.seconds
    );
    if let Some(message) = &run.message {
        let _written = write!(text, ": {message}");
    }
    text
}

/// What the next run will do.
fn next(status: &FeedStatus, now: DateTime<Utc>) -> String {
    if status.error.is_some() {
        return "fails like this until somebody acts".to_owned();
    }
    if let Some(wait) = &status.wait {
        return format!("makes no calls before {}", to_utc_text(wait.until));
    }
    let Some(from) = status.reads_from else {
        return "reads the last lookback_days".to_owned();
    };
    let mut text = format!("reads from {} on", to_utc_text(from.trunc_subsecs(0)));
    let due = |tried: DateTime<Utc>| now - tried >= TimeDelta::hours(1);
    if status.gaps.iter().any(|gap| due(gap.tried_at)) {
        text.push_str(", tries the gaps again");
    }
    if status.reconciled_at.is_none_or(due) {
        text.push_str(", compares counts");
    }
    text
}

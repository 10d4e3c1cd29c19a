//! The runs of the last day, kept beside the checkpoints: what `status` tells of them. A lost history loses nothing
//! else.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{FeedReport, Outcome};
use crate::{
    ingest::{
        error::{Explain, StoreError},
        ports::Store,
    },
    model::{
        deadline::Deadline,
        feed::Feed,
        store_key::StoreKey,
        visible::{escape_hidden, visible},
    },
};

/// How long a run is remembered.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// At most so many: more than one every five minutes makes in that time.
const MAX_RUNS: usize = 600;

/// At most so many characters of the last run's messages.
const MAX_MESSAGE: usize = 1500;

/// What a run did for one feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedRun {
    /// The feed.
    pub feed: Feed,
    /// How it ended.
    pub outcome: Outcome,
    /// How many records were delivered.
    pub delivered: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The beginning of what it had to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The feeds that it was about.
    pub feeds: Vec<FeedRun>,
}

/// The runs of the last day, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(VecDeque<Run>);

impl History {
    /// Reads what is kept. What cannot be read counts as nothing.
    pub async fn load(store: &dyn Store, deadline: Deadline) -> Result<Self, StoreError> {
        let saved = store.load(StoreKey::Runs, deadline).await?;
        Ok(Self::read(saved.content.as_deref()))
    }

    fn read(content: Option<&[u8]>) -> Self {
        let read = content.and_then(|content| serde_json::from_slice(content).ok());
        read.unwrap_or_default()
    }

    /// Adds a run that ended at `at`, and forgets those of more than a day before.
    fn push(&mut self, reports: &[FeedReport], at: DateTime<Utc>) {
        // Of older ones the beginning is enough.
        for run in self.0.back_mut().into_iter().flat_map(|run| &mut run.feeds) {
            run.message = run.message.as_deref().map(visible);
        }
        let feeds = reports.iter().map(|report| FeedRun {
            feed: report.feed,
            outcome: report.outcome,
            delivered: report.counts.delivered,
            seconds: (report.duration_seconds * 1000.0).round() / 1000.0,
            message: report.message.as_deref().map(|message| {
                let message = message.chars().take(MAX_MESSAGE).collect::<String>();
                escape_hidden(&message).replace('\n', " | ")
            }),
        });
        let feeds = feeds.collect();
        self.0.push_back(Run { at, feeds });
        let is_old = |run: &Run| at - run.at > KEPT;
        while self.0.len() > MAX_RUNS || self.0.front().is_some_and(is_old) {
            self.0.pop_front();
        }
    }

    /// What the runs did for a feed, the last one first, each with when it ended.
    pub fn of(&self, feed: Feed) -> impl Iterator<Item = (DateTime<Utc>, &FeedRun)> {
        let runs = self.0.iter().rev();
        runs.flat_map(move |run| {
            let of_feed = run.feeds.iter().filter(move |one| one.feed == feed);
            of_feed.map(|one| (run.at, one))
        })
    }
}

/// Remembers a run that ended at `at`. If that fails, it is not in the history, and nothing else is amiss.
pub(in crate::ingest) async fn remember(
    store: &dyn Store,
    reports: &[FeedReport],
    at: DateTime<Utc>,
    deadline: Deadline,
) {
    // Another run may have written between.
    for _ in 0..2 {
        let remembered = async {
            let saved = store.load(StoreKey::Runs, deadline).await?;
            let mut history = History::read(saved.content.as_deref());
            history.push(reports, at);
            let text = serde_json::to_vec(&history).unwrap_or_default();
            store
                .save(StoreKey::Runs, &text, &saved.version, deadline)
                .await
        };
        match remembered.await {
            Err(StoreError::Conflict) => {}
            Err(error) => {
                return warn!(
                    reason = error.explain(),
                    "This run cannot be added to the history that `status` tells; nothing else is amiss."
                );
            }
            Ok(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::report::Counts;

    fn report(outcome: Outcome) -> FeedReport {
        FeedReport {
            feed: Feed::Url,
            outcome,
            message: (outcome == Outcome::Failed).then(|| "why\n".repeat(200)),
            counts: Counts::default(),
            watermark: None,
            lag_seconds: None,
            duration_seconds: 1.234_567,
            is_first: false,
        }
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn runs_of_a_day_are_kept_and_read_again() {
        let mut history = History::default();
        for minute in 0..2000 {
            let outcome = if minute == 1999 {
                Outcome::Failed
            } else {
                Outcome::Complete
            };
            history.push(&[report(outcome)], at(5 * minute));
        }
        let runs: Vec<_> = history.of(Feed::Url).collect();
        assert_eq!(runs.len(), 289);
        assert_eq!(runs[0].0, at(5 * 1999));
        assert!((runs[0].1.seconds - 1.235).abs() < 1e-9);
        assert!(runs[0].1.message.as_ref().unwrap().len() > 500);
        assert_eq!(history.of(Feed::Attachment).count(), 0);
        let text = serde_json::to_vec(&history).unwrap();
        assert_eq!(History::read(Some(&text)), history);
        assert!(text.len() < 40_000, "{}", text.len());
    }

    #[test]
    fn a_schedule_of_seconds_does_not_make_it_grow() {
        let mut history = History::default();
        for second in 0..2000 {
            history.push(
                &[report(Outcome::Complete)],
                at(0) + TimeDelta::seconds(second),
            );
        }
        assert_eq!(history.of(Feed::Url).count(), MAX_RUNS);
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        for content in [None, Some(&b""[..]), Some(b"[{}]"), Some(b"\xff")] {
            assert_eq!(History::read(content), History::default());
        }
    }
}

//! The saved progress of one feed, and its text in a blob.
//!
//! The text is JSON, versioned, and small: a watermark, counts, the last moves, and 22 characters for
//! each record of the stretch that is read again. Three other texts are valid starts: no blob, an empty blob, and the
//! plain timestamp that the existing connector leaves. Anything else is an error that stops the
//! feed, never a silent restart: a restart would double every row of the look-back.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    event_time,
    feed::Feed,
    fingerprint::Fingerprint,
    moves::{Move, Moves, Reason},
    object::Object,
    recent::Recent,
    tally::Tally,
};

/// The longest range asked for at once. What Mimecast accepts at most is not documented; a day
/// keeps the work that a refused page token throws away small.
pub const LONGEST_RANGE: TimeDelta = TimeDelta::days(1);
/// The shortest range that a feed shrinks to where a longer one cannot be read to its end within the
/// run budget.
pub const SHORTEST_RANGE: TimeDelta = TimeDelta::seconds(1);

/// What the first member of our text says, so that any other JSON is recognised as not ours.
const KIND: &str = "mimecast-ttp checkpoint";
/// Grows with every change that an older program could misread.
const VERSION: u32 = 1;

/// The progress of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Up to here everything that Mimecast showed is delivered.
    pub watermark: DateTime<Utc>,
    /// From here on the next pass reads again, for records that show late; at most the watermark.
    pub read_again_from: DateTime<Utc>,
    /// What was delivered from there on, and what has not gone into the ledger yet.
    pub recent: Recent,
    /// What was delivered before this, and is not in `recent`, is in the ledger. Lies behind
    /// `read_again_from` only after a rewind.
    pub filed_before: DateTime<Utc>,
    /// How many records were delivered, for the reconciliation.
    pub tally: Tally,
    /// When Mimecast's count was last compared with the tally.
    pub reconciled_at: Option<DateTime<Utc>>,
    /// Nothing is called before this moment, because a service asked for it.
    pub wait: Option<Wait>,
    /// The length of the first range of a pass; the next ones may be longer.
    pub first_range: TimeDelta,
    /// The last moves of the watermark.
    pub moves: Moves,
}

impl Checkpoint {
    /// A feed that begins at `from`.
    #[must_use]
    pub fn starting(from: DateTime<Utc>) -> Self {
        Self {
            watermark: from,
            read_again_from: from,
            recent: Recent::default(),
            filed_before: from,
            tally: Tally::new(from),
            reconciled_at: None,
            wait: None,
            first_range: LONGEST_RANGE,
            moves: Moves::default(),
        }
    }

    /// Sets the watermark back to `to`, so that everything from there on is read again. What the
    /// ledger still knows is not delivered again.
    pub fn rewind(&mut self, to: DateTime<Utc>, at: DateTime<Utc>) {
        self.moves.push(Move {
            at,
            from: self.watermark,
            to,
            reason: Reason::Rewind,
        });
        self.watermark = to;
        self.read_again_from = self.read_again_from.min(to);
    }
}

/// A service's request to be left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Since when nothing was delivered for such requests.
    pub since: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Whose.
    pub asked_by: Service,
}

/// The services that a pass calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Service {
    /// Mimecast.
    #[serde(rename = "Mimecast")]
    Mimecast,
    /// Log Analytics.
    #[serde(rename = "Log Analytics")]
    LogAnalytics,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mimecast => "Mimecast",
            Self::LogAnalytics => "Log Analytics",
        })
    }
}

/// Where a feed starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nothing is saved: read the look-back.
    Fresh,
    /// The existing connector came so far. What lies before was its to deliver.
    TakenOver(DateTime<Utc>),
    /// A checkpoint of ours.
    From(Box<Checkpoint>),
}

/// Why a text is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Neither empty, nor a timestamp, nor our JSON.
    #[error("it holds neither a timestamp nor a checkpoint of this program: `{begin}`")]
    NotOurs {
        /// The first characters, for recognition.
        begin: String,
    },
    /// Our JSON, for another feed.
    #[error("it is the checkpoint of the feed `{found}`")]
    OtherFeed {
        /// The feed it names.
        found: String,
    },
    /// Our JSON, from a later program.
    #[error("it was written by a newer program (version {found}, this one reads up to {VERSION})")]
    Newer {
        /// The version it names.
        found: u32,
    },
    /// Our JSON, with a value that cannot be read.
    #[error("it is damaged: {detail}")]
    Damaged {
        /// What is wrong.
        detail: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Document {
    kind: String,
    version: u32,
    feed: String,
    #[serde(default)]
    written_by: String,
    watermark: String,
    read_again_from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filed_before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range_seconds: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait: Option<WaitText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reconciled_at: Option<String>,
    #[serde(default)]
    moves: Moves,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tally: Option<TallyText>,
    /// What may be listed again anywhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    displaced: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    delivered: BTreeMap<String, Vec<String>>,
}

fn by_time(seconds: BTreeMap<i64, Vec<Fingerprint>>) -> BTreeMap<String, Vec<String>> {
    seconds
        .into_iter()
        .filter_map(|(second, known)| {
            let time = event_time::to_utc_text(DateTime::from_timestamp(second, 0)?);
            let known = known.into_iter().map(Fingerprint::to_base64);
            Some((time, known.collect()))
        })
        .collect()
}

#[derive(Serialize, Deserialize)]
struct WaitText {
    since: String,
    until: String,
    asked_by: Service,
}

#[derive(Serialize, Deserialize)]
struct TallyText {
    since: String,
    first_quarter: String,
    quarters: Vec<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    explained: BTreeMap<String, i32>,
}

impl TallyText {
    fn of(tally: &Tally) -> Self {
        let (first_quarter, quarters) = tally.to_list();
        let explained = tally.explained();
        Self {
            since: event_time::to_utc_text(tally.since()),
            first_quarter: event_time::to_utc_text(first_quarter),
            quarters,
            explained: explained
                .map(|(start, more)| (event_time::to_utc_text(start), more))
                .collect(),
        }
    }

    fn tally(&self) -> Result<Tally, CheckpointError> {
        let (since, first) = (time(&self.since)?, time(&self.first_quarter)?);
        let mut tally = Tally::from_list(since, first, &self.quarters);
        for (start, more) in &self.explained {
            tally.add_explained(time(start)?, *more);
        }
        Ok(tally)
    }
}

#[derive(Deserialize)]
struct Header {
    kind: String,
    version: u32,
    feed: String,
}

impl Checkpoint {
    /// The text to save. `written_by` names the run and the save, so that no two texts are alike.
    #[must_use]
    pub fn to_text(&self, feed: Feed, written_by: &str) -> String {
        let [delivered, displaced] = self.recent.by_second().map(by_time);
        let document = Document {
            kind: KIND.to_owned(),
            version: VERSION,
            feed: feed.name().to_owned(),
            written_by: written_by.to_owned(),
            watermark: event_time::to_utc_text(self.watermark),
            read_again_from: event_time::to_utc_text(self.read_again_from),
            filed_before: Some(event_time::to_utc_text(self.filed_before)),
            range_seconds: Some(self.first_range.num_seconds()),
            wait: self.wait.map(|wait| WaitText {
                since: event_time::to_utc_text(wait.since),
                until: event_time::to_utc_text(wait.until),
                asked_by: wait.asked_by,
            }),
            reconciled_at: self.reconciled_at.map(event_time::to_utc_text),
            moves: self.moves.clone(),
            tally: Some(TallyText::of(&self.tally)),
            displaced,
            delivered,
        };
        // A struct of strings and numbers always serialises.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

impl Start {
    /// Reads what is saved for `feed`; `None` where nothing is.
    pub fn read(text: Option<&str>, feed: Feed) -> Result<Self, CheckpointError> {
        let text = text
            .unwrap_or_default()
            .trim_start_matches('\u{feff}')
            .trim();
        if text.is_empty() {
            return Ok(Self::Fresh);
        }
        if let Some(taken_over) = event_time::parse(text) {
            return Ok(Self::TakenOver(taken_over));
        }
        let Object(header) = serde_json::from_str(text)
            .ok()
            .filter(|Object(header): &Object<Header>| header.kind == KIND)
            .ok_or_else(|| CheckpointError::NotOurs {
                begin: text
                    .chars()
                    .take(60)
                    .flat_map(char::escape_default)
                    .collect(),
            })?;
        if header.version > VERSION {
            return Err(CheckpointError::Newer {
                found: header.version,
            });
        }
        if header.feed != feed.name() {
            return Err(CheckpointError::OtherFeed { found: header.feed });
        }
        let document: Document = serde_json::from_str(text).map_err(damaged)?;
        let mut recent = Recent::default();
        for (time, fingerprint) in remembered(&document.delivered)? {
            recent.insert(time, fingerprint);
        }
        for (time, fingerprint) in remembered(&document.displaced)? {
            recent.insert_displaced(time, fingerprint);
        }
        Ok(Self::From(Box::new(document.checkpoint(recent)?)))
    }
}

impl Document {
    /// Members that an older program did not write are filled in so that nothing is taken for known
    /// which is not.
    fn checkpoint(self, recent: Recent) -> Result<Checkpoint, CheckpointError> {
        let watermark = time(&self.watermark)?;
        let read_again_from = time(&self.read_again_from)?;
        // A hand may have changed one of the two: what lies between would never be read.
        if read_again_from > watermark {
            return Err(damaged("reading would begin behind the watermark"));
        }
        let started = Checkpoint::starting(watermark);
        Ok(Checkpoint {
            watermark,
            read_again_from,
            recent,
            filed_before: match self.filed_before {
                Some(text) => time(&text)?,
                None => read_again_from,
            },
            tally: match self.tally {
                Some(tally) => tally.tally()?,
                None => started.tally,
            },
            reconciled_at: self.reconciled_at.as_deref().map(time).transpose()?,
            wait: match self.wait {
                Some(wait) => Some(Wait {
                    since: time(&wait.since)?,
                    until: time(&wait.until)?,
                    asked_by: wait.asked_by,
                }),
                None => None,
            },
            first_range: self
                .range_seconds
                .and_then(TimeDelta::try_seconds)
                .map_or(LONGEST_RANGE, |range| {
                    range.clamp(SHORTEST_RANGE, LONGEST_RANGE)
                }),
            moves: self.moves,
        })
    }
}

fn remembered(
    seconds: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<(DateTime<Utc>, Fingerprint)>, CheckpointError> {
    let mut all = Vec::new();
    for (second, known) in seconds {
        let time = time(second)?;
        for one in known {
            let fingerprint = Fingerprint::from_base64(one)
                .ok_or_else(|| damaged(format!("`{one}` is no fingerprint")))?;
            all.push((time, fingerprint));
        }
    }
    Ok(all)
}

fn time(text: &str) -> Result<DateTime<Utc>, CheckpointError> {
    event_time::parse(text).ok_or_else(|| damaged(format!("`{text}` is no time")))
}

fn damaged(detail: impl fmt::Display) -> CheckpointError {
    CheckpointError::Damaged {
        detail: detail.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fingerprint::Fingerprinter;

    fn at(text: &str) -> DateTime<Utc> {
        event_time::parse(text).unwrap()
    }

    fn example() -> Checkpoint {
        let (mut fingerprinter, time) = (Fingerprinter::default(), at("2026-11-24T05:00:00Z"));
        let mut example = Checkpoint::starting(at("2026-11-24T04:00:00Z"));
        for (text, before) in [(r#"{"a":1}"#, 0), (r#"{"a":2}"#, 0), (r#"{"a":3}"#, 9)] {
            let time = time - TimeDelta::seconds(before);
            example.recent.insert(time, fingerprinter.take(text));
            example.tally.add(time);
        }
        example
            .recent
            .insert_displaced(time, fingerprinter.take("{}"));
        example.tally.explain(Tally::quarter(time), 3);
        example.moves.push(Move {
            at: time,
            from: example.watermark,
            to: time,
            reason: Reason::Delivered,
        });
        Checkpoint {
            watermark: time,
            read_again_from: time - TimeDelta::minutes(15),
            filed_before: time - TimeDelta::minutes(20),
            reconciled_at: Some(time),
            wait: Some(Wait {
                since: time,
                until: time + TimeDelta::minutes(5),
                asked_by: Service::LogAnalytics,
            }),
            first_range: TimeDelta::hours(6),
            ..example
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let checkpoint = example();
        assert_eq!(
            Start::read(Some(&checkpoint.to_text(Feed::Url, "run-1")), Feed::Url),
            Ok(Start::From(Box::new(checkpoint)))
        );
    }

    #[test]
    fn the_text_is_fixed_because_it_outlives_the_program() {
        let text = example().to_text(Feed::Url, "run-1");
        assert!(
            text.starts_with(r#"{"kind":"mimecast-ttp checkpoint","version":1,"feed":"url","written_by":"run-1","watermark":"2026-11-24T05:00:00Z","read_again_from":"2026-11-24T04:45:00Z","filed_before":"2026-11-24T04:40:00Z","range_seconds":21600,"wait":{"since":"2026-11-24T05:00:00Z","until":"2026-11-24T05:05:00Z","asked_by":"Log Analytics"},"reconciled_at":"2026-11-24T05:00:00Z","moves":[{"at":"2026-11-24T05:00:00Z","from":"2026-11-24T04:00:00Z","to":"2026-11-24T05:00:00Z","reason":"delivered"}],"tally":{"since":"2026-11-24T04:00:00Z","first_quarter":"2026-11-24T04:45:00Z","quarters":[1,2],"explained":{"2026-11-24T05:00:00Z":1}},"displaced":{"2026-11-24T05:00:00Z":[""#),
            "{text}"
        );
        assert!(
            text.contains(r#""]},"delivered":{"2026-11-24T04:59:51Z":[""#),
            "{text}"
        );
    }

    #[test]
    fn the_first_text_of_version_1_stays_readable() {
        let text = r#"{"kind":"mimecast-ttp checkpoint","version":1,"feed":"url","written_by":"run-1","watermark":"2026-11-24T05:00:00Z","read_again_from":"2026-11-24T04:45:00Z","delivered":{"2026-11-24T04:59:51Z":["AAECAwQFBgcICQoLDA0ODw"]}}"#;
        let Ok(Start::From(checkpoint)) = Start::read(Some(text), Feed::Url) else {
            panic!("not read")
        };
        assert_eq!(checkpoint.recent.len(), 1);
        assert_eq!(checkpoint.filed_before, checkpoint.read_again_from);
        // What was delivered before is not counted, so it is not compared either.
        assert_eq!(checkpoint.tally, Tally::new(checkpoint.watermark));
        let again = checkpoint.to_text(Feed::Url, "run-2");
        assert_eq!(
            Start::read(Some(&again), Feed::Url),
            Ok(Start::From(checkpoint))
        );
    }

    #[test]
    fn a_rewind_sets_back_and_is_remembered() {
        let mut checkpoint = example();
        let (to, now) = (at("2026-11-24T01:00:00Z"), at("2026-11-24T06:00:00Z"));
        let before = checkpoint.clone();
        checkpoint.rewind(to, now);
        assert_eq!((checkpoint.watermark, checkpoint.read_again_from), (to, to));
        assert_eq!(checkpoint.recent, before.recent);
        assert_eq!(checkpoint.filed_before, before.filed_before);
        let last = *checkpoint.moves.iter().last().unwrap();
        assert_eq!(
            (last.from, last.to, last.reason),
            (before.watermark, to, Reason::Rewind)
        );
    }

    #[test]
    fn a_missing_or_empty_blob_is_a_first_run() {
        for text in [None, Some(""), Some("  \r\n"), Some("\u{feff}")] {
            assert_eq!(Start::read(text, Feed::Url), Ok(Start::Fresh), "{text:?}");
        }
    }

    #[test]
    fn the_existing_connectors_timestamp_is_taken_over_from_that_very_second() {
        for text in [
            "2026-11-24T05:00:00+0000",
            "2026-11-24T05:00:00+00:00\n",
            "2026-11-24T05:00:00Z",
        ] {
            assert_eq!(
                Start::read(Some(text), Feed::Attachment),
                Ok(Start::TakenOver(at("2026-11-24T05:00:00Z")))
            );
        }
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_was_found() {
        let ours = example().to_text(Feed::Url, "run-1");
        for (text, error) in [
            (
                "garbage",
                "it holds neither a timestamp nor a checkpoint of this program: `garbage`",
            ),
            ("{\"watermark\":\"2026-11-24T05:00:00Z\"}", "neither"),
            ("17", "neither"),
            (ours.strip_suffix('}').unwrap(), "neither"),
            (
                &ours.replace("\"url\"", "\"attachment\""),
                "it is the checkpoint of the feed `attachment`",
            ),
            (
                &ours.replace("\"version\":1", "\"version\":2"),
                "it was written by a newer program (version 2",
            ),
            (
                &ours.replace(
                    "\"watermark\":\"2026-11-24T05:00:00Z\",",
                    "\"watermark\":\"soon\",",
                ),
                "it is damaged: `soon` is no time",
            ),
            (
                &ours.replace("05:00:00Z\":[\"", "05:00:00Z\":[\"?"),
                "is no fingerprint",
            ),
            (
                &ours.replace("04:45:00Z\",", "05:00:01Z\","),
                "it is damaged: reading would begin behind the watermark",
            ),
            (r#"["mimecast-ttp checkpoint",1,"url"]"#, "neither"),
        ] {
            let found = Start::read(Some(text), Feed::Url).unwrap_err().to_string();
            assert!(found.contains(error), "{text}: {found}");
        }
    }
}

//! The saved progress of one feed, and its text in a blob.
//!
//! The text is JSON, versioned, and small: a watermark and 22 characters for each record of the
//! stretch that is read again. Three other texts are valid starts: no blob, an empty blob, and the
//! plain timestamp that the existing connector leaves. Anything else is an error that stops the
//! feed, never a silent restart: a restart would double every row of the look-back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{event_time, feed::Feed, fingerprint::Fingerprint, recent::Recent};

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
    /// What was delivered from there on.
    pub recent: Recent,
}

/// Where a feed starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nothing is saved: read the look-back.
    Fresh,
    /// Something is.
    From(Checkpoint),
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
    #[serde(default)]
    delivered: BTreeMap<String, Vec<String>>,
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
        let delivered = self.recent.by_second();
        let document = Document {
            kind: KIND.to_owned(),
            version: VERSION,
            feed: feed.name().to_owned(),
            written_by: written_by.to_owned(),
            watermark: event_time::to_utc_text(self.watermark),
            read_again_from: event_time::to_utc_text(self.read_again_from),
            delivered: delivered
                .iter()
                .filter_map(|(second, known)| {
                    let second = event_time::to_utc_text(DateTime::from_timestamp(*second, 0)?);
                    Some((second, known.iter().map(|one| one.to_base64()).collect()))
                })
                .collect(),
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
            return Ok(Self::From(Checkpoint {
                watermark: taken_over,
                // What lies before was the other connector's to deliver.
                read_again_from: taken_over,
                recent: Recent::default(),
            }));
        }
        let header: Header = serde_json::from_str(text)
            .ok()
            .filter(|header: &Header| header.kind == KIND)
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
        for (second, known) in &document.delivered {
            let time = time(second)?;
            for one in known {
                let fingerprint = Fingerprint::from_base64(one)
                    .ok_or_else(|| damaged(format!("`{one}` is no fingerprint")))?;
                recent.insert(time, fingerprint);
            }
        }
        Ok(Self::From(Checkpoint {
            watermark: time(&document.watermark)?,
            read_again_from: time(&document.read_again_from)?,
            recent,
        }))
    }
}

fn time(text: &str) -> Result<DateTime<Utc>, CheckpointError> {
    event_time::parse(text).ok_or_else(|| damaged(format!("`{text}` is no time")))
}

fn damaged(detail: impl std::fmt::Display) -> CheckpointError {
    CheckpointError::Damaged {
        detail: detail.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fingerprint::Fingerprinter;

    fn example() -> Checkpoint {
        let mut recent = Recent::default();
        let (mut fingerprinter, time) = (
            Fingerprinter::default(),
            event_time::parse("2026-11-24T05:00:00Z").unwrap(),
        );
        recent.insert(time, fingerprinter.take(r#"{"a":1}"#));
        recent.insert(time, fingerprinter.take(r#"{"a":2}"#));
        recent.insert(
            time - chrono::TimeDelta::seconds(9),
            fingerprinter.take(r#"{"a":3}"#),
        );
        Checkpoint {
            watermark: time,
            read_again_from: time - chrono::TimeDelta::minutes(15),
            recent,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let checkpoint = example();
        assert_eq!(
            Start::read(Some(&checkpoint.to_text(Feed::Url, "run-1")), Feed::Url),
            Ok(Start::From(checkpoint))
        );
    }

    #[test]
    fn the_text_of_version_1_stays_readable() {
        let text = r#"{"kind":"mimecast-ttp checkpoint","version":1,"feed":"url","written_by":"run-1","watermark":"2026-11-24T05:00:00Z","read_again_from":"2026-11-24T04:45:00Z","delivered":{"2026-11-24T04:59:51Z":["AAECAwQFBgcICQoLDA0ODw"]}}"#;
        let Ok(Start::From(checkpoint)) = Start::read(Some(text), Feed::Url) else {
            panic!("not read")
        };
        assert_eq!(checkpoint.recent.len(), 1);
        assert_eq!(checkpoint.to_text(Feed::Url, "run-1"), text);
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
            let Ok(Start::From(checkpoint)) = Start::read(Some(text), Feed::Attachment) else {
                panic!("{text}")
            };
            assert_eq!(
                event_time::to_utc_text(checkpoint.watermark),
                "2026-11-24T05:00:00Z"
            );
            assert_eq!(checkpoint.read_again_from, checkpoint.watermark);
            assert!(checkpoint.recent.is_empty());
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
                &ours.replace("2026-11-24T05:00:00Z\",", "soon\","),
                "it is damaged: `soon` is no time",
            ),
            (
                &ours.replace("05:00:00Z\":[\"", "05:00:00Z\":[\"?"),
                "is no fingerprint",
            ),
        ] {
            let found = Start::read(Some(text), Feed::Url).unwrap_err().to_string();
            assert!(found.contains(error), "{text}: {found}");
        }
    }
}

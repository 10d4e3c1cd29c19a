//! The saved progress of one feed, and its text in a blob.
//!
//! The text is JSON, versioned, and small: a watermark, counts, the last moves, and 22 characters for
//! each record of the late-arrival window. Three other texts are valid starts: no blob, an empty blob, and the
//! plain timestamp that the existing connector leaves. Anything else is an error that stops the
//! feed, never a silent restart: a restart would double every row of the look-back.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{
    Deserialize, Serialize, Serializer,
    ser::{Error, SerializeMap},
};

use super::{Checkpoint, LONGEST_RANGE, SHORTEST_RANGE, Service, Start, Wait};
use crate::model::{
    date_range::DateRange,
    event_time,
    feed::Feed,
    fingerprint::Fingerprint,
    gap::{Gap, Gaps},
    moves::Moves,
    object::Object,
    recent::Recent,
    tally::Tally,
    visible::visible,
};

/// What the first member of our text says, so that any other JSON is recognised as not ours.
const KIND: &str = "mimecast-ttp checkpoint";
/// Grows with every change that an older program could misread.
const VERSION: u32 = 2;

/// The version of a text without gaps: programs that do not know gaps can go on from it.
const VERSION_WITHOUT_GAPS: u32 = 1;

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

/// What is saved; `K` is what is known, by second.
#[derive(Serialize, Deserialize)]
struct Document<K> {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_reads: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<GapText>,
    #[serde(default)]
    moves: Moves,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tally: Option<TallyText>,
    /// What may be listed again anywhere.
    #[serde(default = "nothing", skip_serializing_if = "Option::is_none")]
    displaced: Option<K>,
    #[serde(default = "nothing", skip_serializing_if = "Option::is_none")]
    delivered: Option<K>,
}

const fn nothing<K>() -> Option<K> {
    None
}

/// As it is read.
type Read = BTreeMap<String, Vec<String>>;

/// Fingerprints in the order of their seconds, written as lists under times. A text is made after each
/// batch: nothing is collected for it.
struct Known(Vec<(i64, Fingerprint)>);

impl Serialize for Known {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for known in self.0.chunk_by(|one, next| one.0 == next.0) {
            let second = known.first().map_or(0, |(second, _)| *second);
            let time = DateTime::from_timestamp(second, 0)
                .ok_or_else(|| S::Error::custom("a second outside of the calendar"))?;
            map.serialize_entry(&event_time::to_utc_text(time), &OfOneSecond(known))?;
        }
        map.end()
    }
}

struct OfOneSecond<'a>(&'a [(i64, Fingerprint)]);

impl Serialize for OfOneSecond<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = self.0.iter();
        serializer.collect_seq(known.map(|(_, fingerprint)| Short(*fingerprint)))
    }
}

struct Short(Fingerprint);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_base64();
        let text = std::str::from_utf8(&text).map_err(S::Error::custom)?;
        serializer.serialize_str(text)
    }
}

#[derive(Serialize, Deserialize)]
struct WaitText {
    since: String,
    until: String,
    asked_by: Service,
}

#[derive(Serialize, Deserialize)]
struct GapText {
    from: String,
    to: String,
    since: String,
    tried_at: String,
    reason: String,
}

impl GapText {
    fn of(gap: &Gap) -> Self {
        Self {
            from: event_time::to_utc_text(gap.range.from()),
            to: event_time::to_utc_text(gap.range.to()),
            since: event_time::to_utc_text(gap.since),
            tried_at: event_time::to_utc_text(gap.tried_at),
            reason: gap.reason.clone(),
        }
    }

    fn gap(self) -> Result<Gap, CheckpointError> {
        let (from, to) = (time(&self.from)?, time(&self.to)?);
        Ok(Gap {
            range: DateRange::new(from, to, to).map_err(damaged)?,
            since: time(&self.since)?,
            tried_at: time(&self.tried_at)?,
            reason: self.reason,
        })
    }
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
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "an empty text would be read as a fresh start"
    )]
    pub fn to_text(&self, feed: Feed, written_by: &str) -> String {
        let [delivered, displaced] = self.recent.by_second().map(Known);
        let document = Document {
            kind: KIND.to_owned(),
            version: if self.gaps.is_empty() {
                VERSION_WITHOUT_GAPS
            } else {
                VERSION
            },
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
            failed_reads: Some(self.failed_reads).filter(|failed| *failed > 0),
            gaps: self.gaps.iter().map(GapText::of).collect(),
            moves: self.moves.clone(),
            tally: Some(TallyText::of(&self.tally)),
            displaced: Some(displaced).filter(|known| !known.0.is_empty()),
            delivered: Some(delivered),
        };
        serde_json::to_string(&document).expect("a struct of strings and numbers serializes")
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
            .ok_or_else(|| {
                if text.starts_with(&format!("{{\"kind\":\"{KIND}\"")) {
                    return damaged("it is cut off, or was changed by hand");
                }
                let begin = text.chars().take(60).flat_map(char::escape_default);
                CheckpointError::NotOurs {
                    begin: begin.collect(),
                }
            })?;
        if header.version > VERSION {
            return Err(CheckpointError::Newer {
                found: header.version,
            });
        }
        if header.feed != feed.name() {
            return Err(CheckpointError::OtherFeed {
                found: visible(&header.feed),
            });
        }
        let document: Document<Read> = serde_json::from_str(text).map_err(damaged)?;
        let mut recent = Recent::default();
        for (time, fingerprint) in remembered(document.delivered.as_ref())? {
            recent.insert(time, fingerprint);
        }
        for (time, fingerprint) in remembered(document.displaced.as_ref())? {
            recent.insert_displaced(time, fingerprint);
        }
        Ok(Self::From(Box::new(document.checkpoint(recent)?)))
    }
}

impl Document<Read> {
    /// Members that an older program did not write are filled in so that nothing is taken for known
    /// which is not.
    fn checkpoint(self, recent: Recent) -> Result<Checkpoint, CheckpointError> {
        let watermark = time(&self.watermark)?;
        let read_again_from = time(&self.read_again_from)?;
        // A hand may have changed one of the two: what lies between would never be read.
        if read_again_from > watermark {
            return Err(damaged("reading would begin after the watermark"));
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
            gaps: gaps(self.gaps)?,
            failed_reads: self.failed_reads.unwrap_or(0),
            moves: self.moves,
        })
    }
}

fn gaps(texts: Vec<GapText>) -> Result<Gaps, CheckpointError> {
    let mut gaps = Gaps::default();
    for text in texts {
        if !gaps.add(text.gap()?, TimeDelta::zero()) {
            return Err(damaged("it has more gaps than this program keeps"));
        }
    }
    Ok(gaps)
}

fn remembered(
    seconds: Option<&Read>,
) -> Result<Vec<(DateTime<Utc>, Fingerprint)>, CheckpointError> {
    let mut all = Vec::new();
    for (second, known) in seconds.into_iter().flatten() {
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
        detail: visible(&detail.to_string()),
    }
}

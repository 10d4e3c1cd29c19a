//! The last moves of a watermark, with their reasons: what an operator looks at first when rows seem to
//! be missing.

use std::{collections::VecDeque, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::event_time;

/// How many moves are kept: with a run every five minutes, those of the last hour and a half.
pub const MAX_MOVES: usize = 20;

/// Why a watermark moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing was saved: the look-back begins.
    FirstRun,
    /// The existing connector's timestamp was taken over.
    TakenOver,
    /// A pass delivered what lies between.
    Delivered,
    /// An operator set it back, to have what lies between read again.
    Rewind,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstRun => "first run",
            Self::TakenOver => "taken over from the existing connector",
            Self::Delivered => "delivered",
            Self::Rewind => "rewind",
        })
    }
}

/// One move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// When the pass began that made it, or the operator did.
    #[serde(with = "utc_text")]
    pub at: DateTime<Utc>,
    /// Where the watermark stood.
    #[serde(with = "utc_text")]
    pub from: DateTime<Utc>,
    /// Where it went.
    #[serde(with = "utc_text")]
    pub to: DateTime<Utc>,
    /// What moved it.
    pub reason: Reason,
}

/// The last moves, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moves(VecDeque<Move>);

impl Moves {
    /// Adds a move. Those of one pass are one: it moves after every batch.
    pub fn push(&mut self, new: Move) {
        if let Some(last) = self.0.back_mut()
            && (last.at, last.reason) == (new.at, new.reason)
            && new.reason == Reason::Delivered
        {
            last.to = new.to;
            return;
        }
        if self.0.len() >= MAX_MOVES {
            self.0.pop_front();
        }
        self.0.push_back(new);
    }

    /// The moves, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Move> {
        self.0.iter()
    }
}

/// Times in the one form in which this program writes them.
mod utc_text {
    use serde::{Deserializer, Serializer, de::Error};

    use super::{DateTime, Deserialize, Utc, event_time};

    pub(super) fn serialize<S: Serializer>(
        time: &DateTime<Utc>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&event_time::to_utc_text(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(deserializer)?;
        event_time::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no time")))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn step(minute: i64, reason: Reason) -> Move {
        let at = event_time::parse("2026-11-24T05:00:00Z").unwrap() + TimeDelta::minutes(minute);
        Move {
            at,
            from: at - TimeDelta::minutes(5),
            to: at,
            reason,
        }
    }

    #[test]
    fn the_last_twenty_are_kept() {
        let mut moves = Moves::default();
        (0..50).for_each(|minute| moves.push(step(minute, Reason::Delivered)));
        assert_eq!(moves.iter().count(), MAX_MOVES);
        assert_eq!(moves.iter().last(), Some(&step(49, Reason::Delivered)));
    }

    #[test]
    fn the_steps_of_one_pass_are_one_move() {
        let mut moves = Moves::default();
        let first = step(0, Reason::Delivered);
        let second = Move {
            from: first.to,
            to: first.to + TimeDelta::hours(1),
            ..first
        };
        moves.push(first);
        moves.push(second);
        let whole = Move {
            to: second.to,
            ..first
        };
        assert_eq!(moves.iter().collect::<Vec<_>>(), [&whole]);
    }
}

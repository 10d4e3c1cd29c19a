//! What comes first in a chart.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

use chrono::{DateTime, Utc};

use super::{chart::Ranked, event::Outcome};

/// How many rows a chart shows; the rest share one row.
const SHOWN: usize = 10;

/// What is known of one value.
#[derive(Debug, Default)]
pub(super) struct Count {
    /// By outcome.
    pub(super) outcomes: [u32; Outcome::ALL.len()],
    users: HashSet<u32>,
    senders: HashSet<u32>,
    pub(super) first: Option<DateTime<Utc>>,
    pub(super) last: Option<DateTime<Utc>>,
    /// Further details of the first.
    pub(super) note: String,
}

impl Count {
    pub(super) fn add(
        &mut self,
        outcome: Outcome,
        user: Option<u32>,
        sender: Option<u32>,
        time: DateTime<Utc>,
        note: &str,
    ) {
        self.outcomes[outcome as usize] += 1;
        self.users.extend(user);
        self.senders.extend(sender);
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        if self.note.is_empty() {
            note.clone_into(&mut self.note);
        }
    }

    pub(super) fn events(&self) -> u32 {
        self.outcomes.iter().sum()
    }

    pub(super) fn through(&self) -> u32 {
        self.outcomes[Outcome::Through as usize]
    }

    pub(super) fn malicious(&self) -> u32 {
        self.through() + self.outcomes[Outcome::Stopped as usize]
    }

    pub(super) fn users(&self) -> usize {
        self.users.len()
    }

    pub(super) fn senders(&self) -> usize {
        self.senders.len()
    }
}

/// The rows of a chart.
pub(super) struct Ranking<'a> {
    pub(super) shown: Vec<(&'a str, &'a Count)>,
    /// How many other values there are.
    pub(super) more: usize,
    /// What they add up to.
    pub(super) rest: Count,
}

impl<'a> Ranking<'a> {
    pub(super) fn new(chart: Ranked, counts: &'a BTreeMap<String, Count>) -> Self {
        let mut shown: Vec<_> = counts
            .iter()
            .filter(|(_, count)| chart != Ranked::Campaigns || count.users() > 1)
            .map(|(label, count)| (label.as_str(), count))
            .collect();
        // Labels are in order, and sorting leaves what is equal where it is.
        shown.sort_by_key(|(_, count)| {
            let malicious = if chart.by_size() {
                0
            } else {
                count.malicious()
            };
            let users = if chart == Ranked::Campaigns {
                count.users()
            } else {
                0
            };
            Reverse((malicious, users, count.events()))
        });
        // One row more says more than a row that says "1 more".
        let others = if shown.len() > SHOWN + 1 {
            shown.split_off(SHOWN)
        } else {
            Vec::new()
        };
        let mut rest = Count::default();
        for (_, count) in &others {
            for (sum, more) in rest.outcomes.iter_mut().zip(count.outcomes) {
                *sum += more;
            }
        }
        Self {
            shown,
            more: others.len(),
            rest,
        }
    }

    /// The largest number of events of a row that is shown.
    pub(super) fn most(&self) -> u32 {
        let events = self.shown.iter().map(|(_, count)| count.events());
        events.max().unwrap_or(0)
    }
}

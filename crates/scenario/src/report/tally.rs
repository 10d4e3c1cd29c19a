//! Counts of what arrived.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    chart::Ranked,
    event::{self, Event, Outcome},
    pass::{self, Pass},
    ranking::Count,
};
use simulators::{log::Log, log_analytics::StoredRow};

/// Everything that the page shows. It grows with the users, hosts and files, not with the rows, except for
/// 16 bytes each.
#[derive(Debug, Default)]
pub(super) struct Tally {
    seen: HashSet<u128>,
    /// Rows left out because an earlier one has the same fingerprint.
    pub(super) copies: u32,
    people: HashMap<String, u32>,
    /// By the hours since 1970 began.
    pub(super) hours: BTreeMap<i64, Hour>,
    pub(super) ranked: BTreeMap<Ranked, BTreeMap<String, Count>>,
    pub(super) passes: Vec<Pass>,
}

/// What came in an hour.
#[derive(Debug, Default)]
pub(super) struct Hour {
    /// By log and outcome.
    events: [[u32; Outcome::ALL.len()]; Log::ALL.len()],
    /// Whom something malicious targeted.
    pub(super) targeted: HashSet<u32>,
    /// Whom it reached.
    pub(super) reached: HashSet<u32>,
}

impl Hour {
    /// How many events there were of these logs and outcomes.
    pub(super) fn count(&self, logs: &[Log], outcomes: &[Outcome]) -> u32 {
        let of_log = |log: &Log| -> u32 {
            let counts = &self.events[*log as usize];
            outcomes
                .iter()
                .map(|outcome| counts[*outcome as usize])
                .sum()
        };
        logs.iter().map(of_log).sum()
    }
}

impl Tally {
    /// Counts a row of any table.
    pub(super) fn row(&mut self, table: &str, row: &StoredRow<'_>) {
        if table == pass::TABLE {
            self.passes.extend(pass::pass(row));
        } else if let Some(log) = Log::ALL.into_iter().find(|log| log.table() == table)
            && let Some(event) = event::event(log, row)
        {
            self.event(event);
        }
    }

    fn event(&mut self, event: Event) {
        // As the parser functions do it: the copy that came first counts.
        if let Some(fingerprint) = event.fingerprint
            && !self.seen.insert(fingerprint)
        {
            self.copies += 1;
            return;
        }
        let user = self.number(&event.user);
        let sender = self.number(&event.sender);
        let hour = self.hours.entry(hour_of(event.time)).or_default();
        hour.events[event.log as usize][event.outcome as usize] += 1;
        if let (Some(user), Outcome::Through | Outcome::Stopped) = (user, event.outcome) {
            hour.targeted.insert(user);
            if event.outcome == Outcome::Through {
                hour.reached.insert(user);
            }
        }
        for (chart, label) in event.marks {
            let count = self.ranked.entry(chart).or_default();
            let count = count.entry(label).or_default();
            count.add(event.outcome, user, sender, event.time, &event.note);
        }
    }

    /// A number for an address; `None` where there is none.
    fn number(&mut self, address: &str) -> Option<u32> {
        if address.is_empty() {
            return None;
        }
        if let Some(number) = self.people.get(address) {
            return Some(*number);
        }
        let number = u32::try_from(self.people.len()).ok()?;
        self.people.insert(address.to_owned(), number);
        Some(number)
    }
}

/// The hours since 1970 began.
pub(super) fn hour_of(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(3600)
}

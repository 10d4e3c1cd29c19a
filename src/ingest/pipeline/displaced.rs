//! Looking up records that are listed under another time than their own.
//!
//! When such a record was listed before, it was remembered under its own time if that lay in the range. So
//! where it is listed again, it may be known to the ledger only, in the hour of its own time.

use std::collections::{HashSet, VecDeque};

use chrono::{DateTime, Utc};

use crate::{
    ingest::{report::stop_reason::StopReason, state::ledger::Ledger},
    model::{fingerprint::Fingerprint, ledger::Hour},
};

/// How many hours of the ledger are held at a time. Where times are shifted, the records of a page are all
/// in the same few.
const MAX_HOURS: usize = 4;

/// The ledger, as far as it was asked.
pub(super) struct DisplacedLookup<'a> {
    ledger: Ledger<'a>,
    /// The ledger knows nothing that lies before this.
    known_from: DateTime<Utc>,
    hours: VecDeque<(Hour, HashSet<Fingerprint>)>,
}

impl<'a> DisplacedLookup<'a> {
    pub(super) const fn new(ledger: Ledger<'a>, known_from: DateTime<Utc>) -> Self {
        Self {
            ledger,
            known_from,
            hours: VecDeque::new(),
        }
    }

    /// Whether the ledger knows a record in the hour of its own time.
    pub(super) async fn knows(
        &mut self,
        time: DateTime<Utc>,
        fingerprint: Fingerprint,
    ) -> Result<bool, StopReason> {
        if time < self.known_from {
            return Ok(false);
        }
        let hour = Hour::of(time);
        if let Some((_, known)) = self.hours.iter().find(|(held, _)| *held == hour) {
            return Ok(known.contains(&fingerprint));
        }
        let entries = self
            .ledger
            .hour(hour)
            .await
            .map_err(StopReason::ledger_unreadable)?;
        let known: HashSet<_> = entries.iter().map(|entry| entry.fingerprint).collect();
        let is_known = known.contains(&fingerprint);
        if self.hours.len() == MAX_HOURS {
            self.hours.pop_front();
        }
        self.hours.push_back((hour, known));
        Ok(is_known)
    }
}

//! What a scan finds in a record, and where the record lies on its page.

use std::ops::Range;

use chrono::{DateTime, SubsecRound, Utc};

use super::{date_range::DateRange, fingerprint::Fingerprint};

/// What was found in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordMeta {
    /// Its own time, where it has one that can be read.
    pub time: Option<DateTime<Utc>>,
    /// Its identity.
    pub fingerprint: Fingerprint,
}

impl RecordMeta {
    /// The time to put into `time_generated`: its own, or the end of the range it was read in.
    #[must_use]
    pub fn time_in(self, range: DateRange) -> DateTime<Utc> {
        self.time.unwrap_or(range.to())
    }

    /// The time under which it is remembered. A record that was listed in a range can be listed
    /// again for as long as that range's end can: one that is displaced is remembered under the end.
    #[must_use]
    pub fn remembered_at(self, range: DateRange) -> DateTime<Utc> {
        self.time
            .filter(|_| !self.is_displaced(range))
            .unwrap_or(range.to())
    }

    /// Whether its own time cannot be read or lies outside the range in which it was listed, so that
    /// nobody but Mimecast knows under which second it will be listed again.
    #[must_use]
    pub fn is_displaced(self, range: DateRange) -> bool {
        !self
            .time
            .map(|time| time.trunc_subsecs(0))
            .is_some_and(|second| (range.from()..=range.to()).contains(&second))
    }
}

/// A record on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSpan {
    /// Where it lies in the page's text.
    pub bytes: Range<usize>,
    /// What was found in it.
    pub meta: RecordMeta,
}

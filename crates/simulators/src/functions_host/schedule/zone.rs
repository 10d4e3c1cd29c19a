//! The time zone that a host is in.

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// A time zone of the IANA database. UTC, as in Azure, unless the app asks for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl Zone {
    /// The zone with this name, such as `Europe/Berlin`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// How far the zone's clocks are ahead of UTC at `time`.
    #[must_use]
    pub fn offset(self, time: DateTime<Utc>) -> TimeDelta {
        ahead(&self.0.offset_from_utc_datetime(&time.naive_utc()))
    }

    /// What the zone's clocks show at `time`.
    #[must_use]
    pub fn local(self, time: DateTime<Utc>) -> NaiveDateTime {
        time.naive_utc() + self.offset(time)
    }

    /// When the clocks show `local`: the first time where they show it twice. A time that they skip
    /// comes as late as if they were not put forward.
    pub(super) fn to_utc(self, local: NaiveDateTime) -> DateTime<Utc> {
        let offset = self.0.offset_from_local_datetime(&local).earliest();
        let before_the_gap = || Some(GapInfo::new(&local, &self.0)?.begin?.1);
        let offset = offset.or_else(before_the_gap);
        (local - offset.as_ref().map_or_else(TimeDelta::zero, ahead)).and_utc()
    }
}

fn ahead(offset: &impl Offset) -> TimeDelta {
    TimeDelta::seconds(offset.fix().local_minus_utc().into())
}

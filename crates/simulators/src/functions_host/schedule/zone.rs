//! The time zones that a host can be in.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};

/// A time zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zone {
    /// UTC, as in Azure unless the app asks for another one.
    #[default]
    Utc,
    /// Europe/Berlin, by the rule that has held since 1996.
    Berlin,
}

impl Zone {
    /// How far the zone's clocks are ahead of UTC at `time`.
    #[must_use]
    pub fn offset(self, time: DateTime<Utc>) -> TimeDelta {
        TimeDelta::hours(match self {
            Self::Utc => 0,
            Self::Berlin if is_summer(time.naive_utc()) => 2,
            Self::Berlin => 1,
        })
    }

    /// What the zone's clocks show at `time`.
    #[must_use]
    pub fn local(self, time: DateTime<Utc>) -> NaiveDateTime {
        time.naive_utc() + self.offset(time)
    }

    /// When the clocks show `local`: the first time where they show it twice. A time that they skip
    /// comes as late as if they were not put forward.
    pub(super) fn to_utc(self, local: NaiveDateTime) -> DateTime<Utc> {
        let time = match self {
            Self::Utc => local,
            Self::Berlin => {
                let in_summer = local - TimeDelta::hours(2);
                if is_summer(in_summer) {
                    in_summer
                } else {
                    local - TimeDelta::hours(1)
                }
            }
        };
        time.and_utc()
    }
}

/// Whether it is summer time in the European Union; `time` is in UTC.
fn is_summer(time: NaiveDateTime) -> bool {
    let turns = |month| last_sunday_at_one(time.year(), month);
    match (turns(3), turns(10)) {
        (Some(begin), Some(end)) => (begin..end).contains(&time),
        _ => false,
    }
}

/// One o'clock on the last Sunday of a month of 31 days.
fn last_sunday_at_one(year: i32, month: u32) -> Option<NaiveDateTime> {
    let last = NaiveDate::from_ymd_opt(year, month, 31)?;
    let back = Days::new(last.weekday().num_days_from_sunday().into());
    last.checked_sub_days(back)?.and_hms_opt(1, 0, 0)
}

//! When a timer fires: NCRONTAB expressions and time spans, as the timer extension reads them.
//!
//! `tests/data/ncrontab.tsv` and `ncrontab-dst.tsv` hold what the real extension made of expressions;
//! every row of them is played.

mod cron;
mod span;
mod zone;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use self::cron::{Cron, end_of_time};
pub use self::zone::Zone;

/// When a timer fires, in the time zone of its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    rule: Rule,
    zone: Zone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Cron(Cron),
    /// A fixed distance, which may be zero or negative: then the timer fires without pause.
    Every(TimeDelta),
}

/// The text is neither an NCRONTAB expression of five or six fields nor a time span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "The schedule expression '{0}' was not recognized as a valid cron expression or timespan string."
)]
pub struct ScheduleError(String);

impl Schedule {
    /// Reads `{second} {minute} {hour} {day} {month} {day-of-week}`, the same without the second
    /// (which is 0 then), or a time span. The zone is UTC.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let rule = Cron::parse(text)
            .map(Rule::Cron)
            .or_else(|| span::parse(text).map(Rule::Every))
            .ok_or_else(|| ScheduleError(text.to_owned()))?;
        Ok(Self {
            rule,
            zone: Zone::default(),
        })
    }

    /// The same schedule by the clocks of another zone.
    #[must_use]
    pub fn in_zone(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// The first time after `time`, or the end of the year 9999 where there is none, as for
    /// 30 February. A time span that is not positive gives no later time.
    #[must_use]
    pub fn next_after(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        match &self.rule {
            Rule::Cron(cron) => self.next_by_the_clocks(cron, time),
            Rule::Every(span) => {
                let next = time.checked_add_signed(*span);
                next.unwrap_or_else(|| end_of_time().and_utc())
            }
        }
    }

    /// Of an hour that the clocks show twice, an hourly schedule runs in both, any other in the first.
    fn next_by_the_clocks(&self, cron: &Cron, time: DateTime<Utc>) -> DateTime<Utc> {
        let mut local = self.zone.local(time);
        loop {
            local = cron.next_after(local);
            if local >= end_of_time() {
                return end_of_time().and_utc();
            }
            let first = self.zone.to_utc(local);
            let second = (local - self.zone.offset(time)).and_utc();
            let runs_twice = cron.is_hourly() && cron.matches(self.zone.local(second));
            let found = [Some(first), runs_twice.then_some(second)];
            let later = found.into_iter().flatten().filter(|found| *found > time);
            if let Some(next) = later.min() {
                return next;
            }
        }
    }

    /// The last time at or before `time`; for a time span, `time` itself.
    ///
    /// Only the emulator asks this, to make up a run's past.
    #[must_use]
    pub fn last_at_or_before(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        if matches!(self.rule, Rule::Every(_)) {
            return time;
        }
        for days in [0, 1, 31, 366, 41 * 366] {
            // One minute, then ever longer, so that a dense schedule needs few steps.
            let back = TimeDelta::seconds((days * 86_400).max(61));
            let mut found = self.next_after(time - back);
            if found > time {
                continue;
            }
            loop {
                let next = self.next_after(found);
                if next > time {
                    return found;
                }
                found = next;
            }
        }
        time
    }

    /// The last time before `time`. Only the emulator asks this too.
    #[must_use]
    pub fn last_before(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        match &self.rule {
            Rule::Cron(_) => self.last_at_or_before(time - TimeDelta::nanoseconds(1)),
            Rule::Every(span) => time - *span,
        }
    }

    /// Whether `Schedule.AdjustForDST` is true: for cron, not for a time span (the extension's
    /// source).
    #[must_use]
    pub fn adjusts_for_dst(&self) -> bool {
        matches!(self.rule, Rule::Cron(_))
    }

    /// Whether the host keeps a status. It does unless the timer fires more than once in every minute,
    /// or the time span is below a minute.
    #[must_use]
    pub fn keeps_status(&self) -> bool {
        match &self.rule {
            Rule::Cron(cron) => cron.keeps_status(),
            Rule::Every(span) => *span >= TimeDelta::minutes(1),
        }
    }

    /// The zone whose clocks it follows.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Rule::Cron(cron) => write!(f, "Cron: '{cron}'"),
            Rule::Every(span) => write!(f, "Constant: {}", span::print(*span)),
        }
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

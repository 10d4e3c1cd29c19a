//! When a timer fires: NCRONTAB expressions and time spans, as the timer extension reads them.

use std::{fmt, time::Duration};

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::settings;

/// How far ahead an expression is searched. 29 February on a given weekday can be 40 years away.
const SEARCH_DAYS: u64 = 41 * 366;

/// A schedule in UTC, the time zone of the host unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// An NCRONTAB expression.
    Cron(Cron),
    /// A fixed distance, from a time span such as `00:05:00`.
    Every(Duration),
}

/// The text is neither an NCRONTAB expression of five or six fields nor a time span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "The schedule expression '{0}' was not recognized as a valid cron expression or timespan string."
)]
pub struct ScheduleError(String);

impl Schedule {
    /// Reads `{second} {minute} {hour} {day} {month} {day-of-week}`, the same without the second
    /// (which is 0 then), or a time span.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let span = || settings::time_span(text).filter(|span| !span.is_zero());
        Cron::parse(text)
            .map(Self::Cron)
            .or_else(|| span().map(Self::Every))
            .ok_or_else(|| ScheduleError(text.to_owned()))
    }

    /// The first time after `time`, or the end of the year 9999 where there is none, as for
    /// 30 February.
    #[must_use]
    pub fn next_after(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Cron(cron) => cron.next_after(time.naive_utc()).and_utc(),
            Self::Every(span) => time + *span,
        }
    }

    /// The last time at or before `time`; for a time span, `time` itself.
    ///
    /// Only the emulator asks this, to make up a run's past.
    #[must_use]
    pub fn last_at_or_before(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        for days in [0, 1, 31, 366, SEARCH_DAYS] {
            // One minute, then ever longer, so that a dense schedule needs few steps.
            let back = Duration::from_secs((days * 86_400).max(61));
            let mut found = self.next_after(time - back);
            if found > time {
                continue;
            }
            loop {
                let next = self.next_after(found);
                if next > time || matches!(self, Self::Every(_)) {
                    return if next > time { found } else { time };
                }
                found = next;
            }
        }
        time
    }

    /// The last time before `time`. Only the emulator asks this too.
    #[must_use]
    pub fn last_before(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Cron(_) => self.last_at_or_before(time - Duration::from_nanos(1)),
            Self::Every(span) => time - *span,
        }
    }

    /// Whether `Schedule.AdjustForDST` is true: for cron, not for a time span (the extension's
    /// source).
    #[must_use]
    pub fn adjusts_for_dst(&self) -> bool {
        matches!(self, Self::Cron(_))
    }

    /// Whether two runs after `time` are less than a minute apart. Then the host keeps no status
    /// (the extension's source; how many runs it looks at is unconfirmed).
    #[must_use]
    pub fn is_faster_than_a_minute(&self, time: DateTime<Utc>) -> bool {
        let times =
            std::iter::successors(Some(self.next_after(time)), |t| Some(self.next_after(*t)));
        let times: Vec<_> = times.take(10).collect();
        times
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if b != a && *b - *a < chrono::Duration::minutes(1)))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(cron) => write!(f, "Cron: '{}'", cron.text),
            Self::Every(span) => write!(f, "Constant: {}", settings::print_time_span(*span)),
        }
    }
}

/// An NCRONTAB expression. Unlike in Unix's cron, day and day of week must both match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: &[&str] = &[
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

impl Cron {
    fn parse(text: &str) -> Option<Self> {
        let mut fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let [second, minute, hour, day, month, weekday] = fields.try_into().ok()?;
        Some(Self {
            text: text.to_owned(),
            seconds: field(second, 0, 59, &[])?,
            minutes: field(minute, 0, 59, &[])?,
            hours: field(hour, 0, 23, &[])?,
            days: field(day, 1, 31, &[])?,
            months: field(month, 1, 12, MONTHS)?,
            weekdays: field(weekday, 0, 6, WEEKDAYS)?,
        })
    }

    fn next_after(&self, time: NaiveDateTime) -> NaiveDateTime {
        let never = NaiveDate::from_ymd_opt(9999, 12, 31)
            .and_then(|date| date.and_hms_opt(23, 59, 59))
            .unwrap_or(NaiveDateTime::MAX);
        let Some(from) = time
            .with_nanosecond(0)
            .and_then(|time| time.checked_add_signed(chrono::Duration::seconds(1)))
        else {
            return never;
        };
        let mut earliest = from.time();
        for days in 0..SEARCH_DAYS {
            let Some(date) = from.date().checked_add_days(Days::new(days)) else {
                break;
            };
            if self.runs_on(date)
                && let Some(found) = self.first_time(earliest)
            {
                return date.and_time(found);
            }
            earliest = NaiveTime::MIN;
        }
        never
    }

    fn runs_on(&self, date: NaiveDate) -> bool {
        has(self.months, date.month())
            && has(self.days, date.day())
            && has(self.weekdays, date.weekday().num_days_from_sunday())
    }

    fn first_time(&self, earliest: NaiveTime) -> Option<NaiveTime> {
        let hour = at_least(self.hours, earliest.hour())?;
        if hour > earliest.hour() {
            return self.first_minute(hour, 0, 0);
        }
        self.first_minute(hour, earliest.minute(), earliest.second())
            .or_else(|| self.first_minute(at_least(self.hours, hour + 1)?, 0, 0))
    }

    fn first_minute(&self, hour: u32, minute: u32, second: u32) -> Option<NaiveTime> {
        let found = at_least(self.minutes, minute)?;
        let second = if found > minute { 0 } else { second };
        match at_least(self.seconds, second) {
            Some(second) => NaiveTime::from_hms_opt(hour, found, second),
            None => self.first_minute(hour, found + 1, 0),
        }
    }
}

fn has(set: u64, value: u32) -> bool {
    set & (1 << value) != 0
}

/// The smallest member of the set that is not below `value`.
fn at_least(set: u64, value: u32) -> Option<u32> {
    let rest = set.checked_shr(value)?;
    (rest != 0).then(|| value + rest.trailing_zeros())
}

/// The set of values that a field allows, as bits.
fn field(text: &str, min: u32, max: u32, names: &[&str]) -> Option<u64> {
    let mut set = 0;
    for part in text.split(',') {
        let (values, step) = match part.split_once('/') {
            Some((values, step)) => (values, Some(number(step)?)),
            None => (part, None),
        };
        let (first, last) = match (values, values.split_once('-')) {
            ("*", _) => (min, max),
            (_, Some((first, last))) => (value(first, min, names)?, value(last, min, names)?),
            (one, None) => {
                let one = value(one, min, names)?;
                // `5/15` means from 5 to the end.
                (one, if step.is_some() { max } else { one })
            }
        };
        // NCRONTAB turns a reversed range round and takes a step of 0 for 1.
        let (first, last) = (first.min(last), first.max(last));
        if first < min || last > max {
            return None;
        }
        let step = step.unwrap_or(1).max(1);
        for value in (first..=last).step_by(usize::try_from(step).ok()?) {
            set |= 1 << value;
        }
    }
    Some(set)
}

/// A number, or a name cut anywhere: `Mon`, `monday`.
fn value(text: &str, min: u32, names: &[&str]) -> Option<u32> {
    if let Some(number) = number(text) {
        return Some(number);
    }
    let text = text.to_ascii_lowercase();
    let position = names.iter().position(|name| name.starts_with(&text))?;
    (!text.is_empty()).then_some(min + u32::try_from(position).ok()?)
}

fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(())?;
    text.parse().ok()
}

#[cfg(test)]
mod tests;

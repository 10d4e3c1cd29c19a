//! NCRONTAB expressions, with their surprises: `22-2` is 2 to 22, `*/0` is `*`, a name may be cut
//! anywhere, and only a blank separates two fields.

use std::fmt;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

/// How far ahead an expression is searched. 29 February on a given weekday can be 40 years away.
const SEARCH_DAYS: u64 = 41 * 366;

/// The end of the year 9999, which stands for a time that never comes.
pub(super) fn end_of_time() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(9999, 12, 31)
        .and_then(|date| date.and_hms_nano_opt(23, 59, 59, 999_999_900))
        .unwrap_or(NaiveDateTime::MAX)
}

/// An NCRONTAB expression. Unlike in Unix's cron, day and day of week must both match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    has_seconds: bool,
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

/// The values that a field can have.
struct Field {
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const SIXTY: Field = Field {
    min: 0,
    max: 59,
    names: &[],
};
const HOURS: Field = Field {
    min: 0,
    max: 23,
    names: &[],
};
const DAYS: Field = Field {
    min: 1,
    max: 31,
    names: &[],
};
const MONTHS: Field = Field {
    min: 1,
    max: 12,
    names: &[
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
    ],
};
const WEEKDAYS: Field = Field {
    min: 0,
    max: 6,
    names: &[
        "sunday",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
    ],
};

impl Cron {
    /// Reads six fields, or five without the second, which is 0 then.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
        let has_seconds = fields.len() == 6;
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        let [second, minute, hour, day, month, weekday] = fields.try_into().ok()?;
        Some(Self {
            has_seconds,
            seconds: SIXTY.read(second)?,
            minutes: SIXTY.read(minute)?,
            hours: HOURS.read(hour)?,
            days: DAYS.read(day)?,
            months: MONTHS.read(month)?,
            weekdays: WEEKDAYS.read(weekday)?,
        })
    }

    /// The first local time after `time`, or the end of time.
    pub(super) fn next_after(&self, time: NaiveDateTime) -> NaiveDateTime {
        let Some(from) = time
            .with_nanosecond(0)
            .and_then(|time| time.checked_add_signed(TimeDelta::seconds(1)))
        else {
            return end_of_time();
        };
        let mut earliest = from.time();
        for days in 0..SEARCH_DAYS {
            let date = from.date().checked_add_days(Days::new(days));
            let Some(date) = date.filter(|date| date.year() <= 9999) else {
                break;
            };
            if self.runs_on(date)
                && let Some(found) = self.first_time(earliest)
            {
                return date.and_time(found);
            }
            earliest = NaiveTime::MIN;
        }
        end_of_time()
    }

    /// Whether the local time is one of the schedule.
    pub(super) fn matches(&self, time: NaiveDateTime) -> bool {
        time.nanosecond() == 0
            && self.runs_on(time.date())
            && has(self.hours, time.hour())
            && has(self.minutes, time.minute())
            && has(self.seconds, time.second())
    }

    /// Whether it runs in every hour.
    pub(super) fn is_hourly(&self) -> bool {
        self.hours == HOURS.all()
    }

    /// Whether the host keeps a status for it: not if it runs more than once in every minute of every
    /// day.
    pub(super) fn keeps_status(&self) -> bool {
        let in_every_minute = self.minutes == SIXTY.all()
            && self.hours == HOURS.all()
            && self.days == DAYS.all()
            && self.months == MONTHS.all()
            && self.weekdays == WEEKDAYS.all();
        !(in_every_minute && self.seconds.count_ones() > 1)
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

impl fmt::Display for Cron {
    /// As the host's log shows it: every value of a field, in numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_seconds {
            write!(f, "{} ", SIXTY.print(self.seconds))?;
        }
        write!(
            f,
            "{} {} {} {} {}",
            SIXTY.print(self.minutes),
            HOURS.print(self.hours),
            DAYS.print(self.days),
            MONTHS.print(self.months),
            WEEKDAYS.print(self.weekdays)
        )
    }
}

impl Field {
    /// All values, as bits.
    fn all(&self) -> u64 {
        (self.min..=self.max).fold(0, |set, value| set | (1 << value))
    }

    /// The values that the text allows, as bits.
    fn read(&self, text: &str) -> Option<u64> {
        let mut set = 0;
        for part in text.split(',') {
            let (values, step) = match part.split_once('/') {
                Some((values, step)) => (values, Some(step.trim().parse::<i32>().ok()?)),
                None => (part, None),
            };
            let (first, last) = match (values, values.split_once('-')) {
                ("*", _) => (self.min, self.max),
                (_, Some((first, last))) => (self.value(first)?, self.value(last)?),
                (one, None) => {
                    let one = self.value(one)?;
                    // `5/15` means from 5 to the end.
                    (one, if step.is_some() { self.max } else { one })
                }
            };
            // NCRONTAB turns a reversed range round, and takes a step below 1 for 1.
            let (first, last) = (first.min(last), first.max(last));
            if first < self.min || last > self.max {
                return None;
            }
            let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1).max(1);
            for value in (first..=last).step_by(step) {
                set |= 1 << value;
            }
        }
        Some(set)
    }

    /// A number, or a name cut anywhere: `Mon`, `monday`, `M`.
    fn value(&self, text: &str) -> Option<u32> {
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            return text.trim_end().parse().ok();
        }
        let text = text.to_ascii_lowercase();
        let position = self.names.iter().position(|name| name.starts_with(&text))?;
        let position = u32::try_from(position).ok()?;
        (!text.is_empty()).then_some(self.min + position)
    }

    /// The values as the host prints them: neighbours as a range.
    fn print(&self, set: u64) -> String {
        if set == self.all() {
            return "*".to_owned();
        }
        let mut parts: Vec<String> = Vec::new();
        let mut from = self.min;
        while let Some(first) = at_least(set, from) {
            let length = (set >> first).trailing_ones();
            let last = first + length - 1;
            parts.push(if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            });
            from = last + 1;
        }
        parts.join(",")
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

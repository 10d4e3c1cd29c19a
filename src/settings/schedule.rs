//! Whether the Functions host ever calls the handler by its schedule.
//!
//! The host disables a function whose schedule it cannot read. It answers a call by hand with 202 all the
//! same and runs nothing; only its own log says so. The handler is started and never called, so it says
//! at its start what is wrong.
//!
//! The rules are those of the host's timer extension, surprises included: `22-2` is 2 to 22, a name may be
//! cut anywhere, only a blank separates two fields, and a time span does too. Every row of
//! `crates/simulators/tests/data/ncrontab.tsv`, which holds what the real extension made of expressions,
//! is tried.

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::reader::shown;

/// The setting. The host reads it for the timer; the handler only looks.
pub const NAME: &str = "timer_schedule";

/// What it should look like: every five minutes.
pub const EXAMPLE: &str = "0 */5 * * * *";

/// Why the host never calls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NeverCalled {
    /// There is no schedule.
    #[error("it is missing")]
    Missing,
    /// The host cannot read it.
    #[error("{found} is no schedule for the host: {reason}")]
    Unreadable {
        /// The setting, as far as it may be shown.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The host can read it, and waits for a day that never comes, such as 30 February.
    #[error("{0} names only days that no month of it has")]
    NoSuchDay(String),
}

/// How often the host calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Between two calls, at the shortest.
    pub shortest: TimeDelta,
    /// And at the longest.
    pub longest: TimeDelta,
}

/// Whether the host calls by this value of the setting, and how often; `None` where that depends on the time
/// zone's rules, or is not known of a time span.
pub fn check(value: Option<&str>) -> Result<Option<Interval>, NeverCalled> {
    let text = value.filter(|text| !text.trim().is_empty());
    let text = text.ok_or(NeverCalled::Missing)?;
    let unreadable = |reason: String| NeverCalled::Unreadable {
        found: shown(text),
        reason,
    };
    let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
    // Five fields begin with the minute.
    let left_out = match fields.len() {
        6 => 0,
        5 => 1,
        _ if is_time_span(text) => return Ok(Interval::of_time_span(text)),
        count => {
            return Err(unreadable(format!(
                "it has to have six fields with blanks between them, and has {count}"
            )));
        }
    };
    let mut sets = Vec::new();
    for (field, text) in FIELDS.iter().skip(left_out).zip(fields) {
        let set = field.read(text);
        sets.push(set.ok_or_else(|| unreadable(field.rule()))?);
    }
    if left_out == 1 {
        sets.insert(0, 1);
    }
    let [seconds, minutes, hours, days, months, weekdays] = sets[..] else {
        return Ok(None);
    };
    if !any_exists(days, months) {
        return Err(NeverCalled::NoSuchDay(shown(text)));
    }
    let times = values(hours).flat_map(|hour| {
        values(minutes).flat_map(move |minute| {
            values(seconds).map(move |second| (hour * 60 + minute) * 60 + second)
        })
    });
    Ok(Interval::of(&times.collect::<Vec<_>>(), |day| {
        let has = |set: u64, value: u32| set & (1 << value) != 0;
        has(days, day.day())
            && has(months, day.month())
            && has(weekdays, day.weekday().num_days_from_sunday())
    }))
}

/// The values that are in a set, in their order.
fn values(set: u64) -> impl Iterator<Item = i64> {
    (0..64).filter(move |value| set & (1 << value) != 0)
}

impl Interval {
    /// Of calls at these seconds of some days; `None` where it is called once in 28 years, after which weekdays fall
    /// on the same dates again. Changes of the clock in spring and autumn are left out.
    fn of(times: &[i64], is_day: impl Fn(NaiveDate) -> bool) -> Option<Self> {
        let (first, last) = (times.first()?, times.last()?);
        let start = NaiveDate::from_ymd_opt(2027, 1, 1)?;
        let days: Vec<_> = start
            .iter_days()
            .take(28 * 366)
            .filter(|day| is_day(*day))
            .collect();
        let within = times.windows(2).map(|pair| pair[1] - pair[0]);
        let between = days
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).num_seconds() + first - last);
        let gaps: Vec<_> = within.chain(between).collect();
        Some(Self {
            shortest: TimeDelta::seconds(*gaps.iter().min()?),
            longest: TimeDelta::seconds(*gaps.iter().max()?),
        })
    }

    /// Of `00:05:00`; of the other forms that .NET takes nothing is said.
    fn of_time_span(text: &str) -> Option<Self> {
        let parts: Vec<i64> = text
            .split(':')
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
        let [hours @ 0..24, minutes, seconds] = parts[..] else {
            return None;
        };
        if text.starts_with('-') {
            return None;
        }
        let length = TimeDelta::seconds((hours * 60 + minutes) * 60 + seconds);
        Some(Self {
            shortest: length,
            longest: length,
        })
    }
}

/// One of the six fields.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// In their order, from the least value on.
    names: &'static [&'static str],
}

const fn numbers(name: &'static str, least: u32, most: u32) -> Field {
    Field {
        name,
        least,
        most,
        names: &[],
    }
}

const FIELDS: [Field; 6] = [
    numbers("second", 0, 59),
    numbers("minute", 0, 59),
    numbers("hour", 0, 23),
    numbers("day", 1, 31),
    Field {
        name: "month",
        least: 1,
        most: 12,
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
    },
    Field {
        name: "day of the week",
        least: 0,
        most: 6,
        names: &[
            "sunday",
            "monday",
            "tuesday",
            "wednesday",
            "thursday",
            "friday",
            "saturday",
        ],
    },
];

impl Field {
    /// What it may hold, in words.
    fn rule(&self) -> String {
        let or_name = if self.names.is_empty() {
            ""
        } else {
            " or English names"
        };
        format!(
            "its {} has to be `*`, numbers from {} to {}{or_name}, ranges or lists of them, each with or without a step such as `/5`",
            self.name, self.least, self.most
        )
    }

    /// The values that the text allows, as bits; `None` where the host refuses it.
    fn read(&self, text: &str) -> Option<u64> {
        let mut values = 0;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step.trim().parse::<i32>().ok()?)),
                None => (part, None),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (self.least, self.most),
                Some((first, last)) => (self.value(first)?, self.value(last)?),
                // A number with a step goes on to the end.
                None if step.is_some() => (self.value(range)?, self.most),
                None => (self.value(range)?, self.value(range)?),
            };
            let (first, last) = (first.min(last), first.max(last));
            if first < self.least || last > self.most {
                return None;
            }
            // The host takes a step below 1 for 1.
            let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1).max(1);
            for value in (first..=last).step_by(step) {
                values |= 1_u64 << value;
            }
        }
        Some(values)
    }

    /// A number, or a name cut anywhere.
    fn value(&self, text: &str) -> Option<u32> {
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            return text.trim_end().parse().ok();
        }
        let text = text.to_ascii_lowercase();
        let mut names = (self.least..).zip(self.names);
        let (value, _) = names.find(|(_, name)| !text.is_empty() && name.starts_with(&text))?;
        Some(value)
    }
}

/// Whether one of the months has one of the days, in a leap year.
fn any_exists(days: u64, months: u64) -> bool {
    let longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut months_there = (1..)
        .zip(longest)
        .filter(|(month, _)| months & (1 << *month) != 0);
    // The first of the days is in the lowest bit.
    months_there.any(|(_, length)| days.trailing_zeros() <= length)
}

/// Whether .NET reads the text as a time span, which the host takes too: `00:05:00`.
fn is_time_span(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix('-').unwrap_or(text);
    let head = text.split(':').next().unwrap_or_default();
    // `1.02:03` begins with a day; behind a colon a point begins a fraction.
    let has_point = head.contains('.');
    let tail = text.split(':').skip(1);
    let parts: Vec<&str> = head.splitn(2, '.').chain(tail).collect();
    match (has_point, parts.as_slice()) {
        (false, [days]) => is_days(days),
        (false, [hours, minutes]) => below(hours, 24) && below(minutes, 60),
        (false, [first, second, third]) => {
            // What is no time of day is days, hours and minutes.
            (below(first, 24) && below(second, 60) && is_seconds(third))
                || (is_days(first) && below(second, 24) && below(third, 60))
        }
        (true, [days, hours, minutes]) => is_days(days) && below(hours, 24) && below(minutes, 60),
        (_, [days, hours, minutes, seconds]) => {
            is_days(days) && below(hours, 24) && below(minutes, 60) && is_seconds(seconds)
        }
        _ => false,
    }
}

fn is_days(text: &str) -> bool {
    // The most that a .NET time span holds.
    below(text, 10_675_200)
}

fn is_seconds(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    below(whole, 60) && fraction.len() <= 7 && below(fraction, u32::MAX)
}

fn below(text: &str, bound: u32) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain && text.parse::<u32>().is_ok_and(|number| number < bound)
}

//! When the records of one log happened and when they appear.

use std::ops::Range;

use super::{
    Plan,
    beat::Beat,
    calendar::{DAY, HOUR, is_weekend, silent_hour},
    dice::Dice,
};
use simulators::{log::Log, records::Moment};

/// How busy each hour of a working day is; at weekends an eighth of it, at least 1.
const OFFICE_DAY: [u64; 24] = [
    1, 1, 1, 1, 1, 2, 6, 18, 40, 52, 50, 44, 34, 42, 48, 46, 40, 28, 14, 8, 5, 4, 3, 2,
];

/// With this many records over all logs, or more, each log has one second that overflows a page of 500.
const LARGE: usize = 20_000;
const OVERFLOW: usize = 700;

/// The moments of one log, in 8 bytes each.
#[derive(Debug)]
pub(super) struct Timeline {
    first: i64,
    stamps: Vec<Stamp>,
    /// The records of the plots, in order of time; within a second they come first.
    beats: Vec<Beat>,
}

#[derive(Debug, Clone, Copy)]
struct Stamp {
    /// Seconds since the first one.
    after: u32,
    /// Seconds until it appears.
    late: u32,
}

impl Timeline {
    /// Spreads `count` records over the days of the plan, those of its plots among them.
    pub(super) fn new(plan: &Plan, log: Log, count: usize, beats: Vec<Beat>) -> Self {
        let curve = Curve::new(whole_second(plan.start), whole_second(plan.end));
        let mut dice = Dice::new(plan.seed, &[1, log as u64]);
        let rolled = count.saturating_sub(beats.len());
        let mut seconds = bursts(&curve, &mut dice, rolled, plan.records >= LARGE);
        let after = |beat: &Beat| u32::try_from(beat.at - curve.first).unwrap_or(0);
        seconds.extend(beats.iter().map(after));
        seconds.sort_unstable();
        let late_max = u32::try_from(plan.late_max.as_secs()).unwrap_or(u32::MAX);
        let stamps = seconds
            .into_iter()
            .map(|after| Stamp {
                after,
                late: lateness(&mut dice, plan.late_share, late_max),
            })
            .collect();
        Self {
            first: curve.first,
            stamps,
            beats,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.stamps.len()
    }

    pub(super) fn moment(&self, index: usize) -> Moment {
        let Stamp { after, late } = self.stamps[index];
        let at = self.first + i64::from(after);
        Moment {
            at,
            visible_at: at + i64::from(late),
        }
    }

    /// The part that record `index` has in a plot.
    pub(super) fn beat(&self, index: usize) -> Option<&Beat> {
        let at = self.moment(index).at;
        let first = self.beats.partition_point(|beat| beat.at < at);
        let nth = index - self.same_second(index).start;
        self.beats.get(first + nth).filter(|beat| beat.at == at)
    }

    /// All records that happened in the same second as record `index`.
    pub(super) fn same_second(&self, index: usize) -> Range<usize> {
        let after = self.stamps[index].after;
        let start = self.stamps.partition_point(|stamp| stamp.after < after);
        let end = self.stamps.partition_point(|stamp| stamp.after <= after);
        start..end
    }
}

/// The first whole second that is not before `time`.
fn whole_second(time: chrono::DateTime<chrono::Utc>) -> i64 {
    time.timestamp() + i64::from(time.timestamp_subsec_nanos() > 0)
}

/// `count` seconds, several of which are often the same.
fn bursts(curve: &Curve, dice: &mut Dice, count: usize, large: bool) -> Vec<u32> {
    let mut seconds = Vec::with_capacity(count);
    // A small scenario should not spend itself in one burst.
    let most = (count / 20).max(12);
    if large {
        seconds.resize(OVERFLOW.min(count), curve.second(dice));
    }
    while seconds.len() < count {
        let size = burst(dice).min(most);
        let after = curve.second(dice);
        seconds.resize((seconds.len() + size).min(count), after);
    }
    seconds
}

/// How many records share a second: mostly one, often more, rarely hundreds.
fn burst(dice: &mut Dice) -> usize {
    match dice.below(1000) {
        0..=849 => 1,
        850..=919 => 2 + dice.index(3),
        920..=979 => 5 + dice.index(6),
        980..=994 => 12 + dice.index(30),
        995..=998 => 60 + dice.index(100),
        _ => 200 + dice.index(300),
    }
}

fn lateness(dice: &mut Dice, share: f64, late_max: u32) -> u32 {
    if late_max > 0 && dice.share(share) {
        1 + u32::try_from(dice.below(u64::from(late_max))).unwrap_or(0)
    } else {
        0
    }
}

/// How likely each second is.
#[derive(Debug)]
struct Curve {
    first: i64,
    /// The hours of the plan.
    hours: Vec<Hour>,
    /// The weight of all seconds.
    total: u64,
}

#[derive(Debug)]
struct Hour {
    /// Seconds between the first of the plan and the first of the hour that is in the plan.
    from: u64,
    /// The weight of each of its seconds.
    weight: u64,
    /// The weight of everything before it.
    before: u64,
}

impl Curve {
    /// The seconds from `first` to the one before `end`; only `first` where that leaves none.
    fn new(first: i64, end: i64) -> Self {
        let end = end.max(first + 1);
        let silent = silent_hour(first, end);
        let (mut hours, mut total) = (Vec::new(), 0);
        for hour in first.div_euclid(HOUR)..=(end - 1).div_euclid(HOUR) {
            let from = (hour * HOUR).max(first);
            let to = ((hour + 1) * HOUR).min(end);
            let weight = if silent == Some(from) {
                0
            } else {
                weight(from)
            };
            hours.push(Hour {
                from: (from - first).unsigned_abs(),
                weight,
                before: total,
            });
            total += weight * (to - from).unsigned_abs();
        }
        Self {
            first,
            hours,
            total,
        }
    }

    /// A second, counted from the first.
    fn second(&self, dice: &mut Dice) -> u32 {
        let place = dice.below(self.total);
        let next = self.hours.partition_point(|hour| hour.before <= place);
        // The first hour starts at weight 0, so there is always one at or before the place. It is not the
        // silent one, behind which the next starts at the same weight.
        let hour = &self.hours[next.saturating_sub(1)];
        let second = hour.from + (place - hour.before) / hour.weight;
        u32::try_from(second).unwrap_or(u32::MAX)
    }
}

fn weight(time: i64) -> u64 {
    let hour = usize::try_from(time.rem_euclid(DAY) / HOUR).unwrap_or(0);
    if is_weekend(time) {
        (OFFICE_DAY[hour] / 8).max(1)
    } else {
        OFFICE_DAY[hour]
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn times(timeline: &Timeline) -> Vec<DateTime<Utc>> {
        (0..timeline.len())
            .map(|index| DateTime::from_timestamp(timeline.moment(index).at, 0).unwrap())
            .collect()
    }

    #[test]
    fn the_office_is_busier_than_nights_and_weekends() {
        let plan = Plan::new(
            3,
            20_000,
            utc("2026-03-02T00:00:00Z"),
            utc("2026-03-16T00:00:00Z"),
        );
        let times = times(&Timeline::new(&plan, Log::Url, 12_000, Vec::new()));
        let morning = times.iter().filter(|time| time.hour() == 9).count();
        let night = times.iter().filter(|time| time.hour() == 3).count();
        assert!(morning > 10 * night, "{morning} and {night}");
        let weekend = |time: &&DateTime<Utc>| time.weekday().number_from_monday() > 5;
        let weekend = times.iter().filter(weekend).count();
        assert!((1..2_000).contains(&weekend), "{weekend}");
    }

    #[test]
    fn no_record_lies_outside_the_plan() {
        let plan = Plan::new(
            3,
            500,
            utc("2026-03-02T08:59:58.500Z"),
            utc("2026-03-02T09:00:02Z"),
        );
        for time in times(&Timeline::new(&plan, Log::Url, 300, Vec::new())) {
            assert!(plan.start <= time && time < plan.end, "{time}");
        }
        let backwards = Plan::new(3, 500, plan.end, plan.start);
        let times = times(&Timeline::new(&backwards, Log::Url, 300, Vec::new()));
        assert!(times.iter().all(|time| *time == plan.end));
    }

    #[test]
    fn lateness_has_the_share_and_the_reach_asked_for() {
        let mut plan = Plan::new(
            3,
            20_000,
            utc("2026-03-02T00:00:00Z"),
            utc("2026-03-09T00:00:00Z"),
        );
        let late = |plan: &Plan| -> Vec<i64> {
            let timeline = Timeline::new(plan, Log::Url, 12_000, Vec::new());
            (0..timeline.len())
                .map(|index| timeline.moment(index))
                .map(|moment| moment.visible_at - moment.at)
                .filter(|late| *late > 0)
                .collect()
        };
        let seen = late(&plan);
        assert!((180..300).contains(&seen.len()), "{}", seen.len());
        assert!(seen.iter().all(|late| *late <= 14 * 60));
        assert!(seen.iter().any(|late| *late > 12 * 60));
        plan.late_share = 0.0;
        assert!(late(&plan).is_empty());
        plan.late_share = 1.0;
        assert_eq!(late(&plan).len(), 12_000);
        plan.late_max = std::time::Duration::ZERO;
        assert!(late(&plan).is_empty());
    }
}

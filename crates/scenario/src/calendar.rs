//! The days of the simulated company, in UTC: which are working days, and when no mail comes.

pub(super) const HOUR: i64 = 3600;
pub(super) const DAY: i64 = 24 * HOUR;

/// When the hour without any mail begins, in a plan that has one: noon of the first working
/// day after its first day. A quiet hour does not mean that the connector is dead.
pub(super) fn silent_hour(first: i64, end: i64) -> Option<i64> {
    let day = (1..=3)
        .map(|days| (day(first) + days) * DAY)
        .find(|day| !is_weekend(*day))?;
    let noon = day + 12 * HOUR;
    (noon + HOUR < end).then_some(noon)
}

/// Whether a Unix time falls on a Saturday or Sunday.
pub(super) fn is_weekend(time: i64) -> bool {
    // 1970-01-01 was a Thursday: shifted by three, Monday is 0.
    (day(time) + 3).rem_euclid(7) >= 5
}

/// The days since 1970-01-01.
pub(super) fn day(time: i64) -> i64 {
    time.div_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike as _, Utc};

    use super::*;

    #[test]
    fn saturday_and_sunday_are_the_weekend() {
        let monday: DateTime<Utc> = "2026-03-02T00:00:00Z".parse().unwrap();
        for hour in 0..14 * 24 {
            let time = monday + chrono::TimeDelta::hours(hour);
            let weekend = time.weekday().number_from_monday() > 5;
            assert_eq!(is_weekend(time.timestamp()), weekend, "{time}");
        }
    }
}

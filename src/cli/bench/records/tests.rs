use std::collections::HashSet;

use serde_json::Value;

use super::*;

fn backlog(counts: [usize; 3]) -> Backlog {
    let from = DateTime::parse_from_rfc3339("2026-02-27T21:40:07Z")
        .unwrap()
        .to_utc();
    Backlog::new(counts, from, from + TimeDelta::days(7))
}

#[test]
fn every_record_is_valid_distinct_and_about_as_long_as_a_real_one() {
    let backlog = backlog([1200, 500, 300]);
    let mut seen = HashSet::new();
    for log in Log::ALL {
        let count = backlog.len(log);
        let mut bytes = 0;
        for index in 0..count {
            let text = backlog.json(log, index);
            let record: Value = serde_json::from_str(&text).unwrap();
            let time = record[log.time_member()].as_str().unwrap();
            let at = DateTime::parse_from_str(time, "%Y-%m-%dT%H:%M:%S%z").unwrap();
            assert_eq!(at.timestamp(), backlog.moment(log, index).at, "{time}");
            assert_eq!(shape::serial_in(&text), Some(index));
            bytes += text.len();
            assert!(seen.insert(text));
        }
        let mean = bytes / count;
        assert!((700..=900).contains(&mean), "{log:?}: {mean} bytes");
    }
    assert_eq!(backlog.total(), 2000);
}

#[test]
fn records_are_spread_evenly_and_none_shows_late() {
    let backlog = backlog([100_000, 0, 1]);
    let moments: Vec<_> = (0..100_000)
        .map(|index| backlog.moment(Log::Url, index))
        .collect();
    assert!(moments.iter().all(|moment| moment.at == moment.visible_at));
    assert!(
        moments
            .windows(2)
            .all(|pair| (6..=7).contains(&(pair[1].at - pair[0].at)))
    );
    let end = backlog.from + backlog.seconds;
    assert!(moments.last().unwrap().at < end);
    assert_eq!(backlog.len(Log::Attachment), 0);
    assert_eq!(backlog.moment(Log::Impersonation, 0).at, backlog.from);
}

#[test]
fn what_is_sent_is_counted_and_what_is_only_compared_is_not() {
    let backlog = backlog([2, 0, 0]);
    let length = backlog.json(Log::Url, 1).len();
    backlog.write(Log::Url, 0, &mut String::new());
    assert_eq!(backlog.written(), length as u64);
}

use chrono::{DateTime, TimeDelta, Utc};

use crate::settings::schedule::{EXAMPLE, Interval, NeverCalled, check};

/// What the real timer extension made of expressions.
const GOLDEN: &str = include_str!("../../../crates/simulators/tests/data/ncrontab.tsv");

#[test]
fn a_schedule_is_refused_exactly_where_the_host_never_calls_by_it() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in GOLDEN.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let expression = cells[0].replace("\\t", "\t").replace("\\n", "\n");
        let is_called = cells[1] == "yes" && !cells[4].starts_with("9999-");
        let found = check(Some(&expression));
        count += 1;
        if found.is_ok() != is_called {
            wrong.push(format!("{row:?}: {found:?}"));
        }
        let Ok(Some(Interval { shortest, longest })) = found else {
            continue;
        };
        let times = cells[4..]
            .iter()
            .filter_map(|time| time.parse::<DateTime<Utc>>().ok());
        let times: Vec<_> = times.collect();
        let apart = times.windows(2).map(|pair| pair[1] - pair[0]);
        for apart in apart.filter(|apart| !(shortest..=longest).contains(apart)) {
            wrong.push(format!(
                "{row:?}: {apart} is not between {shortest} and {longest}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(count, 148);
}

#[test]
fn it_is_known_how_often_the_host_calls() {
    for (text, shortest, longest) in [
        ("0 */5 * * * *", 300, 300),
        ("*/5 * * * *", 300, 300),
        ("00:10:00", 600, 600),
        ("*/10 * * * * *", 10, 10),
        ("0 0,20 8-17 * * *", 1200, 14 * 3600 + 2400),
        ("0 0 6 * * 1-5", 86_400, 3 * 86_400),
        ("0 0 0 1 * *", 28 * 86_400, 31 * 86_400),
    ] {
        let [shortest, longest] = [shortest, longest].map(TimeDelta::seconds);
        assert_eq!(
            check(Some(text)),
            Ok(Some(Interval { shortest, longest })),
            "{text}"
        );
    }
    assert_eq!(check(Some("1.00:00:00")), Ok(None));
}

#[test]
fn the_fault_says_what_is_wrong() {
    let every_five_minutes = Interval {
        shortest: TimeDelta::minutes(5),
        longest: TimeDelta::minutes(5),
    };
    assert_eq!(check(Some(EXAMPLE)), Ok(Some(every_five_minutes)));
    assert_eq!(check(None), Err(NeverCalled::Missing));
    assert_eq!(check(Some("  ")), Err(NeverCalled::Missing));
    for (text, expected) in [
        (
            "* * * *",
            "`* * * *` is no schedule for the host: it has to have six fields with blanks between them, and has 4",
        ),
        (
            "0 0 24 * * *",
            "its hour has to be `*`, numbers from 0 to 23, ranges",
        ),
        ("60 * * * *", "its minute has to be"),
        (
            "0 0 0 * * 7",
            "its day of the week has to be `*`, numbers from 0 to 6 or English names",
        ),
        (
            "0 0 0 31 2,4 *",
            "`0 0 0 31 2,4 *` names only days that no month of it has",
        ),
    ] {
        let fault = check(Some(text)).unwrap_err().to_string();
        assert!(fault.contains(expected), "{fault}");
        // The host would make a lesser line of it.
        assert!(!fault.contains("warn"), "{fault}");
    }
    assert!(check(Some("0 0 0 29,30 Feb *")).is_ok());
}

#[test]
fn a_key_in_the_place_of_the_schedule_is_not_shown() {
    let key = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==";
    let fault = check(Some(key)).unwrap_err().to_string();
    assert!(!fault.contains(key), "{fault}");
}

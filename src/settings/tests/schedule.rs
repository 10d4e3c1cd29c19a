use crate::settings::schedule::{EXAMPLE, NeverCalled, check};

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
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(count, 148);
}

#[test]
fn the_fault_says_what_is_wrong() {
    assert_eq!(check(Some(EXAMPLE)), Ok(()));
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
    assert_eq!(check(Some("0 0 0 29,30 Feb *")), Ok(()));
}

#[test]
fn a_key_in_the_place_of_the_schedule_is_not_shown() {
    let key = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==";
    let fault = check(Some(key)).unwrap_err().to_string();
    assert!(!fault.contains(key), "{fault}");
}

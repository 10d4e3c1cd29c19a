//! What the real timer extension made of expressions: every row of both files.

use super::*;

const IN_UTC: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/ncrontab.tsv"
));
const IN_BERLIN: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/ncrontab-dst.tsv"
));

/// What differs from a row.
fn differences(row: &str, zone: Zone) -> Vec<String> {
    let cells: Vec<&str> = row.split('\t').collect();
    let [expression, valid, kind, start, times @ ..] = cells.as_slice() else {
        return vec!["the row is too short".to_owned()];
    };
    let expression = expression.replace("\\t", "\t").replace("\\n", "\n");
    let Ok(schedule) = Schedule::parse(&expression) else {
        let refused = (*valid == "yes").then(|| "it is refused".to_owned());
        return refused.into_iter().collect();
    };
    if *valid != "yes" {
        return vec!["it is taken".to_owned()];
    }
    let schedule = schedule.in_zone(zone);
    let mut found = Vec::new();
    let expected_kind = if schedule.adjusts_for_dst() {
        "cron"
    } else {
        "timespan"
    };
    if *kind != expected_kind {
        found.push(format!("it is a {expected_kind}"));
    }
    let mut time = DateTime::parse_from_rfc3339(start).unwrap().to_utc();
    for cell in times.iter().take(5) {
        time = schedule.next_after(time);
        let expected = DateTime::parse_from_rfc3339(cell).unwrap();
        let is_never = expected.to_utc() == end_of_time().and_utc();
        let is_same_hour = is_never || expected.naive_local() == zone.local(time);
        if expected != time || !is_same_hour {
            found.push(format!("{time} is not {cell}"));
        }
    }
    if let Some([status_kept, shown]) = times.get(5..7) {
        if (*status_kept == "yes") != schedule.keeps_status() {
            found.push(format!("status kept: {}", schedule.keeps_status()));
        }
        if *shown != schedule.to_string() {
            found.push(format!("it is shown as {schedule}"));
        }
    }
    found
}

#[test]
fn every_expression_does_what_the_real_extension_does() {
    let mut faults = Vec::new();
    let mut count = 0;
    let berlin = Zone::named("Europe/Berlin").unwrap();
    for (file, zone) in [(IN_UTC, Zone::default()), (IN_BERLIN, berlin)] {
        for row in file.lines().skip(1) {
            count += 1;
            for difference in differences(row, zone) {
                faults.push(format!("{row:?}: {difference}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(count, 148 + 45);
}

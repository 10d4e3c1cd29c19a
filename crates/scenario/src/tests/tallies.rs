//! What the tally promises.

use std::sync::Arc;

use super::*;

/// The row that a faultless connector makes of a record.
fn row(scenario: &Scenario, log: Log, index: usize) -> String {
    let record = scenario.json(log, index);
    let kind = format!("ttp_{}", log.name());
    let time = DateTime::from_timestamp(scenario.moment(log, index).at, 0).unwrap();
    format!(
        "{},\"mimecastEventId\":\"{kind}\",\"mimecastEventCategory\":\"{kind}\",\
         \"time_generated\":\"{}\",\"mimecastFingerprint\":\"print:{index}\"}}",
        record.strip_suffix('}').unwrap(),
        time.to_rfc3339(),
    )
}

struct Case {
    scenario: Arc<Scenario>,
    tally: Tally,
}

const LOG: Log = Log::Attachment;

impl Case {
    fn new() -> Self {
        let scenario = Arc::new(Scenario::new(plan(4, 400)));
        let tally = Tally::new(Arc::clone(&scenario));
        Self { scenario, tally }
    }

    /// Delivers all records but `left_out`.
    fn without(left_out: &[usize]) -> Self {
        let case = Self::new();
        for index in (0..case.scenario.len(LOG)).filter(|index| !left_out.contains(index)) {
            case.tally.note(LOG, &case.row(index));
        }
        case
    }

    fn row(&self, index: usize) -> String {
        row(&self.scenario, LOG, index)
    }

    fn verdict(&self) -> Verdict {
        self.tally.verdict(LOG, utc("2027-01-01T00:00:00Z"))
    }

    /// The reason found for a row in which `from` was replaced by `to`.
    fn reason(from: &str, to: &str) -> String {
        let case = Self::without(&[7]);
        let row = case.row(7);
        let changed = row.replace(from, to);
        assert_ne!(row, changed);
        case.tally.note(LOG, &changed);
        let verdict = case.verdict();
        assert!(!verdict.is_clean());
        assert_eq!(
            (verdict.altered.count, verdict.lost.count),
            (1, 0),
            "{verdict}"
        );
        assert_eq!(verdict.altered.first[0].index, 7);
        verdict.altered.first[0].reason.clone()
    }
}

#[test]
fn it_is_clean_when_each_record_arrived_once() {
    let scenario = Arc::new(Scenario::new(plan(4, 2000)));
    let tally = Tally::new(Arc::clone(&scenario));
    std::thread::scope(|scope| {
        for log in Log::ALL {
            let (tally, scenario) = (&tally, &scenario);
            scope.spawn(move || {
                for index in 0..scenario.len(log) {
                    tally.note(log, &row(scenario, log, index));
                }
            });
        }
    });
    for log in Log::ALL {
        let verdict = tally.verdict(log, scenario.all_visible_at().unwrap());
        assert!(verdict.is_clean(), "{verdict}");
        assert_eq!(verdict.made, scenario.len(log));
        assert_eq!(verdict.visible, verdict.made);
        assert_eq!(verdict.delivered_once, verdict.made);
    }
}

#[test]
fn a_lost_record_is_found() {
    let verdict = Case::without(&[3, 9]).verdict();
    assert!(!verdict.is_clean());
    assert_eq!(
        (verdict.lost.count, &verdict.lost.first[..]),
        (2, &[3, 9][..])
    );
    assert_eq!(verdict.delivered_once, verdict.made - 2);
    let all: Vec<_> = (0..100).collect();
    let verdict = Case::without(&all).verdict();
    assert_eq!((verdict.lost.count, verdict.lost.first.len()), (100, 20));
}

#[test]
fn what_does_not_show_yet_is_not_lost() {
    let case = Case::new();
    let moments: Vec<_> = (0..case.scenario.len(LOG))
        .map(|i| case.scenario.moment(LOG, i))
        .collect();
    let middle = moments[50].visible_at;
    let verdict = case
        .tally
        .verdict(LOG, DateTime::from_timestamp(middle, 0).unwrap());
    let visible = moments
        .iter()
        .filter(|moment| moment.visible_at <= middle)
        .count();
    assert_eq!((verdict.visible, verdict.lost.count), (visible, visible));
    assert!(visible > 0 && visible < moments.len());
    // But it may have been delivered.
    let verdict = Case::without(&[])
        .tally
        .verdict(LOG, utc("2020-01-01T00:00:00Z"));
    assert!(verdict.is_clean());
    assert_eq!((verdict.visible, verdict.delivered_once), (0, 0));
}

#[test]
fn a_doubled_record_is_found_however_often_it_came() {
    let case = Case::without(&[]);
    case.tally.note(LOG, &case.row(5));
    for _ in 0..300 {
        case.tally.note(LOG, &case.row(8));
    }
    let verdict = case.verdict();
    assert!(!verdict.is_clean());
    assert_eq!(
        (verdict.doubled.count, &verdict.doubled.first[..]),
        (2, &[5, 8][..])
    );
    assert_eq!((verdict.altered.count, verdict.lost.count), (0, 0));
}

#[test]
fn an_altered_record_is_found() {
    assert_eq!(
        Case::reason("\"result\":", "\"Result\":"),
        "`result` is missing"
    );
    assert_eq!(
        Case::reason(",\"mimecastEventId\"", ",\"more\":1,\"mimecastEventId\""),
        "`more` is not in the record"
    );
    let value = Case::reason("\"fileName\":\"", "\"fileName\":\"x");
    assert_eq!(value, "`fileName` has another value");
}

#[test]
fn a_wrong_added_member_is_found() {
    let time = Case::reason("\"time_generated\":\"2026", "\"time_generated\":\"2025");
    assert!(time.contains("another time"), "{time}");
    let category = Case::reason(
        "\"mimecastEventCategory\":\"ttp_attachment\"",
        "\"mimecastEventCategory\":\"ttp_url\"",
    );
    assert!(category.contains("mimecastEventCategory"), "{category}");
    let id = Case::reason("\"mimecastEventId\":", "\"mimecastEventID\":");
    assert!(id.contains("mimecastEventID"), "{id}");
    let guid = Case::reason("print:7", "0f8fad5b-d9cb-469f-a165-70867728950e");
    assert!(guid.contains("GUID"), "{guid}");
    let number = Case::reason("\"print:7\"", "7");
    assert!(number.contains("no text"), "{number}");
}

#[test]
fn a_fingerprint_that_two_records_share_is_found() {
    let case = Case::without(&[7]);
    case.tally
        .note(LOG, &case.row(7).replace("print:7", "print:12"));
    let verdict = case.verdict();
    assert_eq!((verdict.altered.count, verdict.lost.count), (1, 0));
    assert_eq!(verdict.altered.first[0].index, 12);
    assert!(
        verdict.to_string().contains("that of record 7, too"),
        "{verdict}"
    );
}

#[test]
fn copies_with_different_fingerprints_are_found() {
    let case = Case::without(&[]);
    case.tally
        .note(LOG, &case.row(5).replace("print:5", "print:other"));
    let verdict = case.verdict();
    assert_eq!((verdict.doubled.count, verdict.altered.count), (1, 1));
    assert!(
        verdict.to_string().contains("different fingerprints"),
        "{verdict}"
    );
}

#[test]
fn a_row_of_no_record_is_found() {
    let case = Case::without(&[]);
    let rows = [
        case.row(7)
            .replace("attachment-000007", "attachment-999999"),
        "{\"fileName\":null}".to_owned(),
        "[]".to_owned(),
        "no JSON".to_owned(),
        row(&case.scenario, Log::Url, 0),
    ];
    for row in &rows {
        case.tally.note(LOG, row);
    }
    let verdict = case.verdict();
    assert!(!verdict.is_clean());
    assert_eq!((verdict.unknown.count, verdict.doubled.count), (5, 0));
    assert_eq!(verdict.unknown.first[3], "no JSON");
}

use super::*;
use crate::model::event_time;

const LOOKBACK: Lookback = Lookback {
    first_run: TimeDelta::days(7),
    settle: TimeDelta::seconds(15),
    late_arrival: TimeDelta::minutes(15),
    reconcile: TimeDelta::hours(24),
};

fn at(text: &str) -> DateTime<Utc> {
    event_time::parse(text).unwrap()
}

fn bounds(progress: &mut Progress, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let ranges = progress.begin(now);
    Some((ranges.first()?.from(), ranges.last()?.to()))
}

fn fresh(now: DateTime<Utc>) -> Progress {
    Progress::resume(Start::Fresh, LOOKBACK, now)
}

#[test]
fn a_first_run_reads_the_look_back_up_to_the_settle_time() {
    let now = at("2026-03-08T12:00:00.7Z");
    let mut progress = fresh(now);
    assert_eq!(progress.begin(now).len(), 7);
    let whole = (at("2026-03-01T12:00:00Z"), at("2026-03-08T11:59:45Z"));
    assert_eq!(bounds(&mut progress, now), Some(whole));
}

#[test]
fn each_pass_reads_again_from_late_arrival_before_the_watermark() {
    let (before, now) = (at("2026-03-08T11:55:00Z"), at("2026-03-08T12:00:00Z"));
    let mut progress = fresh(before);
    let _ranges = progress.begin(before);
    progress.advance(at("2026-03-08T11:54:45Z"));
    let again = (at("2026-03-08T11:39:45Z"), at("2026-03-08T11:59:45Z"));
    assert_eq!(bounds(&mut progress, now), Some(again));
}

#[test]
fn in_a_backlog_reading_goes_on_where_it_stopped() {
    let now = at("2026-03-08T12:00:00Z");
    let mut progress = fresh(now);
    let _ranges = progress.begin(now);
    progress.advance(at("2026-03-05T03:04:05Z"));
    assert_eq!(
        progress.checkpoint().read_again_from,
        at("2026-03-05T03:04:05Z")
    );
    progress.advance(at("2026-03-08T11:50:00Z"));
    assert_eq!(
        progress.checkpoint().read_again_from,
        at("2026-03-08T11:44:45Z")
    );
}

#[test]
fn nothing_before_a_take_over_is_ever_read() {
    let start = Start::read(
        Some("2026-03-08T11:55:00+0000"),
        crate::model::feed::Feed::Url,
    );
    let now = at("2026-03-08T12:00:00Z");
    let mut progress = Progress::resume(start.unwrap(), LOOKBACK, now);
    assert_eq!(
        bounds(&mut progress, now).unwrap().0,
        at("2026-03-08T11:55:00Z")
    );
    progress.advance(at("2026-03-08T11:59:45Z"));
    assert_eq!(
        progress.checkpoint().read_again_from,
        at("2026-03-08T11:55:00Z")
    );
    let later = at("2026-03-08T12:20:00Z");
    assert_eq!(
        bounds(&mut progress, later).unwrap().0,
        at("2026-03-08T11:55:00Z")
    );
    progress.advance(at("2026-03-08T12:19:45Z"));
    assert_eq!(
        progress.checkpoint().read_again_from,
        at("2026-03-08T12:04:45Z")
    );
}

#[test]
fn the_watermark_never_moves_back() {
    let now = at("2026-03-08T12:00:00Z");
    let mut progress = fresh(now);
    assert!(progress.advance(now));
    assert!(!progress.advance(now - TimeDelta::hours(1)));
    assert!(!progress.advance(now));
    assert_eq!(progress.checkpoint().watermark, now);
}

#[test]
fn a_clock_that_was_set_back_reads_nothing_rather_than_a_reversed_range() {
    let now = at("2026-03-08T12:00:00Z");
    let mut progress = fresh(now);
    progress.advance(now);
    assert!(progress.begin(now - TimeDelta::hours(1)).is_empty());
}

fn row(time: DateTime<Utc>, number: u32) -> Batch {
    use crate::model::{
        batch::{BatchBuilder, Sizes},
        feed::Feed,
        record::RecordScanner,
    };
    let record = format!("{{\"n\":{number},\"date\":\"{}\"}}", time.to_rfc3339());
    let meta = RecordScanner::new(Feed::Url).scan(&record);
    let sizes = Sizes {
        batch: 1_000_000,
        value: 32_768,
    };
    let mut builder = BatchBuilder::new(Feed::Url, sizes);
    let _added = builder.push(&record, meta, DateRange::new(time, time, time).unwrap());
    builder.take().unwrap()
}

#[test]
fn what_leaves_the_late_arrival_window_is_remembered_until_the_ledger_has_it() {
    let now = at("2026-03-08T12:00:00Z");
    let mut progress = fresh(now);
    let _ranges = progress.begin(now);
    for (number, time) in [
        "2026-03-02T12:00:00Z",
        "2026-03-08T08:00:00Z",
        "2026-03-08T11:59:00Z",
    ]
    .into_iter()
    .enumerate()
    {
        progress.delivered(&row(at(time), u32::try_from(number).unwrap()));
    }
    progress.advance(at("2026-03-08T11:59:45Z"));
    let to_flush = progress.to_flush();
    assert_eq!(to_flush.len(), 1, "one is too old, one is read again");
    assert_eq!(to_flush[0].time, at("2026-03-08T08:00:00Z"));
    assert_eq!(progress.checkpoint().recent.len(), 2);
    progress.flushed();
    assert_eq!(progress.checkpoint().recent.len(), 1);
    assert!(progress.to_flush().is_empty());
    let [whole] = progress.to_reconcile(now)[..] else {
        panic!("one span");
    };
    assert_eq!(progress.checkpoint().tally.total(whole), 1);
}

#[test]
fn after_a_rewind_the_ledger_is_asked_as_far_as_it_knows_more() {
    let now = at("2026-03-08T12:00:00Z");
    let mut progress = fresh(now);
    let _ranges = progress.begin(now);
    progress.advance(at("2026-03-08T11:59:45Z"));
    progress.flushed();
    assert!(
        progress
            .begin(now)
            .iter()
            .all(|range| !progress.needs_ledger(*range))
    );
    let mut checkpoint = progress.checkpoint().clone();
    checkpoint.rewind(at("2026-03-08T06:30:00Z"), now);
    let mut progress = Progress::resume(Start::From(Box::new(checkpoint)), LOOKBACK, now);
    let ranges = progress.begin(now);
    assert_eq!(ranges[0].from(), at("2026-03-08T06:30:00Z"));
    assert_eq!(ranges.last().unwrap().to(), at("2026-03-08T11:59:45Z"));
    let (known, rest): (Vec<DateRange>, Vec<DateRange>) = ranges
        .iter()
        .partition(|range| progress.needs_ledger(**range));
    assert_eq!((known.len(), rest.len()), (5, 1));
    assert!(
        known
            .iter()
            .all(|range| range.to() - range.from() <= TimeDelta::hours(1))
    );
    // What was read again, and for as long once more, is in the checkpoint.
    assert_eq!(rest[0].from(), at("2026-03-08T11:29:45Z"));
}

#[test]
fn a_range_that_cannot_be_read_within_a_pass_becomes_shorter_until_it_can() {
    let now = at("2026-03-08T12:00:00Z");
    let mut progress = fresh(now);
    assert!(progress.shorten_ranges());
    // Three hours, six, twelve, and whole days from there on.
    assert_eq!(progress.begin(now).len(), 10);
    while progress.shorten_ranges() {}
    assert_eq!(progress.checkpoint().first_range, SHORTEST_RANGE);
    assert!(progress.lengthen_ranges());
    assert!(!progress.lengthen_ranges());
    assert_eq!(progress.begin(now).len(), 7);
}

#[test]
fn counts_are_compared_once_an_hour_for_what_is_not_read_again_anyway() {
    let now = at("2026-03-08T12:07:00Z");
    let mut progress = fresh(now);
    let _ranges = progress.begin(now);
    assert_eq!(progress.to_reconcile(now), [], "nothing is delivered yet");
    progress.advance(now - LOOKBACK.settle);
    let [span] = progress.to_reconcile(now)[..] else {
        panic!("one span");
    };
    assert_eq!(
        (span.start(), span.end()),
        (at("2026-03-07T12:15:00Z"), at("2026-03-08T11:45:00Z"))
    );
    progress.reconciled(now);
    assert_eq!(progress.to_reconcile(now + TimeDelta::minutes(55)), []);
    assert_eq!(progress.to_reconcile(now + TimeDelta::minutes(60)).len(), 1);
    // A clock that was wrong does not put it off.
    let spans = progress.to_reconcile(now - TimeDelta::days(2));
    assert!(spans.iter().all(|span| span.end() <= now));
}

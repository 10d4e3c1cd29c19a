//! Records that are listed under another time than their own.

use std::time::Duration;

use chrono::TimeDelta;
use mimecast_ttp::ingest::report::Outcome;

use crate::support::world::{SourceFault, World, at};

#[tokio::test]
async fn a_record_timed_after_its_range_does_not_move_the_watermark_past_unread_records() {
    let world = World::builder().records(9).build();
    let listed = at("2026-03-02T07:00:04Z");
    world.add_text(
        listed,
        listed,
        r#"{"n":9,"date":"2026-04-01T00:00:00Z"}"#.to_owned(),
    );
    // It is the last one of the second page, and the third is not to be had.
    world.break_fetch(3, SourceFault::Fail("status 500"));
    assert_eq!(world.pass().await.outcome, Outcome::Failed);
    world.pass().await;
    assert_eq!(world.sorted_serials(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_record_listed_under_another_time_is_delivered_once() {
    let world = World::builder().records(2).build();
    let listed = at("2026-03-02T07:58:00Z");
    for (number, own) in [(2, "2026-02-01T00:00:00Z"), (3, "2026-04-01T00:00:00Z")] {
        world.add_text(
            listed,
            listed,
            format!(r#"{{"n":{number},"date":"{own}"}}"#),
        );
    }
    for _ in 0..5 {
        assert_eq!(world.pass().await.outcome, Outcome::Complete);
        world.advance(Duration::from_secs(300));
    }
    assert_eq!(world.sorted_serials(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_record_without_a_readable_time_is_delivered_once_at_the_end_of_its_range() {
    let world = World::builder().records(2).build();
    let time = at("2026-03-02T07:55:00Z");
    world.add_text(time, time, r#"{"n":2,"date":"soon"}"#.to_owned());
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.untimed),
        (Outcome::Complete, 1)
    );
    world.advance(Duration::from_secs(300));
    let report = world.pass().await;
    assert_eq!(report.counts.delivered, 0);
    let delivered = world.delivered();
    let row = delivered.iter().find(|row| row["n"] == 2).unwrap();
    assert_eq!(row["time_generated"], "2026-03-02T07:59:45Z");
}

#[tokio::test]
async fn records_listed_minutes_after_their_own_time_are_delivered_once() {
    let world = World::builder().build();
    for number in 0..20 {
        let listed = world.now() - TimeDelta::seconds(30);
        for part in 0..5 {
            let own = listed - TimeDelta::minutes(6);
            let text = format!(
                r#"{{"n":{},"date":"{}"}}"#,
                number * 5 + part,
                own.format("%Y-%m-%dT%H:%M:%S+0000")
            );
            world.add_text(listed, listed, text);
        }
        world.pass().await;
        world.advance(Duration::from_secs(300));
    }
    assert_eq!(world.sorted_serials(), (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn thousands_of_displaced_records_are_each_delivered_once() {
    let world = World::builder().page_size(500).build();
    let mut number = 0;
    for _ in 0..5 {
        let listed = world.now() - TimeDelta::seconds(30);
        for _ in 0..3000 {
            world.add_text(listed, listed, format!(r#"{{"n":{number},"date":"soon"}}"#));
            number += 1;
        }
        world.pass().await;
        world.advance(Duration::from_secs(300));
    }
    assert_eq!(world.sorted_serials(), (0..number).collect::<Vec<_>>());
}

/// Records that are listed at one time and carry another, `shift` earlier.
fn add_shifted(world: &World, count: i64, newest: TimeDelta, every: TimeDelta, shift: TimeDelta) {
    let first = world.serials_made();
    for number in 0..count {
        let listed = world.now() - newest - every * i32::try_from(number).unwrap();
        let own = listed - shift;
        let text = format!(
            r#"{{"n":{},"date":"{}"}}"#,
            first + u64::try_from(number).unwrap(),
            own.format("%Y-%m-%dT%H:%M:%S+0000")
        );
        world.add_text(listed, listed, text);
    }
}

#[tokio::test]
async fn records_with_local_times_are_delivered_once() {
    for (hours, old_mark) in [(12, false), (12, true), (1, false), (20, false)] {
        let mut builder = World::builder().page_size(500);
        if old_mark {
            builder = builder.checkpoint("2026-03-02T02:00:00+0000");
        }
        let world = builder.build();
        let shift = TimeDelta::hours(hours);
        let span = if old_mark { 5 } else { 20 } * 60;
        let every = TimeDelta::minutes(span) / 300;
        add_shifted(&world, 300, TimeDelta::minutes(2), every, shift);
        let late = TimeDelta::seconds(20);
        add_shifted(&world, 40, TimeDelta::minutes(1), late, shift);
        for _ in 0..4 {
            let report = world.pass().await;
            assert_eq!(report.outcome, Outcome::Complete, "{report}");
            world.advance(Duration::from_secs(60));
        }
        assert_eq!(
            world.sorted_serials(),
            (0..340).collect::<Vec<_>>(),
            "{hours} h, old mark: {old_mark}"
        );
    }
}

#[tokio::test]
async fn a_listing_that_ignores_the_range_does_not_multiply_its_records() {
    let world = World::builder()
        .records_every(TimeDelta::hours(1), 90, "2026-02-26T10:00:00Z")
        .checkpoint("2026-02-26T08:00:00+0000")
        .page_size(500)
        .ignores_ranges()
        .build();
    world.pass().await;
    assert_eq!(world.sorted_serials(), (0..90).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_records_that_are_equal_to_the_byte_are_delivered_once_and_counted() {
    let world = World::builder().page_size(500).build();
    let listed = at("2026-03-02T07:58:00Z");
    for _ in 0..2 {
        let text = r#"{"n":0,"date":"2026-03-02T07:58:00Z"}"#;
        world.add_text(listed, listed, text.to_owned());
    }
    let report = world.pass().await;
    assert_eq!((report.counts.delivered, report.counts.identical), (1, 1));
    assert_eq!(world.told()[0]["identical"], 1);
}

//! Ranges that cannot be read, although others can.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use mimecast_ttp::ingest::report::{FeedReport, Outcome};

use crate::support::world::{World, at};

const TICK: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

/// A day of 720 records, two minutes apart, and one each in the seconds before, at and after 22:00.
fn day() -> Arc<World> {
    day_with(false)
}

/// The same, with the second `to` of a range listed or not.
fn day_with(excludes_to: bool) -> Arc<World> {
    World::builder()
        .excludes_to(excludes_to)
        .records_every(TimeDelta::minutes(2), 720, "2026-03-01T08:00:05Z")
        .records_at(&[
            "2026-03-01T21:59:59Z",
            "2026-03-01T22:00:00Z",
            "2026-03-01T22:00:01Z",
        ])
        .page_size(500)
        .build()
}

/// The record of 22:00.
const UNREADABLE: u64 = 721;

fn all_but(left_out: &[u64]) -> Vec<u64> {
    (0..723)
        .filter(|serial| !left_out.contains(serial))
        .collect()
}

async fn passes(world: &Arc<World>, count: usize) -> FeedReport {
    for _ in 1..count {
        world.pass().await;
        world.advance(TICK);
    }
    world.pass().await
}

#[tokio::test]
async fn a_second_that_cannot_be_read_becomes_a_gap_and_everything_else_is_delivered() {
    for excludes_to in [false, true] {
        let world = day_with(excludes_to);
        world.make_unreadable("2026-03-01T22:00:00Z", "2026-03-01T22:00:00Z");
        for _ in 0..2 {
            let report = world.pass().await;
            assert_eq!(report.outcome, Outcome::Failed, "{report}");
            assert!(world.watermark() < at("2026-03-01T22:00:00Z"));
            world.advance(TICK);
        }
        let report = world.pass().await;
        assert_eq!(
            report.outcome,
            Outcome::Failed,
            "a new gap is loud: {report}"
        );
        assert_eq!(report.counts.gaps, 1);
        let message = report.message.unwrap();
        assert!(
            message.contains("url has a gap: 2026-03-01T2") && message.contains("status 500"),
            "{message}"
        );
        assert_eq!(world.sorted_serials(), all_but(&[UNREADABLE]));
        assert_eq!(world.watermark(), world.now() - TimeDelta::seconds(15));
        world.advance(TICK);
        let report = world.pass().await;
        assert_eq!(report.outcome, Outcome::Complete, "{report}");
        assert!(
            report.message.unwrap().contains("has a gap"),
            "it is still told"
        );
        assert_eq!(world.sorted_serials(), all_but(&[UNREADABLE]));
    }
}

#[tokio::test]
async fn a_gap_is_read_again_every_hour_and_delivered_once_it_can_be() {
    let world = day();
    world.make_unreadable("2026-03-01T22:00:00Z", "2026-03-01T22:00:00Z");
    passes(&world, 3).await;
    world.advance(HOUR);
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Failed, "tried in vain: {report}");
    world.make_readable();
    world.advance(TICK);
    world.pass().await;
    assert_eq!(world.sorted_serials(), all_but(&[UNREADABLE]), "not yet");
    world.advance(HOUR);
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.gaps, report.message),
        (Outcome::Complete, 0, None)
    );
    assert_eq!(world.sorted_serials(), all_but(&[]));
    world.advance(HOUR);
    assert_eq!(world.pass().await.counts.delivered, 0);
}

#[tokio::test]
async fn the_seconds_beside_a_gap_are_known_however_old_it_is() {
    let world = World::builder()
        .records_at(&[
            "2026-02-27T21:59:59Z",
            "2026-02-27T22:00:00Z",
            "2026-02-27T22:00:01Z",
            "2026-03-01T08:00:00Z",
        ])
        .checkpoint("2026-02-27T08:00:00+0000")
        .build();
    world.make_unreadable("2026-02-27T22:00:00Z", "2026-02-27T22:00:00Z");
    passes(&world, 3).await;
    assert_eq!(world.sorted_serials(), [0, 2, 3]);
    for _ in 0..60 {
        world.advance(HOUR);
        world.pass().await;
    }
    world.make_readable();
    world.advance(HOUR);
    let report = world.pass().await;
    assert_eq!(report.counts.gaps, 0, "{report}");
    assert_eq!(world.sorted_serials(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn minutes_that_cannot_be_read_become_one_gap() {
    let world = day();
    world.make_unreadable("2026-03-01T21:58:00Z", "2026-03-01T22:06:00Z");
    let report = passes(&world, 4).await;
    assert!(report.counts.gaps >= 1, "{report}");
    let left_out: Vec<u64> = (419..=422).chain(720..=722).collect();
    let delivered = world.sorted_serials();
    assert!(
        all_but(&left_out)
            .iter()
            .all(|serial| delivered.contains(serial)),
        "{delivered:?}"
    );
    world.make_readable();
    world.advance(HOUR);
    world.pass().await;
    world.advance(HOUR);
    world.pass().await;
    assert_eq!(world.sorted_serials(), all_but(&[]));
}

#[tokio::test]
async fn what_heals_of_a_long_gap_is_delivered() {
    let world = World::builder()
        .records_every(TimeDelta::seconds(20), 400, "2026-03-02T05:00:00Z")
        .page_size(500)
        .build();
    world.make_unreadable("2026-03-02T05:30:00Z", "2026-03-02T06:10:00Z");
    passes(&world, 4).await;
    assert!(world.watermark() > at("2026-03-02T07:00:00Z"));
    world.make_readable();
    // The record of 05:45:00.
    world.make_unreadable("2026-03-02T05:45:00Z", "2026-03-02T05:45:00Z");
    for _ in 0..8 {
        world.advance(HOUR);
        world.pass().await;
    }
    let expected: Vec<_> = (0..400).filter(|serial| *serial != 135).collect();
    assert_eq!(world.sorted_serials(), expected);
}

#[tokio::test]
async fn a_gap_with_several_bad_seconds_keeps_nothing_else() {
    let world = World::builder()
        .records_every(TimeDelta::seconds(1), 400, "2026-03-02T05:00:00Z")
        .page_size(500)
        .build();
    world.make_unreadable("2026-03-02T05:01:00Z", "2026-03-02T05:04:00Z");
    passes(&world, 4).await;
    world.make_readable();
    let bad = [70, 120, 170, 220];
    for second in bad {
        let time = at("2026-03-02T05:00:00Z") + TimeDelta::seconds(second);
        let time = time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        world.make_unreadable(&time, &time);
    }
    for _ in 0..9 {
        world.advance(HOUR);
        world.pass().await;
    }
    let expected: Vec<_> = (0..400)
        .filter(|serial| !bad.contains(&i64::try_from(*serial).unwrap()))
        .collect();
    assert_eq!(world.sorted_serials(), expected);
}

#[tokio::test]
async fn a_feed_that_is_full_of_gaps_goes_on_once_some_close() {
    let world = World::builder()
        .records_every(TimeDelta::minutes(10), 80, "2026-03-01T18:00:00Z")
        .page_size(500)
        .build();
    for hour in [19, 20, 21, 22] {
        for minute in (0..60).step_by(5).filter(|minute| minute % 10 == 0) {
            let time = format!("2026-03-01T{hour}:{minute:02}:00Z");
            world.make_unreadable(&time, &time);
        }
    }
    for minute in [0, 10, 20, 30, 40, 50] {
        for hour in [0, 1] {
            let time = format!("2026-03-02T{hour:02}:{minute:02}:00Z");
            world.make_unreadable(&time, &time);
        }
    }
    let report = passes(&world, 6).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    assert_eq!(report.counts.gaps, 32);
    world.make_readable();
    for _ in 0..3 {
        world.advance(HOUR);
        world.pass().await;
    }
    assert_eq!(world.sorted_serials(), (0..80).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_second_that_only_ever_times_out_becomes_a_gap() {
    let world = day();
    world.make_unreadable("2026-03-01T22:00:00Z", "2026-03-01T22:00:00Z");
    world.set_hanging(true);
    for _ in 0..24 {
        world.pass().await;
        world.advance(TICK);
    }
    assert!(
        world.watermark() > at("2026-03-02T07:00:00Z"),
        "stuck at {}",
        world.watermark()
    );
    assert_eq!(world.sorted_serials(), all_but(&[UNREADABLE]));
}

#[tokio::test]
async fn an_outage_makes_no_gap() {
    let world = day();
    world.set_down(true);
    for _ in 0..5 {
        let report = world.pass().await;
        assert_eq!(
            (report.outcome, report.counts.gaps),
            (Outcome::Failed, 0),
            "{report}"
        );
        world.advance(TICK);
    }
    world.set_down(false);
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert_eq!(world.sorted_serials(), all_but(&[]));
}

#[tokio::test]
async fn a_gap_does_not_disturb_the_comparison_of_counts() {
    let world = day();
    world.make_unreadable("2026-03-01T22:00:00Z", "2026-03-01T22:00:00Z");
    passes(&world, 3).await;
    let late = world.add_late(at("2026-03-02T01:00:00Z"));
    world.advance(HOUR);
    let report = world.pass().await;
    assert_eq!(report.counts.reconciled, 1, "{report}");
    assert!(world.serials().contains(&late));
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_with_fewer_records() {
    let world = World::builder().records(100).page_size(500).build();
    world.set_max_readable(60);
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert_eq!(world.sorted_serials(), (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_second_whose_pages_never_end_becomes_a_gap_for_a_few_hundred_calls_a_pass() {
    let world = World::builder()
        .no_totals()
        .records_every(TimeDelta::minutes(2), 720, "2026-03-01T08:00:05Z")
        .records_at(&["2026-03-01T22:00:00Z"])
        .page_size(500)
        .endless_at("2026-03-01T22:00:00Z")
        .build();
    for pass in 1..=4 {
        let before = world.fetches();
        let report = world.pass().await;
        let calls = world.fetches() - before;
        assert!(calls <= 600, "pass {pass}: {calls} calls");
        if pass < 3 {
            assert_eq!(report.outcome, Outcome::Failed, "{report}");
        }
        world.advance(TICK);
    }
    assert_eq!(world.sorted_serials(), (0..721).collect::<Vec<_>>());
    assert!(world.watermark() > at("2026-03-02T08:00:00Z"));
    let report = world.pass().await;
    assert!(report.counts.gaps > 0, "{report}");
}

#[tokio::test]
async fn a_second_of_many_small_pages_is_read_to_its_end_where_they_are_counted() {
    let times = vec!["2026-03-02T07:00:00Z"; 1500];
    let world = World::builder().records_at(&times).page_size(7).build();
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert_eq!(report.counts.delivered, 1500);
}

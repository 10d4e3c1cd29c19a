//! What appears later than the late-arrival window is found by comparing counts.

use std::time::Duration;

use chrono::TimeDelta;
use mimecast_ttp::ingest::report::Outcome;

use crate::{
    settled::{HOUR, settled},
    support::world::{SourceFault, World, at},
};

#[tokio::test]
async fn reconcile_delivers_a_record_that_is_hours_late_once() {
    for excludes_to in [false, true] {
        let world = settled(World::builder().excludes_to(excludes_to)).await;
        // In the middle, at the seam of two quarters of an hour, and twice in one second.
        for time in [
            "2026-03-02T04:33:21Z",
            "2026-03-02T05:14:59Z",
            "2026-03-02T06:01:01Z",
            "2026-03-02T06:01:01Z",
        ] {
            world.add_late(at(time));
        }
        world.advance(HOUR);
        let report = world.pass().await;
        assert_eq!(
            (report.outcome, report.counts.reconciled),
            (Outcome::Complete, 4),
            "{report}"
        );
        assert!(report.to_string().contains("4 found late by count"));
        for _ in 0..3 {
            world.advance(HOUR);
            assert_eq!(world.pass().await.counts.delivered, 0);
        }
        assert_eq!(world.sorted_serials(), (0..2004).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn reconcile_runs_hourly_with_one_call_while_counts_agree() {
    let world = settled(World::builder()).await;
    let counts = || world.counts();
    assert_eq!(counts(), 1);
    for _ in 0..11 {
        world.advance(Duration::from_secs(300));
        world.pass().await;
    }
    assert_eq!(counts(), 1);
    world.advance(Duration::from_secs(300));
    world.pass().await;
    assert_eq!(counts(), 2);
}

#[tokio::test]
async fn reconcile_does_not_move_the_watermark() {
    let world = settled(World::builder()).await;
    world.add_late(at("2026-03-02T04:33:21Z"));
    world.advance(HOUR);
    let report = world.pass().await;
    assert_eq!(report.counts.reconciled, 1);
    assert_eq!(world.watermark(), at("2026-03-02T08:59:45Z"));
}

#[tokio::test]
async fn reconcile_ignores_identical_records() {
    let world = settled(World::builder()).await;
    let time = at("2026-03-02T04:33:21Z");
    for _ in 0..2 {
        world.add_text(
            world.now(),
            time,
            r#"{"n":5000,"date":"2026-03-02T04:33:21Z"}"#.to_owned(),
        );
    }
    world.advance(HOUR);
    assert_eq!(world.pass().await.counts.reconciled, 1);
    let fetches = || world.fetches();
    let before = fetches();
    world.advance(HOUR);
    assert_eq!(world.pass().await.counts.delivered, 0);
    assert_eq!(
        fetches(),
        before + 1,
        "nothing outside the late-arrival window is read"
    );
}

#[tokio::test]
async fn reconcile_is_skipped_without_counts() {
    let world = settled(World::builder().no_totals()).await;
    world.advance(HOUR);
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.delivered),
        (Outcome::Complete, 0)
    );
}

#[tokio::test]
async fn reconcile_counts_listed_records_where_empty_ranges_have_no_total() {
    // Everything lies in one hour, so that most halves are empty.
    let world = World::builder()
        .records_every(TimeDelta::seconds(2), 2000, "2026-03-02T05:00:00Z")
        .page_size(500)
        .no_totals_of_nothing()
        .build();
    world.pass().await;
    let late = world.add_late(at("2026-03-02T05:20:01Z"));
    world.advance(HOUR);
    assert_eq!(world.pass().await.counts.reconciled, 1);
    assert_eq!(world.sorted_serials(), (0..=late).collect::<Vec<_>>());
}

#[tokio::test]
async fn reconcile_settles_where_ranges_exclude_their_last_second() {
    // One in nine seconds: the last second of each quarter of an hour holds one.
    let world = World::builder()
        .records_every(TimeDelta::seconds(9), 12_000, "2026-03-01T08:00:08Z")
        .page_size(500)
        .excludes_to(true)
        .build();
    world.pass().await;
    let calls = |world: &World| [world.fetches(), world.counts()];
    for _ in 0..4 {
        let before = calls(&world);
        world.advance(HOUR);
        assert_eq!(world.pass().await.outcome, Outcome::Complete);
        let [fetches, counts] = calls(&world);
        // An hour holds 400 records: a page or two of what is new, and nothing behind it.
        assert!(fetches - before[0] <= 2 && counts - before[1] <= 9);
    }
}

#[tokio::test]
async fn reconcile_restarts_the_quarter_after_a_refused_token() {
    let world = settled(World::builder()).await;
    world.set_page_size(50);
    world.add_late(at("2026-03-02T04:33:21Z"));
    world.advance(HOUR);
    // The pass reads the late-arrival window in one call, then the quarter in three.
    world.break_fetch(world.fetches() + 3, SourceFault::RefuseToken);
    let report = world.pass().await;
    assert_eq!(
        (
            report.outcome,
            report.counts.reconciled,
            report.counts.restarts
        ),
        (Outcome::Complete, 1, 1),
        "{report}"
    );
}

#[tokio::test]
async fn a_failed_count_is_reported_as_one() {
    let world = settled(World::builder()).await;
    world.advance(HOUR);
    world.break_count(SourceFault::Fail("status 500"));
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    let message = report.message.unwrap();
    assert!(
        message.starts_with("Counting url for ") && message.ends_with("the next run counts again."),
        "{message}"
    );
}

#[tokio::test]
async fn a_failed_reconcile_fails_the_pass_and_is_repeated() {
    let world = settled(World::builder()).await;
    let late = world.add_late(at("2026-03-02T04:33:21Z"));
    world.advance(HOUR);
    let next = world.fetches() + 2;
    world.break_fetch(next, SourceFault::Fail("status 500"));
    assert_eq!(world.pass().await.outcome, Outcome::Failed);
    world.advance(Duration::from_secs(300));
    assert_eq!(world.pass().await.counts.reconciled, 1);
    assert_eq!(
        world
            .serials()
            .iter()
            .filter(|serial| **serial == late)
            .count(),
        1
    );
}

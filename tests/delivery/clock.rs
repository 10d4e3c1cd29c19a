//! Clocks that differ.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::ingest::report::Outcome;

use crate::support::world::{SourceFault, World, plan};

const TWO_HOURS: TimeDelta = TimeDelta::hours(2);

/// A world whose own clock is ahead of the source's.
fn ahead(world: Arc<World>, by: TimeDelta) -> Arc<World> {
    world.set_clock_behind(by);
    world.set_clock(world.now() + by);
    world
}

/// What the source's clock shows.
fn theirs(world: &World, by: TimeDelta) -> DateTime<Utc> {
    world.now() - by
}

#[tokio::test]
async fn a_clock_that_is_ahead_moves_no_watermark_into_mimecasts_future() {
    let world = ahead(World::builder().records(5).build(), TWO_HOURS);
    world.pass().await;
    assert_eq!(world.serials(), (0..5).collect::<Vec<_>>());
    // What comes in those two hours is read when Mimecast has it.
    for minute in 1..=24 {
        world.advance(Duration::from_secs(300));
        let time = theirs(&world, TWO_HOURS) - TimeDelta::seconds(60);
        world.add(time, time);
        let report = world.pass().await;
        assert!(
            report.watermark.unwrap() <= theirs(&world, TWO_HOURS),
            "{minute}: {report}"
        );
    }
    assert_eq!(world.sorted_serials(), (0..5 + 24).collect::<Vec<_>>());
}

/// Whichever of the clocks is wrong, it must not be silent: a date that something in between repeats would keep
/// the watermark where it is.
#[tokio::test]
async fn a_large_difference_fails_the_run_and_shows_in_the_lag() {
    let world = ahead(World::builder().records(5).build(), TWO_HOURS);
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    let message = report.message.unwrap();
    assert!(message.contains("7200 s ahead of Mimecast's"), "{message}");
    assert!(report.lag_seconds.unwrap() >= 7200);
    let small = TimeDelta::minutes(2);
    let world = ahead(World::builder().records(5).build(), small);
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert!(report.watermark.unwrap() <= theirs(&world, small));
}

#[tokio::test]
async fn a_clock_that_is_set_right_afterwards_changes_nothing() {
    let world = ahead(World::builder().records(5).build(), TWO_HOURS);
    world.pass().await;
    world.set_clock_behind(TimeDelta::zero());
    world.set_clock(world.now() - TWO_HOURS);
    world.advance(Duration::from_secs(300));
    let late = world.add_late(world.now() - TimeDelta::seconds(60));
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert_eq!(world.sorted_serials(), (0..=late).collect::<Vec<_>>());
}

/// In a backlog of days the last range but one ends close to now, too.
#[tokio::test]
async fn a_late_record_is_found_after_a_backlog_that_was_read_by_a_fast_clock() {
    let backlog = World::builder().checkpoint("2026-02-27T08:00:00+0000");
    let world = ahead(backlog.records(5).build(), TWO_HOURS);
    world.pass().await;
    let late = world.add(
        theirs(&world, TWO_HOURS) + TimeDelta::minutes(1),
        theirs(&world, TWO_HOURS) - TimeDelta::minutes(10),
    );
    world.advance(Duration::from_secs(300));
    world.pass().await;
    assert_eq!(world.sorted_serials(), (0..=late).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_wait_holds_by_the_clock_that_it_was_asked_by() {
    let world = ahead(World::builder().records(5).build(), TWO_HOURS);
    // The first page makes the difference known.
    world.break_fetch(2, SourceFault::Throttle(Duration::from_secs(600)));
    let report = world.pass().await;
    assert!(report.message.unwrap().contains("Rate limited by Mimecast"));
    let before = world.fetches();
    world.advance(Duration::from_secs(300));
    let report = world.pass().await;
    assert_eq!(world.fetches(), before, "{report}");
    world.advance(Duration::from_secs(600));
    world.pass().await;
    assert_eq!(world.serials(), (0..5).collect::<Vec<_>>());
}

#[tokio::test]
async fn seconds_of_difference_cost_no_call() {
    let calls = |by| async move {
        let world = ahead(World::builder().records(5).build(), by);
        world.pass().await;
        world.fetches()
    };
    let usual = calls(TimeDelta::zero()).await;
    assert_eq!(calls(TimeDelta::seconds(5)).await, usual);
    assert_eq!(calls(TimeDelta::seconds(6)).await, usual + 1);
}

/// The look-back is counted from the corrected time.
#[tokio::test]
async fn a_first_run_by_a_fast_clock_reads_its_whole_look_back() {
    let world = World::builder().records(0).build();
    let first = world.now() - plan().lookback.first_run + TimeDelta::hours(1);
    world.add(first, first);
    let world = ahead(world, TWO_HOURS);
    world.pass().await;
    assert_eq!(world.serials(), [0]);
}

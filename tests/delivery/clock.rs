//! Clocks that differ.

use std::time::Duration;

use chrono::TimeDelta;
use mimecast_ttp::ingest::report::Outcome;

use crate::support::world::{World, at};

#[tokio::test]
async fn a_clock_that_is_ahead_moves_no_watermark_into_mimecasts_future() {
    let world = World::builder().records(5).build();
    world.set_clock_behind(TimeDelta::hours(2));
    world.set_clock(world.now() + TimeDelta::hours(2));
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert!(report.watermark.unwrap() <= at("2026-03-02T08:00:00Z"));
    assert_eq!(world.serials(), (0..5).collect::<Vec<_>>());
    // What comes in those two hours is read when Mimecast has it.
    for minute in 1..=24 {
        world.advance(Duration::from_secs(300));
        let mimecasts = world.now() - TimeDelta::hours(2);
        let time = mimecasts - TimeDelta::seconds(60);
        world.add(time, time);
        let report = world.pass().await;
        assert_eq!(report.outcome, Outcome::Complete, "{minute}: {report}");
        assert!(report.watermark.unwrap() <= mimecasts);
        assert!(report.lag_seconds.unwrap() < 60, "{report}");
    }
    assert_eq!(world.sorted_serials(), (0..5 + 24).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_clock_that_is_set_right_afterwards_changes_nothing() {
    let world = World::builder().records(5).build();
    world.set_clock_behind(TimeDelta::hours(2));
    world.set_clock(world.now() + TimeDelta::hours(2));
    world.pass().await;
    world.set_clock_behind(TimeDelta::zero());
    world.set_clock(world.now() - TimeDelta::hours(2));
    world.advance(Duration::from_secs(300));
    let late = world.add_late(world.now() - TimeDelta::seconds(60));
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert_eq!(world.sorted_serials(), (0..=late).collect::<Vec<_>>());
}

#[tokio::test]
async fn seconds_of_difference_cost_no_call() {
    let calls = |behind| async move {
        let world = World::builder().records(5).build();
        world.set_clock_behind(behind);
        world.pass().await;
        world.fetches()
    };
    assert_eq!(
        calls(TimeDelta::seconds(2)).await,
        calls(TimeDelta::zero()).await
    );
}

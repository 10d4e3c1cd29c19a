//! Where a pass begins, and who else is at work.

use std::time::Duration;

use chrono::TimeDelta;
use mimecast_ttp::{
    ingest::{pass::Pass, report::Outcome, stop::StopSender},
    model::feed::Feed,
};

use crate::support::world::{SourceFault, World, plan};

#[tokio::test]
async fn a_run_that_loses_a_race_stops_cleanly() {
    let world = World::builder().records(5).build();
    world.lose_races();
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::RaceLost);
    assert!(report.message.unwrap().contains("Another run has saved"));
}

#[tokio::test]
async fn of_two_runs_that_read_the_same_checkpoint_one_stops_before_it_posts() {
    let world = World::builder().records(5).build();
    let held = world.hold_source().await;
    let (one, other) = (world.clone(), world.clone());
    let one = tokio::spawn(async move { one.pass().await });
    let other = tokio::spawn(async move { other.pass().await });
    while world.fetches() < 2 {
        tokio::task::yield_now().await;
    }
    drop(held);
    let outcomes = [one.await.unwrap().outcome, other.await.unwrap().outcome];
    assert!(
        outcomes.contains(&Outcome::Complete) && outcomes.contains(&Outcome::RaceLost),
        "{outcomes:?}"
    );
    assert_eq!(world.serials(), (0..5).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_checkpoint_in_the_future_fails_the_feed() {
    let world = World::builder().records(5).build();
    world.put_checkpoint("2027-11-20T05:00:00+0000");
    let report = world.pass().await;
    assert_eq!((report.outcome, report.counts.pages), (Outcome::Failed, 0));
    assert!(
        report
            .message
            .unwrap()
            .contains("lies in the future, at 2027-11-20T05:00:00Z")
    );
}

#[tokio::test]
async fn a_clock_set_back_slightly_is_tolerated() {
    let world = World::builder().records(5).build();
    world.pass().await;
    world.set_clock(world.now() - TimeDelta::minutes(5));
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.lag_seconds),
        (Outcome::Complete, Some(0))
    );
    assert_eq!(world.serials(), (0..5).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failure_or_panic_of_one_feed_does_not_affect_the_others() {
    for fault in [SourceFault::Fail("status 403"), SourceFault::Panic] {
        let world = World::builder().fetch_fault(1, fault).build();
        let reports = world.pass_of_all().await;
        let feeds: Vec<_> = reports.iter().map(|report| report.feed).collect();
        assert_eq!(feeds, Feed::ALL);
        let failed = reports
            .iter()
            .filter(|report| report.outcome == Outcome::Failed)
            .count();
        assert_eq!(failed, 1, "{reports:?}");
    }
}

#[tokio::test]
async fn an_unreadable_checkpoint_stops_the_feed_and_says_how_to_repair_it() {
    let world = World::builder().records(5).build();
    world.put_checkpoint("garbage");
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Failed);
    let message = report.message.unwrap();
    for part in ["memory/url", "`garbage`", "What to do"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(world.checkpoint().as_deref(), Some("garbage"));
    assert!(world.serials().is_empty());
}

#[tokio::test]
async fn the_second_of_an_adopted_checkpoint_is_read_again() {
    // Whether a plain time was left behind its last row, or written by someone as the time to start
    // from, cannot be told: a row that comes twice is the lesser harm.
    let world = World::builder().records(10).build();
    world.put_checkpoint("2026-03-02T07:00:05+0000");
    world.pass().await;
    assert_eq!(world.serials(), [5, 6, 7, 8, 9]);
    world.advance(Duration::from_secs(300));
    world.pass().await;
    assert_eq!(world.serials(), [5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn an_empty_checkpoint_reads_the_look_back() {
    let world = World::builder().records(3).build();
    world.put_checkpoint("");
    world.pass().await;
    assert_eq!(world.serials(), [0, 1, 2]);
}

#[tokio::test]
async fn a_pass_that_is_asked_to_end_reads_nothing_more_and_is_no_failure() {
    let world = World::builder().records(5).build();
    let stop = StopSender::default();
    stop.request();
    let pass = Pass::new(world.ports(), plan()).until(stop.stop());
    let report = pass.run(&[Feed::Url]).await;
    assert_eq!(
        report.feeds[0].outcome,
        Outcome::Stopped,
        "{:?}",
        report.feeds
    );
    let message = report.feeds[0].message.as_deref().unwrap();
    assert!(
        message.starts_with("the run was asked to end while reading"),
        "{message}"
    );
    assert_eq!((world.fetches(), world.serials()), (0, Vec::new()));
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    assert_eq!(world.serials(), (0..5).collect::<Vec<_>>());
}

//! Deadlines, and services that ask for a wait.

use std::time::Duration;

use chrono::TimeDelta;
use mimecast_ttp::ingest::report::Outcome;

use crate::support::world::{SinkFault, SourceFault, World, at};

const TICK: Duration = Duration::from_secs(300);

#[tokio::test]
async fn a_long_wait_ends_the_pass_and_no_call_is_made_before_it_expires() {
    let world = World::builder().records(10).build();
    let fault = SourceFault::Throttle(Duration::from_secs(900));
    world.break_fetch(2, fault);
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.delivered),
        (Outcome::Waiting, 3),
        "{report}"
    );
    let message = report.message.unwrap();
    assert!(
        message.contains("Rate limited by Mimecast: retry after 900 s"),
        "{message}"
    );
    for _ in 0..3 {
        let report = world.pass().await;
        assert_eq!((report.outcome, report.counts.pages), (Outcome::Waiting, 0));
        assert!(
            report
                .message
                .unwrap()
                .contains("before 2026-03-02T08:15:01Z"),
            "it says until when"
        );
        world.advance(TICK);
    }
    assert_eq!(world.fetches(), 2);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    assert_eq!(world.serials(), (0..10).collect::<Vec<_>>());
    assert!(!world.checkpoint().unwrap().contains(r#""wait""#));
}

#[tokio::test]
async fn a_wait_requested_by_the_sink_is_observed() {
    let world = World::builder().records(3).build();
    let fault = SinkFault::Throttle(Duration::from_secs(600));
    world.break_posts([Some(fault)]);
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Waiting);
    assert!(
        report
            .message
            .unwrap()
            .contains("Rate limited by Log Analytics")
    );
    world.advance(TICK);
    assert_eq!(world.pass().await.outcome, Outcome::Waiting);
    assert_eq!(world.posts(), 1);
    world.advance(TICK + Duration::from_secs(1));
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    assert_eq!(world.serials(), [0, 1, 2]);
}

#[tokio::test]
async fn a_wait_of_weeks_is_capped_at_a_day_and_fails_after_an_hour() {
    let world = World::builder().records(3).build();
    world.pass().await;
    world.advance(TICK);
    let next = world.fetches() + 1;
    let fault = SourceFault::Throttle(Duration::from_secs(21 * 86_400));
    world.break_fetch(next, fault);
    assert_eq!(world.pass().await.outcome, Outcome::Waiting);
    world.advance(Duration::from_secs(3590));
    assert_eq!(world.pass().await.outcome, Outcome::Waiting);
    world.advance(Duration::from_secs(12));
    let report = world.pass().await;
    assert_eq!(
        report.outcome,
        Outcome::Failed,
        "an hour of silence is a failure"
    );
    let message = report.message.unwrap();
    assert!(
        message.contains("since 2026-03-02T08:05:00Z") && message.contains("quota"),
        "{message}"
    );
    assert_eq!(world.fetches(), next, "and no call");
    world.advance(Duration::from_secs(86_400 - 3600));
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
}

#[tokio::test]
async fn a_wait_saved_under_a_wrong_clock_is_ignored() {
    let world = World::builder().records(3).build();
    world.pass().await;
    world.set_clock(world.now() + TimeDelta::days(2));
    let next = world.fetches() + 1;
    let fault = SourceFault::Throttle(Duration::from_secs(600));
    world.break_fetch(next, fault);
    assert_eq!(world.pass().await.outcome, Outcome::Waiting);
    world.set_clock(world.now() - TimeDelta::days(2));
    world.advance(TICK);
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
}

#[tokio::test]
async fn a_reconcile_that_never_fits_the_budget_fails_in_the_end() {
    let world = World::builder()
        .records(3)
        .late("2026-03-02T08:30:00Z", "2026-03-02T07:10:00Z")
        .count_time(Duration::from_secs(300))
        .build();
    let mut outcomes = Vec::new();
    for _ in 0..80 {
        outcomes.push(world.pass().await.outcome);
        world.advance(TICK);
    }
    assert_eq!(outcomes.first(), Some(&Outcome::Complete));
    assert!(outcomes.contains(&Outcome::OutOfTime), "{outcomes:?}");
    assert_eq!(outcomes.last(), Some(&Outcome::Failed));
}

#[tokio::test]
async fn a_backlog_of_ten_days_clears_over_several_passes_that_each_move_the_watermark() {
    let start = "2026-02-20T08:00:00Z";
    let world = World::builder()
        .records_every(TimeDelta::minutes(6), 2400, start)
        .checkpoint("2026-02-20T08:00:00+0000")
        .page_size(50)
        .page_time(Duration::from_secs(8))
        .build();
    let mut watermarks = vec![at(start)];
    let mut outcome = Outcome::OutOfTime;
    while outcome != Outcome::Complete {
        let report = world.pass_with(Duration::from_secs(60), 1_000_000).await;
        outcome = report.outcome;
        assert!(
            matches!(outcome, Outcome::OutOfTime | Outcome::Complete),
            "{report}"
        );
        assert!(world.watermark() > *watermarks.last().unwrap());
        watermarks.push(world.watermark());
    }
    assert!(watermarks.len() > 3, "{watermarks:?}");
    assert_eq!(world.serials(), (0..2400).collect::<Vec<_>>());
}

#[tokio::test]
async fn unordered_pages_that_exceed_the_budget_are_read_in_shorter_ranges() {
    let world = World::builder()
        .records(600)
        .page_size(10)
        .page_time(Duration::from_secs(10))
        .newest_first()
        .build();
    let mut passes = 0;
    while world
        .pass_with(Duration::from_secs(120), 1_000_000)
        .await
        .outcome
        != Outcome::Complete
    {
        passes += 1;
        assert!(passes < 60, "stuck at {}", world.watermark());
        world.advance(TICK);
    }
    assert_eq!(world.sorted_serials(), (0..600).collect::<Vec<_>>());
    assert!(
        world
            .checkpoint()
            .unwrap()
            .contains(r#""range_seconds":86400"#)
    );
}

#[tokio::test]
async fn a_failed_last_save_does_not_hide_why_the_pass_ended() {
    for (fault, outcome, reason) in [
        (
            SourceFault::Fail("status 500"),
            Outcome::Failed,
            "status 500. ",
        ),
        (
            SourceFault::Throttle(Duration::from_secs(900)),
            Outcome::RaceLost,
            "retry after 900 s",
        ),
    ] {
        // Some ranges are read and hold nothing, so that the watermark has moved without a batch.
        let world = World::builder().build();
        world.put_checkpoint("2026-02-26T08:00:00Z");
        world.break_fetch(3, fault);
        world.lose_races();
        let report = world.pass().await;
        assert_eq!(report.outcome, outcome, "{report}");
        let message = report.message.unwrap();
        assert!(message.contains(reason), "{message}");
        assert!(message.contains("Another run has saved"), "{message}");
        assert!(!message.contains("once more"), "{message}");
    }
}

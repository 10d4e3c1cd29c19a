//! Posts of a feed that are under way side by side.

use std::{sync::Arc, time::Duration};

use mimecast_ttp::ingest::report::{FeedReport, Outcome};

use crate::support::world::{SinkFault, World, at};

/// Four records on each of four days: a batch and a range a day.
const DAYS: [&str; 4] = [
    "2026-02-26T10:00:00Z",
    "2026-02-27T10:00:00Z",
    "2026-02-28T10:00:00Z",
    "2026-03-01T10:00:00Z",
];

/// A world in which up to three posts are under way, the given ones answered last.
fn world(slow_posts: &[u64], faults: [Option<SinkFault>; 3]) -> Arc<World> {
    World::builder()
        .records_at(&DAYS.map(|day| [day; 4]).concat())
        .checkpoint("2026-02-26T00:00:00+0000")
        .max_concurrent_posts(3)
        .slow_posts(slow_posts)
        .post_faults(faults)
        .build()
}

async fn pass(world: &Arc<World>) -> FeedReport {
    world.pass_with(Duration::from_secs(240), 1000).await
}

/// A second pass delivers the rest, and nothing again.
async fn the_next_pass_completes(world: &Arc<World>) {
    let report = pass(world).await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert_eq!(world.sorted_serials(), (0..16).collect::<Vec<_>>());
    assert_eq!(world.watermark(), at("2026-03-02T07:59:45Z"));
}

#[tokio::test]
async fn concurrent_posts_reach_the_sinks_limit_and_never_exceed_it() {
    let world = world(&[1, 2, 3, 4], [None, None, None]);
    let report = pass(&world).await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    let events = world.events();
    let (mut now, mut most) = (0, 0);
    for event in events {
        now += i32::from(event.starts_with("post")) - i32::from(event.starts_with("taken"));
        most = most.max(now);
    }
    assert_eq!(most, 3);
}

#[tokio::test]
async fn a_slow_post_limits_how_far_later_posts_run_ahead() {
    let world = World::builder()
        .records(200)
        .max_concurrent_posts(3)
        .slow_posts(&[1])
        .build();
    let report = pass(&world).await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    let events = world.events();
    let taken = events.iter().position(|event| event == "taken 1").unwrap();
    let before = events[..taken]
        .iter()
        .filter(|event| event.starts_with("taken"))
        .count();
    assert!(
        (3..12).contains(&before),
        "{before} of {} posts",
        report.counts.batches
    );
    assert!(report.counts.batches > 40);
}

#[tokio::test]
async fn the_most_serious_of_several_errors_is_reported() {
    let throttled = SinkFault::Throttle(Duration::from_secs(3600));
    let failed = SinkFault::Fail("status 403");
    let world = world(&[2], [Some(throttled), Some(failed), None]);
    let report = pass(&world).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    assert!(report.message.unwrap().contains("status 403"));
}

#[tokio::test]
async fn the_watermark_does_not_pass_a_failed_post() {
    let world = world(&[1], [Some(SinkFault::Fail("no route")), None, None]);
    let report = pass(&world).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    assert_eq!(world.sorted_serials(), (4..16).collect::<Vec<_>>());
    assert!(world.watermark() < at(DAYS[0]), "{}", world.watermark());
    the_next_pass_completes(&world).await;
}

#[tokio::test]
async fn posts_under_way_when_another_fails_are_remembered() {
    let world = world(&[2, 3], [Some(SinkFault::Fail("no route")), None, None]);
    let report = pass(&world).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    assert_eq!(
        (report.counts.delivered, world.sorted_serials()),
        (8, (4..12).collect::<Vec<_>>())
    );
    assert!(world.watermark() < at(DAYS[0]), "{}", world.watermark());
    the_next_pass_completes(&world).await;
}

#[tokio::test]
async fn a_split_batch_holds_the_watermark_until_both_halves_are_delivered() {
    let world = world(&[4], [Some(SinkFault::TooLarge), None, None]);
    world.break_posts([Some(SinkFault::Fail("no route"))]);
    let report = pass(&world).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    assert!(world.watermark() < at(DAYS[0]), "{}", world.watermark());
    assert_eq!(report.counts.splits, 1);
    the_next_pass_completes(&world).await;
}

#[tokio::test]
async fn rows_taken_after_a_failure_and_never_remembered_are_announced() {
    let world = world(&[2, 3], [Some(SinkFault::Fail("no route")), None, None]);
    // The claim before the first post is saved; what is taken afterwards is not.
    world.lose_races_after(1);
    let report = pass(&world).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    assert_eq!(report.counts.delivered, 8);
    let message = report.message.unwrap();
    assert!(
        message.contains("no route") && message.contains("may be delivered once more"),
        "{message}"
    );
    assert!(
        !message.contains("What was delivered is remembered"),
        "{message}"
    );
}

#[tokio::test]
async fn a_second_sink_gets_a_batch_after_the_delivery_is_saved() {
    let world = World::builder().records(3).second_sink().build();
    let report = world.pass().await;
    assert_eq!(report.counts.copied, 3);
    let events = world.events();
    let at = |event: &str| events.iter().position(|one| one == event).unwrap();
    let copied = at("copy of 3");
    assert!(at("taken 1") < copied);
    assert!(
        events[at("taken 1")..copied].contains(&"save".to_owned()),
        "{events:?}"
    );
}

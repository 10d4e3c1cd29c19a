//! Reading forward, up to now.

use std::time::Duration;

use chrono::TimeDelta;
use mimecast_ttp::ingest::report::Outcome;

use crate::support::world::{SinkFault, SourceFault, World, at};

#[tokio::test]
async fn a_second_pass_delivers_only_new_records() {
    let world = World::builder().records(10).build();
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete);
    assert_eq!(world.serials(), (0..10).collect::<Vec<_>>());
    assert_eq!(world.watermark(), at("2026-03-02T07:59:45Z"));

    world.advance(Duration::from_secs(300));
    world.add(at("2026-03-02T08:01:00Z"), at("2026-03-02T08:01:00Z"));
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.delivered),
        (Outcome::Complete, 1)
    );
    assert_eq!(world.serials(), (0..11).collect::<Vec<_>>());
}

#[tokio::test]
async fn records_of_one_second_are_each_delivered_once_across_pages_batches_and_passes() {
    let world = World::builder()
        .records_at(&["2026-03-02T07:50:00Z"; 20])
        .build();
    world.pass_with(Duration::from_secs(240), 700).await;
    world.add(at("2026-03-02T08:01:00Z"), at("2026-03-02T07:50:00Z"));
    world.advance(Duration::from_secs(300));
    let report = world.pass_with(Duration::from_secs(240), 700).await;
    assert_eq!(report.counts.duplicates, 20);
    assert_eq!(world.serials(), (0..21).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_late_record_within_the_late_arrival_window_is_delivered_by_the_next_pass() {
    let world = World::builder().records(1).build();
    let late = world.add(at("2026-03-02T08:04:00Z"), at("2026-03-02T07:50:01Z"));
    world.pass().await;
    world.advance(Duration::from_secs(300));
    world.pass().await;
    world.advance(Duration::from_secs(300));
    world.pass().await;
    assert_eq!(world.serials(), [0, late]);
}

#[tokio::test]
async fn the_checkpoint_is_saved_after_each_acknowledgement_and_never_before() {
    let world = World::builder().records(30).build();
    let report = world.pass_with(Duration::from_secs(240), 1000).await;
    assert!(report.counts.batches > 3);
    let events = world.events();
    let mut acknowledged = 0;
    let mut saved = 0;
    let claim = events.iter().position(|event| event == "save");
    let first_post = events.iter().position(|event| event == "post 1");
    assert!(
        claim < first_post,
        "the store is proved before the first post"
    );
    for event in events {
        if event.starts_with("taken") {
            assert_eq!(
                saved, acknowledged,
                "a batch was posted before the one before it was saved"
            );
            acknowledged += 1;
        } else if event == "save" && saved < acknowledged {
            saved += 1;
        }
    }
    assert_eq!(saved, report.counts.batches);
}

#[tokio::test]
async fn the_next_page_is_read_while_a_batch_is_posted() {
    let world = World::builder().records(30).build();
    world.pass_with(Duration::from_secs(240), 700).await;
    let events = world.events();
    let between = events
        .windows(2)
        .any(|pair| pair[0].starts_with("post") && pair[1].starts_with("fetch"));
    assert!(between, "{events:?}");
}

#[tokio::test]
async fn a_refused_batch_fails_the_feed_and_the_next_pass_resumes_there() {
    let world = World::builder().records(30).build();
    world.break_posts([None, Some(SinkFault::Fail("403 InvalidAuthorization"))]);
    let report = world.pass_with(Duration::from_secs(240), 1000).await;
    assert_eq!(report.outcome, Outcome::Failed);
    let message = report.message.unwrap();
    assert!(
        message.contains("Delivering url failed: 403 InvalidAuthorization"),
        "{message}"
    );
    world.pass().await;
    assert_eq!(world.serials(), (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn records_read_before_a_failure_are_delivered() {
    let world = World::builder().records(10).build();
    world.break_fetch(3, SourceFault::Fail("status 500"));
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.delivered),
        (Outcome::Failed, 6)
    );
    let message = report.message.unwrap();
    assert!(
        message.contains(
            "Reading url for 2026-03-01T08:00:00Z..2026-03-02T07:59:45Z failed: status 500"
        ),
        "{message}"
    );
    // Whatever order they came in: the range is not read to its end.
    assert_eq!(world.watermark(), at("2026-03-01T08:00:00Z"));
    world.pass().await;
    assert_eq!(world.serials(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refused_page_token_restarts_the_range_without_duplicates() {
    let world = World::builder().records(10).build();
    world.break_fetch(3, SourceFault::RefuseToken);
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.restarts),
        (Outcome::Complete, 1)
    );
    assert_eq!(world.serials(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_token_refused_every_time_fails_the_pass_and_loses_nothing() {
    let world = World::builder().records(10).build();
    for number in 2..20 {
        world.break_fetch(number, SourceFault::RefuseToken);
    }
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.restarts),
        (Outcome::Failed, 3)
    );
    assert!(report.message.unwrap().contains("restarted 3 times"));
    world.heal_fetches();
    world.pass().await;
    assert_eq!(world.serials(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_empty_page_with_a_token_and_a_looping_token_both_end() {
    for looping in [false, true] {
        let world = World::builder()
            .records(5)
            .trailing_token(!looping)
            .looping_token(looping)
            .build();
        let report = world.pass().await;
        assert_eq!(report.outcome, Outcome::Complete);
        assert_eq!(world.serials(), (0..5).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn unordered_records_hold_the_watermark_until_the_range_ends() {
    let world = World::builder().records(30).newest_first().build();
    world.break_fetch(5, SourceFault::Fail("status 500"));
    world.pass_with(Duration::from_secs(240), 1000).await;
    assert!(
        world.watermark() <= at("2026-03-02T07:00:29Z") - TimeDelta::hours(22),
        "{}",
        world.watermark()
    );
    world.pass().await;
    assert_eq!(world.sorted_serials(), (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_oversized_batch_is_halved_until_it_fits() {
    let world = World::builder()
        .records(33)
        .page_size(500)
        .max_rows(5)
        .build();
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete);
    assert!(report.counts.splits > 3);
    assert_eq!(world.serials(), (0..33).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_pass_stops_at_its_budget_and_the_next_resumes() {
    let world = World::builder()
        .records_every(TimeDelta::minutes(1), 60, "2026-03-02T07:00:00Z")
        .page_time(Duration::from_secs(2))
        .build();
    let budget = Duration::from_secs(30);
    let mut delivered = Vec::new();
    let mut watermarks = Vec::new();
    for pass in 0.. {
        let report = world.pass_with(budget, 1_000_000).await;
        delivered.push(report.counts.delivered);
        watermarks.push(world.watermark());
        if report.outcome == Outcome::Complete {
            break;
        }
        assert!(pass < 10, "{:?}", world.serials());
    }
    assert!(
        delivered.iter().filter(|count| **count > 0).count() > 1,
        "{delivered:?}"
    );
    assert!(watermarks.is_sorted(), "{watermarks:?}");
    assert_eq!(world.serials(), (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_large_range_is_read_in_parts_and_the_watermark_follows() {
    let world = World::builder()
        .records_every(TimeDelta::milliseconds(500), 12_000, "2026-03-02T06:00:00Z")
        .page_size(500)
        .build();
    // Long before the end of the day, but behind a part of it.
    let fault = SourceFault::Fail("status 500");
    world.break_fetch(36, fault);
    assert_eq!(world.pass().await.outcome, Outcome::Failed);
    assert!(
        world.watermark() > at("2026-03-02T06:00:00Z"),
        "{}",
        world.watermark()
    );
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    assert_eq!(world.sorted_serials(), (0..12_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn pages_ordered_by_chance_do_not_move_the_watermark_past_unread_records() {
    let world = World::builder().records(9).build();
    // Listed among the first, as if by a source that sorts otherwise.
    let earlier = at("2026-03-02T06:00:00Z");
    world.add_text(
        earlier,
        at("2026-03-02T07:30:00Z"),
        format!(r#"{{"n":9,"date":"{}"}}"#, earlier.to_rfc3339()),
    );
    let fault = SourceFault::Fail("status 500");
    world.break_fetch(3, fault);
    assert_eq!(world.pass().await.outcome, Outcome::Failed);
    assert_eq!(world.watermark(), at("2026-03-01T08:00:00Z"));
    world.pass().await;
    assert_eq!(world.sorted_serials(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_pass_without_progress_fails() {
    let world = World::builder().records(5).build();
    world.break_fetch(1, SourceFault::OutOfTime);
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Failed);
    let message = report.message.unwrap();
    assert!(message.contains("No progress on url"), "{message}");
    assert_eq!(message.matches("What to do:").count(), 1, "{message}");
}

#[tokio::test]
async fn the_checkpoint_is_saved_per_batch_and_not_per_page_or_empty_range() {
    let world = World::builder().records(200).page_size(10).build();
    let mut before = 0;
    let mut saves = || {
        let saves = world
            .events()
            .iter()
            .filter(|event| *event == "save")
            .count();
        saves - std::mem::replace(&mut before, saves)
    };
    // A week in ranges of a day, the last of them in 20 pages: before the batch, behind it, and behind
    // the comparison of counts.
    let report = world.pass().await;
    assert_eq!((report.counts.batches, report.counts.pages), (1, 20));
    assert_eq!(saves(), 3);
    // Nothing is new, and no time has passed.
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    assert_eq!(saves(), 0);
    // Nothing is new, and that is remembered.
    world.advance(Duration::from_secs(300));
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    assert_eq!(saves(), 1);
}

#[tokio::test]
async fn an_empty_page_between_others_is_followed() {
    for says_total in [true, false] {
        let mut builder = World::builder().records(10).empty_pages();
        if !says_total {
            builder = builder.no_totals();
        }
        let world = builder.build();
        let report = world.pass().await;
        assert_eq!(report.outcome, Outcome::Complete, "{report}");
        assert_eq!(world.sorted_serials(), (0..10).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_count_far_above_the_records_costs_few_calls() {
    let world = World::builder()
        .records(10)
        .same_total_everywhere(1_000_000_000)
        .build();
    let report = world.pass().await;
    assert_eq!(world.sorted_serials(), (0..10).collect::<Vec<_>>());
    assert!(report.counts.calls < 1000, "{report}");
}

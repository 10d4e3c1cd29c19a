//! What a rewind reads again, and how a checkpoint remembers it.

use std::time::Duration;

use mimecast_ttp::{
    ingest::{
        report::Outcome,
        state::saved_checkpoint::{RewindError, SavedCheckpoint},
    },
    model::{deadline::Deadline, feed::Feed},
};

use crate::{
    settled::settled,
    support::world::{World, at},
};

async fn rewind(world: &World, to: &str) -> Result<(), RewindError> {
    let deadline = Deadline::after(Duration::ZERO, Duration::from_secs(600));
    let shown = SavedCheckpoint::load(world, Feed::Url, deadline)
        .await
        .unwrap();
    let now = world.now();
    let start = shown.rewound(at(to), now)?;
    shown
        .replace(world, Feed::Url, &start, "operator", deadline)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_rewind_delivers_only_records_not_yet_delivered() {
    let world = settled(World::builder()).await;
    world.advance(Duration::from_secs(300));
    world.pass().await;
    // What the sink lost without a word is not known to be lost; what shows late is delivered.
    let late = world.add_late(at("2026-03-02T03:30:00Z"));
    rewind(&world, "2026-03-02T03:10:00Z").await.unwrap();
    assert_eq!(world.watermark(), at("2026-03-02T03:10:00Z"));
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.delivered),
        (Outcome::Complete, 1),
        "{report}"
    );
    assert!(report.counts.duplicates > 1900);
    assert_eq!(world.sorted_serials(), (0..=late).collect::<Vec<_>>());
    assert!(world.watermark() > at("2026-03-02T08:00:00Z"));
    let text = world.checkpoint().unwrap();
    assert!(
        text.contains(r#""to":"2026-03-02T03:10:00Z","reason":"rewind""#),
        "{text}"
    );
}

#[tokio::test]
async fn a_rewind_over_several_passes_repeats_nothing() {
    let world = settled(World::builder().page_time(Duration::from_secs(20))).await;
    rewind(&world, "2026-03-02T03:00:00Z").await.unwrap();
    let mut passes = 0;
    while world
        .pass_with(Duration::from_secs(40), 1_000_000)
        .await
        .outcome
        != Outcome::Complete
    {
        passes += 1;
        assert!(passes < 20);
    }
    assert!(passes > 1);
    assert_eq!(world.sorted_serials(), (0..2000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_rewind_past_the_ledger_reads_whole_days() {
    let world = settled(World::builder()).await;
    rewind(&world, "2026-02-03T09:00:00Z").await.unwrap();
    let before = world.fetches();
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    let fetches = world.fetches() - before;
    assert!(fetches < 27 + 24 + 10, "{fetches}");
    assert_eq!(world.sorted_serials(), (0..2000).collect::<Vec<_>>());
    let error = rewind(&world, "2026-01-03T09:00:00Z").await.unwrap_err();
    assert!(matches!(error, RewindError::TooFar(_)), "{error}");
}

#[tokio::test]
async fn a_rewind_cannot_move_forward() {
    let world = settled(World::builder()).await;
    let error = rewind(&world, "2026-03-02T08:30:00Z").await.unwrap_err();
    assert!(matches!(error, RewindError::NotBack(_)), "{error}");
    let fresh = World::builder().build();
    let error = rewind(&fresh, "2026-03-02T08:00:00Z").await.unwrap_err();
    assert!(matches!(error, RewindError::NotBack(_)), "{error}");
}

#[tokio::test]
async fn a_feed_without_a_checkpoint_can_be_started_anywhere() {
    let world = World::builder().records(10).build();
    rewind(&world, "2026-03-02T07:00:05Z").await.unwrap();
    world.pass().await;
    assert_eq!(world.serials(), [5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn a_timestamp_in_the_future_can_be_set_back() {
    let world = World::builder().records(10).build();
    world.put_checkpoint("2027-01-01T00:00:00Z");
    assert_eq!(world.pass().await.outcome, Outcome::Failed);
    rewind(&world, "2026-03-02T06:00:00Z").await.unwrap();
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert_eq!(world.serials(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_checkpoint_records_each_move_of_the_watermark() {
    let world = World::builder().records(10).build();
    world.put_checkpoint("2026-03-02T07:00:05+0000");
    world.pass().await;
    let text = world.checkpoint().unwrap();
    for part in [
        r#""from":"2026-03-02T07:00:05Z","to":"2026-03-02T07:00:05Z","reason":"taken_over""#,
        r#""from":"2026-03-02T07:00:05Z","to":"2026-03-02T07:59:45Z","reason":"delivered""#,
    ] {
        assert!(text.contains(part), "{text}");
    }
    for _ in 0..30 {
        world.advance(Duration::from_secs(300));
        world.pass().await;
    }
    let text = world.checkpoint().unwrap();
    assert_eq!(text.matches(r#""reason""#).count(), 20);
}

//! What shows later than the overlap, and what a rewind reads again.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use mimecast_ttp::{
    ingest::{
        report::Outcome,
        state::history::{RewindError, SavedCheckpoint},
    },
    model::{
        deadline::Deadline,
        feed::Feed,
        ledger::Hour,
        store_key::{Folder, StoreKey},
    },
};

use crate::{
    support::world::{SourceFault, World, at},
    world_of,
};

const HOUR: Duration = Duration::from_secs(3600);

fn ledger(world: &World) -> Vec<StoreKey> {
    let prefix = Folder::Ledger(Feed::Url).prefix();
    let places = world.places();
    places
        .into_iter()
        .filter(|place| place.name().starts_with(&prefix))
        .collect()
}

/// A world in which 2000 records were delivered, five hours ago and since.
async fn settled_world(world: World) -> Arc<World> {
    let start = at("2026-03-02T03:00:00Z");
    for number in 0..2000 {
        let time = start + TimeDelta::seconds(number * 8);
        world.add(time, time);
    }
    let world = Arc::new(World {
        page_size: 500,
        ..world
    });
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    assert_eq!(world.serials().len(), 2000);
    world
}

#[tokio::test]
async fn a_record_that_shows_hours_late_is_found_by_count_and_delivered_once() {
    for excludes_to in [false, true] {
        let world = settled_world(World {
            excludes_to,
            ..World::default()
        })
        .await;
        let now = *world.now.lock().unwrap();
        // In the middle, at the seam of two quarters of an hour, and twice in one second.
        for time in [
            "2026-03-02T04:33:21Z",
            "2026-03-02T05:14:59Z",
            "2026-03-02T06:01:01Z",
            "2026-03-02T06:01:01Z",
        ] {
            world.add(now, at(time));
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
async fn counts_are_compared_at_most_hourly_and_by_one_call_when_nothing_is_missing() {
    let world = settled_world(World::default()).await;
    let counts = || world.counts.load(std::sync::atomic::Ordering::SeqCst);
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
async fn the_watermark_stays_where_it_is_while_something_behind_it_is_delivered() {
    let world = settled_world(World::default()).await;
    world.add(*world.now.lock().unwrap(), at("2026-03-02T04:33:21Z"));
    world.advance(HOUR);
    let report = world.pass().await;
    assert_eq!(report.counts.reconciled, 1);
    assert_eq!(world.watermark(), at("2026-03-02T08:59:45Z"));
}

#[tokio::test]
async fn a_lost_or_damaged_ledger_loses_nothing_and_doubles_only_its_own_quarter() {
    for damage in [false, true] {
        let world = settled_world(World::default()).await;
        let hours = ledger(&world);
        assert!(hours.len() >= 4, "{hours:?}");
        for place in hours {
            let mut saved = world.saved.lock().unwrap();
            if damage {
                saved.get_mut(&place).unwrap().0.truncate(40);
            } else {
                saved.remove(&place);
            }
        }
        world.advance(HOUR);
        assert_eq!(world.pass().await.counts.delivered, 0, "counts still agree");
        let late = world.add(*world.now.lock().unwrap(), at("2026-03-02T04:33:21Z"));
        world.advance(HOUR);
        let report = world.pass().await;
        assert_eq!(report.outcome, Outcome::Complete, "{report}");
        let serials = world.serials();
        assert!(serials.contains(&late));
        // A quarter of an hour holds 113 records here.
        assert!(serials.len() <= 2000 + 1 + 113, "{}", serials.len());
        world.advance(HOUR);
        assert_eq!(world.pass().await.counts.delivered, 0, "and only once");
    }
}

#[tokio::test]
async fn two_records_alike_to_the_byte_are_one_and_do_not_make_it_look_again_for_ever() {
    let world = settled_world(World::default()).await;
    let time = at("2026-03-02T04:33:21Z");
    for _ in 0..2 {
        world.add_text(
            *world.now.lock().unwrap(),
            time,
            r#"{"n":5000,"date":"2026-03-02T04:33:21Z"}"#.to_owned(),
        );
    }
    world.advance(HOUR);
    assert_eq!(world.pass().await.counts.reconciled, 1);
    let fetches = || world.fetches.load(std::sync::atomic::Ordering::SeqCst);
    let before = fetches();
    world.advance(HOUR);
    assert_eq!(world.pass().await.counts.delivered, 0);
    assert_eq!(fetches(), before + 1, "nothing behind the overlap is read");
}

#[tokio::test]
async fn without_a_count_nothing_is_compared_and_nothing_breaks() {
    let world = settled_world(World {
        says_total: false,
        ..World::default()
    })
    .await;
    world.advance(HOUR);
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.delivered),
        (Outcome::Complete, 0)
    );
}

#[tokio::test]
async fn a_source_that_says_nothing_of_empty_ranges_is_counted_by_what_it_shows() {
    let world = World {
        silent_when_empty: true,
        ..World::default()
    };
    // Everything lies in one hour, so that most halves are empty.
    for number in 0..2000 {
        let time = at("2026-03-02T05:00:00Z") + TimeDelta::seconds(number * 2);
        world.add(time, time);
    }
    let world = Arc::new(World {
        page_size: 500,
        ..world
    });
    world.pass().await;
    let late = world.add(*world.now.lock().unwrap(), at("2026-03-02T05:20:01Z"));
    world.advance(HOUR);
    assert_eq!(world.pass().await.counts.reconciled, 1);
    assert_eq!(world.sorted_serials(), (0..=late).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_token_refused_while_looking_again_begins_the_quarter_again() {
    let world = settled_world(World::default()).await;
    let world = Arc::new(World {
        page_size: 50,
        records: std::mem::take(&mut *world.records.lock().unwrap()).into(),
        saved: std::mem::take(&mut *world.saved.lock().unwrap()).into(),
        ..World::default()
    });
    world.add(*world.now.lock().unwrap(), at("2026-03-02T04:33:21Z"));
    world.advance(HOUR);
    // The pass reads the overlap in one call, then the quarter in three.
    world
        .source_faults
        .lock()
        .unwrap()
        .insert(3, SourceFault::RefuseToken);
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
async fn records_listed_some_minutes_from_their_own_time_are_delivered_once() {
    let world = Arc::new(World::default());
    for number in 0..20 {
        let listed = *world.now.lock().unwrap() - TimeDelta::seconds(30);
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
async fn more_displaced_records_than_one_range_ends_are_delivered_once() {
    let world = Arc::new(World {
        page_size: 500,
        ..World::default()
    });
    let mut number = 0;
    for _ in 0..5 {
        let listed = *world.now.lock().unwrap() - TimeDelta::seconds(30);
        for _ in 0..3000 {
            world.add_text(listed, listed, format!(r#"{{"n":{number},"date":"soon"}}"#));
            number += 1;
        }
        world.pass().await;
        world.advance(Duration::from_secs(300));
    }
    assert_eq!(world.sorted_serials(), (0..number).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_comparison_that_fails_is_a_failure_and_is_made_again() {
    let world = settled_world(World::default()).await;
    let late = world.add(*world.now.lock().unwrap(), at("2026-03-02T04:33:21Z"));
    world.advance(HOUR);
    let next = world.fetches.load(std::sync::atomic::Ordering::SeqCst) + 2;
    world
        .source_faults
        .lock()
        .unwrap()
        .insert(next, SourceFault::Fail("status 500"));
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

#[tokio::test]
async fn the_ledger_is_kept_for_as_long_as_counts_are_compared_and_no_longer() {
    let world = settled_world(World::default()).await;
    let kept = |hour: &str| {
        let hour = Hour::from_text(hour).unwrap();
        ledger(&world).contains(&StoreKey::Ledger(Feed::Url, hour))
    };
    assert!(kept("2026-03-02T03") && kept("2026-03-02T06"));
    for _ in 0..22 {
        world.advance(HOUR);
        world.pass().await;
    }
    assert!(!kept("2026-03-02T04") && kept("2026-03-02T06"));
    for _ in 0..4 {
        world.advance(HOUR);
        world.pass().await;
    }
    assert!(ledger(&world).is_empty(), "{:?}", ledger(&world));
}

async fn rewind(world: &World, to: &str) -> Result<(), RewindError> {
    let deadline = Deadline::after(Duration::ZERO, Duration::from_secs(600));
    let shown = SavedCheckpoint::load(world, Feed::Url, deadline)
        .await
        .unwrap();
    let now = *world.now.lock().unwrap();
    let (_, checkpoint) = shown.rewound(at(to), now)?;
    shown
        .replace(world, Feed::Url, &checkpoint, "operator", deadline)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_rewind_reads_again_and_delivers_only_what_was_lost() {
    let world = settled_world(World::default()).await;
    world.advance(Duration::from_secs(300));
    world.pass().await;
    // What the sink lost without a word is not known to be lost; what shows late is delivered.
    let late = world.add(*world.now.lock().unwrap(), at("2026-03-02T03:30:00Z"));
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
async fn a_rewind_that_takes_several_passes_doubles_nothing() {
    let world = settled_world(World {
        page_time: Duration::from_secs(20),
        ..World::default()
    })
    .await;
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
async fn a_rewind_past_the_ledger_reads_that_part_in_whole_days() {
    let world = settled_world(World::default()).await;
    rewind(&world, "2026-02-03T09:00:00Z").await.unwrap();
    let before = world.fetches.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    let fetches = world.fetches.load(std::sync::atomic::Ordering::SeqCst) - before;
    assert!(fetches < 27 + 24 + 10, "{fetches}");
    assert_eq!(world.sorted_serials(), (0..2000).collect::<Vec<_>>());
    let error = rewind(&world, "2026-01-03T09:00:00Z").await.unwrap_err();
    assert!(matches!(error, RewindError::TooFar(_)), "{error}");
}

#[tokio::test]
async fn what_goes_into_the_ledger_leaves_the_checkpoint_with_the_next_save() {
    let world = Arc::new(World {
        page_size: 500,
        ..World::default()
    });
    world.pass().await;
    let time = at("2026-03-02T08:01:00Z");
    for _ in 0..3000 {
        world.add(time, time);
    }
    for _ in 0..9 {
        world.advance(Duration::from_secs(300));
        world.pass().await;
    }
    let size = world.checkpoint().unwrap().len();
    assert!(size < 10_000, "{size} bytes");
}

#[tokio::test]
async fn a_lost_ledger_is_found_out_before_a_rewind() {
    let world = settled_world(World::default()).await;
    let deadline = Deadline::after(Duration::ZERO, Duration::from_secs(600));
    let shown = SavedCheckpoint::load(&*world, Feed::Url, deadline)
        .await
        .unwrap();
    let from = at("2026-03-02T00:00:00Z");
    let lost = shown.lost_hours(&*world, Feed::Url, from, deadline);
    assert_eq!(lost.await.unwrap(), []);
    let hour = Hour::from_text("2026-03-02T04").unwrap();
    world
        .saved
        .lock()
        .unwrap()
        .remove(&StoreKey::Ledger(Feed::Url, hour));
    let lost = shown.lost_hours(&*world, Feed::Url, from, deadline);
    assert_eq!(lost.await.unwrap(), [hour]);
}

#[tokio::test]
async fn a_checkpoint_that_was_lost_doubles_nothing_that_the_ledger_knows() {
    for text in [None, Some(""), Some("2026-03-02T03:00:00+0000")] {
        let world = settled_world(World::default()).await;
        match text {
            Some(text) => world.put_checkpoint(text),
            None => {
                world
                    .saved
                    .lock()
                    .unwrap()
                    .remove(&StoreKey::Checkpoint(Feed::Url));
            }
        }
        let late = world.add(*world.now.lock().unwrap(), at("2026-03-02T04:33:21Z"));
        world.advance(Duration::from_secs(300));
        let report = world.pass().await;
        assert_eq!(
            (report.outcome, report.counts.delivered),
            (Outcome::Complete, 1),
            "{text:?}: {report}"
        );
        assert_eq!(world.sorted_serials(), (0..=late).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_rewind_goes_back_only() {
    let world = settled_world(World::default()).await;
    let error = rewind(&world, "2026-03-02T08:30:00Z").await.unwrap_err();
    assert!(matches!(error, RewindError::NotBack(_)), "{error}");
    let fresh = World::default();
    let error = rewind(&fresh, "2026-03-02T03:00:00Z").await.unwrap_err();
    assert!(matches!(error, RewindError::NoCheckpoint), "{error}");
}

#[tokio::test]
async fn a_checkpoint_says_how_the_watermark_came_where_it_is() {
    let world = Arc::new(world_of(10));
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

#[tokio::test]
async fn a_source_that_leaves_out_the_second_to_does_not_make_it_look_again_for_ever() {
    let world = World {
        excludes_to: true,
        page_size: 500,
        ..World::default()
    };
    // One in nine seconds: the last second of each quarter of an hour holds one.
    let start = at("2026-03-01T08:00:00Z");
    for number in 0..12_000 {
        let time = start + TimeDelta::seconds(number * 9 + 8);
        world.add(time, time);
    }
    let world = Arc::new(world);
    world.pass().await;
    let calls = |world: &World| {
        [&world.fetches, &world.counts].map(|count| count.load(std::sync::atomic::Ordering::SeqCst))
    };
    for _ in 0..4 {
        let before = calls(&world);
        world.advance(HOUR);
        assert_eq!(world.pass().await.outcome, Outcome::Complete);
        let [fetches, counts] = calls(&world);
        // An hour holds 400 records: a page or two of what is new, and nothing behind it.
        assert!(fetches - before[0] <= 2 && counts - before[1] <= 9);
    }
}

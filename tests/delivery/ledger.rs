//! What the ledger remembers, and what is lost with it.

use std::time::Duration;

use mimecast_ttp::{
    ingest::{report::Outcome, state::saved_checkpoint::SavedCheckpoint},
    model::{
        deadline::Deadline,
        feed::Feed,
        ledger::Hour,
        store_key::{Folder, StoreKey},
    },
};

use crate::{
    settled::{HOUR, settled},
    support::world::{World, at},
};

/// The hours of the ledger.
fn ledger(world: &World) -> Vec<StoreKey> {
    let prefix = Folder::Ledger(Feed::Url).prefix();
    let mut places = world.places();
    places.retain(|place| place.name().starts_with(&prefix));
    places
}

#[tokio::test]
async fn a_lost_or_damaged_ledger_loses_nothing_and_repeats_at_most_one_quarter() {
    for damage in [false, true] {
        let world = settled(World::builder()).await;
        let hours = ledger(&world);
        assert!(hours.len() >= 4, "{hours:?}");
        for place in hours {
            if damage {
                world.damage(place);
            } else {
                world.lose(place);
            }
        }
        world.advance(HOUR);
        assert_eq!(world.pass().await.counts.delivered, 0, "counts still agree");
        let late = world.add_late(at("2026-03-02T04:33:21Z"));
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
async fn the_ledger_is_kept_a_day_longer_than_counts_are_compared() {
    let world = settled(World::builder()).await;
    let kept = |hour: &str| {
        let hour = Hour::from_text(hour).unwrap();
        ledger(&world).contains(&StoreKey::Ledger(Feed::Url, hour))
    };
    assert!(kept("2026-03-02T03") && kept("2026-03-02T06"));
    for _ in 0..46 {
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

#[tokio::test]
async fn entries_moved_to_the_ledger_leave_the_checkpoint() {
    let world = World::builder().page_size(500).build();
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
async fn a_lost_ledger_is_detected_before_a_rewind() {
    let world = settled(World::builder()).await;
    let deadline = Deadline::after(Duration::ZERO, Duration::from_secs(600));
    let shown = SavedCheckpoint::load(&*world, Feed::Url, deadline)
        .await
        .unwrap();
    let from = at("2026-03-02T00:00:00Z");
    let lost = shown.lost_hours(&*world, Feed::Url, from, deadline);
    assert_eq!(lost.await.unwrap(), []);
    let hour = Hour::from_text("2026-03-02T04").unwrap();
    world.lose(StoreKey::Ledger(Feed::Url, hour));
    let lost = shown.lost_hours(&*world, Feed::Url, from, deadline);
    assert_eq!(lost.await.unwrap(), [hour]);
}

/// Reading the look-back again would deliver what only the checkpoint knew once more, and all that lies before
/// the ledger.
#[tokio::test]
async fn a_checkpoint_that_is_lost_beside_its_ledger_stops_the_feed_and_says_what_to_do() {
    for text in [None, Some("")] {
        let world = settled(World::builder()).await;
        match text {
            Some(text) => world.put_checkpoint(text),
            None => world.lose(StoreKey::Checkpoint(Feed::Url)),
        }
        let (before, fetches) = (world.sorted_serials(), world.fetches());
        let report = world.pass().await;
        assert_eq!(report.outcome, Outcome::Failed, "{report}");
        let message = report.message.unwrap();
        for part in [
            "lost or deleted",
            "deliveries up to 2026-03-02T",
            "checkpoint rewind",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!((world.sorted_serials(), world.fetches()), (before, fetches));
        assert_eq!(world.checkpoint().as_deref(), text);
    }
}

#[tokio::test]
async fn a_plain_time_beside_a_ledger_repeats_nothing_that_it_holds() {
    let world = settled(World::builder()).await;
    world.put_checkpoint("2026-03-02T03:00:00+0000");
    let late = world.add_late(at("2026-03-02T04:33:21Z"));
    world.advance(Duration::from_secs(300));
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.delivered),
        (Outcome::Complete, 1),
        "{report}"
    );
    assert_eq!(world.sorted_serials(), (0..=late).collect::<Vec<_>>());
}

//! Killed without notice, at every point that matters.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::future::join_all;
use mimecast_ttp::model::feed::Feed;
use rand::{RngExt, rngs::StdRng};

use crate::{
    bench::{Way, World},
    halts::{Call, Halt, Stage},
    history::{End, Found, History},
    random,
    records::Records,
    support::{azurite::Azurite, world::at},
};

const BEGIN: &str = "2026-03-02T08:00:00Z";

/// New records of each feed before each kill: two pages, and some batches.
const COUNT: usize = 120;

/// Most at once, some within the late-arrival window of a minute, some later than that.
fn lateness(random: &mut StdRng) -> TimeDelta {
    TimeDelta::seconds(match random.random_range(0..100) {
        0..75 => 0,
        75..90 => random.random_range(1..55),
        90..95 => random.random_range(120..600),
        _ => random.random_range(600..7200),
    })
}

/// A place to die.
#[derive(Debug, Clone, Copy)]
struct Kill {
    call: Call,
    stage: Stage,
}

/// Every kill of a feed, in order.
fn kills() -> Vec<Kill> {
    let of_each = |call: Call| {
        let stages = call.stages().iter();
        stages.map(move |stage| Kill {
            call,
            stage: *stage,
        })
    };
    Call::ALL.into_iter().flat_map(of_each).collect()
}

impl Kill {
    /// How long after the one before: counts are compared at most hourly.
    fn hop(self) -> TimeDelta {
        TimeDelta::minutes(if self.call.compares() { 61 } else { 5 })
    }

    /// So that a feed comes to a halt there for good.
    fn of(self, feed: Feed) -> Halt {
        Halt {
            feeds: vec![feed],
            call: self.call,
            fault: self.stage.for_good(),
        }
    }
}

/// A backlog, and new records between any two kills.
fn records(random: &mut StdRng, kills: &[Kill]) -> Records {
    let mut records = Records::default();
    let mut from = at(BEGIN);
    let backlog = (from - TimeDelta::hours(2), from);
    records.add(random, Feed::Url, 2600, backlog, lateness);
    records.add(random, Feed::Attachment, 500, backlog, lateness);
    records.add(random, Feed::Impersonation, 250, backlog, lateness);
    for kill in kills {
        // All that show at once have settled when the next process is started.
        let to = from + kill.hop();
        for feed in Feed::ALL {
            let span = (from, to - TimeDelta::minutes(1));
            records.add(random, feed, COUNT, span, lateness);
        }
        from = to;
    }
    records
}

/// The history of a world in which the same feed halts again and again.
async fn killed_again_and_again(azurite: &Azurite, feed: Feed) -> (History, Found) {
    let kills = kills();
    let records = records(&mut random(), &kills);
    let world = World::start(azurite, &format!("kills-{feed}"), records, at(BEGIN)).await;
    let mut history = History::of(world);
    let mut now = at(BEGIN);
    for (number, kill) in kills.into_iter().enumerate() {
        now += kill.hop();
        history.world.clock.set(now).unwrap();
        history.killed(Way::of(number), kill.of(feed)).await;
        // A pass now and then comes to its end.
        if number % 3 == 2 {
            assert_eq!(history.lived(Way::of(number + 1)).await, End::Complete);
        }
    }
    // Everything shows by now.
    let all_shown = now + TimeDelta::minutes(150);
    history.world.clock.set(all_shown).unwrap();
    let found = history.completed().await;
    (history, found)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_at_any_point_loses_no_record_and_repeats_only_the_batch_under_way() {
    let azurite = Azurite::start();
    let worlds = Feed::ALL.map(|feed| killed_again_and_again(&azurite, feed));
    let mut by_call: BTreeMap<String, usize> = BTreeMap::new();
    for (history, found) in join_all(worlds).await {
        for life in &history.lives {
            if let End::Killed(call) = life.end {
                *by_call.entry(format!("{call:?}")).or_default() += 1;
            }
        }
        let lives = history.lives.iter();
        let posts: usize = lives.map(|life| life.workspace.posts.count()).sum();
        println!(
            "{posts} posts for {} records; {} copies from {} batches under way; {} found by count",
            history.world.records.count(),
            found.copies,
            found.causes,
            found.by_count
        );
        assert!(
            found.by_count > 0,
            "no record showed later than the late-arrival window"
        );
    }
    let killed: usize = by_call.values().sum();
    println!("{killed} kills: {by_call:?}");
    assert_eq!(killed, 3 * kills().len(), "{by_call:?}");
    assert!(killed >= 100, "only {killed} kills");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_save_that_outlives_its_process_stops_the_next_run_and_no_other() {
    let azurite = Azurite::start();
    for (number, call) in [Call::Claim, Call::Save].into_iter().enumerate() {
        let kill = Kill {
            call: Call::Page,
            stage: Stage::Served,
        };
        let records = records(&mut random(), &[kill, kill]);
        let container = format!("outlived-{number}");
        let world = World::start(&azurite, &container, records, at(BEGIN)).await;
        let mut history = History::of(world);
        history.world.clock.set(at(BEGIN) + kill.hop()).unwrap();
        assert_eq!(history.lived(Way::Person).await, End::Complete);
        history.world.clock.set(at(BEGIN) + kill.hop() * 2).unwrap();

        let held = |call, stage: Stage| Halt {
            feeds: Feed::ALL.to_vec(),
            call,
            fault: stage.for_now(),
        };
        let halt = held(call, Stage::Asked);
        let dead = history.killed_but_not_drained(Way::Host, halt).await;
        let halt = held(Call::Page, Stage::Served);
        let mut next = history.world.spawn(Way::Person, Some(halt)).await;
        // It has read the checkpoint, and now it is written behind its back.
        next.halted().await;
        dead.release();
        dead.drained().await;
        next.services.release();
        assert_eq!(history.ended(next).await, End::Stopped);
        let all_shown = history.world.clock.now() + TimeDelta::minutes(150);
        history.world.clock.set(all_shown).unwrap();
        let found = history.completed().await;
        // What it posted is remembered all the same.
        assert_eq!(found.copies, 0, "{call:?}");
    }
}

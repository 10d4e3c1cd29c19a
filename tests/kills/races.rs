//! Two processes on one storage account.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::model::feed::Feed;

use crate::{
    bench::{Process, Way, World},
    halts::{Call, Halt, Stage},
    random,
    records::{Fingerprints, Records},
    support::{azurite::Azurite, world::at},
};

const BEGIN: &str = "2026-03-02T08:00:00Z";

/// New records for each round of a world.
const ROUND: TimeDelta = TimeDelta::minutes(30);

/// For each round and feed.
const COUNT: usize = 150;

async fn world(azurite: &Azurite, container: &str) -> World {
    let mut records = Records::default();
    let mut random = random();
    for round in 0..2 {
        let from = at(BEGIN) + ROUND * round;
        for feed in Feed::ALL {
            // All have settled when the round begins.
            let span = (from, from + ROUND - TimeDelta::minutes(1));
            records.add(&mut random, feed, COUNT, span, |_| TimeDelta::zero());
        }
    }
    World::start(azurite, container, records, at(BEGIN)).await
}

/// What two processes did with a feed in a round.
#[derive(Debug, Default)]
struct Outcome {
    /// Which of the two stopped.
    losers: Vec<usize>,
    copies: usize,
}

/// Whether a process stopped for the other one's sake. It must have said so, or have done all.
fn lost(process: &Process, feed: Feed) -> bool {
    let report = process.report(feed);
    let report = report.unwrap_or_else(|| panic!("{feed}: {}", process.output()));
    if report.starts_with(&format!("{feed}: complete;")) {
        return false;
    }
    let clear = report.starts_with(&format!("{feed}: stopped, another run is at work;"))
        && report.contains("Another run has saved the checkpoint http")
        && report.contains("it goes on, this one stopped.");
    assert!(clear, "{report}");
    true
}

/// Checks that the round's records of a feed arrived, and that what arrived twice was one batch which
/// the loser had under way.
fn check(world: &World, feed: Feed, round: i32, processes: &[Process; 2]) -> Outcome {
    let losers: Vec<_> = (0..2)
        .filter(|index| lost(&processes[*index], feed))
        .collect();
    assert!(losers.len() < 2, "{feed}: nobody went on");

    let mut fingerprints = Fingerprints::default();
    let posts = processes.each_ref().map(|process| {
        let posts = process.posts().of(feed);
        let mut serial = |row: &String| {
            let (serial, fingerprint) = world.records.recognise(feed, row);
            fingerprints.check(feed, serial, fingerprint);
            serial
        };
        let serials = posts
            .iter()
            .map(|post| post.iter().map(&mut serial).collect());
        serials.collect::<Vec<Vec<_>>>()
    });
    let rows = posts.each_ref().map(|posts| {
        let set: BTreeSet<_> = posts.iter().flatten().copied().collect();
        let count = posts.iter().map(Vec::len).sum::<usize>();
        assert_eq!(set.len(), count, "{feed}: one process posted a row twice");
        set
    });
    let first = usize::try_from(round).unwrap() * COUNT;
    let all: BTreeSet<_> = &rows[0] | &rows[1];
    assert_eq!(all, (first..first + COUNT).collect(), "{feed}");

    let both = &rows[0] & &rows[1];
    if !both.is_empty() {
        let [loser] = losers[..] else {
            panic!("{feed}: two processes delivered the same and neither stopped");
        };
        let under_way: BTreeSet<_> = posts[loser].last().unwrap().iter().copied().collect();
        assert!(both.is_subset(&under_way), "{feed}: {both:?}");
        let once = |posts: &Vec<Vec<usize>>| {
            let touched = posts
                .iter()
                .filter(|post| post.iter().any(|serial| both.contains(serial)));
            touched.count() == 1
        };
        assert!(
            posts.iter().all(once),
            "{feed}: more than one batch came twice"
        );
    }
    Outcome {
        losers,
        copies: both.len(),
    }
}

async fn watermarks(world: &World) -> [Option<DateTime<Utc>>; 3] {
    let mut watermarks = [None; 3];
    for feed in Feed::ALL {
        watermarks[feed as usize] = world.saved(feed).await.map(|saved| saved.watermark);
    }
    watermarks
}

/// One more pass, which finds nothing to do.
async fn nothing_is_left(world: &mut World) {
    let mut last = world.spawn(Way::Person, None).await;
    assert!(last.ended().await, "{}", last.output());
    assert_eq!(last.posts().count(), 0, "{}", last.output());
}

/// All feeds of a process are held there.
fn held(call: Call, stage: Stage) -> Halt {
    Halt {
        feeds: Feed::ALL.to_vec(),
        call,
        fault: stage.for_now(),
    }
}

/// Two rounds of a pair of processes, without a checkpoint and with one. `play` lets them work; the
/// outcome of each feed is given to `outcome`.
async fn rounds(
    mut world: World,
    halts: [Option<Halt>; 2],
    play: impl AsyncFn(&mut Process, &mut Process),
    outcome: impl Fn(Feed, &[Process; 2], &Outcome),
) {
    for round in 0..2 {
        world.clock.set(at(BEGIN) + ROUND * (round + 1)).unwrap();
        let before = watermarks(&world).await;
        let [one, other] = halts.clone();
        let ways = [Way::Host, Way::Person];
        let mut first = world.spawn(ways[usize::from(round == 0)], one).await;
        first.halted().await;
        let mut second = world.spawn(ways[usize::from(round == 1)], other).await;
        play(&mut first, &mut second).await;
        let processes = [first, second];
        for feed in Feed::ALL {
            outcome(feed, &processes, &check(&world, feed, round, &processes));
        }
        let after = watermarks(&world).await;
        for (before, after) in before.into_iter().zip(after) {
            assert!(before < after, "{before:?} and then {after:?}");
        }
        nothing_is_left(&mut world).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_runs_that_read_the_same_checkpoint_one_stops_before_it_posts() {
    let azurite = Azurite::start();
    let halt = || Some(held(Call::Page, Stage::Served));
    let play = async |first: &mut Process, second: &mut Process| {
        second.halted().await;
        first.services.release();
        second.services.release();
        let well = tokio::join!(first.ended(), second.ended());
        assert_eq!(well, (true, true), "{}{}", first.output(), second.output());
    };
    let outcome = |feed: Feed, processes: &[Process; 2], outcome: &Outcome| {
        let [loser] = outcome.losers[..] else {
            panic!("{feed}: both went on from the same checkpoint");
        };
        assert_eq!(processes[loser].posts().of(feed).len(), 0, "{feed}");
    };
    // There is not even a container.
    let world = world(&azurite, "alike").await;
    rounds(world, [halt(), halt()], play, outcome).await;
}

/// How many batches of a run that was overtaken come twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copied {
    No,
    Batch,
    /// It may begin one more post, but no later than two seconds behind its last save.
    BatchIfQuick,
}

/// Where the first of two runs is overtaken.
const OVERTAKEN: [(Call, Stage, Copied); 8] = [
    (Call::Page, Stage::Served, Copied::No),
    (Call::Claim, Stage::Asked, Copied::No),
    (Call::Claim, Stage::Served, Copied::BatchIfQuick),
    (Call::Post, Stage::Asked, Copied::Batch),
    (Call::Post, Stage::Served, Copied::Batch),
    (Call::Save, Stage::Asked, Copied::Batch),
    (Call::Save, Stage::Served, Copied::BatchIfQuick),
    (Call::SecondSave, Stage::Asked, Copied::Batch),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_is_overtaken_stops_and_repeats_only_the_batch_under_way() {
    let azurite = Azurite::start();
    let play = async |first: &mut Process, second: &mut Process| {
        let well = second.ended().await;
        first.services.release();
        assert!(well, "{}", second.output());
        assert!(first.ended().await, "{}", first.output());
    };
    for (number, (call, stage, copied)) in OVERTAKEN.into_iter().enumerate() {
        let world = world(&azurite, &format!("overtaken-{number}")).await;
        world.make_container().await;
        let outcome = |feed: Feed, processes: &[Process; 2], outcome: &Outcome| {
            assert_eq!(outcome.losers, [0], "{feed}, {call:?}, {stage:?}");
            let batch = processes[0].posts().of(feed).last().map_or(0, Vec::len);
            let expected = match copied {
                Copied::No => outcome.copies == 0,
                Copied::Batch => outcome.copies == batch && batch > 0,
                Copied::BatchIfQuick => outcome.copies == batch || outcome.copies == 0,
            };
            let copies = outcome.copies;
            assert!(expected, "{feed}, {call:?}, {stage:?}: {copies} copies");
        };
        let halts = [Some(held(call, stage)), None];
        rounds(world, halts, play, outcome).await;
    }
}

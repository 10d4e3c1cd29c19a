//! Two processes on one storage account.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::model::feed::Feed;
use rand::{RngExt, rngs::StdRng};

use crate::{
    bench::{Process, Storage, Way, World},
    random,
    records::{Fingerprints, Records},
    sightings::{Gate, Step},
    support::world::at,
};

const BEGIN: &str = "2026-03-02T08:00:00Z";

/// New records for each round of a world.
const ROUND: TimeDelta = TimeDelta::minutes(30);

/// For each round and feed.
const COUNT: usize = 150;

async fn world(storage: &Storage, container: &str, rounds: i32, random: &mut StdRng) -> World {
    let mut records = Records::default();
    for round in 0..rounds {
        let from = at(BEGIN) + ROUND * round;
        for feed in Feed::ALL {
            // All have settled when the round begins.
            let to = from + ROUND - TimeDelta::minutes(1);
            records.add(random, feed, COUNT, (from, to), |_| TimeDelta::zero());
        }
    }
    // Between reading a checkpoint and saving it first lies a page: time for the other one to read
    // the same.
    let page_time = Duration::from_millis(50);
    World::start(storage, container, records, at(BEGIN), page_time).await
}

fn way(random: &mut StdRng) -> Way {
    if random.random_bool(0.5) {
        Way::Host
    } else {
        Way::Person
    }
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

async fn watermarks(world: &World) -> [DateTime<Utc>; 3] {
    let mut watermarks = [DateTime::UNIX_EPOCH; 3];
    for feed in Feed::ALL {
        watermarks[feed as usize] = world.saved(feed).await.unwrap().watermark;
    }
    watermarks
}

/// One more pass, which finds nothing to do.
async fn nothing_is_left(world: &mut World) {
    let mut last = world.spawn(Way::Person, Duration::ZERO, None).await;
    assert!(last.ended().await, "{}", last.output());
    assert_eq!(last.posts().count(), 0, "{}", last.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_processes_at_once_one_goes_on_and_one_stops_with_a_clear_line() {
    let mut random = random("races");
    let storage = Storage::start();
    let (mut stopped, mut copies, mut alike) = (0, 0, 0);
    for pair in 0..6 {
        // In the first round of each there is neither a container nor a checkpoint.
        let container = format!("races-{pair}");
        let mut world = world(&storage, &container, 2, &mut random).await;
        for round in 0..2 {
            world.clock.set(at(BEGIN) + ROUND * (round + 1)).unwrap();
            let before = match round {
                0 => [DateTime::UNIX_EPOCH; 3],
                _ => watermarks(&world).await,
            };
            // Slow answers, so that neither is done before the other begins; slower than a page where
            // the second is to come between a post and the saving behind it.
            let milliseconds = if round == 0 { 20..60 } else { 80..200 };
            let latency = Duration::from_millis(random.random_range(milliseconds));
            let mut first = world.spawn(way(&mut random), latency, None).await;
            if round == 1 && random.random_bool(0.8) {
                let head_start = Duration::from_millis(random.random_range(0..350));
                tokio::time::sleep(head_start).await;
            }
            let mut second = world.spawn(way(&mut random), latency, None).await;
            let well = tokio::join!(first.ended(), second.ended());
            let processes = [first, second];
            let outputs = processes.each_ref().map(Process::output);
            assert_eq!(well, (true, true), "{outputs:?}");
            for feed in Feed::ALL {
                let outcome = check(&world, feed, round, &processes);
                if round == 0 && storage.sightings.absent(&container, feed) == 2 {
                    // Both read the same nothing: the loser must not have posted.
                    let [loser] = outcome.losers[..] else {
                        panic!("{feed}: both went on from the same checkpoint");
                    };
                    assert_eq!(processes[loser].posts().of(feed).len(), 0, "{feed}");
                    alike += 1;
                }
                stopped += outcome.losers.len();
                copies += outcome.copies;
            }
            for (before, after) in before.into_iter().zip(watermarks(&world).await) {
                assert!(before < after, "{before} and then {after}");
            }
            nothing_is_left(&mut world).await;
        }
    }
    println!(
        "12 rounds of two processes: {stopped} feeds stopped, {alike} of them before their first post \
         because both had read the same, {copies} copies"
    );
    assert!(stopped > 0, "the two never met");
    assert!(alike > 0, "the two never read the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_post_begun_before_another_run_claimed_the_checkpoint_is_all_that_comes_twice() {
    let mut random = random("claims");
    let storage = Storage::start();
    let mut world = world(&storage, "claims", 1, &mut random).await;
    world.clock.set(at(BEGIN) + ROUND).unwrap();

    // The first has all three posts stored but not answered while the second does everything.
    let gate = Gate::default();
    let mut slow = world
        .spawn(Way::Person, Duration::ZERO, Some(gate.clone()))
        .await;
    world.sightings.until(Step::Post, 3).await;
    let mut quick = world.spawn(Way::Person, Duration::ZERO, None).await;
    let well = quick.ended().await;
    gate.open();
    assert!(well, "{}", quick.output());
    assert!(slow.ended().await, "{}", slow.output());

    let processes = [slow, quick];
    for feed in Feed::ALL {
        let outcome = check(&world, feed, 0, &processes);
        assert_eq!(outcome.losers, [0], "{feed}");
        let posts = processes[0].posts().of(feed);
        assert_eq!(posts.len(), 1, "{feed}");
        assert_eq!(outcome.copies, posts[0].len(), "{feed}");
    }
    nothing_is_left(&mut world).await;
}

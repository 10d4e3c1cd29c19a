//! Killed without notice, again and again.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::model::feed::Feed;
use rand::{RngExt, rngs::StdRng};

use crate::{
    bench::{Process, Storage, Way, Workspace, World},
    random,
    records::{Fingerprints, Records},
    sightings::Step,
    support::world::at,
};

/// At least so many processes must have been killed in the middle of their work.
const WANTED: usize = 50;

/// No more are killed than these.
const ENOUGH: usize = 120;

/// Records up to here are there from the beginning.
const BEGIN: &str = "2026-03-02T08:00:00Z";

/// The last record happens here.
const END: &str = "2026-03-02T20:00:00Z";

/// Everything shows by now.
const ALL_SHOWN: &str = "2026-03-02T22:30:00Z";

/// Most at once, some within the overlap of a minute, some later than that.
fn lateness(random: &mut StdRng) -> TimeDelta {
    TimeDelta::seconds(match random.random_range(0..100) {
        0..75 => 0,
        75..90 => random.random_range(1..55),
        90..95 => random.random_range(120..600),
        _ => random.random_range(600..7200),
    })
}

fn records(random: &mut StdRng) -> Records {
    let backlog = (at(BEGIN) - TimeDelta::hours(2), at(BEGIN));
    let stream = (at(BEGIN), at(END));
    let mut records = Records::default();
    for (feed, before, after) in [
        (Feed::Url, 2600, 24000),
        (Feed::Attachment, 500, 12000),
        (Feed::Impersonation, 250, 8000),
    ] {
        records.add(random, feed, before, backlog, lateness);
        records.add(random, feed, after, stream, lateness);
    }
    records
}

/// When to kill.
enum Moment {
    /// So long after the start.
    Time(Duration),
    /// So long after so many steps of a kind.
    Steps(Step, usize, Duration),
}

impl Moment {
    fn draw(random: &mut StdRng) -> Self {
        let soon = Duration::from_micros(random.random_range(0..5000));
        let few = if random.random_bool(0.75) { 5 } else { 40 };
        match random.random_range(0..100) {
            0..8 => Self::Time(Duration::from_millis(random.random_range(0..150))),
            8..50 => Self::Steps(Step::Post, random.random_range(1..=few), soon),
            50..80 => Self::Steps(Step::Save, random.random_range(1..=few), soon),
            _ => Self::Steps(Step::Ledger, random.random_range(1..=6), soon),
        }
    }

    async fn come(self, world: &World, before: [usize; 3]) {
        let pause = match self {
            Self::Time(pause) => pause,
            Self::Steps(step, count, pause) => {
                let count = before[step as usize] + count;
                world.sightings.until(step, count).await;
                pause
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// What became of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Killed in the middle of its work: behind its first post or save, before the end of its pass.
    Killed,
    /// Killed before or behind that.
    KilledIdle,
    /// It did all there was to do.
    Complete,
    /// It stopped because a predecessor's last write came after its own beginning.
    Stopped,
}

/// A process that is over.
struct Life {
    end: End,
    /// Behind which step it was to be killed.
    step: Option<Step>,
    workspace: Workspace,
    /// Where each feed began to read. What is older can only be found by count.
    read_from: [Option<DateTime<Utc>>; 3],
}

/// A world with its history.
struct History {
    world: World,
    lives: Vec<Life>,
    watermarks: [Option<DateTime<Utc>>; 3],
    read_from: [Option<DateTime<Utc>>; 3],
}

impl History {
    fn steps(&self) -> [usize; 3] {
        [Step::Post, Step::Save, Step::Ledger].map(|step| self.world.sightings.count(step))
    }

    /// Lets a process live until the moment comes or its work is done.
    async fn live(&mut self, way: Way, latency: Duration, moment: Option<Moment>) -> End {
        let before = self.steps();
        let step = match moment {
            Some(Moment::Steps(step, ..)) => Some(step),
            _ => None,
        };
        let mut process = self.world.spawn(way, latency, None).await;
        let killed = async {
            match moment {
                Some(moment) => moment.come(&self.world, before).await,
                None => std::future::pending().await,
            }
        };
        let well = tokio::select! {
            () = killed => None,
            well = process.ended() => Some(well),
        };
        process.kill().await;
        let end = match well {
            None => {
                let [posts, saves, _] = self.steps();
                let had_begun = posts > before[0] || saves > before[1];
                let had_ended = Feed::ALL.iter().all(|feed| process.report(*feed).is_some());
                if had_begun && !had_ended {
                    End::Killed
                } else {
                    End::KilledIdle
                }
            }
            Some(well) => judge(&process, well),
        };
        self.lives.push(Life {
            end,
            step,
            workspace: process.into_workspace(),
            read_from: self.read_from,
        });
        self.look().await;
        end
    }

    /// What must hold at any moment: checkpoints can be read, go only forward, and only behind what
    /// is delivered.
    async fn look(&mut self) {
        let run = self.lives.len();
        for feed in Feed::ALL {
            let Some(saved) = self.world.saved(feed).await else {
                assert_eq!(self.watermarks[feed as usize], None, "{feed} in run {run}");
                continue;
            };
            let before = self.watermarks[feed as usize].replace(saved.watermark);
            assert!(
                before <= Some(saved.watermark),
                "run {run} set {feed} back from {before:?} to {}",
                saved.watermark
            );
            self.read_from[feed as usize] = Some(saved.read_again_from);
            let delivered = self.deliveries(feed);
            for (serial, record) in self.world.records.of(feed).iter().enumerate() {
                let on_time = record.visible_at == record.at;
                assert!(
                    !on_time || record.at >= saved.watermark || delivered.contains_key(&serial),
                    "run {run} saved {} for {feed} before {serial} was delivered",
                    saved.watermark
                );
            }
        }
    }

    /// For each record, in which posts it was: the number of the process and of its post.
    fn deliveries(&self, feed: Feed) -> HashMap<usize, Vec<(usize, usize)>> {
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        for (run, life) in self.lives.iter().enumerate() {
            for (post, rows) in life.workspace.posts.of(feed).iter().enumerate() {
                for row in rows {
                    let serial = self.world.records.serial(feed, row);
                    found.entry(serial).or_default().push((run, post));
                }
            }
        }
        found
    }

    /// Checks every row, and which copies there are and why. Says how many copies, how many kills
    /// explain them, and how many records only the comparison of counts can have found.
    fn check(&self) -> (usize, usize, usize) {
        let mut fingerprints = Fingerprints::default();
        let (mut copies, mut causes, mut by_count) = (0, Vec::new(), 0);
        for feed in Feed::ALL {
            for life in &self.lives {
                for row in life.workspace.posts.of(feed).iter().flatten() {
                    let (serial, fingerprint) = self.world.records.recognise(feed, row);
                    fingerprints.check(feed, serial, fingerprint);
                }
            }
            let deliveries = self.deliveries(feed);
            for (serial, record) in self.world.records.of(feed).iter().enumerate() {
                let deliveries = deliveries.get(&serial).map_or(&[][..], Vec::as_slice);
                let Some(((first, _), repeated)) = deliveries.first().zip(deliveries.split_last())
                else {
                    panic!("{feed} {serial} is lost: {record:?}");
                };
                copies += repeated.1.len();
                for (run, post) in repeated.1 {
                    let life = &self.lives[*run];
                    let last = life.workspace.posts.of(feed).len() - 1;
                    assert!(
                        matches!(life.end, End::Killed | End::KilledIdle) && *post == last,
                        "{feed} {serial} came again after run {run}, which ended as {:?}: post {post}, its last was {last}",
                        life.end,
                    );
                    causes.push((feed, *run));
                }
                let read_from = self.lives[*first].read_from[feed as usize];
                by_count += usize::from(read_from.is_some_and(|from| record.at < from));
            }
        }
        assert_eq!(fingerprints.count(), self.world.records.count());
        causes.sort_unstable();
        causes.dedup();
        (copies, causes.len(), by_count)
    }

    fn count(&self, end: End) -> usize {
        self.lives.iter().filter(|life| life.end == end).count()
    }
}

/// What a pass that ended by itself came to.
fn judge(process: &Process, well: bool) -> End {
    let output = process.output();
    assert!(well, "a pass failed:\n{output}");
    let reports: Vec<_> = Feed::ALL
        .iter()
        .filter_map(|feed| process.report(*feed))
        .collect();
    assert_eq!(reports.len(), 3, "{output}");
    let complete = |line: &String| line.contains(": complete;");
    let stopped = |line: &String| line.contains("Another run has saved the checkpoint");
    assert!(
        reports.iter().all(|line| complete(line) || stopped(line)),
        "{output}"
    );
    if reports.iter().all(complete) {
        End::Complete
    } else {
        End::Stopped
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whenever_it_is_killed_nothing_is_lost_and_only_what_was_in_flight_comes_twice() {
    let mut random = random("kills");
    let storage = Storage::start();
    let records = records(&mut random);
    let world = World::start(&storage, "kills", records, at(BEGIN), Duration::ZERO).await;
    let mut history = History {
        world,
        lives: Vec::new(),
        watermarks: [None; 3],
        read_from: [None; 3],
    };

    while history.world.clock.now() < at(END) && history.count(End::Killed) < ENOUGH {
        let way = if random.random_bool(0.3) {
            Way::Host
        } else {
            Way::Person
        };
        let moment = Moment::draw(&mut random);
        let latency = Duration::from_millis(random.random_range(0..10));
        let hop = match history.live(way, latency, Some(moment)).await {
            // Within the overlap, or far beyond.
            End::Complete if random.random_bool(0.3) => random.random_range(20..80),
            End::Complete => random.random_range(600..1500),
            _ => random.random_range(0..20),
        };
        history
            .world
            .clock
            .advance(Duration::from_secs(hop))
            .unwrap();
    }

    // What is left, and two comparisons of counts behind the last record.
    history.world.clock.set(at(ALL_SHOWN)).unwrap();
    for _ in 0..2 {
        // The last write of the last killed process may still make it stop, but not for ever.
        for attempt in 1.. {
            match history.live(Way::Person, Duration::ZERO, None).await {
                End::Complete => break,
                end => assert!(attempt < 3, "no pass completes: {end:?}"),
            }
        }
        let hour = Duration::from_secs(3700);
        history.world.clock.advance(hour).unwrap();
    }
    let (copies, causes, by_count) = history.check();
    let rows: usize = history.world.records.count();
    let posts: usize = history
        .lives
        .iter()
        .map(|life| life.workspace.posts.count())
        .sum();
    let [worked, idle, complete, stopped] =
        [End::Killed, End::KilledIdle, End::Complete, End::Stopped].map(|end| history.count(end));
    let behind = [Some(Step::Post), Some(Step::Save), Some(Step::Ledger), None].map(|step| {
        let lives = history.lives.iter();
        lives
            .filter(|life| life.end == End::Killed && life.step == step)
            .count()
    });
    println!(
        "{worked} kills at work (behind posts, saves, steps of the ledger, by time: {behind:?}), {idle} before or behind it, {complete} passes complete, {stopped} stopped; \
         {posts} posts for {rows} records; {copies} copies from {causes} batches in flight; {by_count} found by count"
    );
    assert!(worked >= WANTED, "only {worked} kills at work");
    assert!(by_count > 0, "no record showed later than the overlap");
}

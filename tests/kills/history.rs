//! Processes that live one after another in a world, and what must hold of all they did.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use mimecast_ttp::model::feed::Feed;

use crate::{
    bench::{Process, Way, Workspace, World},
    halts::{Call, Halt, Services},
    records::Fingerprints,
};

/// What became of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was killed where it stood.
    Killed(Call),
    /// It did all there was to do.
    Complete,
    /// It stopped because a predecessor's last write came after its own beginning.
    Stopped,
}

/// A process that is over.
pub struct Life {
    pub end: End,
    pub workspace: Workspace,
    /// Where each feed began to read. What is older can only be found by count.
    read_from: [Option<DateTime<Utc>>; 3],
}

/// Why rows came twice, and how much was found late.
pub struct Found {
    pub copies: usize,
    /// How many kills explain the copies.
    pub causes: usize,
    /// How many records only the comparison of counts can have found.
    pub by_count: usize,
}

/// A world with its history.
pub struct History {
    pub world: World,
    pub lives: Vec<Life>,
    watermarks: [Option<DateTime<Utc>>; 3],
    read_from: [Option<DateTime<Utc>>; 3],
}

impl History {
    pub const fn of(world: World) -> Self {
        Self {
            world,
            lives: Vec::new(),
            watermarks: [None; 3],
            read_from: [None; 3],
        }
    }

    /// Lets a process live until it halts there, and kills it. Everything that it had sent comes to its
    /// end before this returns.
    pub async fn killed(&mut self, way: Way, halt: Halt) {
        let services = self.killed_but_not_drained(way, halt).await;
        services.drained().await;
        self.look().await;
    }

    /// The same, with what it had sent still under way.
    pub async fn killed_but_not_drained(&mut self, way: Way, halt: Halt) -> Arc<Services> {
        let end = End::Killed(halt.call);
        let mut process = self.world.spawn(way, Some(halt)).await;
        process.halted().await;
        process.kill().await;
        let services = process.services.clone();
        self.over(process, end);
        services
    }

    /// Lets a process live until its pass has ended.
    pub async fn lived(&mut self, way: Way) -> End {
        let process = self.world.spawn(way, None).await;
        self.ended(process).await
    }

    /// Lets this process live on until its pass has ended.
    pub async fn ended(&mut self, mut process: Process) -> End {
        let well = process.ended().await;
        process.kill().await;
        let end = judge(&process, well);
        self.over(process, end);
        self.look().await;
        end
    }

    fn over(&mut self, process: Process, end: End) {
        self.lives.push(Life {
            end,
            workspace: process.into_workspace(),
            read_from: self.read_from,
        });
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

    /// Lets passes end until nothing is left, and two comparisons of counts behind that; then checks
    /// every row, and which copies there are and why.
    pub async fn completed(&mut self) -> Found {
        for _ in 0..2 {
            assert_eq!(self.lived(Way::Person).await, End::Complete);
            let hour = Duration::from_secs(3700);
            self.world.clock.advance(hour).unwrap();
        }
        self.check()
    }

    fn check(&self) -> Found {
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
                        matches!(life.end, End::Killed(_)) && *post == last,
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
        Found {
            copies,
            causes: causes.len(),
            by_count,
        }
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

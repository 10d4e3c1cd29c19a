//! Plays a story: chaos, then calm, then the oracle.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    ingest::{
        pass::{Pass, PassConfig},
        ports::Ports,
        report::{Outcome, PassReport},
        state::saved_checkpoint::SavedCheckpoint,
    },
    model::{deadline::Deadline, feed::Feed, store_key::StoreKey},
};

use super::{
    actor::Actor,
    bugs::Bug,
    oracle::{Seen, damage_ledger},
    story::{Odds, SETTLE, Story, TICK},
    world::{Run, World},
};

const BUDGET: Duration = Duration::from_secs(240);

/// How a story ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    pub seed: u64,
    pub violations: Vec<String>,
    /// A digest of everything that happened: equal if the story was played alike.
    pub trace: u64,
    pub runs: usize,
    pub crashes: usize,
    pub copies: usize,
    pub found_late: u64,
    pub records: usize,
    pub quarantined: usize,
    pub history: String,
}

/// Plays the story of a seed, with a bug or without.
pub fn play(seed: u64, bug: Option<Bug>) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::new(Story::new(seed), bug);
        chaos(&world).await;
        calm(&world).await;
        let state = world.state();
        Played {
            seed,
            violations: state.oracle.violations.clone(),
            trace: state.trace,
            runs: state.runs.len(),
            crashes: state.oracle.crashes,
            copies: state.oracle.copies,
            found_late: state.oracle.found_late,
            records: world.story.records.len(),
            quarantined: state.quarantined().len(),
            history: format!("{}{}", world.story.habits(), state.oracle.history()),
        }
    })
}

async fn chaos(world: &Arc<World>) {
    let story = &world.story;
    if let Some(time) = story.taken_over {
        let text = time.format("%Y-%m-%dT%H:%M:%S+0000").to_string();
        let mut state = world.state();
        for feed in &story.feeds {
            state
                .saved
                .insert(StoreKey::Checkpoint(*feed), (text.clone().into_bytes(), 0));
        }
    }
    for tick in 0..story.ticks {
        world
            .sleep_until(story.began + TICK * i32::try_from(tick).unwrap())
            .await;
        let (absent, rewinds, damages, races) = {
            let mut state = world.state();
            let odds = state.odds;
            let mut happens = |odds| state.dice.happens(odds);
            (
                happens(odds.absence),
                happens(odds.rewind),
                happens(odds.ledger),
                happens(odds.race),
            )
        };
        if absent {
            let minutes = world.state().dice.between(10, 120);
            world
                .sleep_until(world.now() + TimeDelta::minutes(minutes))
                .await;
        }
        if rewinds {
            rewind(world).await;
        }
        if damages {
            damage_ledger(&mut world.state());
        }
        if races {
            let delay = world.state().dice.between(0, 8000);
            let second = async {
                tokio::time::sleep(Duration::from_millis(delay.unsigned_abs())).await;
                run(world, true).await
            };
            tokio::join!(run(world, true), second);
        } else {
            run(world, false).await;
        }
    }
}

/// Nothing goes wrong any more; three hours later everything must be well.
async fn calm(world: &Arc<World>) {
    world.state().odds = Odds::default();
    world.heal();
    let shown = world
        .story
        .records
        .iter()
        .map(|record| record.visible)
        .max();
    world.sleep_until(shown.unwrap_or_default()).await;
    let since = world.now();
    let mut last = None;
    for tick in 0..10 {
        world
            .sleep_until(since + TimeDelta::minutes(20 * tick))
            .await;
        last = run(world, false).await;
    }
    let now = world.now();
    let mut state = world.state();
    let quarantined = state.quarantined();
    for report in last.into_iter().flat_map(|report| report.feeds) {
        if report.outcome != Outcome::Complete {
            state.oracle.violated(format!("stuck: {report}"));
        }
    }
    for feed in &world.story.feeds {
        let watermark = state.oracle.watermark(*feed);
        if watermark.is_none_or(|watermark| watermark < now - SETTLE - TimeDelta::minutes(4)) {
            state
                .oracle
                .violated(format!("{feed} stands at {watermark:?}"));
        }
    }
    // So far back the comparisons of the calm hours lookback at the least.
    let reconciled_from = since + TimeDelta::hours(3) - world.story.lookback.reconcile;
    state.oracle.end(world, &quarantined, reconciled_from);
}

/// One run of the program, perhaps to its death. `Some` if it lived.
async fn run(world: &Arc<World>, races: bool) -> Option<PassReport> {
    let began = world.now();
    let number = begin(world);
    let crash = Arc::clone(&world.state().runs[number].crash);
    let pass = pass(world, number);
    let report = tokio::select! {
        biased;
        () = crash.notified() => None,
        report = pass.run(&world.story.feeds) => Some(report),
    };
    end(world, number, began, report.as_ref(), races);
    report
}

/// Draws how a run will end, and gives its number.
fn begin(world: &World) -> usize {
    let mut state = world.state();
    let crash_at = state.odds.crash > 0 && {
        let odds = state.odds.crash;
        state.dice.happens(odds)
    };
    let (at, behind) = (1 + state.dice.below(90), 1 + state.dice.below(8));
    let behind_write = state.dice.happens(400);
    let refuses_all = state.odds.post > 0 && state.dice.happens(30);
    state.runs.push(Run {
        crash_at: (crash_at && !behind_write).then_some(at),
        crash_behind_write: (crash_at && behind_write).then_some(behind),
        refuses_all,
        ..Run::default()
    });
    state.runs.len() - 1
}

/// The real pass before the world's ports.
fn pass(world: &Arc<World>, run: usize) -> Pass {
    let actor = Arc::new(Actor {
        world: Arc::clone(world),
        run,
    });
    let ports = Ports {
        source: actor.clone(),
        sink: actor.clone(),
        health: None,
        store: actor.clone(),
        clock: actor.clone(),
        random: actor,
    };
    let mut lookback = world.story.lookback;
    match world.bug {
        Some(Bug::EndIsNow) => lookback.settle = TimeDelta::zero(),
        Some(Bug::NoLateArrival) => lookback.late_arrival = TimeDelta::zero(),
        _ => {}
    }
    let plan = PassConfig {
        lookback,
        budget: BUDGET,
        batch_max_bytes: world.story.max_batch_bytes,
        parallel_ranges: world.story.parallel_ranges,
    };
    Pass::new(ports, plan)
}

/// Tells the oracle how a run ended.
fn end(
    world: &World,
    number: usize,
    began: DateTime<Utc>,
    report: Option<&PassReport>,
    races: bool,
) {
    let mut state = world.state();
    let now = world.now();
    state.note("ended", now);
    state.runs[number].dead = true;
    if report.is_none() {
        state.oracle.crashes += 1;
    }
    state.oracle.ended(number);
    let outcomes: Vec<_> = report
        .iter()
        .flat_map(|report| &report.feeds)
        .map(ToString::to_string)
        .collect();
    state
        .oracle
        .noted(format!("run {number} began {began}: {outcomes:?}"));
    let seen = Seen {
        began,
        quarantined: state.quarantined(),
    };
    if let Some(report) = report {
        for report in &report.feeds {
            judge(world, &mut state.oracle, &seen, number, report, races);
        }
        if now - began > TimeDelta::from_std(BUDGET).unwrap() + TimeDelta::seconds(30) {
            state
                .oracle
                .violated(format!("run {number} took {}", now - began));
        }
    }
}

fn judge(
    world: &World,
    oracle: &mut super::oracle::Oracle,
    seen: &Seen,
    run: usize,
    report: &mimecast_ttp::ingest::report::FeedReport,
    races: bool,
) {
    oracle.found_late += report.counts.reconciled;
    if report
        .message
        .as_ref()
        .is_some_and(|text| text.contains("crashed"))
    {
        oracle.violated(format!("run {run}: {report}"));
    }
    if report.outcome == Outcome::RaceLost && !races && world.bug.is_none() {
        oracle.violated(format!("run {run} lost a race with nobody: {report}"));
    }
    if report.outcome == Outcome::Complete {
        oracle.complete(world, seen, run, report);
    }
}

/// An operator sets a feed back, as far as the ledger knows.
async fn rewind(world: &Arc<World>) {
    let operator = {
        let mut state = world.state();
        state.runs.push(Run::default());
        state.runs.len() - 1
    };
    let odds = std::mem::take(&mut world.state().odds);
    let actor = Actor {
        world: Arc::clone(world),
        run: operator,
    };
    let feed: Feed = world.story.feeds[0];
    let deadline = Deadline::after(world.elapsed(), Duration::from_secs(60));
    let now: DateTime<Utc> = world.now();
    let known_from = now - world.story.lookback.reconcile + TimeDelta::hours(1);
    if let Ok(shown) = SavedCheckpoint::load(&actor, feed, deadline).await
        && let mimecast_ttp::model::checkpoint::Start::From(checkpoint) = &shown.start
    {
        let span = (checkpoint.watermark - known_from).num_seconds().max(1);
        let to = known_from + TimeDelta::seconds(world.state().dice.between(0, span));
        if let Ok(rewound) = shown.rewound(to, now) {
            world.state().oracle.rewound(feed, to);
            shown
                .replace(&actor, feed, &rewound, "operator", deadline)
                .await
                .unwrap();
        }
    }
    world.state().odds = odds;
}

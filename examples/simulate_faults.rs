//! Plays many stories of the fault simulation that `cargo test` plays some of, and stops at the first
//! broken promise:
//!
//! ```sh
//! cargo run --release --example simulate-faults -- --seeds 100000
//! ```

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "this is a tool for tests: it prints, and shows how long it took"
)]

#[path = "../tests/simulation/engine/mod.rs"]
mod engine;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use clap::Parser;
use engine::{
    bugs::Bug,
    play::{Played, play},
};

/// Plays stories full of faults against the real pass, and checks every promise.
///
/// Each seed makes a story: records, delays, habits of the services, crashes, races, lost answers. A
/// seed that breaks a promise is printed with everything that was posted, and plays the same again.
#[derive(Debug, Parser)]
struct Args {
    /// How many stories to play.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Instead, put back every classic bug, one at a time, and show which seed catches it. Some need
    /// thousands.
    #[arg(long)]
    bugs: bool,
    /// Show what the program logs; good for a single seed.
    #[arg(long)]
    log: bool,
}

/// Prints; a closed pipe is the reader's choice.
macro_rules! say {
    ($($text:tt)*) => {
        drop(writeln!(io::stdout(), $($text)*))
    };
}

#[derive(Default)]
struct Totals {
    runs: AtomicU64,
    crashes: AtomicU64,
    records: AtomicU64,
    copies: AtomicU64,
    late: AtomicU64,
    quarantined: AtomicU64,
}

impl Totals {
    fn add(&self, played: &Played) {
        for (total, more) in [
            (&self.runs, played.runs as u64),
            (&self.crashes, played.crashes as u64),
            (&self.records, played.records as u64),
            (&self.copies, played.copies as u64),
            (&self.late, played.found_late),
            (&self.quarantined, played.quarantined as u64),
        ] {
            total.fetch_add(more, Ordering::Relaxed);
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.log {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(io::stderr)
            .without_time()
            .init();
    }
    if args.bugs {
        return bugs(&args);
    }
    let (next, totals, failed) = (AtomicU64::new(0), Totals::default(), Mutex::new(None));
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while failed.lock().unwrap().is_none() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= args.seeds {
                        return;
                    }
                    if number > 0 && number % 10_000 == 0 {
                        say!("{number} stories, {:.0} s", began.elapsed().as_secs_f64());
                    }
                    let played = play(args.from + number, None);
                    totals.add(&played);
                    if !played.violations.is_empty() {
                        *failed.lock().unwrap() = Some(played);
                    }
                }
            });
        }
    });
    let count = |total: &AtomicU64| total.load(Ordering::Relaxed);
    if let Some(played) = failed.into_inner().unwrap() {
        say!(
            "Seed {} broke a promise. Every post:\n{}{:#?}\nTo play it again: --from {} --seeds 1",
            played.seed,
            played.history,
            played.violations,
            played.seed
        );
        return ExitCode::FAILURE;
    }
    say!(
        "{} stories from seed {} in {:.0} s: {} runs, {} of them killed, {} records; 0 lost, {} rows delivered again, each behind a lost answer, a death or a race; {} found late by count, {} set aside.",
        args.seeds,
        args.from,
        began.elapsed().as_secs_f64(),
        count(&totals.runs),
        count(&totals.crashes),
        count(&totals.records),
        count(&totals.copies),
        count(&totals.late),
        count(&totals.quarantined),
    );
    ExitCode::SUCCESS
}

fn bugs(args: &Args) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for bug in Bug::ALL {
        let played = (args.from..args.from + args.seeds).map(|seed| play(seed, Some(bug)));
        match played
            .into_iter()
            .find(|played| !played.violations.is_empty())
        {
            Some(played) => say!("{bug:?}: seed {}: {}", played.seed, played.violations[0]),
            None => {
                say!("{bug:?}: not seen in {} stories", args.seeds);
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

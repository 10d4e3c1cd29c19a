//! Thousands of stories, each with its own faults, and an oracle that bites.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code"
)]

mod engine;

use engine::{
    bugs::Bug,
    play::{Played, play},
};

/// Stories played in every test run.
const SEEDS: u64 = 10_000;

/// In so many stories a bug must show.
const SEEDS_FOR_A_BUG: u64 = 8_000;

fn report(played: &Played) -> String {
    format!(
        "seed {} broke a promise: {:#?}\nEvery post:\n{}To play it again: cargo run --release --example simulate-faults -- --from {} --seeds 1",
        played.seed, played.violations, played.history, played.seed
    )
}

#[test]
fn no_story_loses_a_record_or_repeats_one_without_cause() {
    let halves = [0, 1].map(|half| {
        std::thread::spawn(move || {
            let (mut crashes, mut copies, mut late, mut held) = (0, 0, 0, 0);
            for seed in (half..SEEDS).step_by(2) {
                let played = play(seed, None);
                assert!(played.violations.is_empty(), "{}", report(&played));
                crashes += played.crashes;
                copies += played.copies;
                late += played.found_late;
                held += played.quarantined;
            }
            (crashes, copies, late, held)
        })
    });
    for half in halves {
        let (crashes, copies, late, held) = half.join().unwrap();
        // A story in which nothing happens proves nothing.
        assert!(crashes > 500, "{crashes} crashes");
        assert!(copies > 100, "{copies} copies with a cause");
        assert!(late > 100, "{late} found late");
        assert!(held > 100, "{held} set aside");
    }
}

#[test]
fn the_same_seed_plays_the_same_story() {
    for seed in 0..60 {
        assert_eq!(play(seed, None), play(seed, None));
    }
}

#[test]
fn the_oracle_detects_every_classic_bug() {
    for bug in Bug::ALL {
        let caught = (0..SEEDS_FOR_A_BUG).find_map(|seed| {
            let played = play(seed, Some(bug));
            (!played.violations.is_empty()).then_some(played)
        });
        let caught = caught.unwrap_or_else(|| panic!("{bug:?} is not seen"));
        let (seed, first) = (caught.seed, &caught.violations[0]);
        println!("{bug:?}: seed {seed}: {first}");
    }
}

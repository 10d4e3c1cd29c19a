//! The real program between real sockets and real Azurite, where it dies or is not alone: killed at
//! any moment, two at once, an answer lost.
//!
//! `KILLS_SEED=7 cargo test --test kills -- --nocapture` makes the same records and draws the same
//! moments again, as far as two runs on one machine can be alike.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "this is test code"
)]

mod bench;
mod copies;
mod crashes;
mod races;
mod records;
mod sightings;
#[path = "../support/mod.rs"]
mod support;

use rand::{SeedableRng, rngs::StdRng};

/// Random numbers, the same again for the same seed. The seed is shown when the test fails.
fn random(test: &str) -> StdRng {
    #[expect(
        clippy::disallowed_methods,
        reason = "for repeating a test, no setting of the program"
    )]
    let given = std::env::var("KILLS_SEED").ok();
    let seed = given.map_or_else(rand::random, |text| text.parse().unwrap());
    println!("{test}: KILLS_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

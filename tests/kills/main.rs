//! The real program between real sockets and real Azurite, where it dies or is not alone: killed at
//! chosen points of its calls, two at once, one whose host was killed, an answer lost.
//!
//! `KILLS_SEED=7 cargo test --test kills` makes other records. The points stay the same.

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
mod halts;
mod history;
mod orphans;
mod posts;
#[path = "../support/proxy/mod.rs"]
mod proxy;
mod races;
mod records;
#[path = "../support/mod.rs"]
mod support;

use rand::{SeedableRng, rngs::StdRng};

/// Random numbers for records, the same in every run unless another seed is given.
fn random() -> StdRng {
    #[expect(
        clippy::disallowed_methods,
        reason = "for other records in a test, no setting of the program"
    )]
    let given = std::env::var("KILLS_SEED").ok();
    StdRng::seed_from_u64(given.map_or(1, |text| text.parse().unwrap()))
}

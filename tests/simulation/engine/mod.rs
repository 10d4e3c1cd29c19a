//! A deterministic simulation of passes over a faulty world: virtual time, one seed, and an oracle
//! that knows what was promised.
//!
//! A seed makes a story: records with their times and delays, the habits of the source, and the odds of
//! every fault. Passes run against it through the ports, some of them two at once, some killed at one
//! of their port calls. Then the world calms down, and the oracle looks at everything that happened.
//! The same seed plays the same story, to the last call.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::struct_excessive_bools,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "this is test code"
)]

pub mod actor;
pub mod bugs;
pub mod dice;
pub mod oracle;
pub mod play;
pub mod story;
pub mod world;

//! The promises of a pass, in a world in memory: nothing lost, nothing twice, never stuck.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod clock;
mod displaced;
mod forward;
mod gaps;
mod health;
mod ledger;
mod missing;
mod posts;
mod reconciliation;
mod refusals;
mod rewinds;
mod settled;
mod starts;
#[path = "../support/mod.rs"]
mod support;
mod waits;

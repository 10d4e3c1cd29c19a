//! The promises of a pass, in a world in memory: nothing lost, nothing twice, never stuck.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod forward;
mod health;
mod missing;
mod posts;
mod reconciliation;
mod refusals;
mod starts;
#[path = "../support/mod.rs"]
mod support;
mod waits;

use chrono::TimeDelta;
use support::world::{World, at};

/// A world with a record in each second from 07:00:00 on; it is 08:00:00.
fn world_of(count: i64) -> World {
    let start = at("2026-03-02T07:00:00Z");
    let world = World::default();
    for second in 0..count {
        let time = start + TimeDelta::seconds(second);
        world.add(time, time);
    }
    world
}

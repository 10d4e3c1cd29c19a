//! What a scenario and its tally promise.

mod plots;
mod records;
mod tallies;

use chrono::{DateTime, Utc};

use super::*;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Two weeks from a Monday on.
fn plan(seed: u64, records: usize) -> Plan {
    Plan::new(
        seed,
        records,
        utc("2026-03-02T00:00:00Z"),
        utc("2026-03-16T00:00:00Z"),
    )
}

fn texts(scenario: &Scenario, log: Log) -> Vec<String> {
    (0..scenario.len(log))
        .map(|index| scenario.json(log, index))
        .collect()
}

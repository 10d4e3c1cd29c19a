//! When the host calls in the demo, and what happens before each call.

use chrono::{DateTime, TimeDelta, Utc};

/// What precedes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing: the timer fires.
    Nothing,
    /// The faults that the first run meets in its backlog.
    FirstFaults,
    /// Some faults of everyday life.
    Faults,
    /// The binding or the token expires.
    Expiry,
    /// The host and its handler were down since the call before: the run is past due.
    Outage,
    /// The handler is killed without notice.
    Kill,
    /// An operator starts the run by hand.
    ByHand,
}

/// One call of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at: DateTime<Utc>,
    pub(super) before: Before,
    pub(super) what: &'static str,
}

/// How long the demo's story lasts.
pub(super) const DAYS: TimeDelta = TimeDelta::days(3);

/// The calls of three days that begin at `start`: a first run that reads a day and a half, ticks with
/// faults, an outage, a kill, and ticks until everything shows that was going to.
pub(super) fn steps(start: DateTime<Utc>) -> Vec<Step> {
    let tick = TimeDelta::minutes(5);
    let hours = TimeDelta::hours;
    let first = Step {
        at: start + hours(36),
        before: Before::FirstFaults,
        what: "first run, a backlog of a day and a half, with faults",
    };
    let mut steps = vec![first];
    let mut push = |after: TimeDelta, before, what| {
        let at = steps.last().map_or(start, |step| step.at) + after;
        steps.push(Step { at, before, what });
        at
    };
    for _ in 0..4 {
        push(tick, Before::Nothing, "tick");
    }
    push(tick, Before::Faults, "tick, with faults");
    push(tick, Before::ByHand, "run by hand");
    push(
        tick,
        Before::Expiry,
        "tick, the binding or token has expired",
    );
    push(
        hours(9),
        Before::Outage,
        "past due, after an outage of nine hours",
    );
    for _ in 0..3 {
        push(tick, Before::Nothing, "tick");
    }
    push(tick, Before::Kill, "tick, after the handler was killed");
    push(hours(12), Before::Faults, "late, with faults");
    for _ in 0..3 {
        push(tick, Before::Nothing, "tick");
    }
    let at = push(tick, Before::Nothing, "tick");
    let end = start + DAYS + TimeDelta::minutes(15);
    push(end - at, Before::Outage, "past due, the rest of the story");
    push(tick, Before::Nothing, "last tick");
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_in_order_and_outlast_the_story() {
        let start = DateTime::UNIX_EPOCH;
        let steps = steps(start);
        assert!(steps.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(steps.last().unwrap().at >= start + DAYS + TimeDelta::minutes(15));
        assert!(steps.iter().all(|step| step.at.timestamp() % 300 == 0));
    }
}

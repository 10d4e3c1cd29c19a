//! Rules are run as Sentinel runs them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use xtask::content::Described;

use crate::{
    content, duration,
    support::kusto::{Kusto, Seen},
    workspace,
};

/// How a rule is run. What `ago()` counts from in a run that Sentinel starts five minutes late is not
/// documented; the rules must hold either way.
#[derive(Debug, Clone, Copy)]
pub enum Reading {
    /// From the run: nothing is ingested yet that is younger.
    Run,
    /// From the time that was due: what was ingested until the run is there too.
    Due,
}

impl Reading {
    pub const ALL: [Self; 2] = [Self::Run, Self::Due];

    fn late(self) -> TimeDelta {
        match self {
            Self::Run => TimeDelta::zero(),
            Self::Due => TimeDelta::minutes(5),
        }
    }
}

/// The rule of this name.
pub fn rule(key: &str) -> Described {
    let rules = content::read().rules;
    rules
        .into_iter()
        .find(|rule| rule.key == key)
        .unwrap_or_else(|| panic!("there is no rule {key}"))
}

/// The alerts that the rule's successive runs give, from a time on for some hours.
pub fn of(
    kusto: &mut Kusto,
    rule: &Described,
    from: DateTime<Utc>,
    hours: i64,
    reading: Reading,
) -> Vec<Vec<Value>> {
    let every = duration::parse(rule.about["queryFrequency"].as_str().unwrap()).unwrap();
    let period = duration::parse(rule.about["queryPeriod"].as_str().unwrap()).unwrap();
    let mut times = Vec::new();
    let mut at = from;
    while at <= from + TimeDelta::hours(hours) {
        times.push(workspace::text(at));
        at += every;
    }
    let seen = Seen::Before {
        period: duration::span(period),
        late: duration::span(reading.late()),
    };
    let answer = kusto.run(&rule.query, &times, &seen);
    let answer = answer.unwrap_or_else(|why| panic!("{}: {why}", rule.key));
    answer.results
}

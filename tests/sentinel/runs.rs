//! Rules are run as Sentinel runs them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use xtask::content::Rule;

use crate::{
    content,
    stories::start,
    support::kusto::{Kusto, Seen},
    workspace::{self, Generation, Stored, Workspace},
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
pub fn rule(key: &str) -> Rule {
    let rules = content::read().rules;
    rules
        .into_iter()
        .find(|rule| rule.key == key)
        .unwrap_or_else(|| panic!("there is no rule {key}"))
}

/// The alerts that the rule's successive runs give, from a time on for some hours.
pub fn of(
    kusto: &mut Kusto,
    rule: &Rule,
    from: DateTime<Utc>,
    hours: i64,
    reading: Reading,
) -> Vec<Vec<Value>> {
    let every = rule.query_frequency.length();
    let mut times = Vec::new();
    let mut at = from;
    while at <= from + TimeDelta::hours(hours) {
        times.push(workspace::text(at));
        at += every;
    }
    let answer = kusto.run(&rule.query, &times, &seen(rule, reading));
    let answer = answer.unwrap_or_else(|why| panic!("{}: {why}", rule.key));
    answer.results
}

/// The alerts of all runs of a rule over rows, from the beginning of the stories on.
pub fn alerts(key: &str, rows: &[Stored], hours: i64) -> Vec<Value> {
    let mut kusto = Workspace::new(Generation::Deployed, rows).open();
    of(&mut kusto, &rule(key), start(), hours, Reading::Run).concat()
}

/// What a run of a rule sees.
pub fn seen(rule: &Rule, reading: Reading) -> Seen {
    Seen::Before {
        period: span(rule.query_period.length()),
        late: span(reading.late()),
    }
}

/// `1.02:30:00`, as the query language writes it.
fn span(of: TimeDelta) -> String {
    let seconds = of.num_seconds();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    format!("{days}.{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

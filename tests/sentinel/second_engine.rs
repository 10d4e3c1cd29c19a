//! A second engine agrees: the rules and hunting queries give the same rows when `duckdb-kql` runs them over what the functions gave.
//!
//! The functions themselves begin with what it cannot do (`column_ifexists`, `ingestion_time`): it is given their results.

use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use xtask::content::{Rule, Span};

use crate::{
    content, hunts, plots,
    runs::{self, Reading},
    stories,
    support::{
        duckdb::{DuckDb, Outcome},
        kusto::{Kusto, Seen},
    },
    workspace::{self, Generation, Stored, Workspace},
};

/// After all that happens in the tests.
const END: &str = "2026-11-25T00:00:00Z";

/// What came of a query in both engines.
#[derive(Debug)]
pub struct Compared {
    pub query: String,
    /// How many times it was run, and on how many rows the engines agree.
    pub runs: usize,
    pub rows: usize,
    /// Why the second engine cannot run it.
    pub refused: Option<String>,
    pub differences: Vec<String>,
}

/// The functions that queries call, and the tables of their results.
const FUNCTIONS: [(&str, &str); 7] = [
    ("MimecastTtpUrlEvents", "UrlResults"),
    ("MimecastTtpAttachmentEvents", "AttachmentResults"),
    ("MimecastTtpImpersonationEvents", "ImpersonationResults"),
    ("MimecastTtpUrlRows", "UrlRowResults"),
    ("MimecastTtpAttachmentRows", "AttachmentRowResults"),
    ("MimecastTtpImpersonationRows", "ImpersonationRowResults"),
    ("MimecastTtpHealth", "HealthResults"),
];

/// Their declarations for the second engine, which sees what a rule sees: the rows of a time before now, as far as they have come.
fn declarations(period: Option<Span>) -> Vec<String> {
    let times = "starttime:datetime = datetime(null), endtime:datetime = datetime(null)";
    let seen = period.map_or_else(String::new, |period| {
        format!("| where TimeGenerated between (ago({period}) .. now()) and IngestedAt <= now()")
    });
    let mut all: Vec<_> = FUNCTIONS
        .iter()
        .map(|(name, table)| match *name {
            "MimecastTtpHealth" => format!("function {name} ({times}) {{ {table} {seen} }}"),
            _ => format!(
                "function {name} ({times}, verdicts:dynamic = dynamic([])) {{ {table} {seen} | where array_length(verdicts) == 0 or Verdict in (verdicts) }}"
            ),
        })
        .collect();
    all.push(
        "function _GetWatchlist (alias:string) { Watchlists | where Alias == alias }".to_owned(),
    );
    all
}

/// What the functions give, and the watchlists, as tables.
fn tables(kusto: &mut Kusto) -> Map<String, Value> {
    let mut tables = Map::new();
    for (name, table) in FUNCTIONS {
        let answer = kusto.run(name, &[END.to_owned()], &Seen::All).unwrap();
        let columns: Map<String, Value> = answer
            .columns
            .iter()
            .map(|column| (column.name.clone(), json!(column.kind)))
            .collect();
        tables.insert(
            table.to_owned(),
            json!({"columns": columns, "rows": answer.results[0]}),
        );
    }
    let lists = content::read().watchlists;
    let rows: Vec<_> = lists
        .iter()
        .flat_map(|list| {
            list.keys()
                .map(|key| json!({"Alias": list.watchlist_alias, "SearchKey": key}))
        })
        .collect();
    let columns = json!({"Alias": "string", "SearchKey": "string"});
    tables.insert(
        "Watchlists".to_owned(),
        json!({"columns": columns, "rows": rows}),
    );
    tables
}

/// Cells as both engines are compared: numbers as numbers, the elements of a list in order, nothing as nothing.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!((number.as_f64().unwrap() * 1e6).round() / 1e6),
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(plain).collect();
            items.sort_by_key(ToString::to_string);
            items.into()
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, one)| (name.clone(), plain(one)))
            .collect(),
        other => other.clone(),
    }
}

/// Whether a row of the second engine is that of the first. A list of which a query takes the first few may hold others.
fn same(one: &Value, other: &Value) -> bool {
    let (one, other) = (one.as_object().unwrap(), other.as_object().unwrap());
    one.len() == other.len()
        && one.iter().all(|(name, a)| {
            let Some(b) = other.get(name) else {
                return false;
            };
            match (plain(a), plain(b)) {
                (Value::Array(a), Value::Array(b)) => {
                    a == b || (a.len() < b.len() && a.iter().all(|one| b.contains(one)))
                }
                (a, b) => a == b || is_any(name),
            }
        })
}

/// Columns that hold any one of several values, by the query's own choice.
fn is_any(name: &str) -> bool {
    let others = ["ReachedUser", "Recipient", "Url", "HttpUrl", "Message"];
    name.starts_with("Any") || others.contains(&name)
}

/// Rows of one that the other has not.
fn missing<'a>(from: &'a [Value], within: &[Value]) -> Vec<&'a Value> {
    let mut left: Vec<_> = within.iter().collect();
    let mut gone = Vec::new();
    for row in from {
        match left.iter().position(|other| same(row, other)) {
            Some(at) => drop(left.remove(at)),
            None => gone.push(row),
        }
    }
    gone
}

fn compare(into: &mut Compared, first: &[Value], second: &Outcome, at: &str) {
    into.runs += 1;
    let second = match second {
        Outcome::Rows(rows) => rows,
        Outcome::Refused(why) => {
            into.refused = Some(why.clone());
            return;
        }
    };
    let gone = missing(first, second);
    if gone.is_empty() && first.len() == second.len() {
        into.rows += first.len();
    } else {
        into.differences
            .push(format!("at {at}: {gone:#?} is not among {second:#?}"));
    }
}

/// The runs of a rule that are compared: the first two that alert, or the last.
fn chosen(found: &[Vec<Value>]) -> Vec<usize> {
    let alerting = found
        .iter()
        .enumerate()
        .filter(|(_, rows)| !rows.is_empty());
    let runs: Vec<_> = alerting.map(|(run, _)| run).take(2).collect();
    if runs.is_empty() {
        vec![found.len() - 1]
    } else {
        runs
    }
}

/// Both engines on a rule, over rows that both have loaded.
fn rule(
    first: &mut Kusto,
    second: &mut DuckDb,
    into: &mut Compared,
    rule: &Rule,
    (from, hours): (DateTime<Utc>, i64),
) {
    let found = runs::of(first, rule, from, hours, Reading::Run);
    let functions = declarations(Some(rule.query_period));
    for run in chosen(&found) {
        let at = from + rule.query_frequency.length() * i32::try_from(run).unwrap();
        let now = workspace::text(at);
        let outcome = second.run(&rule.query, &now, &functions);
        compare(into, &found[run], &outcome, &now);
    }
}

/// The events of the story that a rule is made for, as they are ingested.
fn story(key: &str) -> Option<Vec<Stored>> {
    let story = stories::all().into_iter().find(|story| story.rule == key)?;
    Some(stories::ingested_after(
        &story.events,
        TimeDelta::minutes(7),
    ))
}

/// Each rule on the mail of a working day, and on its story.
fn rules(second: &mut DuckDb) -> Vec<Compared> {
    let rules = content::read().rules;
    let mut all: Vec<_> = rules.iter().map(|rule| Compared::of(&rule.key)).collect();
    let mut mail = plots::open(&plots::mail());
    second.load(&tables(&mut mail).into());
    let day = (plots::day() + TimeDelta::hours(7), 13);
    for (one, compared) in rules.iter().zip(&mut all) {
        rule(&mut mail, second, compared, one, day);
    }
    for (one, compared) in rules.iter().zip(&mut all) {
        let Some(rows) = story(&one.key) else {
            continue;
        };
        let mut first = Workspace::new(Generation::Deployed, &rows).open();
        second.load(&tables(&mut first).into());
        rule(&mut first, second, compared, one, (stories::start(), 3));
    }
    all
}

fn hunting(second: &mut DuckDb) -> Vec<Compared> {
    let workspace = Workspace::new(Generation::Deployed, &hunts::rows());
    let mut first = workspace.open();
    let mut tables = tables(&mut first);
    tables.extend(workspace.foreign_tables());
    second.load(&tables.into());
    let compared = content::read().hunting.into_iter().map(|hunt| {
        let answer = first.run(&hunt.query, &[END.to_owned()], &Seen::All);
        let outcome = second.run(&hunt.query, END, &declarations(None));
        let mut compared = Compared::of(&hunt.key);
        compare(&mut compared, &answer.unwrap().results[0], &outcome, END);
        compared
    });
    compared.collect()
}

impl Compared {
    fn of(key: &str) -> Self {
        Self {
            query: key.to_owned(),
            runs: 0,
            rows: 0,
            refused: None,
            differences: Vec::new(),
        }
    }
}

/// What came of every rule and hunting query; run once for all tests.
pub fn report() -> &'static [Compared] {
    static REPORT: OnceLock<Vec<Compared>> = OnceLock::new();
    REPORT.get_or_init(|| {
        let mut second = DuckDb::start();
        let mut all = rules(&mut second);
        all.extend(hunting(&mut second));
        all
    })
}

#[test]
fn both_engines_agree_on_every_rule_and_hunting_query() {
    let mut rows = 0;
    for compared in report() {
        assert_eq!(compared.refused, None, "{}", compared.query);
        assert_eq!(
            compared.differences,
            Vec::<String>::new(),
            "{}",
            compared.query
        );
        rows += compared.rows;
    }
    assert!(rows > 60, "{rows} rows are too few to say anything");
}

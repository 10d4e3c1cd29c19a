//! `docs/sentinel-queries.md` says what was done with every query, and how much it reads.

use std::{fmt::Write as _, fs};

use xtask::{
    content::Rule,
    queries::{LIST, LIST_INTO},
};

use crate::{
    content::{self, Kind},
    execution::{Checked, World, report},
    second_engine::{self, Compared},
    stories,
    workbook::Workbook,
};

const HEAD: &str = "\
# The queries of the content for Microsoft Sentinel

What was done with each, and how much they read. `cargo test --test sentinel` does all of it, and fails if this page is not true.

## Two engines

Each query is parsed and bound by Microsoft's language service for Kusto, and executed by an evaluator that walks the service's tree
(`tests/sentinel/kusto`), in three workspaces: one with all columns of `deploy/logs-ingestion.json`, one with only the columns that the
Data Collector API made of the demo's rows, and one without any table. The evaluator holds to documented examples
(`tests/sentinel/kusto/examples.json`) and refuses what it does not know.

Rules and hunting queries are run a second time by the Python package `duckdb-kql`, which translates them to SQL for DuckDB
and shares nothing with the evaluator: over the rules' stories, a working day of the demo's mail, and a campaign. It is given what the functions
return, because it knows neither `column_ifexists` nor `ingestion_time`, with which the functions begin; `tests/sentinel/duckdb/engine.py`
teaches it `maxif`, `minif`, `take_anyif`, `make_set_if` and `range`. A difference fails the test.

Not proved by this: how a real workspace runs the queries.

";

const RULES: &str = "
## What the rules read

A rule reads its whole period at every run: the days that it reads in a day are its runs times its period. The Sentinel repository lets a rule
read at most 168. Before a rule drops the copies of records, it keeps only the rows that it is about, by columns that are cheap to read.
(Until December 2026 rules read up to 575 days per day, and dropped the copies of all rows before they looked at any.)

| rule | runs every | looks back | days read per day | kept before copies are dropped |
|---|---|---|---|---|
";

const TABS: &str = "
## What the workbooks read

With a time range of seven days, the days of a table that all queries of a tab read together. The time range goes into the functions, so that
it comes before the copies are dropped; a part of a query that is used more than once is read once. (Until December 2026 two queries of the
first tab read 98 days of each table, whatever was picked.)

| workbook | tab | queries | days read |
|---|---|---|---|
";

const QUERIES: &str = "
## All queries

| query | of | parsed and bound | executed | second engine | result |
|---|---|---|---|---|---|
";

fn row(of_world: &[&Checked; 3], told: &[&str], compared: Option<&Compared>) -> String {
    let [deployed, ..] = of_world;
    let query = &deployed.query;
    let bound = of_world.iter().all(|checked| {
        checked
            .bound
            .faults
            .iter()
            .all(|fault| fault.severity != "Error")
    });
    let executed = of_world
        .iter()
        .find_map(|checked| checked.answer.as_ref().err());
    let result = match (query.kind, &deployed.answer) {
        (Kind::Rule, _) if told.contains(&query.name.as_str()) => {
            "alerts once in its story, quiet on clean traffic"
        }
        (Kind::Rule, _) => "alerts where its tests say so, quiet on clean traffic",
        (Kind::Hunting, _) => "finds its part of a campaign",
        (_, Ok(answer)) if answer.results[0].is_empty() => "no rows of the demo",
        (_, Ok(_)) => "rows of the demo",
        (_, Err(_)) => "none",
    };
    let yes = |holds: bool| if holds { "yes" } else { "no" };
    let executed = executed.map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
    let second = compared.map_or_else(String::new, |compared| {
        format!("agrees in {} runs", compared.runs)
    });
    format!(
        "| `{}` | {} | {} | {executed} | {second} | {result} |\n",
        query.name,
        query.kind.name(),
        yes(bound)
    )
}

/// The rows that a rule keeps before it drops copies, by the arguments that it passes to the functions.
fn kept(rule: &Rule) -> &'static str {
    let verdicts: Vec<_> = rule.query.split("verdicts=dynamic([").skip(1).collect();
    if rule.query.contains("SentinelHealth") {
        "its own rules' runs"
    } else if verdicts.is_empty() {
        if rule.query.contains("MimecastTtpUrl") {
            "all"
        } else {
            "all rows of health"
        }
    } else if verdicts
        .iter()
        .all(|list| list.starts_with("\"malicious\"])"))
    {
        "malicious"
    } else if verdicts
        .iter()
        .all(|list| list.starts_with("\"inconclusive\"])"))
    {
        "inconclusive"
    } else {
        "impersonations; links and files that are not malicious"
    }
}

fn rule_rows() -> String {
    let mut text = String::new();
    for rule in content::read().rules {
        let (every, back) = (rule.query_frequency, rule.query_period);
        let days = back.length().num_minutes() / every.length().num_minutes();
        writeln!(
            text,
            "| `{}` | {every} | {back} | {days} | {} |",
            rule.key,
            kept(&rule)
        )
        .unwrap();
    }
    text
}

/// The days that a query reads of all tables together, with a time range of seven.
fn days_read(query: &str) -> usize {
    let calls = query.split("MimecastTtp").skip(1);
    let days = calls.map(|call| {
        let arguments = call.split(')').next().unwrap_or_default();
        if arguments.contains("- 7d") { 14 } else { 7 }
    });
    days.sum()
}

fn tab_rows() -> String {
    let mut text = String::new();
    for file in content::read().workbooks {
        let groups = file.json["items"].as_array().unwrap().iter();
        for group in groups.filter(|item| item["type"] == 12) {
            let queries: Vec<_> = Workbook::read(&group["content"])
                .items()
                .iter()
                .filter_map(|item| item["content"]["query"].as_str().map(ToOwned::to_owned))
                .collect();
            let days: usize = queries.iter().map(|query| days_read(query)).sum();
            let tab = group["conditionalVisibility"]["value"].as_str().unwrap();
            writeln!(
                text,
                "| {} | {tab} | {} | {days} |",
                file.key,
                queries.len()
            )
            .unwrap();
        }
    }
    text
}

/// The file into which `cargo xtask generate` wants the list.
#[expect(
    clippy::disallowed_methods,
    reason = "asked of a test run, no setting of the program"
)]
fn asked() -> Option<std::ffi::OsString> {
    std::env::var_os(LIST_INTO)
}

#[test]
fn the_list_of_queries_is_true() {
    let [deployed, classic, empty] = [World::Deployed, World::Classic, World::Empty].map(report);
    let stories = stories::all();
    let told: Vec<_> = stories.iter().map(|story| story.rule).collect();
    let compared = second_engine::report();
    let mut text = [
        HEAD.trim_end(),
        "\n",
        RULES,
        &rule_rows(),
        TABS,
        &tab_rows(),
        QUERIES,
    ]
    .concat();
    for ((deployed, classic), empty) in deployed.iter().zip(classic).zip(empty) {
        let second = matches!(deployed.query.kind, Kind::Rule | Kind::Hunting);
        let compared = compared
            .iter()
            .find(|one| second && one.query == deployed.query.name);
        text += &row(&[deployed, classic, empty], &told, compared);
    }
    if let Some(file) = asked() {
        return fs::write(file, text).unwrap();
    }
    assert!(
        fs::read_to_string(LIST).unwrap_or_default() == text,
        "{LIST} is not true any more: cargo xtask generate writes it"
    );
}

//! `docs/sentinel-queries.md` says what was done with every query.

use std::{fmt::Write as _, fs};

use xtask::queries::{LIST, LIST_INTO};

use crate::{
    content::Kind,
    execution::{Checked, World, report},
    stories,
};

const HEAD: &str = "\
# The queries of the Sentinel content, and what was done with each

Each query is parsed and bound by Microsoft's language service for Kusto, and executed by an evaluator that walks the service's tree
(`tests/sentinel/kusto`), in three workspaces: one with all columns of `deploy/logs-ingestion.json`, one with only the columns that the
Data Collector API made of the demo's rows, and one without any table. `cargo test --test sentinel` does it, and fails if this list is not true.

Not proved by this: how a real workspace runs the queries. The evaluator holds to documented examples (`tests/sentinel/kusto/examples.json`)
and refuses what it does not know.

| query | of | parsed and bound | executed | result |
|---|---|---|---|---|
";

fn row(of_world: &[&Checked; 3], told: &[&str]) -> String {
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
            "alerts once in its story, finds its plot in the demo's mail, quiet on clean traffic"
        }
        (Kind::Rule, _) => "alerts when the connector's rows say so, quiet on clean traffic",
        (Kind::Hunting, _) => "finds its part of a campaign",
        (_, Ok(answer)) if answer.results[0].is_empty() => "no rows of the demo",
        (_, Ok(_)) => "rows of the demo",
        (_, Err(_)) => "none",
    };
    let yes = |holds: bool| if holds { "yes" } else { "no" };
    let executed = executed.map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
    format!(
        "| `{}` | {} | {} | {executed} | {result} |\n",
        query.name,
        query.kind.name(),
        yes(bound)
    )
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
    let mut text = HEAD.to_owned();
    for ((deployed, classic), empty) in deployed.iter().zip(classic).zip(empty) {
        write!(text, "{}", row(&[deployed, classic, empty], &told)).unwrap();
    }
    if let Some(file) = asked() {
        return fs::write(file, text).unwrap();
    }
    assert!(
        fs::read_to_string(LIST).unwrap_or_default() == text,
        "{LIST} is not true any more: cargo xtask generate writes it"
    );
}

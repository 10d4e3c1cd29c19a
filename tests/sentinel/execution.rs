//! Every query runs, on the rows of the demo in both generations and on none.

use std::{path::Path, sync::OnceLock};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::{
    content::{self, Kind, Query},
    stories,
    support::{
        kusto::{Answered, Bound, Seen},
        program::command,
    },
    workbook,
    workspace::{self, Generation, HEALTH, Row, Stored, Workspace},
};

/// A workspace in which the queries are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// The tables are those of the deployment.
    Deployed,
    /// The tables are those that the Data Collector API makes.
    Classic,
    /// There are no tables yet.
    Empty,
}

/// What came of a query.
#[derive(Debug)]
pub struct Checked {
    pub query: Query,
    pub bound: Bound,
    pub answer: Result<Answered, String>,
}

/// What came of every query; tried once for all tests.
pub fn report(world: World) -> &'static [Checked] {
    static REPORTS: [OnceLock<Vec<Checked>>; 3] = [const { OnceLock::new() }; 3];
    REPORTS[world as usize].get_or_init(|| {
        let workspace = match world {
            World::Deployed => Workspace::new(Generation::Deployed, demo("logs-ingestion")),
            World::Classic => Workspace::new(Generation::Classic, demo("data-collector")),
            World::Empty => Workspace::default(),
        };
        check(&workspace)
    })
}

fn check(workspace: &Workspace) -> Vec<Checked> {
    let mut kusto = workspace.open();
    let queries = content::queries();
    let texts: Vec<&str> = queries.iter().map(|query| query.text.as_str()).collect();
    let bound = kusto.bind(&texts);
    let checked = queries.into_iter().zip(bound).map(|(query, bound)| {
        let seen = if query.follows_range {
            Seen::Between(workbook::FROM.to_owned(), workbook::TO.to_owned())
        } else {
            Seen::All
        };
        let answer = kusto.run(&query.text, &[workbook::TO.to_owned()], &seen);
        Checked {
            query,
            bound,
            answer,
        }
    });
    checked.collect()
}

/// The rows of a demo by table, played once for each sink.
pub fn demo(sink: &str) -> &'static [Stored] {
    static DEPLOYED: OnceLock<Vec<Stored>> = OnceLock::new();
    static CLASSIC: OnceLock<Vec<Stored>> = OnceLock::new();
    let rows = if sink == "logs-ingestion" {
        &DEPLOYED
    } else {
        &CLASSIC
    };
    rows.get_or_init(|| played(sink))
}

fn played(sink: &str) -> Vec<Stored> {
    let out = tempfile::tempdir().unwrap();
    let output = command(&[])
        .args(["demo", "--records", "2500", "--sink", sink, "--out"])
        .arg(out.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let files = [
        "MimecastTTPUrl_CL",
        "MimecastTTPAttachment_CL",
        "MimecastTTPImpersonation_CL",
        HEALTH,
    ];
    let mut rows: Vec<_> = files
        .iter()
        .flat_map(|table| read(out.path(), table))
        .collect();
    // In the demo every pass ends well: here is one that did not.
    let changes = json!({"outcome": "failed", "message": "Mimecast answered 503"});
    rows.extend(stories::health(
        "2026-03-05T06:25:00Z".parse().unwrap(),
        &changes,
    ));
    rows
}

fn read(out: &Path, table: &str) -> Vec<Stored> {
    let text = std::fs::read_to_string(out.join(format!("{table}.ndjson"))).unwrap_or_default();
    let rows = text.lines().map(|line| {
        let mut row: Row = serde_json::from_str(line).unwrap();
        // The demo's clock runs on by itself: let each row come five minutes after it happened.
        let happened = row["TimeGenerated"]
            .as_str()
            .unwrap()
            .parse::<DateTime<Utc>>()
            .unwrap();
        row.insert(
            "_ingested".into(),
            workspace::text(happened + TimeDelta::minutes(5)).into(),
        );
        Stored::alike(table, row)
    });
    rows.collect()
}

fn failures(world: World) -> Vec<String> {
    let failed = report(world).iter().filter_map(|checked| {
        let why = checked.answer.as_ref().err()?;
        Some(format!("{}: {why}", checked.query))
    });
    failed.collect()
}

#[test]
fn every_query_runs_where_no_table_is_there() {
    assert_eq!(failures(World::Empty), Vec::<String>::new());
}

#[test]
fn every_query_runs_on_the_demos_rows_in_deployed_tables() {
    assert_eq!(failures(World::Deployed), Vec::<String>::new());
}

#[test]
fn every_query_runs_on_the_demos_rows_in_classic_tables() {
    assert_eq!(failures(World::Classic), Vec::<String>::new());
}

#[test]
fn both_generations_of_tables_show_the_same_in_the_workbooks() {
    let rows = |world| {
        let queries = report(world)
            .iter()
            .filter(|checked| checked.query.kind == Kind::Workbook);
        queries
            .map(|checked| {
                (
                    checked.query.name.clone(),
                    checked
                        .answer
                        .as_ref()
                        .map(|answer| answer.results[0].len()),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(World::Deployed), rows(World::Classic));
}

//! The README's line against copies that really came about.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use mimecast_ttp::simulator::{
    clock::SimClock,
    log_analytics::{Config, DataCollector, Fault, RowSink, StoredRow},
};
use serde_json::Value;

use crate::{
    kql::{ArgMax, Tables},
    support::program::{Services, command},
};

/// Keeps rows as a query sees them.
#[derive(Default)]
struct Workspace(Mutex<Tables>);

impl RowSink for Workspace {
    fn store(&self, table: &str, rows: &[StoredRow<'_>]) {
        let mut tables = self.0.lock().unwrap();
        let kept = tables.entry(table.to_owned()).or_default();
        kept.extend(rows.iter().map(|row| serde_json::to_value(row).unwrap()));
    }
}

/// The queries in the README's blocks of that language that ask the table.
fn queries<'a>(readme: &'a str, table: &str) -> Vec<&'a str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in readme.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = line == "```kusto";
        } else if inside
            && line
                .split_once('|')
                .is_some_and(|(of, _)| of.trim() == table)
        {
            found.push(line);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_in_the_readme_leaves_one_row_of_each_record_where_an_answer_was_lost() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let [line] = queries(&readme, "MimecastTTPUrl_CL")[..] else {
        panic!("README.md should have one query against copies");
    };
    let query = ArgMax::parse(line).unwrap_or_else(|| panic!("this is another query: {line}"));

    let services = Services::start(130, 0, Duration::ZERO).await;
    let workspace = Arc::new(Workspace::default());
    let mut config = Config::new(SimClock::real());
    config.sinks = vec![workspace.clone()];
    let collector = DataCollector::start(config, 0).await.unwrap();
    // Of several batches, the answer to the second is lost.
    let lost = Fault::StoreThenDrop;
    collector.faults().on("MimecastTTPUrl", 2..=2, lost);
    let checkpoints = tempfile::tempdir().unwrap();
    let mut settings = services.settings();
    settings.retain(|(name, _)| name != "log_analytics_uri");
    for (name, value) in [
        ("log_analytics_uri", collector.base_url()),
        ("checkpoint_dir", checkpoints.path().display().to_string()),
        ("lookback_days", "1".to_owned()),
        ("batch_max_bytes", "10000".to_owned()),
    ] {
        settings.push((name.to_owned(), value));
    }
    let output = tokio::task::spawn_blocking(move || {
        let mut command = command(&settings);
        command.args(["run", "--feed", "url"]).output().unwrap()
    });
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    let tables = workspace.0.lock().unwrap();
    let number = |row: &Value| row["n_d"].as_f64().unwrap().to_string();
    let stored = &tables[query.table];
    let records: BTreeSet<_> = stored.iter().map(number).collect();
    assert_eq!(records.len(), 130);
    assert!(
        stored.len() > records.len(),
        "there should be copies to remove"
    );
    assert!(
        stored.len() < 2 * records.len(),
        "only one batch came twice"
    );

    let left = query.answer(&tables).unwrap();
    assert_eq!(left.len(), records.len());
    assert_eq!(
        left.into_iter().map(number).collect::<BTreeSet<_>>(),
        records
    );
}

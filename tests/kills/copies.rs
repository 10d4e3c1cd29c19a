//! The README's query against copies that really came about.

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
    kql::{OneOfEach, Tables},
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

/// The README's blocks in that language that ask the table.
fn queries<'a>(readme: &'a str, table: &str) -> Vec<&'a str> {
    let blocks = readme.split("```kusto\n").skip(1);
    let queries = blocks.filter_map(|block| Some(block.split_once("```")?.0));
    queries.filter(|query| query.contains(table)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_query_leaves_one_row_of_each_record_and_every_row_of_the_old_connector() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let [text] = queries(&readme, "MimecastTTPUrl_CL")[..] else {
        panic!("README.md should have one query against copies");
    };
    let query = OneOfEach::parse(text).unwrap_or_else(|| panic!("this is another query: {text}"));

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

    let mut tables = workspace.0.lock().unwrap();
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

    // Rows as the existing connector has left them, two of them alike.
    let mut old = stored[0].clone();
    old.as_object_mut().unwrap().remove(query.key).unwrap();
    let without = vec![old.clone(), old];
    tables.get_mut(query.table).unwrap().extend(without.clone());

    let left = query.answer(&tables).unwrap();
    let (ours, old): (Vec<_>, Vec<_>) = left
        .into_iter()
        .cloned()
        .partition(|row| row.get(query.key).is_some());
    assert_eq!(old, without);
    assert_eq!(ours.len(), records.len());
    assert_eq!(ours.iter().map(number).collect::<BTreeSet<_>>(), records);
}

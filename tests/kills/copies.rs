//! The README's query against copies that really came about.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use serde_json::{Map, Value, json};
use simulators::{
    clock::SimClock,
    log_analytics::{Config, DataCollector, Fault, RowSink, StoredRow},
};

use crate::support::{
    kusto::{Kusto, Seen, classic_type},
    program::{Services, command},
};

/// What the older connector does not write.
const FINGERPRINT: &str = "mimecastFingerprint_s";

/// Keeps rows by table as a query sees them.
#[derive(Default)]
struct Workspace(Mutex<BTreeMap<String, Vec<Value>>>);

impl RowSink for Workspace {
    fn store(&self, table: &str, rows: &[StoredRow<'_>]) {
        let mut tables = self.0.lock().unwrap();
        let kept = tables.entry(table.to_owned()).or_default();
        kept.extend(rows.iter().map(|row| serde_json::to_value(row).unwrap()));
    }
}

/// The README's query against copies.
fn query() -> String {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let blocks = readme.split("```kusto\n").skip(1);
    let queries = blocks.filter_map(|block| Some(block.split_once("```")?.0));
    let queries: Vec<_> = queries
        .filter(|query| query.contains(FINGERPRINT))
        .collect();
    let [query] = queries[..] else {
        panic!("README.md should have one query against copies");
    };
    query.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_query_keeps_one_row_per_record_and_every_older_row() {
    let services = Services::start(130, 0).await;
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
    let stored = tables.get_mut("MimecastTTPUrl_CL").unwrap();
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
    old.as_object_mut().unwrap().remove(FINGERPRINT).unwrap();
    stored.extend([old.clone(), old]);

    let left = ask(&query(), "MimecastTTPUrl_CL", stored);
    let (old, ours): (Vec<_>, Vec<_>) = left.into_iter().partition(|row| row[FINGERPRINT] == "");
    assert_eq!(old.len(), 2);
    assert_eq!(ours.len(), records.len());
    assert_eq!(ours.iter().map(number).collect::<BTreeSet<_>>(), records);
}

#[test]
fn the_readme_query_works_without_fingerprints() {
    let row = json!({"TimeGenerated": "2026-03-02T09:00:00Z", "url_s": "https://a.example"});
    let left = ask(&query(), "MimecastTTPUrl_CL", &[row.clone(), row]);
    assert_eq!(left.len(), 2);
}

/// What a query gives of a table's rows.
fn ask(query: &str, table: &str, rows: &[Value]) -> Vec<Value> {
    let names = rows.iter().flat_map(|row| row.as_object().unwrap().keys());
    let columns: Map<_, _> = names
        .map(|name| (name.clone(), json!(classic_type(name))))
        .collect();
    let mut kusto = Kusto::start();
    let tables = json!({table: {"columns": columns, "rows": rows}});
    kusto.load(&tables, &[] as &[Value]);
    let now = "2100-01-01T00:00:00Z".to_owned();
    let answer = kusto.run(query, &[now], &Seen::All).unwrap();
    answer.results.into_iter().next().unwrap()
}

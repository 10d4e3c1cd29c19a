//! Workspaces for queries: which tables and columns they have, and rows.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use mimecast_ttp::simulator::{log::Log, log_analytics::Columns};
use serde_json::{Map, Value, json};

pub type Row = Map<String, Value>;
type Schema = BTreeMap<String, String>;

pub const HEALTH: &str = "MimecastTTPHealth_CL";

/// Tables by name.
#[derive(Debug, Clone, Default)]
pub struct Workspace(BTreeMap<String, Table>);

#[derive(Debug, Clone, Default)]
struct Table {
    columns: Schema,
    rows: Vec<Row>,
}

/// Which columns the tables have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// All of `deploy/logs-ingestion.json`, whether or not a value came.
    Deployed,
    /// Those of values that came, as the Data Collector API makes them; tables too.
    Classic,
}

impl Generation {
    pub const ALL: [Self; 2] = [Self::Deployed, Self::Classic];
}

/// The tables of `deploy/logs-ingestion.json`.
pub fn deployed() -> BTreeMap<String, Schema> {
    let text = std::fs::read_to_string("deploy/logs-ingestion.json").unwrap();
    let template: Value = serde_json::from_str(&text).unwrap();
    let mut tables = BTreeMap::new();
    for resource in template["resources"].as_array().unwrap() {
        if resource["type"] != "Microsoft.OperationalInsights/workspaces/tables" {
            continue;
        }
        let schema = &resource["properties"]["schema"];
        let columns = schema["columns"].as_array().unwrap().iter();
        let columns = columns.map(|column| {
            let kind = match column["type"].as_str().unwrap() {
                "boolean" => "bool".to_owned(),
                other => other.to_lowercase(),
            };
            (column["name"].as_str().unwrap().to_owned(), kind)
        });
        tables.insert(schema["name"].as_str().unwrap().to_owned(), columns.collect());
    }
    tables.entry(HEALTH.to_owned()).or_insert_with(health);
    tables
}

/// The table of the health rows.
fn health() -> Schema {
    let columns = [
        "TimeGenerated", "feed_s", "outcome_s", "delivered_d", "duplicates_d", "quarantined_d", "calls_d", "retries_d",
        "batches_d", "lagSeconds_d", "durationSeconds_d", "missing_d", "version_s", "message_s", "watermark_t",
        "time_generated_t", "mimecastEventId_s", "mimecastEventCategory_s",
    ];
    columns.map(|name| (name.to_owned(), classic_type(name).to_owned())).into()
}

/// The type of a classic column, by its name.
fn classic_type(name: &str) -> &'static str {
    match name.rsplit_once('_').map_or("", |(_, suffix)| suffix) {
        _ if name == "TimeGenerated" => "datetime",
        "t" => "datetime",
        "d" => "real",
        "b" => "bool",
        "g" => "guid",
        _ => "string",
    }
}

/// Times as rows hold them.
pub fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The row that a record of a log becomes, with what the connector adds; it is ingested at a time of
/// its own. `record` is as Mimecast returns it; its time is put in here.
pub fn delivered(log: Log, mut record: Value, happened: DateTime<Utc>, ingested: DateTime<Utc>) -> Row {
    let time = happened.format("%Y-%m-%dT%H:%M:%S+0000").to_string();
    let (event, member) = match log {
        Log::Url => ("ttp_url", "date"),
        Log::Attachment => ("ttp_attachment", "date"),
        Log::Impersonation => ("ttp_impersonation", "eventTime"),
    };
    record[member] = json!(time);
    let digest = format!("{:032x}", fnv(&format!("{event}{record}")));
    record["mimecastEventId"] = json!(event);
    record["mimecastEventCategory"] = json!(event);
    record["time_generated"] = json!(happened.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    record["mimecastFingerprint"] = json!(format!("ttp1-{digest}"));
    row(&record, happened, ingested)
}

/// A row of the Data Collector API.
pub fn row(record: &Value, happened: DateTime<Utc>, ingested: DateTime<Utc>) -> Row {
    let raw = record.to_string();
    let mut columns = Columns::default();
    let columns = columns.apply(&raw).unwrap();
    let cells = columns.iter().map(|(name, cell)| (name.to_owned(), serde_json::to_value(cell).unwrap()));
    let mut row: Row = cells.collect();
    // Log Analytics replaces a time that is older than two days.
    let time = if ingested - happened > TimeDelta::days(2) { ingested } else { happened };
    row.insert("TimeGenerated".into(), json!(text(time)));
    row.insert("_ingested".into(), json!(text(ingested)));
    row
}

/// Enough of a digest to tell rows apart: the tests need no more of a fingerprint.
fn fnv(text: &str) -> u128 {
    text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash: u128, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

impl Workspace {
    /// A workspace with the given rows by table.
    pub fn new(generation: Generation, rows: &[(String, Row)]) -> Self {
        let mut empty = Self::without_rows(generation, rows);
        empty.fill(rows);
        empty
    }

    /// A workspace that has had the given rows, and has none now.
    pub fn without_rows(generation: Generation, had: &[(String, Row)]) -> Self {
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        if generation == Generation::Deployed {
            let deployed = deployed().into_iter();
            tables.extend(deployed.map(|(name, columns)| (name, Table { columns, rows: Vec::new() })));
            return Self(tables);
        }
        for (name, row) in had {
            let names = row.keys().filter(|name| !name.starts_with('_'));
            let columns = names.map(|name| (name.clone(), classic_type(name).to_owned()));
            tables.entry(name.clone()).or_default().columns.extend(columns);
        }
        Self(tables)
    }

    /// Puts rows into its tables.
    pub fn fill(&mut self, rows: &[(String, Row)]) {
        for (name, row) in rows {
            self.0.get_mut(name).expect("the table is there").rows.push(row.clone());
        }
    }

    /// Columns and rows of each table.
    pub fn tables(&self) -> Value {
        let table = |table: &Table| json!({"columns": table.columns, "rows": table.rows});
        self.0.iter().map(|(name, of)| (name.clone(), table(of))).collect::<Row>().into()
    }
}

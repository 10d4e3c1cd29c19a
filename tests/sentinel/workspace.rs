//! Workspaces for queries: which tables and columns they have, and rows.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use simulators::{log::Log, log_analytics::Columns};

use crate::{
    content, deployment,
    support::kusto::{Kusto, classic_type},
};

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
    let deployed = deployment::with("Analytics");
    let mut tables = BTreeMap::new();
    for resource in deployed.of("Microsoft.OperationalInsights/workspaces/tables") {
        let schema = &resource.body["properties"]["schema"];
        let columns = schema["columns"].as_array().unwrap().iter();
        let columns = columns.map(|column| {
            let kind = match column["type"].as_str().unwrap() {
                "boolean" => "bool".to_owned(),
                other => other.to_lowercase(),
            };
            (column["name"].as_str().unwrap().to_owned(), kind)
        });
        tables.insert(
            schema["name"].as_str().unwrap().to_owned(),
            columns.collect(),
        );
    }
    tables
}

/// The type of a column that came with a row; of those of Microsoft's tables a few are no texts.
fn type_of(column: &str) -> &'static str {
    match column {
        "ValidUntil" | "eventTime" => "datetime",
        "ExtendedProperties" | "actions" | "emailPartsDescription" | "identifiers" => "dynamic",
        "hits" => "real",
        "IsActive" | "IsDeleted" | "Revoked" | "taggedExternal" | "taggedMalicious" => "bool",
        "Confidence" => "int",
        _ => classic_type(column),
    }
}

/// Times as rows hold them.
pub fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A row in the forms that the two ways into Log Analytics give it.
#[derive(Debug, Clone)]
pub struct Stored {
    pub table: String,
    pub deployed: Row,
    pub classic: Row,
}

impl Stored {
    /// A row that is the same either way.
    pub fn alike(table: &str, row: Row) -> Self {
        Self {
            table: table.to_owned(),
            deployed: row.clone(),
            classic: row,
        }
    }

    /// A record as it arrives, with what the connector added.
    pub fn arrived(
        table: &str,
        record: &Value,
        happened: DateTime<Utc>,
        ingested: DateTime<Utc>,
    ) -> Self {
        let raw = record.to_string();
        let mut columns = Columns::default();
        let columns = columns.apply(&raw).unwrap();
        let cells = columns
            .iter()
            .map(|(name, cell)| (name.to_owned(), serde_json::to_value(cell).unwrap()));
        let mut made = Self {
            table: table.to_owned(),
            classic: cells.collect(),
            deployed: transformed(record),
        };
        // Both replace a time that is older than two days.
        let time = if ingested - happened > TimeDelta::days(2) {
            ingested
        } else {
            happened
        };
        for row in [&mut made.classic, &mut made.deployed] {
            row.insert("TimeGenerated".into(), json!(text(time)));
            row.insert("_ingested".into(), json!(text(ingested)));
        }
        made
    }

    fn of(&self, generation: Generation) -> &Row {
        match generation {
            Generation::Deployed => &self.deployed,
            Generation::Classic => &self.classic,
        }
    }
}

/// What the deployed rule makes of a record: objects and lists as JSON text, and some of their members.
fn transformed(record: &Value) -> Row {
    let mut row = Row::new();
    for (name, value) in record.as_object().unwrap() {
        let column = match (name.as_str(), value) {
            ("category", _) => "Category".to_owned(),
            ("date" | "eventTime" | "time_generated" | "watermark", _) => format!("{name}_t"),
            (_, Value::Number(_)) => format!("{name}_d"),
            (_, Value::Bool(_)) => format!("{name}_b"),
            _ => format!("{name}_s"),
        };
        let structured = value.is_object() || value.is_array();
        row.insert(
            column,
            if structured {
                json!(value.to_string())
            } else {
                value.clone()
            },
        );
        for (path, inner) in members(name, value) {
            let inner = inner
                .as_str()
                .map_or_else(|| inner.to_string(), ToOwned::to_owned);
            row.insert(format!("{path}_s"), json!(inner));
        }
    }
    row
}

/// The members of objects that have a column of their own, if the table has it.
fn members<'a>(name: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    let Value::Object(all) = value else {
        return Vec::new();
    };
    let inner = all.iter().flat_map(|(member, value)| {
        let path = format!("{name}_{member}");
        let mut found = members(&path, value);
        found.push((path, value));
        found
    });
    inner.collect()
}

/// The row that a record of a log becomes; `record` is as Mimecast returns it, and its time is put in.
pub fn delivered(
    log: Log,
    mut record: Value,
    happened: DateTime<Utc>,
    ingested: DateTime<Utc>,
) -> Stored {
    let event = format!("ttp_{}", log.name());
    record[log.time_member()] = json!(happened.format("%Y-%m-%dT%H:%M:%S+0000").to_string());
    let fingerprint = format!("ttp1-{:032x}", fnv(&format!("{event}{record}")));
    record["mimecastEventId"] = json!(event);
    record["mimecastEventCategory"] = json!(event);
    record["time_generated"] = json!(happened.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    record["mimecastFingerprint"] = json!(fingerprint);
    Stored::arrived(log.table(), &record, happened, ingested)
}

/// Enough of a digest to tell rows apart: the tests need no more of a fingerprint.
fn fnv(text: &str) -> u128 {
    text.bytes().fold(
        0x6c62_272e_07bb_0142_62b8_2175_6295_c58d,
        |hash: u128, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        },
    )
}

impl Workspace {
    /// A workspace with the given rows.
    pub fn new(generation: Generation, rows: &[Stored]) -> Self {
        let mut empty = Self::without_rows(generation, rows);
        empty.fill(generation, rows);
        empty
    }

    /// A workspace that has had the given rows, and has none now.
    pub fn without_rows(generation: Generation, had: &[Stored]) -> Self {
        let mut tables: BTreeMap<String, Table> = BTreeMap::new();
        if generation == Generation::Deployed {
            let deployed = deployed().into_iter();
            tables.extend(deployed.map(|(name, columns)| {
                (
                    name,
                    Table {
                        columns,
                        rows: Vec::new(),
                    },
                )
            }));
        }
        for stored in had {
            let known = generation == Generation::Deployed && tables.contains_key(&stored.table);
            let table = tables.entry(stored.table.clone()).or_default();
            let names = stored
                .of(generation)
                .keys()
                .filter(|name| !known && !name.starts_with('_'));
            table
                .columns
                .extend(names.map(|name| (name.clone(), type_of(name).to_owned())));
        }
        Self(tables)
    }

    /// Puts rows into its tables.
    pub fn fill(&mut self, generation: Generation, rows: &[Stored]) {
        for stored in rows {
            let table = self.0.get_mut(&stored.table).expect("the table is there");
            table.rows.push(stored.of(generation).clone());
        }
    }

    /// A service in which queries see these tables, and the parsers.
    pub fn open(&self) -> Kusto {
        let mut kusto = Kusto::start();
        let functions = [content::functions(), vec![content::watchlists()]].concat();
        kusto.load(&self.tables().into(), &functions);
        kusto
    }

    /// Columns and rows of each table.
    fn tables(&self) -> Row {
        let table = |table: &Table| json!({"columns": table.columns, "rows": table.rows});
        self.0
            .iter()
            .map(|(name, of)| (name.clone(), table(of)))
            .collect()
    }

    /// The tables that are not of the deployment.
    pub fn foreign_tables(&self) -> Row {
        let mut tables = self.tables();
        for name in deployed().keys() {
            tables.remove(name);
        }
        tables
    }
}

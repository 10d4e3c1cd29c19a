//! The official Kusto language service and the evaluator over its trees, as a child process.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::npm;

/// A service for a test's own use.
///
/// The service takes long to get up to speed, so it goes from test to test; it ends with the tests,
/// when its input does.
pub struct Kusto(Option<Service>);

struct Service {
    _process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The type of a column that the Data Collector API made, by its name.
pub fn classic_type(name: &str) -> &'static str {
    match name.rsplit_once('_').map_or("", |(_, suffix)| suffix) {
        _ if name == "TimeGenerated" => "datetime",
        "t" => "datetime",
        "d" => "real",
        "b" => "bool",
        "g" => "guid",
        _ => "string",
    }
}

/// Those that no test uses right now.
static IDLE: Mutex<Vec<Service>> = Mutex::new(Vec::new());

/// What the service says of a query.
#[derive(Debug, Deserialize)]
pub struct Bound {
    pub faults: Vec<Fault>,
    pub columns: Vec<Column>,
}

/// What the service objects to.
#[derive(Debug, Deserialize)]
pub struct Fault {
    pub severity: String,
    pub code: String,
    pub message: String,
}

/// A column of a result.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
}

/// The rows of each execution.
#[derive(Debug, Deserialize)]
pub struct Answered {
    pub columns: Vec<Column>,
    pub results: Vec<Vec<Value>>,
}

/// What a query sees of its tables' rows, by their `TimeGenerated`.
#[derive(Debug, Clone, Default)]
pub enum Seen {
    /// All rows.
    #[default]
    All,
    /// The time before now, as a scheduled rule: a span such as `1.00:00:00`. A run that is late sees
    /// what was ingested meanwhile.
    Before { period: String, late: String },
    /// From one time to another, as a workbook.
    Between(String, String),
}

impl Service {
    fn start() -> Self {
        let folder = npm::installed(
            "sentinel",
            "The Sentinel queries are checked by the Kusto language service",
        );
        let mut process = Command::new("node")
            .arg(folder.join("kusto/service.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js can be started");
        Self {
            questions: process.stdin.take().expect("its input is piped"),
            answers: BufReader::new(process.stdout.take().expect("its output is piped")),
            _process: process,
        }
    }
}

impl Kusto {
    /// One that is idle, or a new one, which is installed first if need be.
    pub fn start() -> Self {
        let idle = IDLE.lock().unwrap().pop();
        Self(Some(idle.unwrap_or_else(Service::start)))
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, question: &Value) -> Result<T, String> {
        let service = self.0.as_mut().expect("it is there until it is dropped");
        writeln!(service.questions, "{question}").expect("the service reads");
        let mut line = String::new();
        service
            .answers
            .read_line(&mut line)
            .expect("the service answers");
        let mut answer: Value = serde_json::from_str(&line).expect("the answer is JSON");
        if let Some(error) = answer["error"].as_str() {
            return Err(error.to_owned());
        }
        Ok(serde_json::from_value(answer["answer"].take()).expect("the answer has its form"))
    }

    /// Takes tables, as `{name: {"columns": {name: type}, "rows": [row]}}`, and functions for what is
    /// asked next. A row may say by `_ingested` when it came.
    pub fn load(&mut self, tables: &Value, functions: &[impl Serialize]) {
        let question = json!({"kind": "load", "tables": tables, "functions": functions});
        let () = self.ask(&question).expect("tables can be loaded");
    }

    /// Parses queries and binds them to what is loaded.
    pub fn bind(&mut self, queries: &[&str]) -> Vec<Bound> {
        let question = json!({"kind": "bind", "queries": queries});
        self.ask(&question)
            .expect("queries can be bound, or their faults said")
    }

    /// The keywords that must be quoted as names of columns.
    pub fn keywords(&mut self) -> Vec<String> {
        self.ask(&json!({"kind": "keywords"}))
            .expect("the service knows its keywords")
    }

    /// Executes a query at each of the given times.
    pub fn run(&mut self, query: &str, at: &[String], seen: &Seen) -> Result<Answered, String> {
        let mut question = json!({"kind": "run", "query": query, "at": at});
        match seen {
            Seen::All => {}
            Seen::Before { period, late } => {
                question["period"] = json!(period);
                question["late"] = json!(late);
            }
            Seen::Between(from, to) => question["window"] = json!([from, to]),
        }
        self.ask(&question)
    }
}

impl Drop for Kusto {
    fn drop(&mut self) {
        // One that a test broke off may owe an answer.
        if !std::thread::panicking() {
            IDLE.lock().unwrap().extend(self.0.take());
        }
    }
}

//! The content of `sentinel/` as files hold it.

use std::{fmt, fs, path::Path};

use serde::Serialize;
use serde_json::Value;

use crate::workbook::Workbook;

/// A parser, as the language service needs it.
#[derive(Debug, Clone, Serialize)]
pub struct Function {
    pub name: String,
    pub parameters: Option<String>,
    pub body: String,
}

impl Function {
    /// Its body, to be looked at by itself. One with parameters is called with what they are by default.
    fn alone(&self) -> String {
        let Some(parameters) = &self.parameters else {
            return self.body.clone();
        };
        format!(
            "let {0} = ({parameters}) {{{1}\n}};\n{0}()",
            self.name, self.body
        )
    }
}

/// A rule or a hunting query: its text and what is said about it.
#[derive(Debug, Clone)]
pub struct Described {
    pub key: String,
    pub query: String,
    pub about: Value,
}

/// Where a query comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Parser,
    Rule,
    Hunting,
    Workbook,
    Connector,
}

impl Kind {
    /// Its name in the list of queries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parser => "parser",
            Self::Rule => "rule",
            Self::Hunting => "hunting",
            Self::Workbook => "workbook",
            Self::Connector => "connector page",
        }
    }
}

/// Any query of the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub kind: Kind,
    pub name: String,
    pub text: String,
    /// Whether the workbook limits the query's tables to its time range.
    pub follows_range: bool,
}

/// The key of each workbook, which names its file, and the name that Sentinel shows.
const WORKBOOKS: [(&str, &str); 2] = [
    ("investigation", "Mimecast TTP: investigation"),
    ("operations", "Mimecast TTP: operations and health"),
];

/// A workbook, as its file holds it.
#[derive(Debug, Clone)]
pub struct WorkbookFile {
    pub key: &'static str,
    pub display_name: &'static str,
    pub json: Value,
}

impl fmt::Display for Query {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.kind.name(), self.name)
    }
}

fn json(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pairs of `NAME.kql` and `NAME.json` in a folder; one without the other is a fault.
fn described(folder: &str) -> Vec<Described> {
    let folder = Path::new("sentinel").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let (queries, abouts): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|path| path.extension().is_some_and(|ext| ext == "kql"));
    let stems = |paths: &[std::path::PathBuf]| {
        paths
            .iter()
            .map(|path| path.with_extension(""))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        stems(&queries),
        stems(&abouts),
        "each query has its words, and the other way round"
    );
    let one = |path: &std::path::PathBuf| Described {
        key: path.file_stem().unwrap().to_string_lossy().into_owned(),
        query: fs::read_to_string(path).unwrap(),
        about: json(&path.with_extension("json")),
    };
    queries.iter().map(one).collect()
}

/// The parsers, as files hold them.
pub fn parsers() -> Vec<Described> {
    described("parsers")
}

/// The parsers.
pub fn functions() -> Vec<Function> {
    let parsers = parsers().into_iter();
    let function = |parser: Described| Function {
        name: parser.about["functionAlias"].as_str().unwrap().to_owned(),
        parameters: parser.about["functionParameters"]
            .as_str()
            .map(ToOwned::to_owned),
        body: parser.query,
    };
    parsers.map(function).collect()
}

/// The analytic rules.
pub fn rules() -> Vec<Described> {
    described("rules")
}

/// The hunting queries.
pub fn hunting() -> Vec<Described> {
    described("hunting")
}

/// The workbooks.
pub fn workbooks() -> Vec<WorkbookFile> {
    let files = WORKBOOKS.map(|(key, display_name)| WorkbookFile {
        key,
        display_name,
        json: json(&Path::new("sentinel/workbooks").join(format!("{key}.json"))),
    });
    files.into()
}

/// The connector page.
pub fn connector() -> Value {
    json(Path::new("sentinel/connector.json"))
}

/// The queries of the connector page, with where they stand.
pub fn connector_queries() -> Vec<(String, String)> {
    let page = connector();
    let ui = page
        .pointer("/connectorUiConfig")
        .or_else(|| page.pointer("/properties/connectorUiConfig"));
    let mut found = Vec::new();
    collect(
        ui.expect("the page has its connectorUiConfig"),
        "",
        &mut found,
    );
    found
}

fn collect(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            let is_copyable = members.contains_key("wideLabel");
            for (name, inner) in members {
                let path = format!("{path}/{name}");
                match inner.as_str() {
                    Some(text)
                        if ["baseQuery", "lastDataReceivedQuery", "query"]
                            .contains(&name.as_str())
                            || is_copyable && name == "value" =>
                    {
                        found.push((path, text.to_owned()));
                    }
                    _ => collect(inner, &path, found),
                }
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                let path = format!("{path}/{index}");
                match inner.as_str() {
                    Some(text) if path.contains("/connectivityCriteria/") => {
                        found.push((path, text.to_owned()));
                    }
                    _ => collect(inner, &path, found),
                }
            }
        }
        _ => {}
    }
}

/// Every query of the content, those of the workbooks with their filters as they are at first.
pub fn queries() -> Vec<Query> {
    let plain = |kind, name: String, text| Query {
        kind,
        name,
        text,
        follows_range: false,
    };
    let mut all: Vec<Query> = functions()
        .into_iter()
        .map(|one| plain(Kind::Parser, one.name.clone(), one.alone()))
        .collect();
    all.extend(
        rules()
            .into_iter()
            .map(|one| plain(Kind::Rule, one.key, one.query)),
    );
    all.extend(
        hunting()
            .into_iter()
            .map(|one| plain(Kind::Hunting, one.key, one.query)),
    );
    for file in workbooks() {
        let workbook = Workbook::read(&file.json);
        for query in workbook.queries(&workbook.untouched()) {
            // Both workbooks have the queries of the filters.
            if !all.contains(&query) {
                all.push(query);
            }
        }
    }
    all.extend(
        connector_queries()
            .into_iter()
            .map(|(name, text)| plain(Kind::Connector, name, text)),
    );
    all
}

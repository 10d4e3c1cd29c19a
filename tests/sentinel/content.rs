//! The queries of `sentinel/`, wherever they stand.

use std::{fmt, path::Path};

use serde::Serialize;
use serde_json::Value;
use xtask::content::{Content, Parser};

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

impl fmt::Display for Query {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.kind.name(), self.name)
    }
}

/// The content, as files hold it.
pub fn read() -> Content {
    Content::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The parsers.
pub fn functions() -> Vec<Function> {
    let function = |parser: Parser| Function {
        parameters: parser.parameters(),
        name: parser.function_alias,
        body: parser.function_query,
    };
    let content = read();
    let all = content.parsers.into_iter().chain(content.peer_functions);
    all.map(function).collect()
}

/// The function that Sentinel has for watchlists, with the rows that ours begin with. Of one that is not there it gives none.
pub fn watchlists() -> Function {
    let watchlists = read().watchlists;
    let rows: Vec<_> = watchlists
        .iter()
        .flat_map(|one| {
            one.keys()
                .map(|key| format!("\"{}\", \"{key}\"", one.watchlist_alias))
        })
        .collect();
    Function {
        name: "_GetWatchlist".to_owned(),
        parameters: Some("watchlistAlias:string".to_owned()),
        body: format!(
            "datatable(Alias:string, SearchKey:string)[{}] | where Alias == watchlistAlias | project SearchKey",
            rows.join(", ")
        ),
    }
}

/// The queries of the connector page, with where they stand.
fn connector_queries(page: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(page, "", &mut found);
    found
}

fn collect(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let path = format!("{path}/{name}");
                match inner.as_str() {
                    Some(text)
                        if ["baseQuery", "lastDataReceivedQuery", "query"]
                            .contains(&name.as_str()) =>
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
                    Some(text) if path.contains("/connectivityCriterias/") => {
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
    let content = read();
    let mut all: Vec<Query> = functions()
        .into_iter()
        .map(|one| plain(Kind::Parser, one.name.clone(), one.alone()))
        .collect();
    all.extend(
        content
            .rules
            .into_iter()
            .map(|one| plain(Kind::Rule, one.key, one.query)),
    );
    all.extend(
        content
            .hunting
            .into_iter()
            .map(|one| plain(Kind::Hunting, one.key, one.query)),
    );
    for file in content.workbooks {
        let workbook = Workbook::read(&file.json);
        for query in workbook.queries(&workbook.untouched()) {
            // Both workbooks have the queries of the filters.
            if !all.contains(&query) {
                all.push(query);
            }
        }
    }
    all.extend(
        connector_queries(&content.connector)
            .into_iter()
            .map(|(name, text)| plain(Kind::Connector, name, text)),
    );
    all
}

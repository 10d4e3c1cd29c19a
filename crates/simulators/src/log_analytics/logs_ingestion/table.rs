//! The tables of a template: what their columns are called and of what type they are.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use template_check::evaluate::Deployed;

use super::value::Type;

/// The most columns of a table, and the longest name of one, as documented.
const MAX_COLUMNS: usize = 500;
const LONGEST_NAME: usize = 45;

/// Names that a column cannot have, as documented; that their case does not matter is unconfirmed.
const RESERVED: [&str; 7] = [
    "_ResourceId",
    "id",
    "_SubscriptionId",
    "TenantId",
    "Type",
    "UniqueId",
    "Title",
];

/// A table's columns.
#[derive(Debug)]
pub(super) struct Table(BTreeMap<String, Type>);

impl Table {
    /// Reads all tables that a template makes, by their names.
    pub(super) fn all(deployed: &Deployed) -> Result<BTreeMap<String, Self>, String> {
        let tables = deployed.of("Microsoft.OperationalInsights/workspaces/tables");
        let tables = tables.map(|resource| {
            let schema = &resource.body["properties"]["schema"];
            let name = text(&schema["name"])?;
            let table = Self::read(name, schema).map_err(|error| format!("{name}: {error}"))?;
            Ok((name.to_owned(), table))
        });
        tables.collect()
    }

    fn read(name: &str, schema: &Json) -> Result<Self, String> {
        if !name.ends_with("_CL") {
            return Err("the name of a custom table ends with _CL".to_owned());
        }
        let columns = columns(&schema["columns"], Type::in_table)?;
        if columns.len() > MAX_COLUMNS {
            return Err(format!("a table has at most {MAX_COLUMNS} columns"));
        }
        let table = Self(columns.into_iter().collect());
        match table.kind("TimeGenerated") {
            Some(Type::DateTime) => Ok(table),
            _ => Err("a table has a column TimeGenerated of type dateTime".to_owned()),
        }
    }

    /// The type of a column.
    pub(super) fn kind(&self, column: &str) -> Option<Type> {
        self.0.get(column).copied()
    }
}

/// Reads the columns of a table or a stream. That a stream's names are held to the same rules as a
/// table's is unconfirmed.
pub(super) fn columns(
    declared: &Json,
    kind_named: fn(&str) -> Option<Type>,
) -> Result<Vec<(String, Type)>, String> {
    let mut columns: Vec<(String, Type)> = Vec::new();
    for column in declared.as_array().into_iter().flatten() {
        let (name, kind) = (text(&column["name"])?, text(&column["type"])?);
        let kind = kind_named(kind).ok_or_else(|| format!("no type is called {kind}"))?;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if name.len() > LONGEST_NAME
            || !name.starts_with(|first: char| first.is_ascii_alphabetic())
            || !name.chars().all(plain)
            || RESERVED.iter().any(|word| word.eq_ignore_ascii_case(name))
        {
            return Err(format!("no column can be called {name}"));
        }
        if columns.iter().any(|(other, _)| other == name) {
            return Err(format!("{name} is declared twice"));
        }
        columns.push((name.to_owned(), kind));
    }
    Ok(columns)
}

/// A text of a template.
pub(super) fn text(json: &Json) -> Result<&str, String> {
    json.as_str()
        .ok_or_else(|| format!("a text was expected and not {json}"))
}

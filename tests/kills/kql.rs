//! Just as much of the query language as the README's line needs:
//! `TABLE | summarize arg_max(COLUMN, *) by COLUMN`. Anything else is refused, so that a line which
//! grows is not taken for one that was checked.

use std::collections::BTreeMap;

use serde_json::Value;

/// The tables of a workspace: rows as a query sees them.
pub type Tables = BTreeMap<String, Vec<Value>>;

/// `TABLE | summarize arg_max(GREATEST, *) by KEY`: of each group of rows, the one that has the most.
#[derive(Debug, PartialEq, Eq)]
pub struct ArgMax<'a> {
    pub table: &'a str,
    pub greatest: &'a str,
    pub key: &'a str,
}

impl<'a> ArgMax<'a> {
    /// Reads a query; `None` for one that is not of this form.
    pub fn parse(query: &'a str) -> Option<Self> {
        let (table, rest) = query.split_once('|')?;
        let rest = word(rest, "summarize")?.trim_start();
        let (greatest, rest) = rest.strip_prefix("arg_max(")?.split_once(',')?;
        let (all, rest) = rest.split_once(')')?;
        let key = word(rest, "by")?;
        let read = Self {
            table: name(table)?,
            greatest: name(greatest)?,
            key: name(key)?,
        };
        (all.trim() == "*").then_some(read)
    }

    /// Answers the query. A table or column that nothing was ever put into is an error, as it is in
    /// a real workspace.
    pub fn answer<'t>(&self, tables: &'t Tables) -> Result<Vec<&'t Value>, String> {
        let rows = tables
            .get(self.table)
            .ok_or_else(|| format!("there is no table {}", self.table))?;
        for column in [self.greatest, self.key] {
            if rows.iter().all(|row| row.get(column).is_none()) {
                return Err(format!("there is no column {column}"));
            }
        }
        let mut groups: BTreeMap<String, &Value> = BTreeMap::new();
        for row in rows {
            let key = row.get(self.key).unwrap_or(&Value::Null).to_string();
            let best = groups.entry(key).or_insert(row);
            // Times of one spelling: their texts are in their order.
            let time = |row: &Value| row[self.greatest].as_str().map(ToOwned::to_owned);
            if time(row) > time(best) {
                *best = row;
            }
        }
        Ok(groups.into_values().collect())
    }
}

/// What follows the word.
fn word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.trim_start().strip_prefix(word)?;
    rest.starts_with(' ').then_some(rest)
}

fn name(text: &str) -> Option<&str> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!text.is_empty() && text.chars().all(plain)).then_some(text)
}

#[test]
fn only_the_form_that_is_understood_is_answered() {
    let good = "T_CL | summarize arg_max(TimeGenerated, *) by key_s";
    let read = ArgMax {
        table: "T_CL",
        greatest: "TimeGenerated",
        key: "key_s",
    };
    assert_eq!(ArgMax::parse(good), Some(read));
    for other in [
        "",
        "T_CL",
        "T_CL | take 1",
        "T_CL | summarize arg_min(TimeGenerated, *) by key_s",
        "T_CL | summarize arg_max(TimeGenerated, n_d) by key_s",
        "T_CL | summarize arg_max(TimeGenerated, *)",
        "T_CL | summarize arg_max(TimeGenerated, *) by key_s, n_d",
        "T_CL | summarize arg_max(TimeGenerated, *) by bin(n_d, 5)",
        "T_CL | summarize arg_max(TimeGenerated, *) by key_s | take 1",
        "T_CL | where n_d > 1 | summarize arg_max(TimeGenerated, *) by key_s",
        "union A, B | summarize arg_max(TimeGenerated, *) by key_s",
    ] {
        assert_eq!(ArgMax::parse(other), None, "{other}");
    }
}

#[test]
fn the_row_with_the_most_of_each_group_remains() {
    let row = |key: &str, time: &str| serde_json::json!({"key_s": key, "time": time});
    let rows = vec![row("a", "1"), row("b", "1"), row("a", "3"), row("a", "2")];
    let tables = Tables::from([("T_CL".to_owned(), rows)]);
    let ask = |query: &str| {
        let rows = ArgMax::parse(query).unwrap().answer(&tables)?;
        Ok::<_, String>(rows.into_iter().cloned().collect::<Vec<_>>())
    };
    let left = ask("T_CL | summarize arg_max(time, *) by key_s").unwrap();
    assert_eq!(left, [row("a", "3"), row("b", "1")]);
    assert!(ask("T_CL | summarize arg_max(time, *) by other_s").is_err());
    assert!(ask("U_CL | summarize arg_max(time, *) by key_s").is_err());
}

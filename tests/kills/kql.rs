//! Just as much of the query language as the README's query against copies needs: of the rows that carry
//! a key one for each key, and every row that carries none. Any other query is refused, so that one which
//! grows is not taken for one that was checked.

use std::collections::BTreeMap;

use serde_json::Value;

/// The tables of a workspace: rows as a query sees them.
pub type Tables = BTreeMap<String, Vec<Value>>;

/// The query of [`OneOfEach::text`].
#[derive(Debug, PartialEq, Eq)]
pub struct OneOfEach<'a> {
    pub table: &'a str,
    pub greatest: &'a str,
    pub key: &'a str,
}

impl<'a> OneOfEach<'a> {
    /// Reads a query, whatever its white space; `None` for one that is not of this form.
    pub fn parse(query: &'a str) -> Option<Self> {
        let between = |before: &str, behind: &str| {
            let (_, rest) = query.split_once(before)?;
            let (found, _) = rest.split_once(behind)?;
            name(found)
        };
        let read = Self {
            table: between("let delivered =", "|")?,
            greatest: between("arg_max(", ",")?,
            key: between("extend", "=")?,
        };
        (plain(query) == read.text()).then_some(read)
    }

    fn text(&self) -> String {
        let Self {
            table,
            greatest,
            key,
        } = self;
        plain(&format!(
            "let delivered = {table} | extend {key} = column_ifexists(\"{key}\", \"\");
             union (delivered | where isempty({key})),
                   (delivered | where isnotempty({key}) | summarize arg_max({greatest}, *) by {key})"
        ))
    }

    /// Answers the query. A table or column that nothing was ever put into is an error, as it is in
    /// a real workspace; a column that may be absent is not.
    pub fn answer<'t>(&self, tables: &'t Tables) -> Result<Vec<&'t Value>, String> {
        let rows = tables
            .get(self.table)
            .ok_or_else(|| format!("there is no table {}", self.table))?;
        if rows.iter().all(|row| row.get(self.greatest).is_none()) {
            return Err(format!("there is no column {}", self.greatest));
        }
        let mut left = Vec::new();
        let mut groups: BTreeMap<&str, &Value> = BTreeMap::new();
        for row in rows {
            let key = row[self.key].as_str().unwrap_or_default();
            if key.is_empty() {
                left.push(row);
                continue;
            }
            let best = groups.entry(key).or_insert(row);
            // Times of one spelling: their texts are in their order.
            let time = |row: &Value| row[self.greatest].as_str().map(ToOwned::to_owned);
            if time(row) > time(best) {
                *best = row;
            }
        }
        left.extend(groups.into_values());
        Ok(left)
    }
}

/// One blank wherever there is white space.
fn plain(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn name(text: &str) -> Option<&str> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!text.is_empty() && text.chars().all(plain)).then_some(text)
}

#[cfg(test)]
const GOOD: &str = r#"let delivered = T_CL | extend key_s = column_ifexists("key_s", "");
union (delivered | where isempty(key_s)),
      (delivered | where isnotempty(key_s) | summarize arg_max(time, *) by key_s)"#;

#[test]
fn only_the_form_that_is_understood_is_answered() {
    let read = OneOfEach {
        table: "T_CL",
        greatest: "time",
        key: "key_s",
    };
    assert_eq!(OneOfEach::parse(GOOD), Some(read));
    for (old, new) in [
        (GOOD, ""),
        (GOOD, "T_CL | summarize arg_max(time, *) by key_s"),
        ("arg_max", "arg_min"),
        ("arg_max(time, *)", "arg_max(time, n_d)"),
        ("by key_s", "by key_s, n_d"),
        ("by key_s", "by other_s"),
        ("by key_s)", "by key_s) | take 1"),
        ("isempty(key_s)", "isempty(other_s)"),
        ("isnotempty(key_s)", "isempty(key_s)"),
        ("T_CL |", "T_CL | where n_d > 1 |"),
        (r#"("key_s", "")"#, r#"("key_s", "x")"#),
        ("union", "union isfuzzy=true"),
    ] {
        let other = GOOD.replace(old, new);
        assert_ne!(other, GOOD);
        assert_eq!(OneOfEach::parse(&other), None, "{other}");
    }
}

#[test]
fn of_each_key_the_latest_row_remains_and_every_row_without_one() {
    let row = |key: &str, time: &str| serde_json::json!({"key_s": key, "time": time});
    let keyless = serde_json::json!({"time": "1"});
    let tables = |mut rows: Vec<Value>| {
        rows.extend([keyless.clone(), keyless.clone()]);
        Tables::from([("T_CL".to_owned(), rows)])
    };
    let ask = |query: &str, tables: &Tables| {
        let rows = OneOfEach::parse(query).unwrap().answer(tables)?;
        Ok::<_, String>(rows.into_iter().cloned().collect::<Vec<_>>())
    };
    let rows = vec![row("a", "1"), row("b", "1"), row("a", "3"), row("a", "2")];
    let empty = row("", "1");
    let mixed = tables([rows.clone(), vec![empty.clone()]].concat());
    assert_eq!(
        ask(GOOD, &mixed).unwrap(),
        [
            empty,
            keyless.clone(),
            keyless.clone(),
            row("a", "3"),
            row("b", "1")
        ]
    );
    assert_eq!(ask(GOOD, &tables(Vec::new())).unwrap().len(), 2);
    assert!(ask(&GOOD.replace("time", "other"), &mixed).is_err());
    assert!(ask(&GOOD.replace("T_CL", "U_CL"), &mixed).is_err());
}

//! Where accepted rows go.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{columns::ColumnRow, times};

/// Takes what a simulator accepted.
pub trait RowSink: Send + Sync {
    /// Takes the rows of one post for `table` (its full name, `_CL` included), in their order in
    /// the post. Posts to one table come one after the other.
    fn store(&self, table: &str, rows: &[StoredRow<'_>]);
}

/// One accepted row.
#[derive(Debug)]
pub struct StoredRow<'a> {
    /// The exact JSON text of the row as it arrived.
    pub raw: &'a str,
    /// The row's time in the table: its own, or the time of receipt.
    pub time_generated: DateTime<Utc>,
    /// The Azure resource the post was said to come from, which goes to the column `_ResourceId`.
    pub resource_id: Option<&'a str>,
    /// The row's columns in the table, if the simulator makes them.
    pub columns: Option<ColumnRow<'a>>,
}

impl StoredRow<'_> {
    /// Appends the row as one line of JSON: as a query would show it, with `TimeGenerated` first.
    /// A row without columns is written as it arrived instead.
    pub fn write_line(&self, line: &mut Vec<u8>) -> serde_json::Result<()> {
        if self.columns.is_some() {
            serde_json::to_writer(&mut *line, self)?;
        } else {
            // Line breaks stand only between tokens, because inside a string they are escaped.
            line.extend(self.raw.bytes().map(|byte| match byte {
                b'\n' | b'\r' => b' ',
                other => other,
            }));
        }
        line.push(b'\n');
        Ok(())
    }
}

/// The row as a query would show it.
impl Serialize for StoredRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("TimeGenerated", &times::format(self.time_generated))?;
        if let Some(id) = self.resource_id {
            map.serialize_entry("_ResourceId", id)?;
        }
        if let Some(columns) = &self.columns {
            for (name, cell) in columns.iter() {
                map.serialize_entry(name, cell)?;
            }
            if !columns.additional().is_empty() {
                map.serialize_entry("AdditionalFields", columns.additional())?;
            }
        }
        map.end()
    }
}

/// A row kept by [`MemoryRows`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryRow {
    /// The exact JSON text of the row as it arrived.
    pub raw: String,
    /// The row's time in the table.
    pub time_generated: DateTime<Utc>,
}

/// Keeps every row in memory, for tests.
#[derive(Debug, Default)]
pub struct MemoryRows(Mutex<BTreeMap<String, Vec<MemoryRow>>>);

impl MemoryRows {
    /// The rows of `table` in the order in which they were stored; none for an unknown table.
    #[must_use]
    pub fn rows(&self, table: &str) -> Vec<MemoryRow> {
        self.lock().get(table).cloned().unwrap_or_default()
    }

    /// The texts of the rows of `table` as they arrived.
    #[must_use]
    pub fn texts(&self, table: &str) -> Vec<String> {
        let tables = self.lock();
        let rows = tables.get(table).map_or(&[][..], Vec::as_slice);
        rows.iter().map(|row| row.raw.clone()).collect()
    }

    /// How many rows `table` has.
    #[must_use]
    pub fn count(&self, table: &str) -> usize {
        self.lock().get(table).map_or(0, Vec::len)
    }

    /// The names of the tables that have rows, sorted.
    #[must_use]
    pub fn tables(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<MemoryRow>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowSink for MemoryRows {
    fn store(&self, table: &str, rows: &[StoredRow<'_>]) {
        let mut tables = self.lock();
        let kept = tables.entry(table.to_owned()).or_default();
        kept.extend(rows.iter().map(|row| MemoryRow {
            raw: row.raw.to_owned(),
            time_generated: row.time_generated,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_analytics::Columns;

    fn row(raw: &str) -> StoredRow<'_> {
        StoredRow {
            raw,
            time_generated: DateTime::parse_from_rfc3339("2026-01-05T09:07:03.25Z")
                .unwrap()
                .to_utc(),
            resource_id: None,
            columns: None,
        }
    }

    fn line(row: &StoredRow<'_>) -> String {
        let mut line = Vec::new();
        row.write_line(&mut line).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_line_shows_the_row_as_a_query_would() {
        let raw = r#"{"hits":2,"ok":true,"to":["a"],"at":"2026-01-05T10:00:00+01:00","none":null}"#;
        let columns = Columns::default().apply(raw).unwrap();
        let shown = line(&StoredRow {
            columns: Some(columns),
            resource_id: Some("/subscriptions/1"),
            ..row(raw)
        });
        assert_eq!(
            shown,
            concat!(
                r#"{"TimeGenerated":"2026-01-05T09:07:03.250Z","_ResourceId":"/subscriptions/1","#,
                r#""hits_d":2,"ok_b":true,"to_s":"[\"a\"]","at_t":"2026-01-05T09:00:00Z"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_row_without_columns_is_one_line_of_what_arrived() {
        assert_eq!(line(&row("{\"a\":\r\n1}")), "{\"a\":  1}\n");
    }

    #[test]
    fn memory_keeps_texts_and_times_per_table() {
        let memory = MemoryRows::default();
        memory.store("A_CL", &[row("{\"a\": 1}"), row("{}")]);
        memory.store("A_CL", &[row("{\"a\":2}")]);
        assert_eq!(memory.texts("A_CL"), ["{\"a\": 1}", "{}", "{\"a\":2}"]);
        assert_eq!(
            memory.rows("A_CL")[2].time_generated,
            row("").time_generated
        );
        assert_eq!((memory.count("A_CL"), memory.count("B_CL")), (3, 0));
        assert_eq!(memory.tables(), ["A_CL"]);
    }
}

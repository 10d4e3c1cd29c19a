//! From a checked body to stored rows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::{answer::Refusal, config::Config};
use crate::log_analytics::{
    columns::{self, Columns, IntoText},
    json,
    rows::{RowSink, StoredRow},
    times,
};

/// The text of a row, and the time that it states.
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    raw: &'a str,
    time: Option<String>,
}

/// What a post says about all of its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    /// The log type; the table's name without `_CL`.
    pub(super) log_type: &'a str,
    /// The member of each row that holds its time. Microsoft documents that it is a name, not a time.
    pub(super) time_field: Option<&'a str>,
    /// The Azure resource that the rows belong to.
    pub(super) resource_id: Option<&'a str>,
    /// When the post arrived.
    pub(super) received: DateTime<Utc>,
}

/// The tables of the workspace.
#[derive(Debug)]
pub(super) struct Tables {
    /// Whether rows are looked into.
    inspect: bool,
    /// `None` where no columns are made.
    columns: Option<IntoText>,
    by_name: Mutex<HashMap<String, Arc<Mutex<Columns>>>>,
}

impl Tables {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            inspect: config.inspect,
            columns: (config.inspect && config.columns).then_some(config.into_text),
            by_name: Mutex::default(),
        }
    }

    /// Stores all rows of `body`, or none. Gives their number.
    pub(super) fn store(
        &self,
        about: &About<'_>,
        body: &[u8],
        sinks: &[Arc<dyn RowSink>],
    ) -> Result<usize, Refusal> {
        let rows = if self.inspect {
            read(body, about.time_field)
        } else {
            split(body)
        };
        let rows = rows.map_err(Refusal::InvalidDataFormat)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let table = format!("{}_CL", about.log_type);
        let columns = self.table(&table);
        // Held until the sinks have the rows, so that they come in the order of their columns.
        let mut columns = lock(&columns);
        let mut stored = Vec::with_capacity(rows.len());
        for row in &rows {
            let applied = self.columns.map(|_| columns.apply(row.raw)).transpose();
            stored.push(StoredRow {
                raw: row.raw,
                time_generated: times::time_generated(row.time.as_deref(), about.received),
                resource_id: about.resource_id,
                columns: applied.map_err(|error| Refusal::InvalidDataFormat(error.to_string()))?,
            });
        }
        for sink in sinks {
            sink.store(&table, &stored);
        }
        Ok(stored.len())
    }

    /// Shows the columns of `table` to `look`, if there is such a table.
    pub(super) fn look<T>(&self, table: &str, look: impl FnOnce(&Columns) -> T) -> Option<T> {
        let columns = lock(&self.by_name).get(table).cloned()?;
        let columns = lock(&columns);
        Some(look(&columns))
    }

    /// How many texts were cut, over all tables.
    pub(super) fn truncated(&self) -> u64 {
        let tables = lock(&self.by_name);
        tables.values().map(|table| lock(table).truncated()).sum()
    }

    fn table(&self, name: &str) -> Arc<Mutex<Columns>> {
        let mut tables = lock(&self.by_name);
        let into_text = self.columns.unwrap_or_default();
        let table = tables
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Mutex::new(Columns::new(into_text))));
        Arc::clone(table)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The texts of the elements of a body, which must be JSON.
fn elements(body: &[u8]) -> Result<impl Iterator<Item = (&str, usize)>, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let elements = json::elements(text).map_err(|error| error.to_string())?;
    Ok(elements.into_iter().map(RawValue::get).zip(1..))
}

/// Splits a body into rows, each of which must be an object, and checks nothing else.
fn split(body: &[u8]) -> Result<Vec<Row<'_>>, String> {
    let rows = elements(body)?.map(|(raw, number)| {
        if raw.starts_with('{') {
            Ok(Row { raw, time: None })
        } else {
            Err(format!("Row {number}: it is no object"))
        }
    });
    rows.collect()
}

/// Splits a body into rows, each of which must be an object without reserved names.
fn read<'a>(body: &'a [u8], time_field: Option<&str>) -> Result<Vec<Row<'a>>, String> {
    let rows = elements(body)?;
    rows.map(|(row, number)| {
        let time = inspect(row, time_field).map_err(|error| format!("Row {number}: {error}"))?;
        Ok(Row { raw: row, time })
    })
    .collect()
}

/// Checks the names of a row. Gives the text in its time field, if it has one.
fn inspect(row: &str, time_field: Option<&str>) -> serde_json::Result<Option<String>> {
    let mut time = None;
    json::members(row, |name, value| {
        if columns::is_reserved(&name) {
            let error = format!("the property name {name} is reserved");
            return Err(serde::de::Error::custom(error));
        }
        if time_field == Some(&*name) && value.starts_with('"') {
            time = Some(json::string(value).into_owned());
        }
        Ok(())
    })?;
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_text_and_name_their_time() {
        let body = "[{\"t\": \"soon\", \"x\":{\"t\":\"inner\"} }, {\"t\":5}, {\"T\":\"other\"}]";
        let rows = read(body.as_bytes(), Some("t")).unwrap();
        let times: Vec<_> = rows.iter().map(|row| row.time.as_deref()).collect();
        assert_eq!(rows[0].raw, "{\"t\": \"soon\", \"x\":{\"t\":\"inner\"} }");
        assert_eq!(times, [Some("soon"), None, None]);
        assert_eq!(read(body.as_bytes(), None).unwrap()[0].time, None);
        assert_eq!(read(b"{\"a\":1}", None).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_array_of_objects_is_refused() {
        for body in [
            &b"[1]"[..],
            b"[[]]",
            b"[null]",
            b"\"x\"",
            b"",
            b"[{}",
            b"[{\"a\":\"\xff\"}]",
        ] {
            assert!(read(body, None).is_err(), "{}", body.escape_ascii());
            assert!(split(body).is_err(), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn reserved_names_are_refused_where_rows_are_looked_into() {
        for body in [
            &b"[{\"TimeGenerated\":\"2026-01-05T09:07:03Z\"}]"[..],
            b"[{\"a\":1},{\"tenant\":1}]",
        ] {
            assert!(read(body, None).is_err(), "{}", body.escape_ascii());
            assert!(split(body).is_ok(), "{}", body.escape_ascii());
        }
    }
}

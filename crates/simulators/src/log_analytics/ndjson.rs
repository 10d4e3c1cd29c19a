//! Accepted rows as files that a person can read.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::rows::{RowSink, StoredRow};

/// Appends every row as one line of JSON to `FOLDER/{table}.ndjson`, as a query would show it (see
/// [`StoredRow::write_line`]). A post's lines are in the file when the post is answered.
#[derive(Debug)]
pub struct NdjsonFolder {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: HashMap<String, File>,
    failure: Option<io::Error>,
}

impl NdjsonFolder {
    /// Writes to `folder`, which is created if it does not exist. Lines are added to existing files.
    pub fn create(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            state: Mutex::default(),
        })
    }

    /// The file of `table`.
    #[must_use]
    pub fn path(&self, table: &str) -> PathBuf {
        path(&self.folder, table)
    }

    /// Takes the first failure to write, if there was one. The service does not report to its callers
    /// where its rows end up, so this is where to ask.
    pub fn take_failure(&self) -> Option<io::Error> {
        self.lock().failure.take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowSink for NdjsonFolder {
    fn store(&self, table: &str, rows: &[StoredRow<'_>]) {
        let mut state = self.lock();
        if let Err(error) = append(&self.folder, &mut state.files, table, rows) {
            tracing::error!(%error, table, "Rows could not be written to their file.");
            state.failure.get_or_insert(error);
        }
    }
}

fn append(
    folder: &Path,
    files: &mut HashMap<String, File>,
    table: &str,
    rows: &[StoredRow<'_>],
) -> io::Result<()> {
    let mut lines = Vec::new();
    for row in rows {
        row.write_line(&mut lines)?;
    }
    if let Some(file) = files.get_mut(table) {
        return file.write_all(&lines);
    }
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path(folder, table))?;
    file.write_all(&lines)?;
    files.insert(table.to_owned(), file);
    Ok(())
}

fn path(folder: &Path, table: &str) -> PathBuf {
    folder.join(format!("{table}.ndjson"))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::log_analytics::Columns;

    fn row(raw: &str) -> StoredRow<'_> {
        StoredRow {
            raw,
            time_generated: DateTime::UNIX_EPOCH,
            resource_id: None,
            columns: Some(Columns::default().apply(raw).unwrap()),
        }
    }

    #[test]
    fn each_table_has_a_file_with_a_line_per_row() {
        let folder = tempfile::tempdir().unwrap();
        let sink = NdjsonFolder::create(folder.path().join("rows")).unwrap();
        sink.store("A_CL", &[row(r#"{"a":1}"#), row(r#"{"a":2}"#)]);
        sink.store("B_CL", &[row(r#"{"b":"x"}"#)]);
        sink.store("A_CL", &[row(r#"{"a":3}"#)]);
        let time = r#""TimeGenerated":"1970-01-01T00:00:00Z""#;
        assert_eq!(
            std::fs::read_to_string(sink.path("A_CL")).unwrap(),
            [1, 2, 3]
                .map(|a| format!("{{{time},\"a_d\":{a}}}\n"))
                .concat()
        );
        assert_eq!(
            std::fs::read_to_string(sink.path("B_CL")).unwrap(),
            format!("{{{time},\"b_s\":\"x\"}}\n")
        );
        assert!(sink.take_failure().is_none());
    }

    #[test]
    fn a_failure_to_write_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let sink = NdjsonFolder::create(folder.path()).unwrap();
        std::fs::create_dir(sink.path("A_CL")).unwrap();
        sink.store("A_CL", &[row("{}")]);
        assert!(sink.take_failure().is_some());
    }
}

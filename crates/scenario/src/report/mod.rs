//! The page that shows what the analyst will see: the workbooks' charts, drawn from the rows that the
//! sink stored, in one file that needs no network and no script.

mod about;
mod bars;
mod cells;
mod chart;
mod event;
mod health;
mod hours;
mod html;
mod overview;
mod page;
mod pass;
mod ranking;
mod svg;
mod tally;

#[cfg(test)]
mod tests;

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use self::tally::Tally;
pub use about::About;
pub use pass::TABLE as HEALTH;

use simulators::log_analytics::{RowSink, StoredRow};

/// A page under construction.
#[derive(Debug)]
pub struct Report {
    path: PathBuf,
    collector: Arc<Collector>,
}

impl Report {
    /// A page for this file. Whether it can be written is checked now, and not after the whole demo; what
    /// it holds is left as it is until then.
    pub fn create(path: &Path) -> io::Result<Self> {
        OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            path: path.to_owned(),
            collector: Arc::default(),
        })
    }

    /// What takes the rows.
    #[must_use]
    pub fn sink(&self) -> Arc<dyn RowSink> {
        Arc::clone(&self.collector) as _
    }

    /// Writes the page of all rows so far.
    pub fn write(&self, about: &About) -> io::Result<()> {
        let tally = self.collector.0.lock();
        let tally = tally.unwrap_or_else(PoisonError::into_inner);
        fs::write(&self.path, page::render(&tally, about))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Counts rows while they are stored.
#[derive(Debug, Default)]
struct Collector(Mutex<Tally>);

impl RowSink for Collector {
    fn store(&self, table: &str, rows: &[StoredRow<'_>]) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            tally.row(table, row);
        }
    }
}

//! The records that the simulated Mimecast returns.

use super::log::Log;

/// When a record happened and when the API begins to return it, both in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time inside the record.
    pub at: i64,
    /// The time from which the API returns it; later than `at` for a record that is indexed late.
    pub visible_at: i64,
}

/// A set of records that can be asked for one at a time, so that a large one need not be held as
/// text. Indices run from 0; the records of a log are sorted by [`Moment::at`], oldest first.
pub trait RecordSet: Send + Sync {
    /// How many records the log has in all.
    fn len(&self, log: Log) -> usize;

    /// When record `index` happened and appears.
    fn moment(&self, log: Log, index: usize) -> Moment;

    /// The JSON text of record `index`, the same at every call.
    fn json(&self, log: Log, index: usize) -> String;

    /// Appends that text to `page`. A set that is asked for very many records may do so without a
    /// string for each.
    fn write_json(&self, log: Log, index: usize, page: &mut String) {
        page.push_str(&self.json(log, index));
    }
}

/// Records written out by a test.
#[derive(Debug, Default, Clone)]
pub struct GivenRecords {
    url: Vec<(Moment, String)>,
    attachment: Vec<(Moment, String)>,
    impersonation: Vec<(Moment, String)>,
}

impl GivenRecords {
    /// Adds a record that is visible from `visible_at` on.
    pub fn push(&mut self, log: Log, moment: Moment, json: impl Into<String>) {
        let rows = match log {
            Log::Url => &mut self.url,
            Log::Attachment => &mut self.attachment,
            Log::Impersonation => &mut self.impersonation,
        };
        let place = rows.partition_point(|(other, _)| other.at <= moment.at);
        rows.insert(place, (moment, json.into()));
    }

    fn rows(&self, log: Log) -> &[(Moment, String)] {
        match log {
            Log::Url => &self.url,
            Log::Attachment => &self.attachment,
            Log::Impersonation => &self.impersonation,
        }
    }
}

impl RecordSet for GivenRecords {
    fn len(&self, log: Log) -> usize {
        self.rows(log).len()
    }

    fn moment(&self, log: Log, index: usize) -> Moment {
        self.rows(log)[index].0
    }

    fn json(&self, log: Log, index: usize) -> String {
        self.rows(log)[index].1.clone()
    }
}

//! What a process posted.

use std::sync::Mutex;

use mimecast_ttp::model::feed::Feed;
use simulators::log_analytics::{RowSink, StoredRow};

/// The posts of one process that were stored, by feed and in order. Each process has a workspace of its
/// own, so that a post which was under way when the process died is still known to be its.
#[derive(Default)]
pub struct Posts(Mutex<[Vec<Vec<String>>; 3]>);

impl Posts {
    /// The feed's posts, each with the texts of its rows.
    pub fn of(&self, feed: Feed) -> Vec<Vec<String>> {
        self.0.lock().unwrap()[feed as usize].clone()
    }

    pub fn count(&self) -> usize {
        self.0.lock().unwrap().iter().map(Vec::len).sum()
    }
}

impl RowSink for Posts {
    fn store(&self, table: &str, rows: &[StoredRow<'_>]) {
        if table == "MimecastTTPHealth_CL" {
            return;
        }
        let feed = Feed::ALL
            .into_iter()
            .find(|feed| table.strip_suffix("_CL") == Some(feed.log_type()))
            .unwrap_or_else(|| panic!("no feed has the table {table}"));
        let texts = rows.iter().map(|row| row.raw.to_owned()).collect();
        self.0.lock().unwrap()[feed as usize].push(texts);
    }
}

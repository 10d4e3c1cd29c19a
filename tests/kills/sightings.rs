//! What a running process can be seen doing from outside.

use std::sync::Mutex;

use mimecast_ttp::model::feed::Feed;
use simulators::log_analytics::{RowSink, StoredRow};
use tokio::sync::Notify;

/// A step of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A post was stored; its answer may still be on the way.
    Post,
    /// A checkpoint was written; the process may not know yet.
    Save,
    /// The ledger was read or written.
    Ledger,
}

/// All steps so far, of whichever process.
#[derive(Debug, Default)]
pub struct Sightings {
    steps: Mutex<Vec<Step>>,
    /// Paths of checkpoints that were asked for and not there.
    absent: Mutex<Vec<String>>,
    news: Notify,
}

impl Sightings {
    pub fn add(&self, step: Step) {
        self.steps.lock().unwrap().push(step);
        self.news.notify_waiters();
    }

    /// Reads a line of the access log of the blob service.
    pub fn read(&self, line: &str) {
        // The slashes of its names are escaped.
        if line.contains("ledger%2F") {
            self.add(Step::Ledger);
        } else if line.contains("\"PUT ") && line.contains("-checkpoint.txt HTTP/1.1\" 201") {
            self.add(Step::Save);
        } else if let Some((path, _)) = line
            .split_once("\"GET ")
            .and_then(|(_, rest)| rest.split_once(" HTTP/1.1\" 404"))
        {
            self.absent.lock().unwrap().push(path.to_owned());
        }
    }

    /// How often a feed's checkpoint was asked for and not there.
    pub fn absent(&self, container: &str, feed: Feed) -> usize {
        let end = format!("/{container}/{feed}-checkpoint.txt");
        let absent = self.absent.lock().unwrap();
        absent.iter().filter(|path| path.ends_with(&end)).count()
    }

    pub fn count(&self, step: Step) -> usize {
        let steps = self.steps.lock().unwrap();
        steps.iter().filter(|seen| **seen == step).count()
    }

    /// Waits until the step has been seen so often in all.
    pub async fn until(&self, step: Step, count: usize) {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // Before the look, so that nothing is missed in between.
            news.as_mut().enable();
            if self.count(step) >= count {
                return;
            }
            news.await;
        }
    }
}

/// The posts of one process, by feed and in order. Each process has a workspace of its own, so that
/// a post which was under way when the process died is still known to be its.
#[derive(Default)]
pub struct Posts {
    stored: Mutex<[Vec<Vec<String>>; 3]>,
    sightings: std::sync::Arc<Sightings>,
    gate: Option<Gate>,
}

impl Posts {
    pub fn new(sightings: &std::sync::Arc<Sightings>, gate: Option<Gate>) -> Self {
        Self {
            stored: Mutex::default(),
            sightings: sightings.clone(),
            gate,
        }
    }

    /// The feed's posts, each with the texts of its rows.
    pub fn of(&self, feed: Feed) -> Vec<Vec<String>> {
        self.stored.lock().unwrap()[feed as usize].clone()
    }

    pub fn count(&self) -> usize {
        self.stored.lock().unwrap().iter().map(Vec::len).sum()
    }
}

impl RowSink for Posts {
    fn store(&self, table: &str, rows: &[StoredRow<'_>]) {
        let feed = Feed::ALL
            .into_iter()
            .find(|feed| table.strip_suffix("_CL") == Some(feed.log_type()))
            .unwrap_or_else(|| panic!("no feed has the table {table}"));
        let texts = rows.iter().map(|row| row.raw.to_owned()).collect();
        self.stored.lock().unwrap()[feed as usize].push(texts);
        self.sightings.add(Step::Post);
        if let Some(gate) = &self.gate {
            gate.pass();
        }
    }
}

/// Holds back the answers of a workspace until it is opened.
#[derive(Clone, Default)]
pub struct Gate(std::sync::Arc<(Mutex<bool>, std::sync::Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        tokio::task::block_in_place(|| {
            let open = self.0.0.lock().unwrap();
            // A test that fails before it opens must not wait for ever.
            let long = std::time::Duration::from_secs(50);
            drop(self.0.1.wait_timeout_while(open, long, |open| !*open));
        });
    }
}

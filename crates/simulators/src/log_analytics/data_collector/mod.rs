//! The HTTP Data Collector API.
//!
//! Anything but `POST /api/logs` is answered with 404, and a body above the limit is refused. Then a
//! post meets its scripted fault, if there is one; otherwise it is checked in this order:
//! api-version, `Content-Type`, `Log-Type`, `Authorization`, JSON. In which order the real service
//! checks is unconfirmed. An accepted post is stored whole or not at all.

mod answer;
mod authorization;
mod checks;
mod config;
mod fault;
mod handler;
mod store;

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

pub use config::{Config, TooLarge};
pub use fault::Fault;

use super::columns::Columns;
use crate::{script::Script, server::Server};
use authorization::SharedKey;
use store::Tables;

/// The API on loopback. It stops when this is dropped.
#[derive(Debug)]
pub struct DataCollector {
    server: Server,
    world: Arc<World>,
}

/// What is remembered of one `POST /api/logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// When it arrived, by the simulated clock.
    pub at: DateTime<Utc>,
    /// The `Log-Type` header, or `*` where there was none.
    pub log_type: String,
    /// The length of the body.
    pub bytes: usize,
    /// How many of its rows were stored, whatever the answer was.
    pub rows: usize,
    /// The status of the answer; `None` where the connection was closed instead.
    pub status: Option<u16>,
    /// For a refusal, what was wrong, in more detail than the caller gets.
    pub reason: Option<String>,
    /// The `x-ms-date` header; empty where there was none.
    pub date: String,
    /// The `x-ms-request-id` of the answer.
    pub request_id: String,
}

/// Totals since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Posts to `/api/logs`.
    pub posts: u64,
    /// Posts that were answered with 200.
    pub accepted: u64,
    /// Rows stored, whatever the answers were.
    pub rows: u64,
    /// Bytes of all bodies.
    pub bytes: u64,
    /// Texts that were cut to 32 KB; counted only where columns are made.
    pub truncated: u64,
}

impl DataCollector {
    /// Serves the API on `127.0.0.1:port`; port 0 picks a free one. Fails where the port is taken or
    /// a key of `config` is not base64.
    pub async fn start(config: Config, port: u16) -> io::Result<Self> {
        let shared_key = SharedKey::new(&config)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let world = Arc::new(World {
            tables: Tables::new(&config),
            config,
            shared_key,
            faults: Script::default(),
            log: Mutex::default(),
        });
        let server = Server::start(handler::router(Arc::clone(&world)), port).await?;
        Ok(Self { server, world })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end: what takes the place of
    /// `https://{workspace id}.ods.opinsights.azure.com`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.server.url()
    }

    /// The faults to come. Their scope is the value of the `Log-Type` header (without `_CL`), or
    /// `*` for posts that have none.
    #[must_use]
    pub fn faults(&self) -> &Script<Fault> {
        &self.world.faults
    }

    /// All posts that were answered or dropped, in that order. One whose client went away first is
    /// not among them and stored nothing.
    #[must_use]
    pub fn posts(&self) -> Vec<Post> {
        self.world.log().posts.clone()
    }

    /// The totals of [`Self::posts`].
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            truncated: self.world.tables.truncated(),
            ..self.world.log().counts
        }
    }

    /// The names of the columns that the rows gave to `table`, oldest first; none for an unknown
    /// table, or where columns are not made.
    #[must_use]
    pub fn columns(&self, table: &str) -> Vec<String> {
        let names = |columns: &Columns| columns.names().map(ToOwned::to_owned).collect();
        self.world.tables.look(table, names).unwrap_or_default()
    }
}

/// What all requests share.
struct World {
    config: Config,
    shared_key: SharedKey,
    faults: Script<Fault>,
    tables: Tables,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    posts: Vec<Post>,
    counts: Counts,
}

impl World {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, post: Post) {
        let mut log = self.log();
        log.counts.posts += 1;
        log.counts.accepted += u64::from(post.status == Some(200));
        log.counts.rows += post.rows as u64;
        log.counts.bytes += post.bytes as u64;
        log.posts.push(post);
    }
}

impl fmt::Debug for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("World")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

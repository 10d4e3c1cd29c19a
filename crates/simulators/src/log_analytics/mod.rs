//! Log Analytics on this machine: what the workspace's ingestion endpoints accept, refuse and make
//! of the rows they take.
//!
//! [`DataCollector`] is the HTTP Data Collector API, [`logs_ingestion`] the Logs Ingestion API. Every row
//! that either accepts goes to the [`RowSink`]s of its [`Config`]: [`MemoryRows`] for a test that compares,
//! [`NdjsonFolder`] for a reader who wants to look. [`Columns`] shows what becomes of a row's names and
//! types on its way into a table.
//!
//! In the comments, "Microsoft documents" marks what the vendor's pages say, "observed" what users
//! of the service reported, and "unconfirmed" what is a choice made here for want of either.

mod columns;
mod data_collector;
mod json;
pub mod logs_ingestion;
mod ndjson;
mod rows;
mod times;

pub use columns::{Additional, Cell, ColumnRow, Columns, IntoText, Kind};
pub use data_collector::{Config, Counts, DataCollector, Fault, Post, TooLarge};
pub use logs_ingestion::LogsIngestion;
pub use ndjson::NdjsonFolder;
pub use rows::{MemoryRow, MemoryRows, RowSink, StoredRow};

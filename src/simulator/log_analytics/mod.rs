//! Log Analytics on this machine: what the workspace's ingestion endpoints accept, refuse and make
//! of the rows they take.
//!
//! In the comments, "Microsoft documents" marks what the vendor's pages say, "observed" what users
//! of the service reported, and "unconfirmed" what is a choice made here for want of either.

mod columns;
mod json;
mod ndjson;
mod rows;
mod times;

pub use columns::{Additional, Cell, ColumnRow, Columns, IntoText, Kind};
pub use ndjson::NdjsonFolder;
pub use rows::{MemoryRow, MemoryRows, RowSink, StoredRow};

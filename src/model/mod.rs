//! The rules of delivery as plain values: no I/O, no runtime, no environment, no "now".
//!
//! Everything here is deterministic and can be tested by calling it. Times come in as arguments.

pub mod batch;
pub(crate) mod bounded;
pub mod checkpoint;
pub mod date_range;
pub mod deadline;
pub mod end_bound;
pub mod event_time;
pub mod feed;
pub mod fingerprint;
pub mod gap;
pub mod json;
pub mod ledger;
mod long_values;
pub mod moves;
pub mod narrowing;
pub(crate) mod object;
pub mod page;
pub mod progress;
pub mod quarantined;
pub mod recent;
pub mod record;
pub mod record_meta;
pub mod retiring;
mod scan;
pub mod store_key;
pub mod tally;
pub mod visible;

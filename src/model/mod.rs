//! The rules of delivery as plain values: no I/O, no runtime, no environment, no "now".
//!
//! Everything here is deterministic and can be tested by calling it. Times come in as arguments.

pub mod batch;
pub mod checkpoint;
pub mod date_range;
pub mod deadline;
pub mod event_time;
pub mod feed;
pub mod fingerprint;
pub mod json;
pub mod last_second;
pub mod ledger;
mod long_values;
pub mod look;
pub mod moves;
pub mod narrowing;
pub(crate) mod object;
pub mod page;
pub mod place;
pub mod progress;
pub mod quarantined;
pub mod recent;
pub mod record;
mod scan;
pub mod tally;

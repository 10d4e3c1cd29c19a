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
pub mod page;
pub mod progress;
pub mod recent;
pub mod record;

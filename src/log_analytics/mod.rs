//! Log Analytics as a sink: the HTTP Data Collector API.
//!
//! Inputs: a workspace and its shared key. Promises: a batch counts as delivered only when the service
//! said 200; every attempt is dated and signed anew; "too large" is told apart from every other
//! refusal, so that the batch can be halved. [`decision`] is the one place that says what an answer
//! means.

mod data_collector;
pub mod decision;
pub mod signature;

pub use data_collector::{DataCollectorSink, MAX_POST_BYTES, Workspace};

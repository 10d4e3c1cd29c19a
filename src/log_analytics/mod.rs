//! Log Analytics as a sink: the HTTP Data Collector API, and the Logs Ingestion API.
//!
//! Inputs: a workspace and its shared key; or a data collection rule and tokens for it. Promises: a
//! batch counts as delivered only when the service said so (200 here, 204 there); every attempt is
//! signed again, or carries a valid token; "too large" is told apart from every other refusal, so that
//! the batch can be halved. `decision` is the one place that says what an answer means.

mod api;
mod data_collector;
mod decision;
mod dual_write;
mod error;
mod event_id;
mod logs_ingestion;
mod signature;
mod sink;

pub use data_collector::{DataCollectorSink, MAX_POST_BYTES, Workspace};
pub use dual_write::DualWriteSink;
pub use logs_ingestion::{LogsIngestionSink, Rule};

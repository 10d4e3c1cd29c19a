//! Mimecast Targeted Threat Protection logs, delivered to Log Analytics.

pub mod azure;
pub mod checkpoints;
pub mod http;
pub mod ingest;
pub mod log_analytics;
pub mod mimecast;
pub mod model;
pub mod retry;
pub mod settings;
#[cfg(feature = "simulator")]
pub mod simulator;

//! Mimecast Targeted Threat Protection logs, delivered to Log Analytics.

pub mod ingest;
pub mod model;
#[cfg(feature = "simulator")]
pub mod simulator;

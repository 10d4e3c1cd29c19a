//! Mimecast Targeted Threat Protection logs, delivered to Log Analytics.

#[cfg(feature = "simulator")]
pub mod simulator;

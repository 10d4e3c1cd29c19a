//! The outside world on this machine: Mimecast, Log Analytics and the Functions host, faithful to
//! what is known of the real ones, refusing what the real ones refuse.
//!
//! The simulators know only the wire. They share no code with the connector, so that a mistake in
//! one is not repeated by the other: signatures, dates and identities are computed here independently.

pub mod clock;
pub mod functions_host;
pub mod log;
pub mod log_analytics;
pub mod mimecast;
pub mod records;
pub mod script;
pub mod server;
mod tokens;

//! The Mimecast API 1.0 on this machine.
//!
//! It refuses what the real one refuses: unsigned and wrongly signed calls, old dates, expired
//! bindings, calls over the quota, unknown application ids, fields of the wrong form. Where the real
//! behaviour is not known the stricter reading is taken, and said at the place.

mod answer;
mod checks;
mod config;
mod listing;
mod service;
mod state;
#[cfg(test)]
mod tests;

pub use config::{Config, Fault, Quirks};
pub use service::Simulator;
pub use state::Call;

//! Mimecast as a source of logs: the API 1.0, signed with HMAC-SHA1.
//!
//! Inputs: a base URL and the keys of an API application. Promises: every attempt has a date and a
//! request id of its own; an answer counts as success only when its `fail` is empty; an expired
//! binding is renewed once for all feeds. [`decision`] is the one place that says what an answer
//! means.

mod client;
mod credentials;
pub mod decision;
pub mod hmac;
mod login;
mod pace;
pub mod wire;

pub use client::MimecastSource;
pub use credentials::{Credentials, Login};

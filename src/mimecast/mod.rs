//! Mimecast as a source of logs: the API 1.0, signed with HMAC-SHA1, and the API 2.0, by OAuth.
//!
//! Inputs: a base URL and the keys or client credentials of an API application. Promises: every
//! signature has a date and a request id of its own; an answer counts as success only when its `fail`
//! is empty; an expired binding or token is renewed once for all feeds; a refused login is not repeated
//! before half an hour is over. `decision` is the one place that says what an answer means.

mod access;
mod binding;
mod call_error;
mod caller;
mod client;
mod credentials;
mod decision;
pub mod hmac;
mod login;
mod login_guard;
mod oauth;
mod rate_limiter;
pub mod wire;

pub use client::MimecastSource;
pub use credentials::{ApplicationKeys, Client, Credentials, Login};

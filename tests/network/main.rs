//! The promises of a pass when the network breaks: real adapters over real sockets to the simulators
//! and to Azurite, each through a proxy that resets, stalls, cuts, drips, refuses and throttles.
//!
//! Every test says what the pass with the fault came to, and that passes without it deliver the rest.
//! What was ordered of a proxy is counted, so that no test passes without its fault.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "this is test code"
)]

mod adapters;
mod bench;
mod faults;
mod log_service;
mod mimecast;
mod one_feed;
#[path = "../support/proxy/mod.rs"]
mod proxy;
mod sink;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod tls;
mod tls_server;

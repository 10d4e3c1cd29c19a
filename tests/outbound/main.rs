//! How the program's calls leave the machine: through which proxy, and trusting whom. The environment
//! decides both, so each test starts the real program with one of its own.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "this is test code"
)]

mod proxies;
#[path = "../support/mod.rs"]
mod support;
mod trust;
mod web_proxy;
mod world;

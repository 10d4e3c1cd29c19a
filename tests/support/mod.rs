//! What the test binaries share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]

pub mod azurite;
pub mod world;

//! What the adapters share on their way to a service: the HTTP client and whom it trusts, which addresses
//! are safe, the retry loop, tokens and keys.

pub mod address;
pub mod http;
pub mod keys;
pub mod retry;
pub mod scrub;
pub mod token;
pub mod trust;

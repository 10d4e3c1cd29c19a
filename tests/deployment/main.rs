//! The deployment template without Azure: its expressions are evaluated for every combination of
//! choices, and rules are kept on what it says and on what comes out.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod breakages;
mod bundle;
mod choices;
mod platform;
mod rules;

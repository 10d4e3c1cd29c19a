//! Where checkpoints, the ledger and the quarantine are kept: blob storage in Azure, or a folder on
//! this machine.
//!
//! Both write a thing whole or not at all, and refuse a write when someone else has written since it
//! was read.

pub mod blob;
pub mod folder;

/// The largest thing that is read: far more than the fingerprints of any late-arrival window.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

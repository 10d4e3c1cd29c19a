//! Where checkpoints, the ledger and the quarantine are kept: blob storage in Azure, or a folder on
//! this machine.
//!
//! Both write a thing whole or not at all, and refuse a write when someone else has written since it
//! was read.

pub mod blob;
pub mod folder;

use crate::ingest::error::{StoreError, StoreFailure};

/// The largest thing that is read: far more than the fingerprints of any late-arrival window.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Whether a call only reads or may have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    Writes,
}

impl Effect {
    /// The error of a call whose outcome is not known.
    fn unconfirmed(self, failure: StoreFailure) -> StoreError {
        match self {
            Self::Reads => StoreError::Determinate(failure),
            Self::Writes => StoreError::Indeterminate(failure),
        }
    }
}

//! Where checkpoints, the ledger and the quarantine are kept: blob storage in Azure, or a folder on
//! this machine.
//!
//! Both write a thing whole or not at all, and refuse a write when someone else has written since it
//! was read. Neither reads a part for the whole: what is larger than the limit is an error, and is never
//! written over.

pub mod blob;
pub mod folder;

use crate::ingest::error::{StoreError, StoreFailure};

/// The largest thing that is read or written: far more than the fingerprints of any late-arrival window.
const MAX_MIB: u64 = 64;
const MAX_BYTES: u64 = MAX_MIB * 1024 * 1024;

/// The most names that a folder is listed with, foreign ones included.
const MAX_KEYS: usize = 200_000;

/// What is said of content that could not be read again.
#[derive(Debug, thiserror::Error)]
#[error("the content is larger than {MAX_MIB} MiB ({0} bytes)")]
struct ContentTooLarge(usize);

/// Refuses content that could not be read again.
fn check_size(content: &[u8]) -> Result<(), StoreError> {
    if content.len() as u64 <= MAX_BYTES {
        return Ok(());
    }
    let error = ContentTooLarge(content.len());
    let advice = "report this as a bug; nothing that is saved should become so large";
    Err(StoreError::Determinate(StoreFailure::new(
        error,
        Some(advice),
    )))
}

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

//! What a feed remembers from pass to pass: its checkpoint, its ledger, its quarantine.

pub(super) mod checkpoint_writer;
pub(super) mod ledger;
pub mod quarantine;
pub mod saved_checkpoint;
pub(super) mod standing;

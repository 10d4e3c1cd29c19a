//! What a feed remembers from pass to pass: its checkpoint, its ledger, its quarantine.

pub(super) mod checkpoint_writer;
pub mod history;
pub(super) mod ledger;
pub mod quarantine;

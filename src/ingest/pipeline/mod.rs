//! The three stages between which a feed's pages and batches travel: read, collect, deliver.

pub(super) mod ack_sequencer;
pub(super) mod buffered;
pub(super) mod collect;
pub(super) mod concurrency;
pub(super) mod counting_source;
pub(super) mod deliver;
pub(super) mod range;
pub(super) mod read;

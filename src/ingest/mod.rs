//! The work of an invocation: read every feed, deliver what is new, remember it.
//!
//! A [`Pass`](pass::Pass) runs the feeds side by side. Each feed is a pipeline of three stages with
//! a channel of capacity one between them, so that the next page is read while a batch is posted. In a backlog ranges
//! are read ahead, as far as one budget over all feeds allows, and handed on in their order. What is in
//! memory is bounded: some pages of each range that is read ahead, a few pages, the batches that the sink
//! takes at a time and one that is being filled:
//!
//! ```text
//! read: ranges -> pages  |  collect: drop what is known, batch  |  deliver: post, then save
//! ```
//!
//! A range that cannot be read in two passes, although others can, is narrowed down to the second at
//! fault: the pass goes past it, keeps it as a gap, and reads it again every hour.
//!
//! Once an hour the pass compares what the source counts with what was delivered, and looks again
//! where they differ.
//!
//! Promises kept here: the checkpoint moves only after acknowledged batches and whole ranges; every
//! record the source shows is delivered once, or set aside with the reason; what it cannot show is told; a pass ends by its deadline
//! and the next goes on from there.
//!
//! The outside is seen through the traits in [`ports`].

pub mod error;
mod feed_pass;
mod gaps;
pub mod pass;
mod pipeline;
pub mod ports;
pub mod preflight;
mod reconcile;
pub mod report;
pub mod state;
pub mod status;
pub mod stop;

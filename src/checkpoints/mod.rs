//! Where checkpoints are kept: blob storage in Azure, or a folder on this machine.
//!
//! Both keep one text for each feed, write it whole or not at all, and refuse a write when someone
//! else has written since the text was read.

pub mod blob;
pub mod folder;

use crate::model::feed::Feed;

/// The largest checkpoint that is read: far more than the fingerprints of any overlap.
const MAX_TEXT_BYTES: u64 = 64 * 1024 * 1024;

/// The name of a feed's blob or file, the same as the existing connector's.
#[must_use]
pub fn name(feed: Feed) -> &'static str {
    match feed {
        Feed::Url => "url-checkpoint.txt",
        Feed::Attachment => "attachment-checkpoint.txt",
        Feed::Impersonation => "impersonation-checkpoint.txt",
    }
}

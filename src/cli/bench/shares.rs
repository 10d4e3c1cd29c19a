//! How the records are spread over the feeds.

use crate::model::feed::Feed;

/// Per cent of the records by feed: what a company's mail looks like, roughly.
const fn share(feed: Feed) -> usize {
    match feed {
        Feed::Url => 60,
        Feed::Attachment => 25,
        Feed::Impersonation => 15,
    }
}

/// How many of `records` each feed has, in the order of [`Feed::ALL`]; all of them go to `feeds`, in
/// their proportion. What the division leaves over goes to the first.
pub(super) fn split(records: usize, feeds: &[Feed]) -> [usize; 3] {
    let whole: usize = feeds.iter().copied().map(share).sum();
    let mut counts = Feed::ALL.map(|feed| {
        if feeds.contains(&feed) {
            records * share(feed) / whole.max(1)
        } else {
            0
        }
    });
    let left = records - counts.iter().sum::<usize>();
    if let Some(first) = Feed::ALL.iter().position(|feed| feeds.contains(feed)) {
        counts[first] += left;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_a_feed() {
        assert_eq!(split(600, &Feed::ALL), [360, 150, 90]);
        assert_eq!(split(1, &Feed::ALL), [1, 0, 0]);
        assert_eq!(split(601, &[Feed::Attachment]), [0, 601, 0]);
        assert_eq!(
            split(80, &[Feed::Attachment, Feed::Impersonation]),
            [0, 50, 30]
        );
        assert_eq!(split(7, &Feed::ALL).iter().sum::<usize>(), 7);
    }
}

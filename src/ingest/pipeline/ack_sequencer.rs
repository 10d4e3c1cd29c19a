//! Watermarks that take effect in their order, in whatever order the posts before them end.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

/// The work that is pending, in the order in which it came.
#[derive(Debug, Default)]
pub(in crate::ingest) struct AckSequencer {
    /// The number of the work at the front.
    first: usize,
    waiting: VecDeque<Pending>,
}

/// One piece of work that waits for posts.
#[derive(Debug)]
struct Pending {
    /// Posts that must be dealt with first.
    open: usize,
    watermark: Option<DateTime<Utc>>,
}

impl AckSequencer {
    /// How much work waits.
    pub(in crate::ingest) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds work of so many posts, after which the watermark may move. Gives its number.
    pub(in crate::ingest) fn add(
        &mut self,
        posts: usize,
        watermark: Option<DateTime<Utc>>,
    ) -> usize {
        self.waiting.push_back(Pending {
            open: posts,
            watermark,
        });
        self.first + self.waiting.len() - 1
    }

    /// One of the posts of that work became two.
    pub(in crate::ingest) fn halved(&mut self, number: usize) {
        self.change(number, |work| work.open += 1);
    }

    /// One of the posts of that work is dealt with.
    pub(in crate::ingest) fn done(&mut self, number: usize) {
        self.change(number, |work| work.open -= 1);
    }

    fn change(&mut self, number: usize, change: impl FnOnce(&mut Pending)) {
        if let Some(work) = self.waiting.get_mut(number - self.first) {
            change(work);
        }
    }

    /// Takes from the front what nothing is open for, and gives the last watermark there.
    pub(in crate::ingest) fn reached(&mut self) -> Option<DateTime<Utc>> {
        let mut reached = None;
        while let Some(work) = self.waiting.front().filter(|work| work.open == 0) {
            reached = work.watermark.or(reached);
            self.waiting.pop_front();
            self.first += 1;
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(second, 0)
    }

    #[test]
    fn a_watermark_waits_for_every_post_before_it() {
        let mut order = AckSequencer::default();
        let first = order.add(1, at(10));
        let second = order.add(1, None);
        order.add(0, at(20));
        let last = order.add(1, at(30));
        order.done(last);
        assert_eq!(order.reached(), None);
        order.done(first);
        assert_eq!(order.reached(), at(10));
        order.halved(second);
        order.done(second);
        assert_eq!(order.reached(), None, "the other half is open");
        order.done(second);
        assert_eq!(order.reached(), at(30));
        assert_eq!(order.reached(), None, "it is told once");
    }
}

//! Reading one range: page by page, and once more where records are missing.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use chrono::TimeDelta;
use tracing::{debug, instrument, warn};

use super::buffered::{RangeSender, ReadEvent};
use crate::{
    ingest::{
        error::ErrorKind,
        ports::{Clock, FULL_PAGE, LogSource, PageRequest, Patience},
        report::stop_reason::{Step, StopReason},
    },
    model::{
        date_range::DateRange,
        deadline::Deadline,
        feed::Feed,
        gap::Gap,
        page::{Page, PageToken},
        visible::visible,
    },
};

/// A range that holds more is cut into parts that hold less. The watermark moves after whole ranges
/// only, whatever order the records come in; so this bounds what a refused token or a failure throws
/// away, and what a checkpoint must remember in the middle of a range. It is about what
/// [`super::buffered`] has room for, so that a range can be read ahead whole.
const MAX_RECORDS: u64 = 1_500;

/// The same where Mimecast does not say how many records a range holds.
const MAX_PAGES: usize = 10;

/// A range is cut into at most this many parts at once, whatever its count: a count may be wrong.
const MAX_PARTS: u64 = 64;

/// At most this many empty pages in a row are followed to the next one. Where Mimecast filters after it
/// has made pages, some are empty; and a token that leads from one empty page to another for ever has
/// been seen too.
const MAX_EMPTY_PAGES: usize = 10;

/// How long before now the second lies for which Mimecast is asked whether it answers at all.
const PROBED_BEFORE: TimeDelta = TimeDelta::minutes(2);

/// By how much fewer records are asked for after a page that was too large.
const SMALLER_PAGE: u32 = 8;

/// At most this many records may appear in a range while its parts are read.
const MAX_GROWTH: u64 = 500;

/// More pages than this of a range that cannot be cut are a server gone astray: a hundred thousand records
/// in a second. Where pages are short, they are followed for as long as the count says that there is more.
const MAX_PAGES_PER_RANGE: usize = 200;

/// But not to more pages than this: a count may be wrong.
const MAX_COUNTED_PAGES: usize = 2_000;

/// How many records the parts of a range hold that were not read yet, where the count of the whole is
/// known. A part that is said to hold more shows that counts do not go by the range.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct RemainingRecords {
    whole: u64,
    left: Arc<AtomicU64>,
}

impl RemainingRecords {
    fn new(whole: u64) -> Self {
        let left = Arc::new(AtomicU64::new(whole));
        Self { whole, left }
    }

    /// What a part may hold: some may have appeared meanwhile. Neighbours share their border seconds,
    /// which are taken from what is left twice; so half of the whole is never too much.
    fn at_most(&self) -> u64 {
        let left = self.left.load(Ordering::SeqCst);
        left.saturating_add(MAX_GROWTH).max(self.whole / 2)
    }

    fn take(&self, counted: u64) {
        let take = |left: u64| Some(left.saturating_sub(counted));
        // It always has an answer.
        let _before = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
    }
}

/// A range to read.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct RangeTask {
    pub(in crate::ingest) range: DateRange,
    /// Where it is a part of another: what is left of that one.
    pub(in crate::ingest) left: Option<RemainingRecords>,
}

/// How reading a range ended; what was read has been handed on.
#[derive(Debug)]
pub(in crate::ingest) enum RangeOutcome {
    /// Read to its end.
    Whole,
    /// It holds too much: these are to be read in its place.
    Cut(Vec<RangeTask>),
    /// Early, for a reason that was handed on.
    Broken,
}

/// How a listing went.
enum ListingOutcome {
    /// All pages were read. `missing` records were counted and not shown.
    Whole { missing: u64 },
    /// The range holds too much: what to read instead.
    TooLong(Vec<RangeTask>),
}

/// Why a listing did not come to its end.
enum ListingError {
    /// A page was too large: one with fewer records may fit.
    PageTooLarge(StopReason),
    /// For any other reason.
    Stopped(StopReason),
}

/// Reads ranges of a feed.
#[derive(Clone, Copy)]
pub(in crate::ingest) struct RangeReader<'a> {
    pub(in crate::ingest) feed: Feed,
    pub(in crate::ingest) source: &'a dyn LogSource,
    pub(in crate::ingest) clock: &'a dyn Clock,
    /// No page is asked for after this.
    pub(in crate::ingest) deadline: Deadline,
    /// Whether a range that cannot be read is narrowed down to a gap.
    pub(in crate::ingest) isolates: bool,
    /// How many attempts a page is worth.
    pub(in crate::ingest) patience: Patience,
    /// The second in which the last gap ended that was found.
    pub(in crate::ingest) last_gap_end: &'a AtomicI64,
}

impl RangeReader<'_> {
    /// Reads a range, and reads it again if fewer records were shown than counted: the next stage drops
    /// what it knows and keeps what was missing.
    #[instrument(name = "range", skip_all, fields(range = %task.range))]
    pub(in crate::ingest) async fn read(self, task: RangeTask, out: RangeSender) -> RangeOutcome {
        let range = task.range;
        let (mut missing, mut again) = (0, false);
        let mut page_size = FULL_PAGE;
        loop {
            match self.listing(&task, page_size, again, &out).await {
                Ok(ListingOutcome::Whole { missing: found }) => missing = found,
                // More were added meanwhile than fit: nothing new is known.
                Ok(ListingOutcome::TooLong(_)) if again => {}
                Ok(ListingOutcome::TooLong(parts)) => {
                    debug!(parts = parts.len(), "The range is cut into parts.");
                    return RangeOutcome::Cut(parts);
                }
                Err(ListingError::PageTooLarge(reason)) if page_size > 1 => {
                    page_size = (page_size / SMALLER_PAGE).max(1);
                    warn!(
                        page_size,
                        reason = reason.causes(),
                        "A page is too large; reading the range with fewer records a page."
                    );
                    continue;
                }
                Err(ListingError::PageTooLarge(end) | ListingError::Stopped(end))
                    if self.isolates && end.is_unreadable() =>
                {
                    return self.isolate(range, end, &out).await;
                }
                Err(ListingError::PageTooLarge(end) | ListingError::Stopped(end)) => {
                    if again {
                        out.say(ReadEvent::Missing(missing));
                    }
                    out.say(ReadEvent::End(Err(end)));
                    return RangeOutcome::Broken;
                }
            }
            if missing == 0 || again {
                break;
            }
            again = true;
            warn!(
                missing,
                "Mimecast counted more records than it showed; reading the range once more."
            );
        }
        out.say(ReadEvent::RangeEnd {
            range,
            missing,
            again,
        });
        RangeOutcome::Whole
    }

    /// Narrows down what cannot be read: halves of the range take its place, down to the shortest one,
    /// which is a gap if Mimecast answers well elsewhere at the same time. An outage makes no gaps.
    async fn isolate(self, range: DateRange, end: StopReason, out: &RangeSender) -> RangeOutcome {
        let halves = parts(range, None);
        if halves.len() > 1 {
            debug!(
                reason = end.causes(),
                "The range cannot be read; its halves are tried."
            );
            return RangeOutcome::Cut(halves);
        }
        if self.is_answered_elsewhere().await {
            let end_second = range.to().timestamp();
            self.last_gap_end.store(end_second, Ordering::Relaxed);
            let now = self.clock.now();
            out.say(ReadEvent::Gap(Gap {
                range,
                since: now,
                tried_at: now,
                reason: visible(&end.causes()),
            }));
            return RangeOutcome::Whole;
        }
        out.say(ReadEvent::End(Err(end)));
        RangeOutcome::Broken
    }

    /// Whether the last gap ends where the range begins.
    fn follows_gap(&self, range: DateRange) -> bool {
        self.last_gap_end.load(Ordering::Relaxed) == range.from().timestamp()
    }

    /// Whether Mimecast answers for a second of the last minutes.
    async fn is_answered_elsewhere(&self) -> bool {
        let now = self.clock.now();
        let recent = now - PROBED_BEFORE;
        let Ok(range) = DateRange::new(recent - TimeDelta::seconds(1), recent, now) else {
            return false;
        };
        let request = PageRequest {
            feed: self.feed,
            range,
            token: None,
            size: 1,
            patience: Patience::One,
        };
        self.source.fetch_page(request, self.deadline).await.is_ok()
    }

    /// How many attempts a page of the range is worth. Where a range is to be narrowed down, only the
    /// shortest one is worth more than one, and that only where it does not go on from a gap.
    fn patience(&self, range: DateRange) -> Patience {
        if !self.isolates {
            self.patience
        } else if range.parts(2).len() > 1 || self.follows_gap(range) {
            Patience::One
        } else {
            Patience::Two
        }
    }

    /// Reads the pages of a range once. A part cannot hold more than remains of the whole: a larger count
    /// shows that Mimecast's counts ignore the range, so it is not used.
    async fn listing(
        &self,
        task: &RangeTask,
        page_size: u32,
        again: bool,
        out: &RangeSender,
    ) -> Result<ListingOutcome, ListingError> {
        let range = task.range;
        let (mut token, mut used) = (None, HashSet::new());
        let (mut shown, mut counted) = (0_u64, None);
        let (mut at_most, mut empty_pages, mut pages) = (None, 0, 0);
        for number in 1..=MAX_COUNTED_PAGES {
            let mut page = self.page(range, token.as_ref(), page_size).await?;
            debug!(number, records = page.len(), "A page is read.");
            shown += page.len() as u64;
            let left = task.left.as_ref().filter(|_| !again);
            let most =
                *at_most.get_or_insert_with(|| left.map_or(u64::MAX, RemainingRecords::at_most));
            if counted.is_none() {
                counted = page.total.filter(|total| *total <= most);
                if let Some((left, counted)) = left.zip(counted) {
                    left.take(counted);
                }
            }
            let too_long = match counted {
                Some(counted) => number == 1 && counted > MAX_RECORDS,
                None => number == MAX_PAGES && page.next.is_some(),
            };
            if too_long {
                let parts = parts(range, counted);
                if parts.len() > 1 {
                    return Ok(ListingOutcome::TooLong(parts));
                }
            }
            let next = page.next.take();
            empty_pages = if page.is_empty() { empty_pages + 1 } else { 0 };
            // After an empty page the next one is asked for while the count says that there is more, or
            // says nothing. A token that was used before leads in a circle.
            let may_follow = empty_pages == 0
                || (empty_pages <= MAX_EMPTY_PAGES && counted.is_none_or(|all| shown < all));
            if !page.is_empty() {
                out.page(range, page).await;
            }
            token = next.filter(|next| may_follow && used.insert(next.clone()));
            if token.is_none() {
                let missing = counted.map_or(0, |counted| counted.saturating_sub(shown));
                return Ok(ListingOutcome::Whole { missing });
            }
            pages = number;
            if pages >= MAX_PAGES_PER_RANGE && counted.is_none_or(|all| shown >= all) {
                break;
            }
        }
        let endless = StopReason::endless_listing(range, pages);
        Err(ListingError::Stopped(endless))
    }

    async fn page(
        &self,
        range: DateRange,
        token: Option<&PageToken>,
        size: u32,
    ) -> Result<Page, ListingError> {
        if self.deadline.remaining(self.clock.elapsed()).is_none() {
            let reason = StopReason::out_of_time(Step::Reading(range));
            return Err(ListingError::Stopped(reason));
        }
        let request = PageRequest {
            feed: self.feed,
            range,
            token,
            size,
            patience: self.patience(range),
        };
        let page = self.source.fetch_page(request, self.deadline).await;
        page.map_err(|error| {
            let is_too_large = *error.kind() == ErrorKind::PageTooLarge;
            let reason = StopReason::of_service(error, Step::Reading(range));
            if is_too_large {
                ListingError::PageTooLarge(reason)
            } else {
                ListingError::Stopped(reason)
            }
        })
    }
}

/// A range in parts that hold about as much as a part may.
fn parts(range: DateRange, counted: Option<u64>) -> Vec<RangeTask> {
    let left = counted.map(RemainingRecords::new);
    let parts = counted.map_or(2, |counted| counted.div_ceil(MAX_RECORDS));
    let parts = range.parts(parts.min(MAX_PARTS));
    let task = |range| RangeTask {
        range,
        left: left.clone(),
    };
    parts.into_iter().map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_dense_range_may_hold_their_border_seconds_twice() {
        let (a_second, seconds, parts) = (50, 960, 32);
        let left = RemainingRecords::new(a_second * seconds);
        for _ in 0..parts {
            let part = a_second * (seconds / parts + 1);
            assert!(part <= left.at_most());
            left.take(part);
        }
    }

    #[test]
    fn a_count_that_is_the_same_for_every_part_is_noticed_at_the_second_one() {
        let left = RemainingRecords::new(6000);
        left.take(6000);
        assert!(left.at_most() < 6000);
    }
}

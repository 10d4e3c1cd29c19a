//! First stage: reads ranges page by page.

use std::{collections::HashSet, time::Duration};

use tokio::sync::mpsc::Sender;
use tracing::{debug, warn};

use super::ports::{Clock, FULL_PAGE, LogSource, PageRequest, SourceError};
use crate::model::{
    date_range::DateRange,
    deadline::Deadline,
    feed::Feed,
    page::{Page, PageToken},
};

/// A range that holds more is cut into parts that hold less. The watermark moves behind whole ranges
/// only, whatever order the records come in; so this bounds what a refused token or a failure throws
/// away, what a checkpoint must remember in the middle of a range, and the memory that reading takes.
const MAX_RECORDS: u64 = 5_000;

/// The same where Mimecast does not say how many records a range holds.
const MAX_PAGES: usize = 10;

/// So many records may appear in a range while its parts are read.
const GROWTH: u64 = 500;

/// More pages than this of a range that cannot be cut are a server gone astray: ten million records in
/// a second.
const ENDLESS: usize = 20_000;

/// What the stage hands on.
#[derive(Debug)]
pub(super) enum Read {
    /// A page of a range.
    Page(DateRange, Page),
    /// So many records were counted but not shown, and asking again came to no end.
    Missing(u64),
    /// The range has been read to its end.
    RangeEnd {
        range: DateRange,
        /// Records that the source counted and did not show, even when asked again.
        missing: u64,
        /// Whether it was asked again.
        again: bool,
    },
    /// There is nothing more to come: every range is read, or not, for this reason.
    End(Result<(), ReadEnd>),
}

/// Why reading ended early.
#[derive(Debug)]
pub(super) enum ReadEnd {
    /// The budget is used up.
    OutOfTime(String),
    /// The source asks for a longer wait than the budget leaves.
    Throttled(Duration),
    /// The source refused its own token: the range must be begun again from what is delivered.
    TokenRefused(String),
    /// A page could not be read.
    Failed(DateRange, SourceError),
}

impl ReadEnd {
    /// What an error of the source, met in a range, means for reading.
    pub(super) fn of(range: DateRange, error: SourceError) -> Self {
        match error {
            SourceError::OutOfTime(reason) => Self::OutOfTime(reason),
            SourceError::Throttled(wait) => Self::Throttled(wait),
            SourceError::PageTokenRefused(cause) => Self::TokenRefused(cause.to_string()),
            error @ SourceError::Failed { .. } => Self::Failed(range, error),
        }
    }
}

/// How a listing went.
struct Listing {
    shown: u64,
    /// How many records Mimecast says the range holds.
    counted: Option<u64>,
    /// Where it holds too much: what to read instead.
    parts: Vec<DateRange>,
}

impl Listing {
    /// Records that were counted and not shown.
    fn missing(&self) -> u64 {
        self.counted
            .map_or(0, |counted| counted.saturating_sub(self.shown))
    }
}

/// A range in parts.
struct Parts {
    /// The last one comes next.
    unread: Vec<DateRange>,
    /// How many records they hold, where that is known.
    counted: Option<u64>,
}

/// The stage.
pub(super) struct Reader<'a> {
    pub(super) feed: Feed,
    pub(super) source: &'a dyn LogSource,
    pub(super) clock: &'a dyn Clock,
    /// No page is asked for after this.
    pub(super) deadline: Deadline,
}

impl Reader<'_> {
    /// Reads `ranges` in order.
    pub(super) async fn run(&self, ranges: Vec<DateRange>, out: Sender<Read>) {
        let mut end = Ok(());
        for range in ranges {
            end = self.range(range, &out).await;
            if end.is_err() {
                break;
            }
        }
        hand_on(&out, Read::End(end)).await;
    }

    /// Reads a range, in parts where it holds too much.
    async fn range(&self, range: DateRange, out: &Sender<Read>) -> Result<(), ReadEnd> {
        let mut open = vec![Parts {
            unread: vec![range],
            counted: None,
        }];
        while let Some(parts) = open.last_mut() {
            let Some(range) = parts.unread.pop() else {
                open.pop();
                continue;
            };
            let at_most = parts.counted.map(|left| left + GROWTH);
            let listing = self.listing(range, at_most, out).await?;
            if let Some(left) = &mut parts.counted {
                *left = left.saturating_sub(listing.counted.unwrap_or(0));
            }
            if listing.parts.is_empty() {
                self.range_end(range, at_most, listing.missing(), out)
                    .await?;
                continue;
            }
            debug!(feed = %self.feed, %range, parts = listing.parts.len(), "range cut into parts");
            open.push(Parts {
                unread: listing.parts.into_iter().rev().collect(),
                counted: listing.counted,
            });
        }
        Ok(())
    }

    /// A range is read to its end, but once more where fewer records were shown than counted: the next
    /// stage drops what it knows and keeps what was missing.
    async fn range_end(
        &self,
        range: DateRange,
        at_most: Option<u64>,
        mut missing: u64,
        out: &Sender<Read>,
    ) -> Result<(), ReadEnd> {
        let again = missing > 0;
        if again {
            warn!(feed = %self.feed, %range, missing, "Mimecast counted more records than it showed; reading the range once more.");
            match self.listing(range, at_most, out).await {
                Ok(second) if second.parts.is_empty() => missing = second.missing(),
                // More were added meanwhile than fit: nothing new is known.
                Ok(_) => {}
                Err(early) => {
                    hand_on(out, Read::Missing(missing)).await;
                    return Err(early);
                }
            }
        }
        let end = Read::RangeEnd {
            range,
            missing,
            again,
        };
        hand_on(out, end).await;
        Ok(())
    }

    /// Reads the pages of a range once. A count above `at_most`, what is left of that of the range this
    /// is a part of, cannot go by the range: it is passed over.
    async fn listing(
        &self,
        range: DateRange,
        at_most: Option<u64>,
        out: &Sender<Read>,
    ) -> Result<Listing, ReadEnd> {
        let (mut token, mut used) = (None, HashSet::new());
        let (mut shown, mut counted) = (0_u64, None);
        for number in 1..=ENDLESS {
            let mut page = self.page(range, token.as_ref()).await?;
            debug!(feed = %self.feed, %range, number, records = page.len(), "page read");
            shown += page.len() as u64;
            let total = page.total;
            counted = counted.or(total.filter(|total| at_most.is_none_or(|most| *total <= most)));
            let too_long = match counted {
                Some(counted) => number == 1 && counted > MAX_RECORDS,
                None => number == MAX_PAGES && page.next.is_some(),
            };
            if too_long {
                let parts = range.parts(counted.map_or(2, |counted| counted.div_ceil(MAX_RECORDS)));
                if parts.len() > 1 {
                    return Ok(Listing {
                        shown,
                        counted,
                        parts,
                    });
                }
            }
            // An empty page ends the range even with a token, and so does a token seen before: both
            // have been met in the field, and following them would never end.
            let next = page.next.take().filter(|_| !page.is_empty());
            if !page.is_empty() {
                hand_on(out, Read::Page(range, page)).await;
            }
            token = next.filter(|next| used.insert(next.clone()));
            if token.is_none() {
                return Ok(Listing {
                    shown,
                    counted,
                    parts: Vec::new(),
                });
            }
        }
        let cause = format!("the listing does not end within {ENDLESS} pages").into();
        Err(ReadEnd::Failed(
            range,
            SourceError::Failed { cause, attempts: 1 },
        ))
    }

    async fn page(&self, range: DateRange, token: Option<&PageToken>) -> Result<Page, ReadEnd> {
        if self.deadline.remaining(self.clock.elapsed()).is_none() {
            return Err(ReadEnd::OutOfTime(format!(
                "the run budget ended while reading {range}"
            )));
        }
        let request = PageRequest {
            feed: self.feed,
            range,
            token,
            size: FULL_PAGE,
        };
        let page = self.source.fetch_page(request, self.deadline).await;
        page.map_err(|error| ReadEnd::of(range, error))
    }
}

/// Hands on. If the next stage has gone, the pipeline ends by the word of the last one: until then
/// there is nothing to do here.
async fn hand_on(out: &Sender<Read>, read: Read) {
    if out.send(read).await.is_err() {
        std::future::pending::<()>().await;
    }
}

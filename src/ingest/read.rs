//! First stage: reads ranges page by page.

use std::collections::HashSet;

use tokio::sync::mpsc::Sender;
use tracing::{debug, warn};

use super::ports::{Clock, LogSource, PageRequest, SourceError};
use crate::model::{date_range::DateRange, deadline::Deadline, feed::Feed, page::Page};

/// More pages than this of one range are a server gone astray: 20,000 pages of 500 are ten million
/// records of one day.
const MAX_PAGES: usize = 20_000;

/// What the stage hands on.
#[derive(Debug)]
pub(super) enum Read {
    /// A page of a range.
    Page(DateRange, Page),
    /// The range has been read to its end; so many records were counted but not shown.
    RangeEnd(DateRange, u64),
    /// There is nothing more to come, for this reason.
    End(ReadEnd),
}

/// Why reading ended.
#[derive(Debug)]
pub(super) enum ReadEnd {
    /// Every range is read.
    Complete,
    /// The budget is used up.
    OutOfTime(String),
    /// The range must be begun again from what is delivered by then.
    Restart(Restart),
    /// A page could not be read.
    Failed(DateRange, SourceError),
}

/// Why a range is begun again.
#[derive(Debug)]
pub(super) enum Restart {
    /// The source refused its own token.
    PageTokenRefused(String),
    /// Fewer records were shown than the source had counted.
    Short { shown: u64, counted: u64 },
}

/// The stage.
pub(super) struct Reader<'a> {
    pub(super) feed: Feed,
    pub(super) source: &'a dyn LogSource,
    pub(super) clock: &'a dyn Clock,
    /// No page is asked for after this.
    pub(super) deadline: Deadline,
    /// Whether a range that shows fewer records than counted has been begun again already.
    pub(super) accept_short: bool,
}

impl Reader<'_> {
    /// Reads `ranges` in order. Ends early when the next stage has gone.
    pub(super) async fn run(&self, ranges: Vec<DateRange>, out: Sender<Read>) {
        let mut end = ReadEnd::Complete;
        for range in ranges {
            if let Err(early) = self.range(range, &out).await {
                end = early;
                break;
            }
        }
        // If the next stage has gone it has its own reason to tell.
        drop(out.send(Read::End(end)).await);
    }

    async fn range(&self, range: DateRange, out: &Sender<Read>) -> Result<(), ReadEnd> {
        let (mut token, mut used) = (None, HashSet::new());
        let (mut shown, mut counted) = (0_u64, None);
        for number in 1..=MAX_PAGES {
            if self.deadline.remaining(self.clock.elapsed()).is_none() {
                return Err(ReadEnd::OutOfTime(format!(
                    "the run budget ended while reading {range}"
                )));
            }
            let request = PageRequest {
                feed: self.feed,
                range,
                token: token.as_ref(),
            };
            let mut page = self
                .source
                .fetch_page(request, self.deadline)
                .await
                .map_err(|error| match error {
                    SourceError::OutOfTime(reason) => ReadEnd::OutOfTime(reason),
                    SourceError::PageTokenRefused(cause) => {
                        ReadEnd::Restart(Restart::PageTokenRefused(cause.to_string()))
                    }
                    error @ SourceError::Failed { .. } => ReadEnd::Failed(range, error),
                })?;
            debug!(feed = %self.feed, %range, number, records = page.len(), "page read");
            shown += page.len() as u64;
            counted = counted.or(page.total);
            // An empty page ends the range even with a token, and so does a token seen before: both
            // have been met in the field, and following them would never end.
            let next = page.next.take().filter(|_| !page.is_empty());
            if !page.is_empty() && out.send(Read::Page(range, page)).await.is_err() {
                return Err(ReadEnd::Complete);
            }
            token = next.filter(|next| used.insert(next.clone()));
            if token.is_none() {
                break;
            }
        }
        let missing = counted.map_or(0, |counted| counted.saturating_sub(shown));
        if missing > 0 {
            let counted = shown + missing;
            if !self.accept_short {
                return Err(ReadEnd::Restart(Restart::Short { shown, counted }));
            }
            warn!(feed = %self.feed, %range, shown, counted, "Mimecast counts more records than it shows, even when asked again.");
        }
        if out.send(Read::RangeEnd(range, missing)).await.is_err() {
            return Err(ReadEnd::Complete);
        }
        Ok(())
    }
}

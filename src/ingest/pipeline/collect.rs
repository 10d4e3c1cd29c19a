//! Second stage: drops what was delivered before and collects the rest into batches.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::{OwnedPermit, Receiver, Sender};

use super::{buffered::ReadEvent, displaced::DisplacedLookup};
use crate::{
    ingest::{
        ports::Clock,
        report::{Counts, stop_reason::StopReason},
    },
    model::{
        batch::{Batch, BatchBuilder, Push, Sizes},
        date_range::DateRange,
        feed::Feed,
        fingerprint::Fingerprint,
        gap::{Gap, Gaps},
        page::Page,
        recent::Recent,
        record_meta::RecordMeta,
    },
};

/// What the stage hands on.
#[derive(Debug)]
pub(in crate::ingest) enum DeliverEvent {
    /// Post the batch, if there is one, and then move the watermark.
    Deliver {
        batch: Option<Batch>,
        /// Up to where everything is delivered once the batch is: the end of a range that is read to
        /// its end, and whose records are all in this batch and those before. Before that nothing is
        /// known, even if all records so far came oldest first.
        watermark: Option<DateTime<Utc>>,
        /// What happened since the work before.
        counts: Box<Counts>,
        /// Ranges before the watermark that could not be read.
        gaps: Vec<Gap>,
    },
    /// Nothing more will come: everything is read, or not, for this reason.
    End(Result<(), StopReason>),
}

/// What the ranges are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Direction {
    /// To move forward: the watermark follows.
    Forward,
    /// To read again what lies before the watermark, which stays where it is.
    Reread,
}

/// What a feed's collector goes by.
pub(in crate::ingest) struct CollectorConfig {
    pub(in crate::ingest) feed: Feed,
    pub(in crate::ingest) sizes: Sizes,
    pub(in crate::ingest) late_arrival: TimeDelta,
    pub(in crate::ingest) direction: Direction,
    pub(in crate::ingest) gaps: Gaps,
}

/// At the end of a range, a batch that was begun longer ago than this is handed on; a younger one waits for
/// more rows.
const MAX_BATCH_AGE: Duration = Duration::from_secs(5);

/// The stage.
pub(in crate::ingest) struct Collector<'a> {
    clock: &'a dyn Clock,
    builder: BatchBuilder,
    /// Everything delivered lately, everything of this range and everything on its way.
    known: Recent,
    /// What only the ledger may know.
    displaced: DisplacedLookup<'a>,
    /// The gaps so far: what lies in them is in no ledger.
    known_gaps: Gaps,
    direction: Direction,
    /// How long after its own time a record may still appear.
    late_arrival: TimeDelta,
    /// Where the last range ended that was read to its end, if the next stage does not know yet.
    reached: Option<DateTime<Utc>>,
    /// When the first record of the batch came.
    begun: Duration,
    counts: Counts,
    /// Gaps that the next stage does not know yet.
    gaps: Vec<Gap>,
    /// Where the batch that is being filled will wait: it is not begun before there is room for it.
    room: Option<OwnedPermit<DeliverEvent>>,
    out: Sender<DeliverEvent>,
}

impl<'a> Collector<'a> {
    pub(in crate::ingest) fn new(
        config: CollectorConfig,
        clock: &'a dyn Clock,
        known: Recent,
        displaced: DisplacedLookup<'a>,
        out: Sender<DeliverEvent>,
    ) -> Self {
        Self {
            clock,
            reached: None,
            begun: Duration::ZERO,
            room: None,
            builder: BatchBuilder::new(config.feed, config.sizes),
            known,
            displaced,
            known_gaps: config.gaps,
            direction: config.direction,
            late_arrival: config.late_arrival,
            counts: Counts::default(),
            gaps: Vec::new(),
            out,
        }
    }

    /// Works until the pages end.
    pub(in crate::ingest) async fn run(mut self, mut pages: Receiver<ReadEvent>) {
        while let Some(read) = pages.recv().await {
            match read {
                ReadEvent::Page(range, page) => {
                    if let Err(reason) = self.page(range, &page).await {
                        self.hand_on().await;
                        return self.send(DeliverEvent::End(Err(reason))).await;
                    }
                }
                ReadEvent::Missing(missing) => self.counts.missing += missing,
                ReadEvent::RangeEnd {
                    range,
                    missing,
                    again,
                } => {
                    self.counts.missing += missing;
                    self.counts.restarts += u64::from(again);
                    self.pass_over(range).await;
                }
                ReadEvent::Gap(gap) => {
                    // What was read before it is delivered, whatever becomes of the gap.
                    self.hand_on().await;
                    let range = gap.range;
                    self.gaps.push(gap);
                    self.pass_over(range).await;
                }
                ReadEvent::End(end) => {
                    // What was read before a failure or the deadline is delivered all the same.
                    self.hand_on().await;
                    self.send(DeliverEvent::End(end)).await;
                }
            }
        }
    }

    /// Goes on after a range.
    async fn pass_over(&mut self, range: DateRange) {
        // Reading only goes forward from here: remembering a whole backlog would not be flat. What this
        // range held is remembered through the next one, in case that lists it too.
        self.known
            .forget_outside(range.from() - self.late_arrival, &self.known_gaps);
        if self.direction == Direction::Forward {
            self.reached = Some(range.to());
        }
        // Records of the next range fill the batch up, unless they are slow to come.
        let waited = self.clock.elapsed().saturating_sub(self.begun);
        if self.builder.is_empty() || waited > MAX_BATCH_AGE {
            self.hand_on().await;
        }
    }

    async fn page(&mut self, range: DateRange, page: &Page) -> Result<(), StopReason> {
        self.counts.pages += 1;
        self.counts.repaired += page.repaired;
        self.counts.retries += u64::from(page.attempts.saturating_sub(1));
        for (index, (record, meta)) in page.records_with_meta().enumerate() {
            self.counts.records += 1;
            if self.known.contains(meta.fingerprint) {
                self.counts.duplicates += 1;
                self.counts.identical += u64::from(is_identical(page, index, meta.fingerprint));
                self.remember_longer(meta, range);
                continue;
            }
            if meta.is_displaced(range) && self.is_filed(meta).await? {
                self.counts.duplicates += 1;
                continue;
            }
            if self.builder.is_empty() {
                self.begin().await;
            }
            if self.builder.push(record, meta, range) == Push::Full {
                self.hand_on().await;
                self.begin().await;
                // An empty builder takes any record.
                let _added = self.builder.push(record, meta, range);
            }
            self.known
                .insert(meta.remembered_at(range), meta.fingerprint);
        }
        Ok(())
    }

    /// What is listed again is remembered for longer; where it lies outside the range, it may be listed by
    /// all of them.
    fn remember_longer(&mut self, meta: RecordMeta, range: DateRange) {
        if meta.is_displaced(range) {
            self.known.insert_displaced(range.to(), meta.fingerprint);
            self.known.give_up_displaced();
        } else {
            self.known
                .insert(meta.remembered_at(range), meta.fingerprint);
        }
    }

    /// Whether the ledger knows a displaced record.
    async fn is_filed(&mut self, meta: RecordMeta) -> Result<bool, StopReason> {
        match meta.time {
            Some(time) => self.displaced.knows(time, meta.fingerprint).await,
            None => Ok(false),
        }
    }

    async fn hand_on(&mut self) {
        let work = DeliverEvent::Deliver {
            batch: self.builder.take(),
            watermark: self.reached.take(),
            counts: Box::new(std::mem::take(&mut self.counts)),
            gaps: std::mem::take(&mut self.gaps),
        };
        match self.room.take() {
            Some(room) => drop(room.send(work)),
            None => self.send(work).await,
        }
    }

    async fn begin(&mut self) {
        // If the next stage has gone, the pipeline ends by its word.
        self.room = self.out.clone().reserve_owned().await.ok();
        self.begun = self.clock.elapsed();
    }

    /// If the next stage has gone, the pipeline ends by its word: until then there is nothing to do
    /// here.
    async fn send(&self, work: DeliverEvent) {
        if self.out.send(work).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether a record before this one on its page is equal to it, to the byte.
fn is_identical(page: &Page, index: usize, fingerprint: Fingerprint) -> bool {
    let mut before = page.records_with_meta().take(index);
    before.any(|(_, meta)| meta.fingerprint == fingerprint)
}

//! A feed's progress during a pass, and the saving of it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tracing::warn;

use super::{
    ledger::Ledger,
    standing::{OpenError, Standing, standing},
};
use crate::{
    ingest::{
        error::{Explain, StoreError},
        ports::{Clock, Ports, Store, Version},
        report::stop_reason::{StopKind, StopReason},
    },
    model::{
        batch::Batch,
        checkpoint::{Checkpoint, Start},
        date_range::DateRange,
        deadline::Deadline,
        feed::Feed,
        gap::Gap,
        ledger::{Entry, Hour},
        progress::{Lookback, MAX_GAPS_APART, Progress},
        store_key::StoreKey,
        tally::Span,
    },
};

/// How many fingerprints that left the late-arrival window may wait in the checkpoint for the ledger: few
/// enough for a small checkpoint, enough for a quiet feed to write its ledger once an hour.
const LEDGER_FLUSH_THRESHOLD: usize = 2_000;

/// How many may wait at most while the ledger cannot be written.
const MAX_UNFLUSHED: usize = 10 * LEDGER_FLUSH_THRESHOLD;

/// A claim older than this is renewed before a post: another run may have come meanwhile. So a run
/// that lost its claim begins a post only within this time, see [`CheckpointWriter::claim`].
const CLAIM_LIFETIME: Duration = Duration::from_secs(2);

/// By how many bytes a record makes the text of a checkpoint longer, at most: a second and a fingerprint.
const BYTES_PER_RECORD: usize = 64;

/// And by how many a batch does: the move of the watermark.
const BYTES_PER_BATCH: usize = 256;

/// Gives each saved text an id of its own. A store that refuses a write and then finds the very same text
/// knows that its own first try went through, and that no other run was there.
#[derive(Debug)]
struct SaveIds {
    run: String,
    saves: u64,
}

impl SaveIds {
    fn next(&mut self) -> String {
        self.saves += 1;
        format!("{}-{}", self.run, self.saves)
    }
}

/// The progress, where it is saved, and what the store holds.
pub(in crate::ingest) struct CheckpointWriter {
    feed: Feed,
    store: Arc<dyn Store>,
    deadline: Deadline,
    version: Version,
    save_ids: SaveIds,
    is_first: bool,
    /// Whether nothing was saved at all.
    is_fresh: bool,
    clock: Arc<dyn Clock>,
    /// When the checkpoint was last saved.
    saved: Option<Duration>,
    /// What the largest batch so far adds to the text, at most.
    largest_batch: usize,
    /// What the batches on their way add to the text, at most.
    outstanding: usize,
    /// How much longer the text may become without another look whether there is room.
    room: usize,
    /// Whether there is progress since.
    changed: bool,
    /// Gaps that are found while a gap is read again: what is left of that one.
    left_gaps: Option<Vec<Gap>>,
    /// The progress as it is; saved only by [`Self::save`].
    pub(in crate::ingest) progress: Progress,
}

impl CheckpointWriter {
    /// Loads the feed's progress.
    pub(in crate::ingest) async fn open(
        ports: &Ports,
        feed: Feed,
        lookback: Lookback,
        deadline: Deadline,
    ) -> Result<Self, OpenError> {
        let Standing {
            start,
            version,
            ledger_reaches,
        } = standing(&*ports.store, feed, ports.clock.now(), deadline).await?;
        let is_first = !matches!(start, Start::From(_));
        let is_fresh = matches!(start, Start::Fresh);
        let mut progress = Progress::resume(start, lookback, ports.clock.now());
        if let Some(last) = ledger_reaches {
            warn!(
                %feed,
                ledger_reaches = %last,
                "The checkpoint is a plain time, and there is a ledger: what it knows is not delivered again, what was delivered after its end is."
            );
            progress.ledger_reaches(last);
        }
        Ok(Self {
            feed,
            store: Arc::clone(&ports.store),
            deadline,
            version,
            save_ids: SaveIds {
                run: format!("{:016x}", ports.random.bits() >> 64),
                saves: 0,
            },
            is_first,
            is_fresh,
            clock: Arc::clone(&ports.clock),
            saved: None,
            largest_batch: 0,
            outstanding: 0,
            room: 0,
            changed: false,
            left_gaps: None,
            progress,
        })
    }

    /// Begins the look-back of a first run anew, by a clock that was corrected before anything was read.
    pub(in crate::ingest) fn begin_anew(&mut self, lookback: Lookback) {
        if self.is_fresh && self.saved.is_none() && !self.changed {
            self.progress = Progress::resume(Start::Fresh, lookback, self.clock.now());
        }
    }

    /// Whether there was no checkpoint of ours.
    pub(in crate::ingest) const fn is_first(&self) -> bool {
        self.is_first
    }

    /// Saves the checkpoint, if nobody else has meanwhile.
    pub(in crate::ingest) async fn save(&mut self) -> Result<(), StoreError> {
        match self.save_with_room(self.room_wanted()).await {
            // What was delivered must be remembered, also where there is no room for more.
            Err(StoreError::Determinate(_)) if self.room_wanted() > 0 => {
                self.save_with_room(0).await
            }
            saved => saved,
        }
    }

    /// What the batches on their way add, and one more.
    const fn room_wanted(&self) -> usize {
        self.outstanding + self.largest_batch
    }

    /// The same, where there must be room for so many bytes more.
    async fn save_with_room(&mut self, room: usize) -> Result<(), StoreError> {
        let written_by = self.save_ids.next();
        let text = self.progress.checkpoint().to_text(self.feed, &written_by);
        let key = StoreKey::Checkpoint(self.feed);
        self.version = self
            .store
            .save_with_room(key, text.as_bytes(), &self.version, room, self.deadline)
            .await?;
        self.saved = Some(self.clock.elapsed());
        self.room = room;
        self.changed = false;
        Ok(())
    }

    /// Saves the checkpoint after work that ended so, and gives that end. `unsaved_rows` says whether rows
    /// were taken since the last save.
    pub(in crate::ingest) async fn save_at_end(
        &mut self,
        end: Result<(), StopReason>,
        unsaved_rows: bool,
    ) -> Result<(), StopReason> {
        match self.save().await {
            Ok(()) => end,
            Err(error) => {
                let kind = StopKind::NotSavedAtEnd {
                    before: end.map_err(Box::new),
                    unsaved_rows,
                };
                Err(StopReason::of_store(kind, error))
            }
        }
    }

    /// Moves the watermark forward. The next save remembers it.
    pub(in crate::ingest) fn advance(&mut self, watermark: DateTime<Utc>) {
        self.changed |= self.progress.advance(watermark);
    }

    /// Remembers rows that the sink has taken, or that are set aside. The next save keeps them.
    pub(in crate::ingest) fn record_delivered(&mut self, batch: &Batch) {
        self.changed = true;
        let given_up = self.progress.delivered(batch);
        if given_up > 0 {
            warn!(feed = %self.feed, given_up, "Too many records are displaced (no readable time, or one outside the range they were listed in) to remember them all: some may be delivered a second time.");
        }
    }

    /// From now on, gaps that are found are parts of one that is read again. It stays in the checkpoint until
    /// [`Self::replace_gap`], so that it is not lost if the process dies.
    pub(in crate::ingest) fn begin_gap(&mut self) {
        self.left_gaps = Some(Vec::new());
    }

    /// Puts what was found since [`Self::begin_gap`] in the place of the gap. The next save keeps it.
    pub(in crate::ingest) fn replace_gap(&mut self, gap: &Gap) {
        let left = self.left_gaps.take().unwrap_or_default();
        let now = self.clock.now();
        self.progress.replace_gap(gap, left, now);
        self.changed = true;
    }

    /// Remembers a gap; `false` if there is no room for it. The next save keeps it.
    pub(in crate::ingest) async fn add_gap(&mut self, gap: Gap) -> Result<bool, StoreError> {
        if let Some(left) = &mut self.left_gaps {
            left.push(gap);
            return Ok(true);
        }
        // It may become one with another gap: what lies between them must be known too.
        let around = gap.range.widened(MAX_GAPS_APART, self.clock.now());
        let known = if self.progress.needs_ledger(around) {
            self.known(around).await?
        } else {
            Vec::new()
        };
        self.changed = true;
        Ok(self.progress.add_gap(gap, &known))
    }

    /// Whether the store holds everything recorded here: no delivery, no watermark is newer.
    pub(in crate::ingest) const fn is_saved(&self) -> bool {
        !self.changed
    }

    /// Saves the checkpoint as it is before a post of so many records, unless that was done just now. A
    /// store that cannot be written, or has no room for those records, is found out before anything is
    /// delivered that could then not be remembered; of two runs that read the same checkpoint one stops
    /// before it posts; and a run that was overtaken while it was reading stops too.
    pub(in crate::ingest) async fn claim(&mut self, records: usize) -> Result<(), StoreError> {
        let added = self.added_by(records);
        self.largest_batch = self.largest_batch.max(added);
        let is_recent = self
            .saved
            .is_some_and(|saved| self.clock.elapsed().saturating_sub(saved) <= CLAIM_LIFETIME);
        if !is_recent || self.room < self.outstanding + added {
            self.save_with_room(self.room_wanted()).await?;
        }
        self.outstanding += added;
        Ok(())
    }

    /// A post of so many records is answered, or given up.
    pub(in crate::ingest) fn settle(&mut self, records: usize) {
        self.outstanding = self.outstanding.saturating_sub(self.added_by(records));
    }

    /// By how many bytes a batch makes the text longer, at most; 0 where there is always room.
    fn added_by(&self, records: usize) -> usize {
        if self.store.may_be_full() {
            records * BYTES_PER_RECORD + BYTES_PER_BATCH
        } else {
            0
        }
    }

    /// Flushes to the ledger if [`LEDGER_FLUSH_THRESHOLD`] entries wait for it; returns whether they did.
    pub(in crate::ingest) async fn flush_ledger_if_full(&mut self) -> bool {
        let entries = self.progress.to_flush();
        let is_full = entries.len() >= LEDGER_FLUSH_THRESHOLD;
        if is_full {
            self.flush(entries).await;
        }
        is_full
    }

    /// Moves what left the late-arrival window from the checkpoint into the ledger.
    pub(in crate::ingest) async fn flush_ledger(&mut self) {
        self.flush(self.progress.to_flush()).await;
    }

    /// The next save writes a checkpoint without the entries, and only after the ledger has them: no
    /// entry is in neither.
    async fn flush(&mut self, entries: Vec<Entry>) {
        let count = entries.len();
        match self.ledger().add(entries).await {
            Ok(()) => self.progress.flushed(),
            Err(error) if count < MAX_UNFLUSHED => {
                warn!(
                    feed = %self.feed,
                    fingerprints = count,
                    reason = error.explain(),
                    "The ledger cannot be written; the checkpoint keeps the fingerprints for it."
                );
            }
            Err(error) => {
                warn!(
                    feed = %self.feed,
                    fingerprints = count,
                    reason = error.explain(),
                    "The ledger cannot be written and fingerprints are discarded: if their times are read again, those records may be delivered a second time."
                );
                self.progress.flushed();
            }
        }
    }

    /// What the ledger knows of the hours that a range touches.
    pub(in crate::ingest) async fn known(
        &self,
        range: DateRange,
    ) -> Result<Vec<Entry>, StoreError> {
        let checkpoint = self.progress.checkpoint();
        self.ledger()
            .known(range, &|hour| expected(checkpoint, hour))
            .await
    }

    /// Removes the hours of the ledger that no comparison reaches any more.
    pub(in crate::ingest) async fn remove_old(&self) {
        let ledger_from = self.progress.ledger_from();
        if let Err(error) = self.ledger().remove_before(ledger_from).await {
            warn!(
                feed = %self.feed,
                reason = error.explain(),
                "Old hours of the ledger cannot be removed; they do no harm."
            );
        }
    }

    fn ledger(&self) -> Ledger<'_> {
        Ledger {
            feed: self.feed,
            store: &*self.store,
            deadline: self.deadline,
        }
    }
}

/// How many entries an hour of the ledger should have: what was counted there, without what the
/// checkpoint still holds.
pub(in crate::ingest) fn expected(checkpoint: &Checkpoint, hour: Hour) -> u64 {
    let (start, end) = (hour.start(), hour.start() + TimeDelta::hours(1));
    let counted = Span::within(start, end).map_or(0, |span| checkpoint.tally.delivered(span));
    let held = checkpoint.recent.placed(start, end).len() as u64;
    counted.saturating_sub(held)
}

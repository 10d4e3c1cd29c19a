//! Third stage: posts batches and saves the checkpoint behind each acknowledged one.
//!
//! Before the first post of a pass the checkpoint is saved once as it is: the claim. A store that
//! cannot be written is found out before anything is delivered that could then not be remembered, and
//! of two runs that read the same checkpoint one stops before it posts.

use tokio::sync::mpsc::Receiver;
use tracing::{debug, warn};

use super::{
    collect::Work,
    ports::{CheckpointStore, LogSink, SinkError, SourceError, StoreError, Version},
    read::ReadEnd,
    report::Counts,
};
use crate::model::{batch::Batch, deadline::Deadline, feed::Feed, progress::Progress};

/// How a feed's pipeline ended.
#[derive(Debug)]
pub(super) enum End {
    /// Reading ended and everything read is delivered.
    Read(ReadEnd),
    /// The sink had no time left.
    OutOfTime(String),
    /// The sink did not take a batch.
    Refused(SinkError),
    /// The checkpoint could not be saved.
    NotSaved(StoreError),
}

/// Tells the texts of one run from those of another, and each from the one before: a store that meets
/// its own text again knows that a write had gone through.
pub(super) struct RunId {
    id: String,
    saves: u64,
}

impl RunId {
    pub(super) fn new(bits: u128) -> Self {
        Self {
            id: format!("{:016x}", bits >> 64),
            saves: 0,
        }
    }

    fn next(&mut self) -> String {
        self.saves += 1;
        format!("{}-{}", self.id, self.saves)
    }
}

/// The stage, with the progress it makes.
pub(super) struct Deliverer<'a> {
    pub(super) feed: Feed,
    pub(super) sink: &'a dyn LogSink,
    pub(super) store: &'a dyn CheckpointStore,
    pub(super) deadline: Deadline,
    pub(super) progress: &'a mut Progress,
    pub(super) version: &'a mut Version,
    pub(super) run: &'a mut RunId,
    pub(super) counts: &'a mut Counts,
}

impl Deliverer<'_> {
    /// Works until the batches end or one cannot be delivered.
    pub(super) async fn run(mut self, mut batches: Receiver<Work>) -> End {
        while let Some(work) = batches.recv().await {
            match work {
                Work::End(end) => {
                    if let ReadEnd::Failed(_, SourceError::Failed { attempts, .. }) = &end {
                        self.counts.retries += u64::from(attempts.saturating_sub(1));
                    }
                    return End::Read(end);
                }
                Work::Deliver {
                    batch,
                    watermark,
                    counts,
                } => {
                    *self.counts += counts;
                    let changed = batch.is_some();
                    if let Some(batch) = batch
                        && let Err(end) = self.post(batch).await
                    {
                        return end;
                    }
                    let moved = watermark.is_some_and(|time| self.progress.advance(time));
                    if (changed || moved)
                        && let Err(end) = self.save().await
                    {
                        return end;
                    }
                }
            }
        }
        End::Read(ReadEnd::Complete)
    }

    /// Posts a batch, in halves where the sink finds it too large. Whatever is acknowledged is
    /// saved before anything else is posted; the caller saves behind the last part.
    async fn post(&mut self, batch: Batch) -> Result<(), End> {
        if self.run.saves == 0 {
            self.save().await?;
        }
        let mut waiting = vec![batch];
        while let Some(batch) = waiting.pop() {
            match self.sink.deliver(&batch, self.deadline).await {
                Ok(receipt) => {
                    self.progress.delivered(&batch);
                    self.count(&batch, receipt.attempts);
                    if !waiting.is_empty() {
                        self.save().await?;
                    }
                }
                Err(SinkError::TooLarge(cause)) => match batch.split() {
                    Some((left, right)) => {
                        self.counts.splits += 1;
                        debug!(feed = %self.feed, rows = batch.rows().len(), "batch halved");
                        waiting.extend([right, left]);
                    }
                    None => return Err(End::Refused(SinkError::TooLarge(cause))),
                },
                Err(SinkError::OutOfTime(reason)) => return Err(End::OutOfTime(reason)),
                Err(SinkError::Failed { cause, attempts }) => {
                    self.counts.retries += u64::from(attempts.saturating_sub(1));
                    return Err(End::Refused(SinkError::Failed { cause, attempts }));
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, batch: &Batch, attempts: u32) {
        let untimed = batch.rows().iter().filter(|row| !row.time_is_own).count() as u64;
        if untimed > 0 {
            warn!(feed = %self.feed, untimed, "Records without a readable time were delivered under the end of their range.");
        }
        self.counts.untimed += untimed;
        self.counts.delivered += batch.rows().len() as u64;
        self.counts.batches += 1;
        self.counts.bytes += batch.body().len() as u64;
        self.counts.retries += u64::from(attempts.saturating_sub(1));
    }

    async fn save(&mut self) -> Result<(), End> {
        let written_by = self.run.next();
        let text = self.progress.checkpoint().to_text(self.feed, &written_by);
        match self.store.save(self.feed, &text, self.version).await {
            Ok(version) => {
                *self.version = version;
                Ok(())
            }
            Err(error) => Err(End::NotSaved(error)),
        }
    }
}

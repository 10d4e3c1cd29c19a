//! Third stage: posts batches and saves the checkpoint behind each acknowledged one.

use tokio::sync::mpsc::Receiver;
use tracing::{debug, warn};

use super::{
    collect::Work,
    end::{End, ReadEnd},
    keeper::Keeper,
    ports::{Clock, Copied, LogSink, Receipt, Refusal, SinkError, SourceError},
    quarantine::Quarantine,
    report::Counts,
};
use crate::model::{batch::Batch, deadline::Deadline, feed::Feed, quarantined::Quarantined};

/// So many records are set aside in a pass in which nothing is taken; then it fails.
const MOST_IN_A_ROW: u64 = 10;

/// The stage, with the progress it makes.
pub(super) struct Deliverer<'a> {
    pub(super) feed: Feed,
    pub(super) sink: &'a dyn LogSink,
    pub(super) quarantine: Quarantine<'a>,
    pub(super) clock: &'a dyn Clock,
    /// No post is begun after this.
    pub(super) post_by: Deadline,
    pub(super) keeper: &'a mut Keeper,
    pub(super) counts: &'a mut Counts,
}

impl Deliverer<'_> {
    /// Works until the batches end or one cannot be delivered. What was reached without a batch is saved
    /// at the end, if not before with a batch.
    pub(super) async fn run(mut self, batches: Receiver<Work>) -> Result<(), End> {
        let end = self.work(batches).await;
        if self.keeper.is_saved() || end.as_ref().is_err_and(End::is_unsaved) {
            return end;
        }
        self.keeper.save_at_end(end).await
    }

    async fn work(&mut self, mut batches: Receiver<Work>) -> Result<(), End> {
        while let Some(work) = batches.recv().await {
            match work {
                Work::End(end) => {
                    if let Err(ReadEnd::Failed(_, SourceError::Failed { attempts, .. })) = &end {
                        self.counts.retries += u64::from(attempts.saturating_sub(1));
                    }
                    return end.map_err(End::Read);
                }
                Work::Deliver {
                    batch,
                    watermark,
                    counts,
                } => {
                    *self.counts += counts;
                    let changed = batch.is_some();
                    if let Some(batch) = batch {
                        self.post(batch).await?;
                    }
                    if let Some(watermark) = watermark {
                        self.keeper.advance(watermark);
                    }
                    if changed {
                        self.keeper.save().await.map_err(End::NotSaved)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Posts a batch, in halves where the sink does not take its content, down to the record at fault.
    /// Whatever is dealt with is saved before anything else is posted; the caller saves behind the
    /// last part.
    async fn post(&mut self, batch: Batch) -> Result<(), End> {
        // Before the post and not behind it: between an acknowledgement and the saving of it lies
        // nothing else.
        self.keeper.file_if_much().await;
        let mut waiting = vec![batch];
        while let Some(batch) = waiting.pop() {
            self.keeper.claim().await.map_err(End::NotSaved)?;
            match self.sink.deliver(&batch, self.post_by).await {
                Ok(receipt) => self.count(&batch, receipt),
                Err(SinkError::Content(refusal)) => match batch.split() {
                    Some((left, right)) => {
                        self.counts.splits += 1;
                        debug!(feed = %self.feed, rows = batch.rows().len(), "batch halved");
                        waiting.extend([right, left]);
                        continue;
                    }
                    None => self.set_aside(&batch, &refusal).await?,
                },
                Err(error) => {
                    if let SinkError::Failed { attempts, .. } = &error {
                        self.counts.retries += u64::from(attempts.saturating_sub(1));
                    }
                    return Err(error.into());
                }
            }
            let given_up = self.keeper.progress.delivered(&batch);
            if given_up > 0 {
                warn!(feed = %self.feed, given_up, "Too many records have no readable time, or one that lies elsewhere, to remember them all: some may be delivered once more.");
            }
            if !waiting.is_empty() {
                self.keeper.save().await.map_err(End::NotSaved)?;
            }
        }
        Ok(())
    }

    /// Puts a single record that the sink refuses for good into quarantine, so that it holds up
    /// nothing. Only if the sink takes anything at all: a workspace that answers 400 to everything is
    /// not the records' fault. And where so many records are refused and none is taken, someone should
    /// look before the next ones follow.
    async fn set_aside(&mut self, batch: &Batch, refusal: &Refusal) -> Result<(), End> {
        if self.counts.delivered == 0 && self.counts.quarantined >= MOST_IN_A_ROW {
            return Err(End::Refused(SinkError::Failed {
                cause: format!(
                    "{MOST_IN_A_ROW} records were set aside in this run and none was taken, which looks like a fault of the workspace or of this program; the last answer: {}. What to do: look at `mimecast-ttp quarantine list`; the next run goes on",
                    refusal.cause
                )
                .into(),
                attempts: 1,
            }));
        }
        if self.counts.delivered == 0
            && let Err(error) = self.sink.probe(self.feed, self.post_by).await
        {
            return Err(match error {
                SinkError::Content(of_nothing) => End::Refused(SinkError::Failed {
                    cause: format!("a post without rows is refused too: {}", of_nothing.cause)
                        .into(),
                    attempts: 1,
                }),
                error => error.into(),
            });
        }
        for row in batch.rows() {
            let held = Quarantined {
                feed: self.feed,
                fingerprint: row.fingerprint,
                time: row.remembered_at,
                held_at: self.clock.now(),
                reason: refusal.cause.to_string(),
                status: refusal.status,
                request_id: refusal.request_id.clone(),
                row: batch.text(row).to_owned(),
            };
            self.quarantine.put(&held).await.map_err(End::NotHeld)?;
            self.counts.quarantined += 1;
            warn!(feed = %self.feed, fingerprint = %row.fingerprint, "A record was refused for good and set aside: {}. `mimecast-ttp quarantine list` shows it.", refusal.cause);
        }
        Ok(())
    }

    fn count(&mut self, batch: &Batch, receipt: Receipt) {
        let untimed = batch.rows().iter().filter(|row| !row.time_is_own).count() as u64;
        if untimed > 0 {
            warn!(feed = %self.feed, untimed, "Records without a readable time were delivered under the end of their range.");
        }
        self.counts.untimed += untimed;
        let truncated = batch.rows().iter().map(|row| u64::from(row.long_values));
        self.counts.truncated += truncated.sum::<u64>();
        let rows = batch.rows().len() as u64;
        self.counts.delivered += rows;
        match receipt.copied {
            Copied::NotAsked => {}
            Copied::Taken => self.counts.copied += rows,
            Copied::NotTaken => self.counts.not_copied += rows,
        }
        self.counts.batches += 1;
        self.counts.bytes += batch.body().len() as u64;
        self.counts.retries += u64::from(receipt.attempts.saturating_sub(1));
    }
}

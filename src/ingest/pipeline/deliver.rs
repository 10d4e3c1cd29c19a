//! Third stage: posts batches and saves the checkpoint after each acknowledged one.

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::mpsc::Receiver;
use tracing::{debug, warn};

use super::{ack_sequencer::AckSequencer, collect::DeliverEvent};
use crate::{
    ingest::{
        error::{ErrorKind, Explain, Rejection, ServiceError},
        ports::{Clock, LogSink, Receipt},
        report::{
            Counts,
            stop_reason::{Step, StopKind, StopReason, StopSource},
        },
        state::{checkpoint_writer::CheckpointWriter, quarantine::Quarantine},
        stop::Stop,
    },
    model::{batch::Batch, deadline::Deadline, feed::Feed, gap::Gap, quarantined::Quarantined},
};

/// A pass in which nothing is accepted sets aside this many records at most; then it fails.
const MAX_QUARANTINED_WITHOUT_DELIVERY: u64 = 10;

/// Batches are posted past one that is still open, at most this many times `max_concurrent_posts`: the
/// checkpoint has to remember all that lies after the watermark.
const MAX_BATCHES_AHEAD: usize = 4;

/// The stage, with the progress it makes.
pub(in crate::ingest) struct Deliverer<'a> {
    pub(in crate::ingest) feed: Feed,
    pub(in crate::ingest) sink: &'a dyn LogSink,
    pub(in crate::ingest) quarantine: Quarantine<'a>,
    pub(in crate::ingest) clock: &'a dyn Clock,
    /// No post is begun after this.
    pub(in crate::ingest) post_by: Deadline,
    /// Posts under way are given up at this, so that there is time to remember those that were taken.
    pub(in crate::ingest) answered_by: Deadline,
    /// No post is begun once this is requested.
    pub(in crate::ingest) stop: &'a Stop,
    pub(in crate::ingest) writer: &'a mut CheckpointWriter,
    pub(in crate::ingest) counts: &'a mut Counts,
}

/// A batch or a part of one, and the number of the work it belongs to.
struct Part {
    work: usize,
    batch: Batch,
}

type Answered = (Part, Result<Receipt, ServiceError>);

/// What is on its way, and what is to follow before anything new.
#[derive(Default)]
struct Posts<'a> {
    on_their_way: FuturesUnordered<BoxFuture<'a, Answered>>,
    /// Halves of batches that were not taken whole; the next one last.
    waiting: Vec<Part>,
    order: AckSequencer,
}

impl Deliverer<'_> {
    /// Works until the batches end or one cannot be delivered. What was reached without a batch is saved
    /// at the end, if not before with a batch.
    pub(in crate::ingest) async fn run(
        mut self,
        mut batches: Receiver<DeliverEvent>,
    ) -> Result<(), StopReason> {
        let mut posts = Posts::default();
        let mut end = self.work(&mut batches, &mut posts).await;
        // What the sink still takes is remembered, whatever stopped the others; but not where another run may have
        // saved meanwhile.
        let may_save =
            |end: &Result<(), StopReason>| !end.as_ref().is_err_and(StopReason::is_undecided);
        let mut taken = Vec::new();
        while let Some((part, result)) = posts.on_their_way.next().await {
            self.writer.settle(part.batch.rows().len());
            match result {
                Ok(receipt) => {
                    self.taken(&part.batch, receipt);
                    taken.push((part.batch, receipt));
                    // At once: the process may end before the others are answered.
                    if may_save(&end) {
                        end = self.writer.save_at_end(end, true).await;
                    }
                }
                // The next run looks for the record at fault.
                Err(error) if matches!(error.kind(), ErrorKind::ContentRejected(_)) => {}
                Err(error) => {
                    let also = self.stopped(error);
                    end = end.map_err(|end| end.or_worse(also));
                }
            }
        }
        if !may_save(&end) {
            return end;
        }
        if !self.writer.is_saved() {
            end = self.writer.save_at_end(end, !taken.is_empty()).await;
        }
        if self.writer.is_saved() {
            end = end.or_else(StopReason::with_all_saved);
            for (batch, receipt) in &taken {
                self.copy(batch, *receipt).await;
            }
        }
        end
    }

    async fn work<'b>(
        &mut self,
        batches: &mut Receiver<DeliverEvent>,
        posts: &mut Posts<'b>,
    ) -> Result<(), StopReason>
    where
        Self: 'b,
    {
        let at_once = self.sink.max_concurrent_posts().max(1);
        let mut read = None;
        loop {
            let room = posts.on_their_way.len() < at_once;
            let may_begin = room && posts.order.len() < MAX_BATCHES_AHEAD * at_once;
            if room && let Some(part) = posts.waiting.pop() {
                self.begin(part, posts).await?;
                continue;
            }
            if posts.on_their_way.is_empty()
                && let Some(end) = read
            {
                return end;
            }
            tokio::select! {
                biased;
                Some((part, result)) = posts.on_their_way.next() => {
                    self.answered(part, result, posts).await?;
                }
                work = batches.recv(), if may_begin && read.is_none() => match work {
                    Some(DeliverEvent::Deliver { batch, watermark, counts, gaps }) => {
                        *self.counts += *counts;
                        self.add_gaps(gaps).await?;
                        let work = posts.order.add(usize::from(batch.is_some()), watermark);
                        match batch {
                            Some(batch) => {
                                // Before the post: nothing comes between an acknowledgement and
                                // the save.
                                self.writer.flush_ledger_if_full().await;
                                self.begin(Part { work, batch }, posts).await?;
                            }
                            None => self.advance(posts),
                        }
                    }
                    Some(DeliverEvent::End(end)) => read = Some(self.read_ended(end)),
                    None => read = Some(Ok(())),
                },
            }
        }
    }

    /// Remembers gaps before the watermark passes them. The next save keeps them.
    async fn add_gaps(&mut self, gaps: Vec<Gap>) -> Result<(), StopReason> {
        for gap in gaps {
            let range = gap.range;
            warn!(%range, reason = gap.reason, "The range cannot be read, although others can: it becomes a gap.");
            let added = self
                .writer
                .add_gap(gap)
                .await
                .map_err(StopReason::ledger_unreadable)?;
            if !added {
                return Err(StopReason::too_many_gaps(range));
            }
            self.counts.new_gaps += 1;
        }
        Ok(())
    }

    fn read_ended(&mut self, end: Result<(), StopReason>) -> Result<(), StopReason> {
        if let Err(reason) = &end {
            self.counts.retries += reason.retries();
        }
        end
    }

    async fn begin<'b>(&mut self, part: Part, posts: &mut Posts<'b>) -> Result<(), StopReason>
    where
        Self: 'b,
    {
        if self.stop.is_requested() {
            return Err(StopReason::stopped(Step::Posting));
        }
        if self.post_by.remaining(self.clock.elapsed()).is_none() {
            return Err(StopReason::out_of_time(Step::Posting));
        }
        let records = part.batch.rows().len();
        let all_saved = posts.on_their_way.is_empty() && self.writer.is_saved();
        let claimed = self.writer.claim(records).await;
        claimed.map_err(|error| StopReason::not_claimed(error, all_saved))?;
        let (sink, answered_by) = (self.sink, self.answered_by);
        posts.on_their_way.push(Box::pin(async move {
            let result = sink.deliver(&part.batch, answered_by).await;
            (part, result)
        }));
        Ok(())
    }

    /// Goes by the sink's answer: a batch whose content it does not take is halved, down to the record
    /// at fault. Whatever is dealt with is saved before anything else is posted.
    async fn answered(
        &mut self,
        part: Part,
        result: Result<Receipt, ServiceError>,
        posts: &mut Posts<'_>,
    ) -> Result<(), StopReason> {
        let Part { work, batch } = part;
        self.writer.settle(batch.rows().len());
        let receipt = result.as_ref().ok().copied();
        match result {
            Ok(receipt) => self.taken(&batch, receipt),
            Err(error) => {
                let ErrorKind::ContentRejected(rejection) = error.kind().clone() else {
                    return Err(self.stopped(error));
                };
                if let Some((left, right)) = batch.split() {
                    self.counts.splits += 1;
                    debug!(rows = batch.rows().len(), "The batch is halved.");
                    posts.order.halved(work);
                    let parts = [right, left].map(|batch| Part { work, batch });
                    posts.waiting.extend(parts);
                    return Ok(());
                }
                self.set_aside(&batch, error, &rejection).await?;
                self.writer.record_delivered(&batch);
            }
        }
        posts.order.done(work);
        self.advance(posts);
        self.writer.save().await.map_err(StopReason::not_saved)?;
        if let Some(receipt) = receipt {
            self.copy(&batch, receipt).await;
        }
        Ok(())
    }

    /// Gives a batch whose delivery is saved to a second sink, if its receipt asks for it.
    async fn copy(&mut self, batch: &Batch, receipt: Receipt) {
        if !receipt.to_copy {
            return;
        }
        let rows = batch.rows().len() as u64;
        if self.sink.copy(batch, self.answered_by).await {
            self.counts.copied += rows;
        } else {
            self.counts.not_copied += rows;
        }
    }

    /// What an error that is not the content's means for the pipeline.
    fn stopped(&mut self, error: ServiceError) -> StopReason {
        let reason = StopReason::of_service(error, Step::Posting);
        self.counts.retries += reason.retries();
        reason
    }

    fn advance(&mut self, posts: &mut Posts<'_>) {
        if let Some(watermark) = posts.order.reached() {
            self.writer.advance(watermark);
        }
    }

    fn taken(&mut self, batch: &Batch, receipt: Receipt) {
        self.count(batch, receipt);
        self.writer.record_delivered(batch);
    }

    /// Puts a single record that the sink refuses for good into quarantine, so that it holds up
    /// nothing. Only if the sink takes anything at all: a workspace that answers 400 to everything is
    /// not the records' fault. And where so many records are refused and none is taken, someone should
    /// look before the next ones follow.
    async fn set_aside(
        &mut self,
        batch: &Batch,
        error: ServiceError,
        rejection: &Rejection,
    ) -> Result<(), StopReason> {
        if self.counts.delivered == 0 && self.counts.quarantined >= MAX_QUARANTINED_WITHOUT_DELIVERY
        {
            return Err(StopReason::not_the_content(StopSource::NothingTaken {
                count: MAX_QUARANTINED_WITHOUT_DELIVERY,
                last: error,
            }));
        }
        if self.counts.delivered == 0
            && let Err(error) = self.sink.post_nothing(self.feed, self.post_by).await
        {
            return Err(match error.kind() {
                ErrorKind::ContentRejected(_) => {
                    StopReason::not_the_content(StopSource::EmptyPost(error))
                }
                _ => StopReason::of_service(error, Step::Posting),
            });
        }
        let reason = error.explain();
        for row in batch.rows() {
            let held = Quarantined {
                feed: self.feed,
                fingerprint: row.fingerprint,
                time: row.remembered_at,
                held_at: self.clock.now(),
                reason: reason.clone(),
                status: rejection.status,
                request_id: rejection.request_id.clone(),
                row: batch.text(row).to_owned(),
            };
            let put = self.quarantine.put(&held).await;
            put.map_err(|error| StopReason::of_store(StopKind::NotQuarantined, error))?;
            self.counts.quarantined += 1;
            warn!(
                fingerprint = %row.fingerprint,
                reason,
                "A record was refused for good and set aside; `mimecast-ttp quarantine list` shows it."
            );
        }
        Ok(())
    }

    fn count(&mut self, batch: &Batch, receipt: Receipt) {
        let untimed = batch.rows().iter().filter(|row| !row.time_is_own).count() as u64;
        if untimed > 0 {
            warn!(
                untimed,
                "Records without a readable time were delivered under the end of their range."
            );
        }
        self.counts.untimed += untimed;
        let truncated = batch.rows().iter().map(|row| u64::from(row.long_values));
        self.counts.truncated += truncated.sum::<u64>();
        let rows = batch.rows().len() as u64;
        self.counts.delivered += rows;
        self.counts.batches += 1;
        self.counts.bytes += batch.body().len() as u64;
        self.counts.retries += u64::from(receipt.attempts.saturating_sub(1));
    }
}

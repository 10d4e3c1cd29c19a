//! One feed's part of a pass: load, run the pipeline, say how it ended.

use chrono::TimeDelta;
use tokio::sync::mpsc;
use tracing::warn;

use super::{
    collect::Collector,
    deliver::{Deliverer, End, RunId},
    ports::{Ports, SinkError, StoreError, Version},
    read::{ReadEnd, Reader},
    report::{Counts, FeedReport, Outcome},
};
use crate::model::{
    checkpoint::Start,
    deadline::Deadline,
    event_time,
    feed::Feed,
    progress::{Progress, Reach},
};

/// A token that is refused at the same place is left for the next pass after so many beginnings.
const MAX_RESTARTS: u64 = 3;

/// How far a checkpoint may lie ahead of a clock that was set back a little.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// How long Mimecast keeps the logs, as it documents.
const RETENTION: TimeDelta = TimeDelta::days(30);

/// Places between two stages: one item waits while one is worked on.
const PLACES: usize = 1;

/// What a feed's part needs.
#[derive(Debug, Clone)]
pub(super) struct FeedPass {
    pub(super) feed: Feed,
    pub(super) ports: Ports,
    pub(super) reach: Reach,
    pub(super) batch_max_bytes: usize,
    /// No page is asked for after this, so that there is time to deliver what was read.
    pub(super) read_by: Deadline,
    /// No post is begun after this.
    pub(super) done_by: Deadline,
}

/// How it ended, and what to tell about it.
struct Ended(Outcome, Option<String>);

impl Ended {
    fn failed(message: impl Into<String>) -> Self {
        Self(Outcome::Failed, Some(message.into()))
    }
}

impl FeedPass {
    /// Runs the feed's part and reports. Never fails as a whole: failure is an outcome.
    pub(super) async fn run(self) -> FeedReport {
        let mut counts = Counts::default();
        let (ended, watermark) = match self.load().await {
            Ok((mut progress, version)) => {
                let before = progress.checkpoint().watermark;
                let ended = self.repeat(&mut progress, version, &mut counts).await;
                let watermark = progress.checkpoint().watermark;
                let stood_still = watermark == before && counts.delivered == 0;
                (self.judge(ended, stood_still), Some(watermark))
            }
            Err(ended) => (ended, None),
        };
        let Ended(outcome, message) = ended;
        FeedReport {
            feed: self.feed,
            outcome,
            message,
            counts,
            watermark,
            lag_seconds: watermark.map(|time| (self.ports.clock.now() - time).num_seconds().max(0)),
        }
    }

    async fn load(&self) -> Result<(Progress, Version), Ended> {
        let place = self.ports.store.place(self.feed);
        let saved = self.ports.store.load(self.feed).await.map_err(|error| {
            Ended::failed(format!(
                "Reading the checkpoint {place}: {error}. Nothing was read or delivered."
            ))
        })?;
        let start = Start::read(saved.text.as_deref(), self.feed).map_err(|error| {
            Ended::failed(format!(
                "Reading the checkpoint {place}: {error}. Nothing was read or delivered. \
                 What to do: put back a valid checkpoint, or replace the content by the time to start from, \
                 such as 2026-11-24T05:00:00Z (deliveries before it are not repeated), or delete it to read the whole look-back again."
            ))
        })?;
        let now = self.ports.clock.now();
        let progress = Progress::resume(start, self.reach, now);
        let watermark = progress.checkpoint().watermark;
        if watermark > now + CLOCK_TOLERANCE {
            return Err(Ended::failed(format!(
                "Reading the checkpoint {place}: it lies in the future, at {}; nothing would be read until then. \
                 What to do: check this machine's clock, or replace the content by the time to start from.",
                event_time::to_utc_text(watermark)
            )));
        }
        // A first run of 30 days begins exactly at the border.
        if watermark < now - RETENTION - CLOCK_TOLERANCE {
            warn!(feed = %self.feed, watermark = %event_time::to_utc_text(watermark), "The checkpoint is older than the 30 days for which Mimecast keeps its logs: what lies between can no longer be read.");
        }
        Ok((progress, saved.version))
    }

    /// Runs the pipeline, and again from what is delivered where the source refused a token.
    async fn repeat(
        &self,
        progress: &mut Progress,
        mut version: Version,
        counts: &mut Counts,
    ) -> Ended {
        let mut run = RunId::new(self.ports.random.bits());
        let mut in_vain = 0;
        loop {
            let before = progress.checkpoint().watermark;
            match self
                .pipeline(progress, &mut version, counts, &mut run)
                .await
            {
                End::Read(ReadEnd::TokenRefused(reason)) => {
                    counts.restarts += 1;
                    let moved = progress.checkpoint().watermark > before;
                    in_vain = if moved { 0 } else { in_vain + 1 };
                    warn!(feed = %self.feed, reason, "Reading again from what is delivered.");
                    if in_vain > MAX_RESTARTS {
                        return Ended::failed(format!(
                            "Reading {}: begun again {MAX_RESTARTS} times at the same place, and still: {reason}. \
                             Everything read is delivered; the next run tries again from there.",
                            self.feed
                        ));
                    }
                }
                end => return self.ended(end, counts.batches > 0),
            }
        }
    }

    async fn pipeline(
        &self,
        progress: &mut Progress,
        version: &mut Version,
        counts: &mut Counts,
        run: &mut RunId,
    ) -> End {
        let ranges = progress.begin(self.ports.clock.now());
        let (pages_in, pages_out) = mpsc::channel(PLACES);
        let (work_in, work_out) = mpsc::channel(PLACES);
        let reader = Reader {
            feed: self.feed,
            source: &*self.ports.source,
            clock: &*self.ports.clock,
            deadline: self.read_by,
        };
        let known = progress.checkpoint().recent.clone();
        let collector = Collector::new(
            self.feed,
            self.batch_max_bytes,
            self.reach.late_arrival,
            known,
            work_in,
        );
        let deliverer = Deliverer {
            feed: self.feed,
            sink: &*self.ports.sink,
            store: &*self.ports.store,
            deadline: self.done_by,
            progress,
            version,
            run,
            counts,
        };
        let upstream = async {
            tokio::join!(reader.run(ranges, pages_in), collector.run(pages_out));
            // The end of the pipeline is the last stage's to say.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            end = deliverer.run(work_out) => end,
            () = upstream => unreachable!("the upstream stages wait for ever at their end"),
        }
    }

    fn ended(&self, end: End, posted: bool) -> Ended {
        match end {
            End::Read(ReadEnd::Complete | ReadEnd::TokenRefused(_)) => {
                Ended(Outcome::Complete, None)
            }
            End::Read(ReadEnd::OutOfTime(reason)) | End::OutOfTime(reason) => {
                Ended(Outcome::OutOfTime, Some(reason))
            }
            End::Read(ReadEnd::Failed(range, error)) => Ended::failed(format!(
                "Reading {} for {range}: {error}. What was read before is delivered, the checkpoint stands there.",
                self.feed
            )),
            End::Refused(SinkError::TooLarge(cause)) => Ended::failed(format!(
                "Delivering {}: a single record is too large for Log Analytics: {cause}. The checkpoint stands before it.",
                self.feed
            )),
            End::Refused(error) => Ended::failed(format!(
                "Delivering {}: {error}. The checkpoint stands before that batch, so nothing is lost.",
                self.feed
            )),
            End::NotSaved(StoreError::RaceLost) => Ended(
                Outcome::RaceLost,
                Some(format!(
                    "Another run has saved the checkpoint {} meanwhile; it goes on, this one stopped.",
                    self.ports.store.place(self.feed)
                )),
            ),
            End::NotSaved(error) => Ended::failed(format!(
                "Saving the checkpoint {}: {error}. {}",
                self.ports.store.place(self.feed),
                if posted {
                    "The last batch was delivered and may be delivered once more."
                } else {
                    "Nothing was delivered, since it could not have been remembered."
                }
            )),
        }
    }

    /// A pass that ran out of time without any step forward would do so for ever, and quietly.
    fn judge(&self, ended: Ended, stood_still: bool) -> Ended {
        match ended {
            Ended(Outcome::OutOfTime, reason) if stood_still => Ended::failed(format!(
                "The run budget ended without any step forward for {}: {}. What to do: raise run_budget_seconds, or look at why Mimecast or Log Analytics is slow.",
                self.feed,
                reason.unwrap_or_default()
            )),
            ended => ended,
        }
    }
}

/// The report of a feed whose task broke, for the caller that caught it.
pub(super) fn broken(feed: Feed, reason: &str) -> FeedReport {
    FeedReport {
        feed,
        outcome: Outcome::Failed,
        message: Some(format!(
            "The run of {feed} broke off: {reason}. This is a fault of the program; the checkpoint stands, and the next run goes on from it."
        )),
        counts: Counts::default(),
        watermark: None,
        lag_seconds: None,
    }
}

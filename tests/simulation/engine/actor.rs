//! One run's view of the world: the ports, with their faults, their delays and its death.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, Rejection, ServiceError, StoreError, StoreFailure},
        ports::{
            Clock, LogSink, LogSource, PageRequest, Randomness, Receipt, Saved, Store, Version,
        },
    },
    model::{
        batch::Batch,
        checkpoint::Service,
        deadline::Deadline,
        feed::Feed,
        page::Page,
        store_key::{Folder, StoreKey},
    },
};

use super::{
    bugs::Bug,
    world::{State, World, numbers},
};

pub struct Actor {
    pub world: Arc<World>,
    pub run: usize,
}

/// What a store does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StoreFault {
    None,
    /// Nothing happens, and it says so.
    Fails,
    /// It happens, and the answer is lost.
    AnswerLost,
}

impl Actor {
    /// Lets time pass and others work; here a run may die.
    async fn step(&self, what: &str) {
        let (dead, dies, yields, delay, crash) = {
            let now = self.world.now();
            let mut state = self.world.state();
            state.note(what, now);
            let (yields, delay) = (state.dice.below(3), state.dice.between(1, 900));
            let run = &mut state.runs[self.run];
            run.calls += 1;
            run.writes += u64::from(what == "saved");
            let dies = run.crash_at == Some(run.calls)
                || (what == "saved" && run.crash_behind_write == Some(run.writes));
            (run.dead, dies, yields, delay, Arc::clone(&run.crash))
        };
        if dead || dies {
            if dies {
                self.world.state().runs[self.run].dead = true;
                crash.notify_one();
            }
            // The dead wait for nothing.
            std::future::pending::<()>().await;
        }
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(delay.unsigned_abs())).await;
        if self.world.state().runs[self.run].dead {
            std::future::pending::<()>().await;
        }
    }

    /// Whether something goes wrong now, and with which of `kinds`.
    fn fault(&self, odds: fn(&State) -> u64, kinds: u64) -> Option<u64> {
        let mut state = self.world.state();
        let odds = odds(&state);
        (odds > 0 && state.dice.happens(odds)).then(|| state.dice.below(kinds))
    }

    /// Takes long, but not longer than the adapters let it.
    async fn slow(&self, deadline: Deadline) {
        let delay = self.world.state().dice.between(20, 180);
        let left = deadline.remaining(self.world.elapsed()).unwrap_or_default();
        tokio::time::sleep(Duration::from_secs(delay.unsigned_abs()).min(left)).await;
    }

    fn is_late(&self, deadline: Deadline) -> bool {
        deadline.remaining(self.world.elapsed()).is_none()
    }

    fn wait(&self) -> Duration {
        Duration::from_secs(self.world.state().dice.between(5, 3000).unsigned_abs())
    }

    async fn store_fault(&self, deadline: Deadline) -> StoreFault {
        match self.fault(|state| state.odds.store, 3) {
            Some(0) => StoreFault::Fails,
            Some(1) => StoreFault::AnswerLost,
            Some(_) => {
                self.slow(deadline).await;
                StoreFault::None
            }
            None => StoreFault::None,
        }
    }

    /// Stores what a bug has held back until the checkpoint was written.
    fn release_held(&self) {
        let mut state = self.world.state();
        if let Some((feed, rows)) = state.runs[self.run].held_batch.take() {
            let post = state.oracle.stored(self.run, feed, rows, false);
            state.oracle.acknowledged(post);
        }
        for (place, content) in std::mem::take(&mut state.runs[self.run].held_ledger) {
            // Whatever lies there now.
            let _written = state.write(place, &content, &Version::Absent, true);
        }
    }

    async fn take(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, ServiceError> {
        if self.is_late(deadline) {
            return Err(
                ServiceError::new(Service::LogAnalytics, ErrorKind::DeadlineExceeded)
                    .with_source("too late to post"),
            );
        }
        let rows = numbers(batch.body());
        let feed = batch.feed();
        if let Some(status) = self.refusal(&rows) {
            if self.world.has(Bug::DropsTheWholeBatch) {
                return Ok(Receipt::after(1));
            }
            let rejection = Rejection {
                status: Some(status),
                request_id: None,
            };
            let kind = ErrorKind::ContentRejected(rejection);
            return Err(ServiceError::new(Service::LogAnalytics, kind)
                .with_source(format!("answered {status}")));
        }
        if rows.is_empty() {
            return Ok(Receipt::after(1));
        }
        if self.world.has(Bug::CheckpointBeforeAcknowledgement) {
            self.release_held();
            self.world.state().runs[self.run].held_batch = Some((feed, rows));
            return Ok(Receipt::after(1));
        }
        let fault = self.fault(|state| state.odds.post, 7);
        let failed = |cause: &'static str| {
            ServiceError::new(Service::LogAnalytics, ErrorKind::Failed)
                .with_source(cause)
                .after(5, Duration::ZERO)
        };
        // Not stored.
        match fault {
            Some(0) if self.world.has(Bug::TakesFailureForSuccess) => {
                return Ok(Receipt::after(1));
            }
            Some(0) => return Err(failed("answered 503")),
            Some(1) => {
                return Err(
                    ServiceError::new(Service::LogAnalytics, ErrorKind::DeadlineExceeded)
                        .with_source("busy"),
                );
            }
            Some(2) => {
                return Err(ServiceError::new(
                    Service::LogAnalytics,
                    ErrorKind::Throttled {
                        retry_after: self.wait(),
                    },
                ));
            }
            Some(3) => self.slow(deadline).await,
            _ => {}
        }
        if self.is_late(deadline) {
            return Err(
                ServiceError::new(Service::LogAnalytics, ErrorKind::DeadlineExceeded)
                    .with_source("cut off before the post"),
            );
        }
        let post = self
            .world
            .state()
            .oracle
            .stored(self.run, feed, rows.clone(), false);
        self.step("stored").await;
        // Stored, and the answer is lost.
        match fault {
            Some(4) => return Err(failed("the connection was reset")),
            Some(5) => {
                return Err(
                    ServiceError::new(Service::LogAnalytics, ErrorKind::DeadlineExceeded)
                        .with_source("cut off behind the post"),
                );
            }
            Some(6) => {
                let mut state = self.world.state();
                let again = state.oracle.stored(self.run, feed, rows, true);
                state.oracle.acknowledged(again);
            }
            _ => {}
        }
        self.world.state().oracle.acknowledged(post);
        let attempts = if fault == Some(6) { 2 } else { 1 };
        Ok(Receipt::after(attempts))
    }

    fn refusal(&self, rows: &[usize]) -> Option<u16> {
        let story = &self.world.story;
        if rows.len() > story.max_rows {
            return Some(413);
        }
        let poison = rows.iter().any(|row| story.records[*row].poison);
        (poison || self.world.state().runs[self.run].refuses_all).then_some(400)
    }
}

#[async_trait]
impl Clock for Actor {
    fn now(&self) -> DateTime<Utc> {
        self.world.now()
    }
    fn elapsed(&self) -> Duration {
        self.world.elapsed()
    }
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

impl Randomness for Actor {
    fn bits(&self) -> u128 {
        let mut state = self.world.state();
        u128::from(state.dice.next()) << 64 | u128::from(state.dice.next())
    }
}

#[async_trait]
impl LogSource for Actor {
    async fn fetch_page(
        &self,
        request: PageRequest<'_>,
        deadline: Deadline,
    ) -> Result<Page, ServiceError> {
        self.step("fetch").await;
        match self.fault(|state| state.odds.fetch, 5) {
            Some(0) if self.world.has(Bug::IgnoresFail) => return Ok(Page::default()),
            Some(0) => {
                return Err(ServiceError::new(Service::Mimecast, ErrorKind::Failed)
                    .with_source("err_developer_key")
                    .after(5, Duration::ZERO));
            }
            Some(1) => {
                return Err(
                    ServiceError::new(Service::Mimecast, ErrorKind::DeadlineExceeded)
                        .with_source("busy"),
                );
            }
            Some(2) => {
                return Err(ServiceError::new(
                    Service::Mimecast,
                    ErrorKind::Throttled {
                        retry_after: self.wait(),
                    },
                ));
            }
            Some(3) if request.token.is_some() => {
                return Err(
                    ServiceError::new(Service::Mimecast, ErrorKind::PageTokenRefused)
                        .with_source("expired"),
                );
            }
            Some(_) => self.slow(deadline).await,
            None => {}
        }
        if self.is_late(deadline) {
            return Err(
                ServiceError::new(Service::Mimecast, ErrorKind::DeadlineExceeded)
                    .with_source("cut off"),
            );
        }
        let range = request.range;
        let mut from = range.from();
        if self.world.has(Bug::StartPlusOne) && from < range.to() && request.size > 1 {
            from += TimeDelta::seconds(1);
        }
        let mut offset = 0;
        if self.world.has(Bug::TokenForAnotherRange) && request.token.is_none() && request.size > 1
        {
            let kept = self.world.state().runs[self.run].last_offset.take();
            offset = kept.unwrap_or(0);
        }
        let mut page = self.world.page(
            request.feed,
            (from, range.to()),
            request.token,
            offset,
            request.size,
        )?;
        if self.world.has(Bug::TokenForAnotherRange) && page.next.is_some() {
            self.world.state().runs[self.run].last_offset = Some(page.len());
        }
        if self.world.has(Bug::FirstPageOnly) {
            page.next = None;
        }
        if self.world.has(Bug::NoReconciliation) && request.size == 1 {
            page.total = None;
        }
        self.step("page").await;
        Ok(page)
    }
}

#[async_trait]
impl LogSink for Actor {
    fn max_batch_bytes(&self) -> usize {
        30_000_000
    }

    fn max_value_bytes(&self) -> usize {
        32_768
    }

    fn max_concurrent_posts(&self) -> usize {
        self.world.story.sink.max_concurrent_posts()
    }

    async fn deliver(&self, batch: &Batch, deadline: Deadline) -> Result<Receipt, ServiceError> {
        self.step("post").await;
        let result = self.take(batch, deadline).await;
        if result.is_err() {
            self.step("refused").await;
        }
        result
    }

    async fn probe(&self, feed: Feed, deadline: Deadline) -> Result<(), ServiceError> {
        self.deliver(&Batch::empty(feed), deadline).await.map(drop)
    }
}

fn unavailable() -> StoreError {
    StoreError::Determinate(failure())
}

fn failure() -> StoreFailure {
    StoreFailure::new("blob storage answered 503", None)
}

#[async_trait]
impl Store for Actor {
    fn address(&self, place: StoreKey) -> String {
        place.name()
    }

    async fn load(&self, place: StoreKey, deadline: Deadline) -> Result<Saved, StoreError> {
        self.step("load").await;
        if self.store_fault(deadline).await != StoreFault::None || self.is_late(deadline) {
            return Err(unavailable());
        }
        let state = self.world.state();
        let saved = match state.saved.get(&place) {
            Some((content, version)) => Saved {
                content: Some(content.clone()),
                version: Version::Tag(version.to_string()),
            },
            None => Saved {
                content: None,
                version: Version::Absent,
            },
        };
        Ok(match (place, &saved.content) {
            (StoreKey::Ledger(..), _) if self.world.has(Bug::LedgerBehindCheckpoint) => Saved {
                content: state.runs[self.run]
                    .held_ledger
                    .get(&place)
                    .cloned()
                    .or(saved.content),
                ..saved
            },
            (StoreKey::Checkpoint(_), Some(content))
                if self.world.has(Bug::ForgetsWhatWasDelivered) =>
            {
                Saved {
                    content: Some(without_memory(content)),
                    ..saved
                }
            }
            _ => saved,
        })
    }

    async fn save(
        &self,
        place: StoreKey,
        content: &[u8],
        expected: &Version,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        self.step("save").await;
        let fault = self.store_fault(deadline).await;
        if fault == StoreFault::Fails || self.is_late(deadline) {
            return Err(unavailable());
        }
        if self.world.has(Bug::LedgerBehindCheckpoint) && matches!(place, StoreKey::Ledger(..)) {
            let mut state = self.world.state();
            state.runs[self.run]
                .held_ledger
                .insert(place, content.to_vec());
            return Ok(expected.clone());
        }
        let blind = self.world.has(Bug::BlindOverwrite);
        let written = {
            let mut state = self.world.state();
            let written = state.write(place, content, expected, blind)?;
            if let StoreKey::Checkpoint(feed) = place {
                state.oracle.saved(self.run, feed, content);
            }
            written
        };
        self.step("saved").await;
        if matches!(place, StoreKey::Checkpoint(_)) {
            self.release_held();
        }
        if fault == StoreFault::AnswerLost {
            return Err(StoreError::Indeterminate(failure()));
        }
        Ok(written)
    }

    async fn remove(&self, place: StoreKey, deadline: Deadline) -> Result<(), StoreError> {
        self.step("remove").await;
        if self.store_fault(deadline).await == StoreFault::Fails {
            return Err(unavailable());
        }
        self.world.state().saved.remove(&place);
        self.step("removed").await;
        Ok(())
    }

    async fn list(&self, folder: Folder, deadline: Deadline) -> Result<Vec<StoreKey>, StoreError> {
        self.step("list").await;
        if self.store_fault(deadline).await != StoreFault::None {
            return Err(unavailable());
        }
        let prefix = folder.prefix();
        let state = self.world.state();
        Ok(state
            .saved
            .keys()
            .copied()
            .filter(|place| place.name().starts_with(&prefix))
            .collect())
    }
}

/// A checkpoint that forgets what was delivered.
fn without_memory(content: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(content) else {
        return content.to_vec();
    };
    if let Some(members) = value.as_object_mut() {
        members.remove("delivered");
        members.remove("displaced");
    }
    value.to_string().into_bytes()
}

//! One run's view of the world: the ports, with their faults, their delays and its death.

mod sink;
mod source;
mod store;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mimecast_ttp::{
    ingest::ports::{Clock, Randomness, Version},
    model::deadline::Deadline,
};

use super::world::{State, World};

pub struct Actor {
    pub world: Arc<World>,
    pub run: usize,
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

//! How the host and its handler end, and come back.

use std::sync::{Arc, PoisonError};

use tokio::time::timeout;

use super::{
    FunctionsHost, HostError, Orphan, free_port,
    logbook::CONSOLE,
    worker::{Launch, Phase, Worker},
};

/// Lines of the handler that an error at the start quotes.
const LAST_WORDS: usize = 5;

impl FunctionsHost {
    /// Ends host and handler at once, as when the platform takes the instance away: SIGKILL, no
    /// notice. Runs under way fail and leave no trace in the status. [`FunctionsHost::restart`]
    /// brings a new instance.
    pub async fn kill(&self) {
        self.worker().stop("the instance was taken away").await;
    }

    /// Ends the host alone, as SIGKILL or a crash of its own does: the handler loses its call and works
    /// on, an orphan, also beside the handler that [`FunctionsHost::restart`] brings. Runs under way
    /// fail and leave no trace in the status. `None` where the host had no handler of its own.
    pub async fn kill_alone(&self) -> Option<Orphan> {
        self.worker().abandon("the host was killed").await
    }

    /// Stops the host in order, as SIGINT does: cuts calls by hand at once, waits for runs that a timer
    /// began, at most [`Limits::stop_wait`](super::Limits::stop_wait), and then kills the handler without notice. A run that is
    /// cut leaves no trace in the status.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        drop(timeout(self.limits.stop_wait, self.timer_runs.write()).await);
        self.worker().stop("the host was stopped").await;
    }

    /// Restarts the host after [`FunctionsHost::kill`], a crash or at any time, like
    /// [`FunctionsHost::start`]: on a new port, with new listeners, the old handler killed unless it is
    /// an orphan.
    pub async fn restart(&self) -> Result<(), HostError> {
        self.worker().stop("the host restarts").await;
        self.stopping.send_replace(false);
        let port = match &self.launch {
            Some(_) => free_port()?,
            None => self.port(),
        };
        let worker = Arc::new(Worker::start(
            self.launch.clone(),
            port,
            self.initialization_timeout,
            self.limits,
            self.book.clone(),
        ));
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = worker;
        self.restart_listener();
        self.wait_until_ready().await
    }

    /// Kills only the handler, as when memory runs out: the host sees a crash (code 137) and
    /// starts it again, or stops at the third.
    pub fn crash_handler(&self) {
        self.worker().strike();
    }

    /// Waits until the handler is ready, after [`FunctionsHost::crash_handler`] for example. The
    /// error says why it will not be.
    pub async fn wait_until_ready(&self) -> Result<(), HostError> {
        let worker = self.worker();
        match worker.settled(None).await {
            Some(Phase::NotStarted(reason)) => Err(HostError::Start {
                file: self.launch.as_ref().map(Launch::file).unwrap_or_default(),
                reason,
            }),
            Some(Phase::GaveUp(reason) | Phase::Stopped(reason)) => Err(HostError::ShutDown {
                reason,
                last_words: self.last_words(),
            }),
            _ => Ok(()),
        }
    }

    /// Why the host stopped; `None` while it runs.
    #[must_use]
    pub fn stop_reason(&self) -> Option<String> {
        self.worker().phase().end().map(str::to_owned)
    }

    /// How often the handler was started since the host was.
    #[must_use]
    pub fn launches(&self) -> u32 {
        self.worker().launches()
    }

    /// Waits until the host is told to stop.
    pub(super) async fn stops(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as the host.
        drop(stopping.wait_for(|stops| *stops).await);
    }

    fn last_words(&self) -> Vec<String> {
        let records = self.book.records().into_iter();
        let mut words: Vec<_> = records
            .filter(|record| record.category == CONSOLE)
            .map(|record| record.text)
            .collect();
        words.split_off(words.len().saturating_sub(LAST_WORDS))
    }
}

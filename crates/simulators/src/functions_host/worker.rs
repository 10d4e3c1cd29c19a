//! The handler under the host's care, from the start of a job host to its end: readiness, crashes,
//! restarts.

mod care;
mod process;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

use self::care::Care;
pub(super) use self::process::Launch;
use super::{config::Limits, logbook::Logbook, wire::Client};

/// Where the handler is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Initializing,
    Initialized,
    Restarting,
    /// The system refused to start it; the host does not try again, but does not stop either.
    NotStarted(String),
    /// The host is gone.
    Stopped(String),
}

#[derive(Debug)]
enum Command {
    Restart(oneshot::Sender<()>),
    Stop(String, oneshot::Sender<()>),
    Strike,
}

/// The handler of one job host, on one port. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) client: Arc<Client>,
    phase: watch::Receiver<Phase>,
    launches: Arc<AtomicU32>,
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts the handler; without a launch it already runs.
    pub(super) fn start(
        launch: Option<Launch>,
        port: u16,
        initialization_timeout: Duration,
        limits: Limits,
        book: Logbook,
    ) -> Self {
        let client = Arc::new(Client::new(port, limits.idle_connection));
        let launches = Arc::new(AtomicU32::new(0));
        let (phase_sender, phase) = watch::channel(Phase::Initializing);
        let (commands, receiver) = mpsc::unbounded_channel();
        let care = Care {
            launch,
            client: Arc::clone(&client),
            initialization_timeout,
            crash_gap: limits.crash_gap,
            book,
            phase: phase_sender,
            launches: Arc::clone(&launches),
        };
        Self {
            client,
            phase,
            launches,
            commands,
            task: tokio::spawn(care.run(receiver)),
        }
    }

    /// Waits until the handler is ready or will not be; `None` when that takes too long.
    pub(super) async fn settled(&self, limit: Option<Duration>) -> Option<Phase> {
        self.phase_where(limit, |phase| {
            matches!(phase, Phase::Initialized | Phase::Stopped(_))
                // Without a limit nobody would wait for a process that never starts.
                || limit.is_none() && matches!(phase, Phase::NotStarted(_))
        })
        .await
    }

    /// Waits for the end of the host.
    pub(super) async fn stopped(&self) -> String {
        match self
            .phase_where(None, |phase| matches!(phase, Phase::Stopped(_)))
            .await
        {
            Some(Phase::Stopped(reason)) => reason,
            _ => "the host is gone".to_owned(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    /// How often the process was started.
    pub(super) fn launches(&self) -> u32 {
        self.launches.load(Ordering::Acquire)
    }

    /// Kills the handler and restarts it on the same port, which does not count as a crash.
    pub(super) async fn restart(&self) {
        let (done, is_done) = oneshot::channel();
        if self.commands.send(Command::Restart(done)).is_ok() && is_done.await.is_ok() {
            self.settled(None).await;
        }
    }

    /// Kills the handler and ends the host.
    pub(super) async fn stop(&self, reason: &str) {
        let (done, is_done) = oneshot::channel();
        if self
            .commands
            .send(Command::Stop(reason.to_owned(), done))
            .is_ok()
        {
            // An error means that it had ended already.
            drop(is_done.await);
        }
    }

    /// Kills the handler without telling the host.
    pub(super) fn strike(&self) {
        // Without a receiver there is no handler to strike.
        drop(self.commands.send(Command::Strike));
    }

    async fn phase_where(
        &self,
        limit: Option<Duration>,
        mut wanted: impl FnMut(&Phase) -> bool,
    ) -> Option<Phase> {
        let mut phase = self.phase.clone();
        let found = phase.wait_for(|phase| wanted(phase));
        match limit {
            Some(limit) => timeout(limit, found).await.ok()?,
            None => found.await,
        }
        .ok()
        .map(|phase| phase.clone())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;

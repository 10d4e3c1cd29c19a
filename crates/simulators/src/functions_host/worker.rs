//! The handler under the host's care, from the start of a job host to its end: readiness, crashes,
//! restarts.

mod care;
mod orphan;
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
pub use self::orphan::Orphan;
pub(super) use self::process::Launch;
use super::{config::Limits, logbook::Logbook, wire::Client};

/// Where the handler is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Initializing,
    Initialized,
    Restarting,
    /// The system refused to start it. The host tries again only when a run's time is up, and does
    /// not stop.
    NotStarted(String),
    /// The host has ended itself, after it had noted how the runs under way ended.
    GaveUp(String),
    /// The host was ended from outside.
    Stopped(String),
}

impl Phase {
    /// Why the host is gone; `None` while it is there.
    pub(super) fn end(&self) -> Option<&str> {
        match self {
            Self::GaveUp(reason) | Self::Stopped(reason) => Some(reason),
            _ => None,
        }
    }

    /// The state in the words of the host.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Initializing | Self::NotStarted(_) => "Initializing",
            Self::Initialized => "Initialized",
            Self::Restarting => "WorkerProcessRestarting",
            Self::GaveUp(_) | Self::Stopped(_) => "Disposed",
        }
    }
}

#[derive(Debug)]
enum Command {
    Restart(oneshot::Sender<()>),
    Stop(String, oneshot::Sender<()>),
    Abandon(String, oneshot::Sender<Option<Orphan>>),
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
            *phase == Phase::Initialized
                || phase.end().is_some()
                // Without a limit nobody would wait for a process that never starts.
                || limit.is_none() && matches!(phase, Phase::NotStarted(_))
        })
        .await
    }

    /// Waits for the end of the host.
    pub(super) async fn stopped(&self) -> String {
        let phase = self.phase_where(None, |phase| phase.end().is_some()).await;
        let reason = phase.as_ref().and_then(Phase::end);
        reason.unwrap_or("the host is gone").to_owned()
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

    /// Ends the host and leaves the handler alone; `None` if the host had none of its own.
    pub(super) async fn abandon(&self, reason: &str) -> Option<Orphan> {
        let (given, orphan) = oneshot::channel();
        let command = Command::Abandon(reason.to_owned(), given);
        self.commands.send(command).ok()?;
        orphan.await.ok()?
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

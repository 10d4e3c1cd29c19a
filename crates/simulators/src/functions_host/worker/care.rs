//! The task that starts the process, over and over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use super::{
    Command, Phase,
    process::{Exit, Launch, Process},
};
use crate::functions_host::{
    logbook::{HOST, Level, Logbook},
    wire::Client,
};

/// Between two probes (the host's source).
const PROBE_INTERVAL: Duration = Duration::from_millis(25);
/// An exit with this code asks for a new start (the host's source).
const RESTART_CODE: i32 = 200;
/// The crash that ends the host (its source).
const FATAL_CRASH: u32 = 3;

/// What the task needs.
pub(super) struct Care {
    pub(super) launch: Option<Launch>,
    pub(super) client: Arc<Client>,
    pub(super) initialization_timeout: Duration,
    pub(super) crash_gap: Duration,
    pub(super) book: Logbook,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) launches: Arc<AtomicU32>,
}

enum Ended {
    NotStarted(String),
    NotReady,
    Asked,
    Stopped,
    Exited(Exit),
}

impl Care {
    pub(super) async fn run(self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut count = 0;
        let mut last_crash: Option<Instant> = None;
        loop {
            let worker = Uuid::new_v4();
            let crashed = match self.one_process(worker, &mut commands).await {
                Ended::NotStarted(reason) => {
                    self.phase.send_replace(Phase::NotStarted(reason));
                    if !self.asked_again(&mut commands).await {
                        return;
                    }
                    false
                }
                Ended::Stopped => return,
                Ended::Asked => false,
                Ended::NotReady => true,
                Ended::Exited(exit) => self.report(&exit, worker),
            };
            if crashed {
                let now = Instant::now();
                if last_crash.is_some_and(|last| now - last > self.crash_gap) {
                    count = 0;
                }
                count += 1;
                last_crash = Some(now);
            }
            if count >= FATAL_CRASH {
                let reason =
                    "Exceeded http worker restart retry count. Shutting down Functions Host";
                self.book.add(Level::Error, HOST, reason);
                self.phase.send_replace(Phase::GaveUp(reason.to_owned()));
                return;
            }
        }
    }

    async fn one_process(
        &self,
        worker: Uuid,
        commands: &mut mpsc::UnboundedReceiver<Command>,
    ) -> Ended {
        self.client.forget_connections();
        let mut process = match &self.launch {
            None => Process::elsewhere(),
            Some(launch) => match Process::start(launch, self.client.port(), worker, &self.book) {
                Ok(process) => process,
                Err(error) => return self.not_started(launch, worker, &error.to_string()),
            },
        };
        self.launches.fetch_add(1, Ordering::AcqRel);
        let readiness = self.readiness(worker);
        tokio::pin!(readiness);
        let mut initialized = false;
        loop {
            tokio::select! {
                biased;
                command = commands.recv() => {
                    if let Some(ended) = self.obey(command, &mut process).await {
                        return ended;
                    }
                }
                mut exit = process.ended() => {
                    // Code 0 goes unnoticed: no restart, and later runs find nobody.
                    if exit.code != 0 {
                        self.phase.send_replace(Phase::Restarting);
                        exit.errors = process.last_errors().await;
                        return Ended::Exited(exit);
                    }
                }
                ready = &mut readiness, if !initialized => {
                    if !ready {
                        self.phase.send_replace(Phase::Restarting);
                        process.kill().await;
                        return Ended::NotReady;
                    }
                    initialized = true;
                    self.phase.send_replace(Phase::Initialized);
                }
            }
        }
    }

    /// Probes until something answers; false when the time is up. Only the waits count, as in the
    /// host, but a probe without an answer ends at the limit (there it could last for minutes).
    async fn readiness(&self, worker: Uuid) -> bool {
        let category = format!("Worker.HttpWorkerChannel.{worker}");
        let mut waited = Duration::ZERO;
        loop {
            match timeout(self.initialization_timeout, self.client.probe()).await {
                Ok(Err(error)) if error.is_unconnected() => {}
                // Also a connection that is closed early counts as ready.
                Ok(_) => {
                    self.book.add(
                        Level::Debug,
                        category.as_str(),
                        "HttpWorker is Initialized.",
                    );
                    let text = "Worker process started and initialized.";
                    self.book.add(Level::Information, category, text);
                    return true;
                }
                Err(_) => waited = self.initialization_timeout,
            }
            if waited >= self.initialization_timeout {
                self.book.add(
                    Level::Error,
                    category,
                    format!("Failed to start http worker process. workerId:{worker}\nTimeoutException: Initializing HttpWorker timed out."),
                );
                return false;
            }
            sleep(PROBE_INTERVAL).await;
            waited += PROBE_INTERVAL;
        }
    }

    fn not_started(&self, launch: &Launch, worker: Uuid, reason: &str) -> Ended {
        let category = format!("Worker.HttpWorkerProcess.{worker}");
        let text = format!(
            "Failed to start Worker Channel. Process fileName: {}\n{reason}",
            launch.file()
        );
        self.book.add(Level::Error, category, text);
        Ended::NotStarted(reason.to_owned())
    }

    /// Logs an exit and says whether it counts as a crash.
    fn report(&self, exit: &Exit, worker: Uuid) -> bool {
        let category = format!("Worker.HttpWorkerProcess.{worker}");
        let Exit { pid, code, errors } = exit;
        if *code == RESTART_CODE {
            let text = "Language Worker Process exited and needs to be restarted.";
            self.book.add(Level::Information, category, text);
            return false;
        }
        let file = self.launch.as_ref().map(Launch::file).unwrap_or_default();
        let mut text = format!(
            "Language Worker Process exited. Pid={pid}.\n{file} exited with code {code} (0x{code:X})"
        );
        if !errors.is_empty() {
            text.push('\n');
            text.push_str(&errors.join(","));
        }
        self.book.add(Level::Error, category, text);
        true
    }

    /// Does as it is told; `None` if the process goes on.
    async fn obey(&self, command: Option<Command>, process: &mut Process) -> Option<Ended> {
        match command {
            Some(Command::Strike) => {
                process.strike();
                None
            }
            Some(Command::Restart(done)) => {
                self.phase.send_replace(Phase::Restarting);
                process.kill().await;
                // Whoever asked may have gone.
                done.send(()).unwrap_or_default();
                Some(Ended::Asked)
            }
            Some(Command::Stop(reason, done)) => {
                self.phase.send_replace(Phase::Stopped(reason));
                process.kill().await;
                done.send(()).unwrap_or_default();
                Some(Ended::Stopped)
            }
            Some(Command::Abandon(reason, given)) => {
                self.phase.send_replace(Phase::Stopped(reason));
                self.client.forget_connections();
                // The process dies if whoever asked for it has gone.
                drop(given.send(process.orphaned()));
                Some(Ended::Stopped)
            }
            None => Some(Ended::Stopped),
        }
    }

    /// Waits until somebody asks for a restart; false if the host ends instead.
    async fn asked_again(&self, commands: &mut mpsc::UnboundedReceiver<Command>) -> bool {
        let mut nobody = Process::elsewhere();
        loop {
            let command = commands.recv().await;
            if let Some(ended) = self.obey(command, &mut nobody).await {
                return matches!(ended, Ended::Asked);
            }
        }
    }
}

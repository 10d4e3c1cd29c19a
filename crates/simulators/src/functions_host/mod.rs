//! The Azure Functions host (version 4) towards a custom handler with timers.
//!
//! It starts the handler as the host does, waits for it, sends it the same timer requests as the real
//! host, byte for byte, judges the answers, enforces the time-out and restarts or kills. What
//! is marked "the host's source" or "the extension's source" was read there; "seen on the wire"
//! comes from a recorded request; "unconfirmed" must not be relied on.
//!
//! Left out: HTTP triggers and other bindings, the retry policy (only its mark in a request),
//! locks between instances, and time of its own: a tick runs when [`FunctionsHost::tick`] is
//! called, at the time that the [`Config::clock`] shows. Time-outs run in real time.

mod answer;
mod app;
mod config;
mod invocation;
mod kind;
mod logbook;
mod payload;
pub mod schedule;
mod settings;
pub mod timer;
mod wire;
mod worker;

use std::{
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

pub use self::{
    answer::State,
    config::{Config, HostError, Limits},
    invocation::{Invocation, Outcome},
    kind::Kind,
    logbook::{Level, LogRecord, OnLog},
    payload::HOST_VERSION,
    wire::Framing,
};
use self::{
    app::Function,
    logbook::{CONSOLE, HOST, Logbook, TIMERS},
    timer::{Reason, Run, Status, Timer},
    worker::{Launch, Phase, Worker},
};
use super::clock::SimClock;

/// Lines of the handler that an error at the start quotes.
const LAST_WORDS: usize = 5;

/// The host, its handler and its timers. Dropping it kills the handler.
#[derive(Debug)]
pub struct FunctionsHost {
    clock: SimClock,
    limits: Limits,
    /// `None` means no limit.
    function_timeout: Option<Duration>,
    initialization_timeout: Duration,
    /// `None` if the handler already runs.
    launch: Option<Launch>,
    timers: Vec<Entry>,
    book: Logbook,
    worker: Mutex<Arc<Worker>>,
}

#[derive(Debug)]
struct Entry {
    function: Function,
    timer: Mutex<Timer>,
    /// Held during a scheduled run: they do not overlap.
    running: tokio::sync::Mutex<()>,
}

impl Entry {
    fn timer(&self) -> std::sync::MutexGuard<'_, Timer> {
        self.timer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FunctionsHost {
    /// Reads the app, starts its handler and waits until it is ready, as long and as often as the
    /// host does: three times [`Config::initialization_timeout`] at most.
    pub async fn start(config: Config) -> Result<Self, HostError> {
        Self::begin(config, None, true).await
    }

    /// Like [`FunctionsHost::start`] with a handler that already runs, on `port`: under a debugger
    /// or in the process of a test. The host can then neither kill it nor see it end.
    pub async fn attach(config: Config, port: u16) -> Result<Self, HostError> {
        Self::begin(config, Some(port), false).await
    }

    async fn begin(mut config: Config, port: Option<u16>, starts: bool) -> Result<Self, HostError> {
        config.make_absolute();
        let app = app::read(&config)?;
        let port = port.map_or_else(free_port, Ok)?;
        let launch = starts.then_some(Launch {
            handler: app.handler,
            app_root: config.app_root,
            app_settings: config.app_settings,
        });
        let book = Logbook::new(config.on_log);
        let entry = |function: Function| Entry {
            timer: Mutex::new(Timer::new(
                function.schedule.clone(),
                function.run_on_startup,
                function.use_monitor,
            )),
            function,
            running: tokio::sync::Mutex::default(),
        };
        let worker = Worker::start(
            launch.clone(),
            port,
            app.initialization_timeout,
            config.limits,
            book.clone(),
        );
        let host = Self {
            clock: config.clock,
            limits: config.limits,
            function_timeout: app.function_timeout,
            initialization_timeout: app.initialization_timeout,
            launch,
            timers: app.functions.into_iter().map(entry).collect(),
            book,
            worker: Mutex::new(Arc::new(worker)),
        };
        host.restart_listener();
        host.wait_until_ready().await?;
        Ok(host)
    }

    /// Runs `function` once, as `invocation` says, without regard to its timer: neither does the
    /// timer decide what the request says (but for [`Kind::Admin`]) nor does it notice the run.
    /// Overlaps with anything.
    ///
    /// An unknown function fails, as does a host that stopped.
    pub async fn invoke(&self, function: &str, invocation: Invocation) -> Outcome {
        let Some(entry) = self.entry(function) else {
            return Outcome::unknown(function);
        };
        let run = invocation.kind.run(&entry.timer(), self.clock.now());
        self.run(&entry.function, &run, invocation).await
    }

    /// Runs `function` as its timer would now: the first run, a run past due, a late run or a
    /// normal one, whatever its status says at the time the clock shows. A tick before the time
    /// counts as on time. Waits for a scheduled run of the same function that is still under way.
    ///
    /// The status advances whether the run fails or not, but not where the host is killed during
    /// the run.
    pub async fn tick(&self, function: &str) -> Outcome {
        let Some(entry) = self.entry(function) else {
            return Outcome::unknown(function);
        };
        let _alone = entry.running.lock().await;
        let worker = self.worker();
        let run = entry.timer().begin(self.clock.now());
        let outcome = self.run(&entry.function, &run, Invocation::default()).await;
        if !matches!(worker.phase(), Phase::Stopped(_)) {
            entry.timer().finish(&run);
        }
        outcome
    }

    /// When the timer of `function` is due: now where the listener's start made it so, otherwise
    /// the scheduled time, which has passed for a late run. `None` for an unknown function.
    #[must_use]
    pub fn due(&self, function: &str) -> Option<DateTime<Utc>> {
        Some(self.entry(function)?.timer().due(self.clock.now()))
    }

    /// The status blob of `function`; `None` where there is none.
    #[must_use]
    pub fn status(&self, function: &str) -> Option<Status> {
        self.entry(function)?.timer().status()
    }

    /// The names of the functions, in order.
    #[must_use]
    pub fn functions(&self) -> Vec<String> {
        let names = self.timers.iter().map(|entry| &entry.function.name);
        names.cloned().collect()
    }

    /// Restarts the listeners of all timers, as when the host restarts or the lease moves to
    /// another instance: a recorded time that has passed makes the next tick past due.
    pub fn restart_listener(&self) {
        let now = self.clock.now();
        for entry in &self.timers {
            let mut timer = entry.timer();
            timer.start_listener(now);
            self.announce(&entry.function.name, &timer, now);
        }
    }

    /// Ends host and handler at once, as when the platform takes the instance away: SIGKILL, no
    /// notice. Runs under way fail and leave no trace in the status. [`FunctionsHost::restart`]
    /// brings a new instance.
    pub async fn kill(&self) {
        self.worker().stop("the instance was taken away").await;
    }

    /// Restarts the host after [`FunctionsHost::kill`], a crash or at any time, like
    /// [`FunctionsHost::start`]: on a new port, with new listeners, the old handler killed.
    pub async fn restart(&self) -> Result<(), HostError> {
        self.worker().stop("the host restarts").await;
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
            Some(Phase::Stopped(reason)) => Err(HostError::ShutDown {
                reason,
                last_words: self.last_words(),
            }),
            _ => Ok(()),
        }
    }

    /// Why the host stopped; `None` while it runs.
    #[must_use]
    pub fn stop_reason(&self) -> Option<String> {
        match self.worker().phase() {
            Phase::Stopped(reason) => Some(reason),
            _ => None,
        }
    }

    /// How often the handler was started since the host was.
    #[must_use]
    pub fn launches(&self) -> u32 {
        self.worker().launches()
    }

    /// The port of the handler.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.worker().client.port()
    }

    /// The latest log records, oldest first; some ten thousand are kept.
    #[must_use]
    pub fn logs(&self) -> Vec<LogRecord> {
        self.book.records()
    }

    fn entry(&self, function: &str) -> Option<&Entry> {
        self.timers
            .iter()
            .find(|entry| entry.function.name.eq_ignore_ascii_case(function))
    }

    fn worker(&self) -> Arc<Worker> {
        let worker = self.worker.lock();
        Arc::clone(&worker.unwrap_or_else(PoisonError::into_inner))
    }

    fn last_words(&self) -> Vec<String> {
        let records = self.book.records().into_iter();
        let mut words: Vec<_> = records
            .filter(|record| record.category == CONSOLE)
            .map(|record| record.text)
            .collect();
        words.split_off(words.len().saturating_sub(LAST_WORDS))
    }

    /// The lines that the host logs at the start of a listener.
    fn announce(&self, name: &str, timer: &Timer, now: DateTime<Utc>) {
        let schedule = timer.schedule();
        let mut text =
            format!("The next 5 occurrences of the '{name}' schedule ({schedule}) will be:");
        let mut time = now;
        for _ in 0..5 {
            time = schedule.next_after(time);
            text.push_str(&time.format("\n%m/%d/%Y %H:%M:%SZ").to_string());
        }
        self.book.add(Level::Information, TIMERS, text);
        if timer.status().is_some_and(|status| now > status.next) {
            let text = format!("Function '{name}' is past due on startup. Executing now.");
            self.book.add(Level::Debug, TIMERS, text);
        }
    }
}

/// A port that is free now, chosen by the system and released again, as the host does it.
fn free_port() -> Result<u16, HostError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(HostError::Port)?;
    Ok(listener.local_addr().map_err(HostError::Port)?.port())
}

#[cfg(test)]
mod tests;

//! The Azure Functions host (version 4) towards a custom handler with timers.
//!
//! It starts the handler as the host does, waits for it, sends it the same timer requests as the real
//! host, byte for byte, judges the answers, enforces the time-out and restarts or kills. What
//! is marked "the host's source" or "the extension's source" was read there; "seen on the wire"
//! comes from a recorded request; "unconfirmed" must not be relied on.
//!
//! Left out: HTTP triggers and other bindings, extension bundles, the retry policy (only its mark
//! in a request), sampling by Application Insights, locks between instances, and time of its own:
//! a run that is due begins when [`FunctionsHost::tick`] is called, at the time that the
//! [`Config::clock`] shows. Time-outs run in real time.

mod answer;
mod app;
mod config;
mod invocation;
mod kind;
mod life;
mod log_filter;
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
use serde_json::Value;
use tokio::sync::watch;

pub use self::{
    answer::State,
    config::{Config, HostError, Limits},
    invocation::{Invocation, Outcome},
    kind::Kind,
    logbook::{Level, LogRecord, OnLog},
    payload::HOST_VERSION,
    wire::Framing,
    worker::Orphan,
};
use self::{
    app::{Function, Unindexed},
    logbook::{HOST, Logbook, STARTUP, TIMERS},
    timer::{Reason, Run, Status, Timer},
    worker::{Launch, Phase, Worker},
};
use super::clock::SimClock;

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
    unindexed: Vec<Unindexed>,
    book: Logbook,
    worker: Mutex<Arc<Worker>>,
    /// Read-locked by each run that is none by hand: a host that stops waits for them.
    timer_runs: tokio::sync::RwLock<()>,
    /// Whether the host was told to stop.
    stopping: watch::Sender<bool>,
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
            environment: config.environment,
            app_settings: config.app_settings,
        });
        let book = Logbook::new(app.log_filter, config.on_log);
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
            unindexed: app.unindexed,
            book,
            worker: Mutex::new(Arc::new(worker)),
            timer_runs: tokio::sync::RwLock::default(),
            stopping: watch::Sender::new(false),
        };
        host.report_unindexed();
        host.restart_listener();
        host.wait_until_ready().await?;
        Ok(host)
    }

    /// Runs `function` once, as `invocation` says, without regard to its timer: neither does the
    /// timer decide what the request says (but for [`Kind::Admin`]) nor does it notice the run.
    /// Overlaps with anything.
    ///
    /// An unknown function fails, as does one that the host disabled, and a host that stopped.
    pub async fn invoke(&self, function: &str, invocation: Invocation) -> Outcome {
        let Some(entry) = self.entry(function) else {
            return self.no_run_of(function);
        };
        let run = invocation.kind.run(&entry.timer(), self.clock.now());
        if run.reason == Reason::Admin {
            return tokio::select! {
                outcome = self.run(&entry.function, &run, invocation) => outcome,
                () = self.stops() => Outcome::refused("the host stops: it cut the call"),
            };
        }
        let _under_way = self.timer_runs.read().await;
        self.run(&entry.function, &run, invocation).await
    }

    /// What the host answers at once to `POST /admin/functions/NAME` with this body. It is 202 even for
    /// a function that it disabled and never runs, and 400 where `input` is an object. That an unknown
    /// function is 404 is unconfirmed.
    #[must_use]
    pub fn admin_status(&self, function: &str, body: &Value) -> u16 {
        let is_disabled = || self.unindexed(function).is_some();
        if self.entry(function).is_none() && !is_disabled() {
            404
        } else if settings::member(body, "input").is_some_and(Value::is_object) {
            400
        } else {
            202
        }
    }

    /// Runs `function` as its timer would now: the first run, a run past due, a late run or a
    /// normal one, whatever its status says at the time the clock shows. Refused where nothing is
    /// [due](Self::due). Waits for a scheduled run of the same function that is still under way.
    ///
    /// The status advances whether the run fails or not, also where the handler's third crash ends the
    /// host; but not where the host is killed during the run.
    pub async fn tick(&self, function: &str) -> Outcome {
        let Some(entry) = self.entry(function) else {
            return self.no_run_of(function);
        };
        let _alone = entry.running.lock().await;
        let _under_way = self.timer_runs.read().await;
        if *self.stopping.borrow() {
            return Outcome::refused("the host stops");
        }
        let worker = self.worker();
        let now = self.clock.now();
        let due = entry.timer().due(now);
        if now < due {
            return Outcome::refused(&format!("'{function}' is not due before {due}"));
        }
        let run = entry.timer().begin(now);
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

    /// Why the host disabled a function; `None` for one that it did not. It disables a function with a
    /// bad or missing schedule, says so in its log alone, and goes on.
    #[must_use]
    pub fn disabled(&self, function: &str) -> Option<&str> {
        let found = self.unindexed(function)?;
        Some(&found.reason)
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

    fn unindexed(&self, function: &str) -> Option<&Unindexed> {
        self.unindexed
            .iter()
            .find(|known| known.name.eq_ignore_ascii_case(function))
    }

    /// What becomes of a run of a function that does not run.
    fn no_run_of(&self, function: &str) -> Outcome {
        match self.disabled(function) {
            Some(reason) => Outcome::refused(&format!("the host disabled '{function}': {reason}")),
            None => Outcome::refused(&format!("there is no function '{function}'")),
        }
    }

    fn worker(&self) -> Arc<Worker> {
        let worker = self.worker.lock();
        Arc::clone(&worker.unwrap_or_else(PoisonError::into_inner))
    }

    /// The only trace of functions that the host disables.
    fn report_unindexed(&self) {
        for Unindexed { name, reason } in &self.unindexed {
            let text = format!("Error indexing method 'Functions.{name}'\n{reason}");
            self.book.add(Level::Error, STARTUP, text);
            let text = format!("Function 'Functions.{name}' failed indexing and will be disabled.");
            self.book.add(Level::Warning, STARTUP, text);
        }
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

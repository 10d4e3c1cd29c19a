//! One process of the handler: its start, its output, its end.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt, io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};
use uuid::Uuid;

use super::orphan::Orphan;
use crate::functions_host::{
    app::{Arguments, Handler, expand},
    logbook::{CONSOLE, Level, Lines, Logbook, Stream, classify},
};

/// How long the host waits for a process that it killed (its source).
const KILL_WAIT: Duration = Duration::from_secs(1);
/// How long the output of a process that ended is waited for: its children may hold the pipes.
const OUTPUT_WAIT: Duration = Duration::from_millis(500);
/// Lines on stderr that the report of an exit quotes (the host's source).
const QUOTED_ERRORS: usize = 3;

/// What is started.
#[derive(Clone)]
pub(in crate::functions_host) struct Launch {
    pub(in crate::functions_host) handler: Handler,
    pub(in crate::functions_host) app_root: PathBuf,
    /// The host's own, which the handler inherits whole.
    pub(in crate::functions_host) environment: BTreeMap<String, String>,
    pub(in crate::functions_host) app_settings: BTreeMap<String, String>,
}

impl Launch {
    /// The file that is started, for messages.
    pub(in crate::functions_host) fn file(&self) -> String {
        self.handler.executable.display().to_string()
    }

    fn environment(&self, port: u16, worker: Uuid) -> BTreeMap<String, String> {
        let mut environment = self.environment.clone();
        environment.extend(self.app_settings.clone());
        let root = self.app_root.display().to_string();
        let own = [
            ("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string()),
            ("FUNCTIONS_HTTPWORKER_PORT", port.to_string()),
            ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", worker.to_string()),
            ("FUNCTIONS_HTTPWORKER_ID", worker.to_string()),
            ("FUNCTIONS_APP_ROOT_PATH", root),
        ];
        environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
        environment
    }

    fn arguments(&self, environment: &BTreeMap<String, String>) -> Vec<String> {
        match &self.handler.arguments {
            Arguments::Given(arguments) => arguments.clone(),
            // The host joins them by blanks without quotes, so that one with blanks falls apart.
            Arguments::Described(arguments) => arguments
                .iter()
                .map(|argument| expand(argument, environment))
                .collect::<Vec<_>>()
                .join(" ")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        }
    }
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Settings hold secrets: none of them.
        f.debug_struct("Launch")
            .field("handler", &self.handler)
            .field("app_root", &self.app_root)
            .finish_non_exhaustive()
    }
}

/// A handler: a process, or something that answers without being the host's child.
#[derive(Debug)]
pub(in crate::functions_host) struct Process(Option<Running>);

#[derive(Debug)]
struct Running {
    child: Child,
    pid: u32,
    exited: bool,
    readers: Vec<JoinHandle<()>>,
    errors: Arc<Mutex<VecDeque<String>>>,
}

/// A process ended by itself.
#[derive(Debug)]
pub(in crate::functions_host) struct Exit {
    pub(in crate::functions_host) pid: u32,
    /// 128+n for a death by signal n.
    pub(in crate::functions_host) code: i32,
    /// The last lines that counted as errors.
    pub(in crate::functions_host) errors: Vec<String>,
}

impl Process {
    /// A handler that already runs; the host can neither see it end nor kill it.
    pub(in crate::functions_host) fn elsewhere() -> Self {
        Self(None)
    }

    /// Starts the handler. It dies with the value.
    pub(in crate::functions_host) fn start(
        launch: &Launch,
        port: u16,
        worker: Uuid,
        book: &Logbook,
    ) -> io::Result<Self> {
        let environment = launch.environment(port, worker);
        let mut child = Command::new(&launch.handler.executable)
            .args(launch.arguments(&environment))
            .current_dir(&launch.handler.directory)
            .env_clear()
            .envs(&environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let errors = Arc::default();
        let sink = |stream| Sink {
            stream,
            worker,
            book: book.clone(),
            stderr_is_for_errors: launch.handler.stderr_is_for_errors,
            errors: Arc::clone(&errors),
        };
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            readers.push(tokio::spawn(read(stdout, sink(Stream::Stdout))));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.push(tokio::spawn(read(stderr, sink(Stream::Stderr))));
        }
        Ok(Self(Some(Running {
            pid: child.id().unwrap_or_default(),
            child,
            exited: false,
            readers,
            errors,
        })))
    }

    /// Waits until the process ends by itself; reports it only once.
    pub(in crate::functions_host) async fn ended(&mut self) -> Exit {
        let Some(running) = self.0.as_mut().filter(|running| !running.exited) else {
            return std::future::pending().await;
        };
        let status = running.child.wait().await;
        running.exited = true;
        Exit {
            pid: running.pid,
            code: status.map_or(-1, exit_code),
            errors: Vec::new(),
        }
    }

    /// Waits until the output of a process that ended is read, for its last errors.
    pub(in crate::functions_host) async fn last_errors(&mut self) -> Vec<String> {
        let Some(running) = &mut self.0 else {
            return Vec::new();
        };
        for reader in running.readers.drain(..) {
            // A child of the handler that holds the pipe keeps its reader: the rest comes later.
            drop(timeout(OUTPUT_WAIT, reader).await);
        }
        lock(&running.errors).iter().cloned().collect()
    }

    /// Lets go of a process that still runs: nobody reads what it prints any more.
    pub(in crate::functions_host) fn orphaned(&mut self) -> Option<Orphan> {
        let running = self.0.take_if(|running| !running.exited)?;
        for reader in &running.readers {
            reader.abort();
        }
        Some(Orphan::new(running.child))
    }

    /// Sends SIGKILL, as from outside: the host does not expect it.
    pub(in crate::functions_host) fn strike(&mut self) {
        if let Some(running) = &mut self.0 {
            // It fails only where the process is gone already.
            drop(running.child.start_kill());
        }
    }

    /// Kills the process and waits a little for its end.
    pub(in crate::functions_host) async fn kill(&mut self) {
        self.strike();
        if let Some(running) = &mut self.0 {
            drop(timeout(KILL_WAIT, running.child.wait()).await);
            running.exited = true;
        }
    }
}

#[cfg(unix)]
fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    let signal = || status.signal().map(|signal| 128 + signal);
    status.code().or_else(signal).unwrap_or(-1)
}

#[cfg(not(unix))]
fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}

/// Where the lines of a stream go.
struct Sink {
    stream: Stream,
    worker: Uuid,
    book: Logbook,
    stderr_is_for_errors: bool,
    errors: Arc<Mutex<VecDeque<String>>>,
}

impl Sink {
    fn line(&self, line: &str) {
        let mut record = classify(self.stream, line, self.stderr_is_for_errors);
        if record.category == CONSOLE && record.level == Level::Error {
            let mut errors = lock(&self.errors);
            if errors.len() == QUOTED_ERRORS {
                errors.pop_front();
            }
            errors.push_back(record.text.clone());
        }
        if record.category.starts_with("Worker.") {
            record.category = format!("{}.{}", record.category, self.worker);
        }
        self.book.add(record.level, record.category, record.text);
    }
}

/// Reads all the time, so that the handler never waits for the host.
async fn read(mut stream: impl AsyncRead + Unpin, sink: Sink) {
    let mut lines = Lines::default();
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        for line in lines.push(buffer.get(..length).unwrap_or_default()) {
            sink.line(&line);
        }
    }
    if let Some(line) = lines.finish() {
        sink.line(&line);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The real program as a child process, between simulators.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use mimecast_ttp::settings::schedule;
use simulators::{
    clock::SimClock,
    log::Log,
    log_analytics::{self, DataCollector, MemoryRows},
    mimecast::{self, Simulator},
    records::{GivenRecords, Moment},
};

/// A command of the program with nothing of this process's environment but the PATH.
pub fn command(settings: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mimecast-ttp"));
    command.env_clear().envs(settings.iter().cloned());
    command
}

/// Runs a command to its end, without input: the exit code, and what it printed to each stream.
pub async fn run(mut command: Command) -> (i32, String, String) {
    command.stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = output.unwrap();
    let [out, err] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    (status.code().unwrap(), out, err)
}

/// Waits until something is so, and fails where it never is.
pub async fn until(mut is_so: impl FnMut() -> bool) {
    let waits = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let longest = Duration::from_secs(120);
    assert!(
        tokio::time::timeout(longest, waits).await.is_ok(),
        "it never was so"
    );
}

/// How far the simulators' time is put forward for records to show: a pass ends long before.
const NEW_AFTER: Duration = Duration::from_secs(600);

/// Both simulators by this machine's clock, with records of the last hours.
pub struct Services {
    pub mimecast: Simulator,
    pub mimecast_config: mimecast::Config,
    pub log_analytics: DataCollector,
    pub workspace: log_analytics::Config,
    pub rows: Arc<MemoryRows>,
    /// The simulators' time. The program goes by this machine's, and keys allow for minutes between.
    pub clock: SimClock,
}

impl Services {
    /// Starts both. There are `old` records of each log that show now, and `new` that show from
    /// [`Self::show_new`] on.
    pub async fn start(old: usize, new: usize) -> Self {
        let clock = SimClock::real();
        Self::with(Self::records(old, new, &clock), clock).await
    }

    /// Records of the last hours.
    pub fn records(old: usize, new: usize, clock: &SimClock) -> GivenRecords {
        let now = clock.now().timestamp();
        let new_at = now + NEW_AFTER.as_secs().cast_signed();
        let mut records = GivenRecords::default();
        for log in Log::ALL {
            for number in 0..old + new {
                let (at, visible_at) = if number < old {
                    (now - 7200, now - 7200)
                } else {
                    (now - 300, new_at)
                };
                let time = chrono::DateTime::from_timestamp(at, 0)
                    .unwrap()
                    .format("%Y-%m-%dT%H:%M:%S+0000");
                let text = format!(
                    r#"{{"n":{number},"subject":"Grüße","{}":"{time}"}}"#,
                    log.time_member()
                );
                records.push(log, Moment { at, visible_at }, text);
            }
        }
        records
    }

    /// Starts both with the given records.
    pub async fn with(records: GivenRecords, clock: SimClock) -> Self {
        Self::slow(records, clock, Duration::ZERO).await
    }

    /// The same, and each call takes `latency`.
    pub async fn slow(records: GivenRecords, clock: SimClock, latency: Duration) -> Self {
        let mut mimecast_config = mimecast::Config::new(Arc::new(records), clock.clone());
        mimecast_config.latency = latency;
        let rows = Arc::new(MemoryRows::default());
        let mut workspace = log_analytics::Config::new(clock.clone());
        workspace.latency = latency;
        workspace.sinks = vec![rows.clone()];
        Self {
            mimecast: Simulator::start(mimecast_config.clone(), 0).await.unwrap(),
            mimecast_config,
            log_analytics: DataCollector::start(workspace.clone(), 0).await.unwrap(),
            workspace,
            rows,
            clock,
        }
    }

    /// From now on the new records show.
    pub fn show_new(&self) {
        self.clock.advance(NEW_AFTER).unwrap();
    }

    /// The settings that lead the program here; storage is the caller's to add.
    pub fn settings(&self) -> Vec<(String, String)> {
        let config = &self.mimecast_config;
        [
            ("mimecast_base_url", self.mimecast.base_url()),
            ("mimecast_app_id", config.app_id.clone()),
            ("mimecast_app_key", config.app_key.clone()),
            ("mimecast_access_key", config.access_key.clone()),
            ("mimecast_secret_key", config.secret_key.clone()),
            ("mimecast_email", config.email.clone()),
            ("mimecast_password", config.password.clone()),
            (
                "log_analytics_workspace_id",
                self.workspace.workspace_id.clone(),
            ),
            (
                "log_analytics_workspace_key",
                self.workspace.workspace_key.clone(),
            ),
            ("log_analytics_uri", self.log_analytics.base_url()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// What must never appear in any output.
    pub fn secrets(&self) -> Vec<String> {
        let config = &self.mimecast_config;
        vec![
            config.app_key.clone(),
            config.access_key.clone(),
            config.secret_key.clone(),
            config.password.clone(),
            self.workspace.workspace_key.clone(),
        ]
    }

    /// How many rows each table holds.
    pub fn counts(&self) -> [usize; 3] {
        Log::ALL.map(|log| self.rows.count(log.table()))
    }
}

/// A running handler.
pub struct Handler {
    process: Child,
    pub address: String,
    output: Arc<Mutex<Vec<(&'static str, String)>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Handler {
    /// Starts `serve` on any free port and waits until it says on which.
    pub async fn start(settings: &[(String, String)]) -> Self {
        let mut command = command(settings);
        if settings.iter().all(|(name, _)| name != schedule::NAME) {
            command.env(schedule::NAME, schedule::EXAMPLE);
        }
        let mut process = command
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Arc::new(Mutex::new(Vec::new()));
        let readers = vec![
            read("stdout", process.stdout.take().unwrap(), &output),
            read("stderr", process.stderr.take().unwrap(), &output),
        ];
        let mut handler = Self {
            process,
            address: String::new(),
            output,
            readers,
        };
        handler.address = loop {
            if let Some(port) = handler.port() {
                break format!("http://127.0.0.1:{port}");
            }
            let ended = handler.readers.iter().all(JoinHandle::is_finished);
            assert!(!ended, "the handler has ended: {:?}", handler.output);
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        handler
    }

    /// Where it listens, once it has said so.
    fn port(&self) -> Option<u16> {
        let output = self.output.lock().unwrap();
        output.iter().find_map(|(_, line)| listens_on(line))
    }

    /// Invokes the timer function; gives the status and the log lines of the answer.
    pub async fn invoke(&self) -> (u16, String) {
        let mut answer = super::client()
            .post(format!("{}/TimerTrigger", self.address))
            .header("content-type", "application/json; charset=utf-8")
            .header("x-azure-functions-invocationid", "6f0c2d1e-58a3-4a0e-9a0b-3f1c7b1d2e44")
            .body(r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{"sys":{}}}"#)
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.unwrap() {
            text.extend_from_slice(&chunk);
        }
        (status, String::from_utf8(text).unwrap())
    }

    /// In how many lines of its output a text is.
    pub fn count(&self, text: &str) -> usize {
        let output = self.output.lock().unwrap();
        output
            .iter()
            .filter(|(_, line)| line.contains(text))
            .count()
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The exit code, once the process has ended.
    pub async fn ended(&mut self) -> Option<i32> {
        let mut ended = None;
        until(|| {
            ended = self.process.try_wait().unwrap();
            ended.is_some()
        })
        .await;
        ended?.code()
    }

    /// Ends the process as the host does, without notice, and gives everything it printed.
    pub fn kill(mut self) -> Vec<(&'static str, String)> {
        drop(self.process.kill());
        drop(self.process.wait());
        for reader in self.readers.drain(..) {
            drop(reader.join());
        }
        std::mem::take(&mut self.output.lock().unwrap())
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn read(
    name: &'static str,
    stream: impl std::io::Read + Send + 'static,
    output: &Arc<Mutex<Vec<(&'static str, String)>>>,
) -> JoinHandle<()> {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            output.lock().unwrap().push((name, line));
        }
    })
}

/// The port in the line that says where a handler listens, in either format.
pub fn listens_on(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("listens for the Functions host")?;
    let (_, port) = (rest.split_once("port=")).or_else(|| rest.split_once("\"port\":"))?;
    port.split(|next: char| !next.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

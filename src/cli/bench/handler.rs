//! The real program as a child process, started and called as the Functions host does it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bytes::Bytes;
use reqwest::{Method, header};
use tokio::{process::Child, time::Instant};
use url::Url;

use super::{
    BenchError,
    cpu::{self, Cpu, Whose},
};
use crate::{
    cli::{memory, read_environment},
    net::http::{HttpClient, Limits, Request, Response, TransportError},
    settings::schedule,
};

/// What the child has of this process's environment: settings and proxies of whoever measures must
/// not take part.
const BASE_ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "TMPDIR", "TEMP", "SystemRoot"];

/// How long the host waits for the first answer.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked for: the start is measured to this.
const ASK_EVERY: Duration = Duration::from_millis(1);
/// The longest pass, `run_budget_seconds`, and some more.
const PASS_PATIENCE: Duration = Duration::from_secs(3700);

/// What the host sends for an ordinary run of a timer.
const PAYLOAD: &str = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"2026-03-09T07:55:00.0031214+00:00","Next":"2026-03-09T08:00:00+00:00","LastUpdated":"2026-03-09T07:55:00.0031214+00:00"},"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"TimerTrigger","UtcNow":"2026-03-09T08:00:00.0118452Z","RandGuid":"0b9d5b0a-5d0e-4c0e-8c56-6a1f0f3f7a21"}}}"#;

/// A running handler. It is killed when this is dropped.
pub(super) struct Handler {
    process: Child,
    http: HttpClient,
    address: Url,
    output: PathBuf,
    /// What ended children had used before this one began.
    before: Option<Cpu>,
    /// From the start of the process to its first answer.
    pub(super) start: Duration,
}

impl Handler {
    /// Starts `serve` with these settings and waits until it answers. What it prints goes into a file
    /// in `folder`.
    pub(super) async fn start(
        settings: &BTreeMap<String, String>,
        folder: &Path,
    ) -> Result<Self, BenchError> {
        let http = HttpClient::new().map_err(io::Error::other)?;
        let port = free_port()?;
        let address = Url::parse(&format!("http://127.0.0.1:{port}/")).map_err(io::Error::other)?;
        let output = folder.join("output");
        let file = File::create(&output)?;
        let base = BASE_ENVIRONMENT.map(|name| (name, read_environment(name)));
        let base = base
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let before = cpu::used(Whose::EndedChildren);
        let started = Instant::now();
        let mut process = tokio::process::Command::new(std::env::current_exe()?)
            .env_clear()
            .envs(base)
            .envs(settings)
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
            .env(schedule::NAME, schedule::EXAMPLE)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()?;
        let first = request(Method::GET, address.clone());
        while send(&http, first.clone(), START_PATIENCE).await.is_err() {
            if process.try_wait()?.is_some() || started.elapsed() > START_PATIENCE {
                return Err(BenchError::NoAnswer(last_lines(&output)));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Ok(Self {
            process,
            http,
            address,
            output,
            before,
            start: started.elapsed(),
        })
    }

    /// Has it do a pass. Gives the time from the call to the answer.
    pub(super) async fn invoke(&self) -> Result<Duration, BenchError> {
        let mut address = self.address.clone();
        address.set_path("TimerTrigger");
        let mut request = request(Method::POST, address);
        request.headers = vec![
            (
                header::CONTENT_TYPE,
                "application/json; charset=utf-8".to_owned(),
            ),
            (
                header::HeaderName::from_static("x-azure-functions-invocationid"),
                "6f0c2d1e-58a3-4a0e-9a0b-3f1c7b1d2e44".to_owned(),
            ),
        ];
        request.body = Bytes::from_static(PAYLOAD.as_bytes());
        let began = Instant::now();
        let answer = send(&self.http, request, PASS_PATIENCE).await;
        let took = began.elapsed();
        match answer {
            Ok(answer) if answer.status.is_success() => Ok(took),
            Ok(answer) => Err(self.failed(&answer.status)),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, how: &dyn std::fmt::Display) -> BenchError {
        BenchError::Pass {
            how: how.to_string(),
            lines: self.last_lines(),
        }
    }

    /// The last that it said, for whoever has to find out why.
    pub(super) fn last_lines(&self) -> String {
        last_lines(&self.output)
    }

    /// The most memory that it has held, in KiB.
    pub(super) fn peak_memory(&self) -> Option<u32> {
        memory::peak_of(self.process.id()?)
    }

    /// Ends it, as the host does, and gives what it has used in its life.
    pub(super) async fn end(mut self) -> Result<Option<Cpu>, BenchError> {
        self.process.kill().await?;
        Ok(cpu::between(self.before, cpu::used(Whose::EndedChildren)))
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn request(method: Method, url: Url) -> Request {
    Request {
        method,
        url,
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

async fn send(
    http: &HttpClient,
    request: Request,
    time: Duration,
) -> Result<Response, TransportError> {
    let limits = Limits {
        time,
        body_bytes: 1024 * 1024,
    };
    http.send(request, limits).await
}

fn last_lines(output: &Path) -> String {
    const LINES: usize = 8;
    let text = fs::read_to_string(output).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

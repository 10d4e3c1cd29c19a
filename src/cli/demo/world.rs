//! The demo's services, and what is done to them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::{
    DemoError,
    progress::Progress,
    sink::Watcher,
    table::Measured,
    timetable::{self, Before, Step},
};
use crate::cli::{
    args::Demo,
    clock_file,
    simulated::{self, Sink, Values},
};
use scenario::{Plan, Scenario, Tally, Verdict, report};
use simulators::{
    clock::SimClock,
    functions_host::{self, FunctionsHost, Invocation, Kind, Level, Outcome},
    log::Log,
    log_analytics::{self, NdjsonFolder, RowSink, TooLarge},
    mimecast::{self, Simulator},
    records::RecordSet,
};

const FUNCTION: &str = "TimerTrigger";

/// What `serve` runs on, of the program itself.
const HOST_JSON: &str = include_str!("../../../host.json");
const FUNCTION_JSON: &str = include_str!("../../../TimerTrigger/function.json");

/// What the handler has of this process's environment: settings and proxies of whoever plays must not
/// take part.
const BASE_ENVIRONMENT: [&str; 3] = ["PATH", "HOME", "TMPDIR"];

pub(super) struct World {
    clock: SimClock,
    scenario: Arc<Scenario>,
    tally: Arc<Tally>,
    files: Arc<NdjsonFolder>,
    mimecast: Simulator,
    sink: Sink,
    host: FunctionsHost,
    steps: Vec<Step>,
    checkpoints: PathBuf,
    /// Holds the app's files; removed at the end.
    _folder: TempDir,
}

/// Where the demo's story begins: a Monday.
fn beginning() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_772_431_200)
}

impl World {
    pub(super) async fn start(
        options: &Demo,
        out: &Path,
        report: Option<Arc<dyn RowSink>>,
        progress: &Progress,
    ) -> Result<Self, DemoError> {
        let start = beginning();
        let steps = timetable::steps(start);
        let scenario = Arc::new(Scenario::new(Plan::new(
            options.seed,
            options.records,
            start,
            start + timetable::DAYS,
        )));
        let tally = Arc::new(Tally::new(Arc::clone(&scenario)));
        let folder = tempfile::tempdir()?;
        let clock_path = folder.path().join("clock");
        // The host starts just before the first run is due.
        let first = steps.first().map_or(start, |step| step.at);
        let clock = SimClock::mirrored(first - TimeDelta::seconds(1), &clock_path)?;

        let mut mimecast_config = mimecast::Config::new(Arc::clone(&scenario) as _, clock.clone());
        mimecast_config.api = options.api.into();
        let mimecast = Simulator::start(mimecast_config.clone(), 0).await?;

        let unusable = |error| DemoError::Out {
            out: out.to_owned(),
            error,
        };
        let files = Arc::new(empty_folder(out).map_err(unusable)?);
        let watcher = Watcher {
            kind: options.sink,
            tally: Arc::clone(&tally),
            progress: progress.clone(),
        };
        let mut sinks: Vec<Arc<dyn RowSink>> = vec![Arc::new(watcher), Arc::clone(&files) as _];
        sinks.extend(report);
        let (sink, sink_settings) = start_sink(options, &clock, sinks).await?;

        if options.lost_answer {
            sink.lose_an_answer();
        }

        let checkpoints = folder.path().join("checkpoints");
        let mut config = functions_host::Config::new(write_app(folder.path())?, clock.clone());
        config.executable = Some(std::env::current_exe()?);
        (config.environment).retain(|name, _| BASE_ENVIRONMENT.contains(&name.as_str()));
        config.app_settings = simulated::mimecast(&mimecast, &mimecast_config);
        config.app_settings.extend(sink_settings);
        (config.app_settings).extend(local_settings(&checkpoints, &clock_path));
        let host = FunctionsHost::start(config).await?;
        Ok(Self {
            clock,
            scenario,
            tally,
            files,
            mimecast,
            sink,
            host,
            steps,
            checkpoints,
            _folder: folder,
        })
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// When the last run was.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.steps.last().map_or(self.clock.now(), |step| step.at)
    }

    /// How many records each log has.
    pub(super) fn totals(&self) -> [usize; 3] {
        Log::ALL.map(|log| self.scenario.len(log))
    }

    /// Moves the clock to the step and does what comes before it.
    pub(super) async fn prepare(&self, step: &Step) -> Result<(), DemoError> {
        self.clock.set(step.at)?;
        match step.before {
            Before::Nothing | Before::ByHand => {}
            Before::FirstFaults => self.first_faults(),
            Before::Faults => self.faults(),
            Before::Expiry => {
                self.mimecast.expire();
                self.sink.expire();
            }
            Before::Outage => self.host.restart().await?,
            Before::Kill => {
                let before = self.host.launches();
                self.host.crash_handler();
                // The host has to notice first.
                while self.host.launches() == before && self.host.stop_reason().is_none() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                self.host.wait_until_ready().await?;
            }
        }
        Ok(())
    }

    /// Faults in the middle of a backlog; all of them pass, so the run succeeds.
    fn first_faults(&self) {
        use mimecast::Fault as Source;
        let source = self.mimecast.faults();
        source.on(Log::Url.path(), 2..=2, Source::Status(503));
        source.on(Log::Url.path(), 4..=5, Source::RefuseToken);
        source.on(Log::Url.path(), 8..=8, Source::Truncated);
        source.on(
            Log::Attachment.path(),
            2..=2,
            Source::Throttled { reset_ms: 300 },
        );
        source.on(Log::Attachment.path(), 4..=4, Source::NotJson);
        source.on(Log::Impersonation.path(), 2..=2, Source::DropConnection);
        source.on(Log::Impersonation.path(), 3..=3, Source::MetaStatus(500));
        self.sink.first_faults();
    }

    fn faults(&self) {
        use mimecast::Fault as Source;
        self.mimecast
            .faults()
            .next(Log::Url.path(), 2, Source::Status(502));
        self.mimecast.faults().next(
            Log::Impersonation.path(),
            1,
            Source::Throttled { reset_ms: 200 },
        );
        self.sink.faults();
    }

    pub(super) async fn invoke(&self, step: &Step) -> Outcome {
        if step.before == Before::ByHand {
            let by_hand = Invocation {
                kind: Kind::Admin,
                ..Invocation::default()
            };
            self.host.invoke(FUNCTION, by_hand).await
        } else {
            self.host.tick(FUNCTION).await
        }
    }

    /// What the handler itself said last of what went wrong.
    pub(super) fn last_errors(&self) -> Vec<String> {
        let logs = self.host.logs();
        let errors = logs
            .iter()
            .rev()
            .filter(|record| record.level == Level::Error && record.text.starts_with("ERROR"));
        errors.take(5).map(|record| record.text.clone()).collect()
    }

    pub(super) fn verdicts(&self) -> [Verdict; 3] {
        // A record that became visible since the last run began cannot have been seen by it.
        let until = self.now();
        Log::ALL.map(|log| self.tally.verdict(log, until))
    }

    /// Faults of writing the files.
    pub(super) fn sink_failures(&self) -> Vec<String> {
        let failure = self.files.take_failure();
        failure
            .map(|error| format!("Writing the rows: {error}."))
            .into_iter()
            .collect()
    }

    /// The numbers of the final table, all of them counted outside the connector.
    pub(super) fn measured(&self, verdicts: &[Verdict; 3]) -> Vec<Measured> {
        let calls = self.mimecast.journal();
        let measure = |verdict: &Verdict| {
            let log = verdict.log;
            let calls: Vec<_> = calls
                .iter()
                .filter(|call| call.path == log.path())
                .collect();
            let posts = self.sink.posts(log);
            let read: usize = calls.iter().map(|call| call.rows).sum();
            let failed_calls = calls
                .iter()
                .filter(|call| {
                    call.status != Some(200) || call.rows == 0 && call.page_token.is_some()
                })
                .count();
            Measured {
                feed: log.name(),
                made: verdict.made,
                delivered: verdict.delivered_once,
                lost: verdict.lost.count,
                doubled: verdict.doubled.count,
                altered: verdict.altered.count,
                dropped: read.saturating_sub(posts.rows),
                retries: failed_calls + posts.failed,
                batches: posts.taken,
                lag_seconds: self.lag(log),
            }
        };
        verdicts.iter().map(measure).collect()
    }

    /// Now minus the watermark in the saved checkpoint.
    fn lag(&self, log: Log) -> Option<i64> {
        let path = self
            .checkpoints
            .join(format!("{}-checkpoint.txt", log.name()));
        let text = fs::read_to_string(path).ok()?;
        let checkpoint: serde_json::Value = serde_json::from_str(&text).ok()?;
        let watermark = DateTime::parse_from_rfc3339(checkpoint["watermark"].as_str()?).ok()?;
        Some((self.now() - watermark.to_utc()).num_seconds())
    }
}

/// The folder for rows without those of a demo before.
fn empty_folder(out: &Path) -> io::Result<NdjsonFolder> {
    let files = NdjsonFolder::create(out)?;
    let tables = Log::ALL.map(Log::table).into_iter().chain([report::HEALTH]);
    for table in tables {
        match fs::remove_file(files.path(table)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(files)
}

/// The sink refuses bodies smaller than the batches of a backlog, so that some have to be halved.
async fn start_sink(
    options: &Demo,
    clock: &SimClock,
    rows: Vec<Arc<dyn RowSink>>,
) -> io::Result<(Sink, Values)> {
    let limits = |config: &mut log_analytics::Config| {
        config.max_body_bytes = 900_000;
        config.too_large = TooLarge::Status413;
    };
    Sink::start(options.sink, clock.clone(), 0, rows, Duration::ZERO, limits).await
}

/// The app settings that have nothing to do with the simulated services.
fn local_settings(checkpoints: &Path, clock: &Path) -> [(String, String); 4] {
    [
        ("checkpoint_dir", checkpoints.display().to_string()),
        ("lookback_days", "3".to_owned()),
        ("timer_schedule", "0 */5 * * * *".to_owned()),
        (clock_file::SETTING, clock.display().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

fn write_app(folder: &Path) -> io::Result<PathBuf> {
    let app = folder.join("app");
    let function = app.join(FUNCTION);
    fs::create_dir_all(&function)?;
    fs::write(app.join("host.json"), HOST_JSON)?;
    fs::write(function.join("function.json"), FUNCTION_JSON)?;
    Ok(app)
}

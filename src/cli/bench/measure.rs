//! One run: everything is new, one pass is done, and the numbers are taken.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    BenchError,
    arrival::Arrivals,
    cpu::{self, Cpu, Whose},
    fetch,
    handler::Handler,
    options::{Case, Options},
    progress::Progress,
    records::Backlog,
    shares,
};
use crate::{
    cli::{
        clock_file, feeds,
        simulated::{self, Sink, Values},
    },
    model::feed::Feed,
};
use simulators::{
    clock::SimClock,
    log::Log,
    mimecast::{self, Simulator},
    records::RecordSet,
};

/// The setting of the pass that `--parallel` gives.
const PARALLEL: &str = "parallel_ranges";

/// How far the backlog keeps away from both ends of the look-back. What is younger than this may be
/// read twice, and the clock goes on while the program starts.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// What was measured in one run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    /// Records that arrived; all of them, or there would be no measurement.
    pub(super) stored: usize,
    /// Bytes of records that Mimecast sent to the pass.
    pub(super) bytes_read: u64,
    pub(super) wall: Duration,
    /// What the program used in its whole life.
    pub(super) cpu: Option<Cpu>,
    /// What the simulators used during the pass.
    pub(super) simulators: Option<Cpu>,
    /// In KiB.
    pub(super) peak: Option<u32>,
    pub(super) calls: u64,
    pub(super) posts: usize,
    /// Saves of all checkpoints.
    pub(super) saves: Option<u64>,
    pub(super) start: Duration,
    pub(super) fetch_alone: Duration,
}

/// The time at which every run begins, so that they all read the same: a Monday.
fn beginning() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_773_043_200)
}

/// The backlog of a line of the table.
pub(super) fn backlog(options: &Options, case: Case) -> Backlog {
    let now = beginning();
    let from = now - TimeDelta::days(options.lookback_days.into()) + MARGIN;
    let counts = shares::split(case.records, &feeds(&options.feeds));
    Backlog::new(counts, from, now - MARGIN)
}

/// Measures a pass over `backlog`.
pub(super) async fn measure(
    options: &Options,
    case: Case,
    backlog: &Arc<Backlog>,
    progress: &Progress,
) -> Result<Measured, BenchError> {
    let folder = tempfile::tempdir()?;
    let clock_path = folder.path().join("clock");
    let clock = SimClock::mirrored(beginning(), &clock_path)?;
    let mut mimecast_config = mimecast::Config::new(Arc::clone(backlog) as _, clock.clone());
    mimecast_config.latency = Duration::from_millis(options.page_latency_ms);
    mimecast_config.quota = options.quota;
    let mimecast = Simulator::start(mimecast_config.clone(), 0).await?;
    let arrivals = Arc::new(Arrivals::new(
        Arc::clone(backlog),
        options.sink,
        progress.clone(),
    ));
    let (sink, sink_settings) = start_sink(options, clock, &arrivals).await?;
    let checkpoints = folder.path().join("checkpoints");
    let mut settings = simulated::mimecast(&mimecast, &mimecast_config);
    settings.extend(sink_settings);
    settings.extend(local_settings(options, case, &checkpoints, &clock_path));

    let handler = Handler::start(&settings, folder.path()).await?;
    let start = handler.start;
    let (sent, own) = (backlog.written(), cpu::used(Whose::Own));
    let wall = handler.invoke().await?;
    let simulators = cpu::between(own, cpu::used(Whose::Own));
    let bytes_read = backlog.written() - sent;
    let counts = arrivals.counts();
    if !counts.is_clean() {
        return Err(BenchError::NotClean {
            counts,
            lines: handler.last_lines(),
        });
    }
    let peak = handler.peak_memory();
    let cpu = handler.end().await?;
    let calls = Log::ALL.map(|log| mimecast.calls(log.path())).iter().sum();

    progress.say("fetch alone".to_owned());
    // A Mimecast of its own: the pass has used up what it may of the other one's quota.
    let mimecast = Simulator::start(mimecast_config.clone(), 0).await?;
    settings.extend(simulated::mimecast(&mimecast, &mimecast_config));
    let fetch_alone = fetch_alone(options, backlog, &settings).await?;
    Ok(Measured {
        stored: counts.stored,
        bytes_read,
        wall,
        cpu,
        simulators,
        peak,
        calls,
        posts: sink.posts_in_all(),
        saves: saves(&checkpoints),
        start,
        fetch_alone,
    })
}

async fn start_sink(
    options: &Options,
    clock: SimClock,
    arrivals: &Arc<Arrivals>,
) -> io::Result<(Sink, Values)> {
    let rows = vec![Arc::clone(arrivals) as _];
    let latency = Duration::from_millis(options.post_latency_ms);
    Sink::start(options.sink, clock, 0, rows, latency, |config| {
        // The arrivals look at every row; once is enough.
        config.inspect = false;
    })
    .await
}

/// The app settings that have nothing to do with the simulated services.
fn local_settings(
    options: &Options,
    case: Case,
    checkpoints: &Path,
    clock: &Path,
) -> impl Iterator<Item = (String, String)> {
    let local = [
        ("checkpoint_dir", checkpoints.display().to_string()),
        ("lookback_days", options.lookback_days.to_string()),
        // The most there is: a pass that ends early is no measurement.
        ("run_budget_seconds", "3600".to_owned()),
        (clock_file::SETTING, clock.display().to_string()),
    ];
    let parallel = case
        .parallel
        .map(|parallel| (PARALLEL, parallel.to_string()));
    let own = local.into_iter().chain(parallel);
    own.map(|(name, value)| (name.to_owned(), value))
}

/// How long it takes to read the same backlog and do nothing with it.
async fn fetch_alone(
    options: &Options,
    backlog: &Backlog,
    settings: &Values,
) -> Result<Duration, BenchError> {
    let filled: Vec<_> = Feed::ALL
        .into_iter()
        .zip(Log::ALL)
        .filter_map(|(feed, log)| (backlog.len(log) > 0).then_some(feed))
        .collect();
    let from = beginning() - TimeDelta::days(options.lookback_days.into());
    let (fetch_alone, fetched) = fetch::alone(settings, &filled, from, beginning()).await?;
    if fetched != backlog.total() {
        return Err(BenchError::Fetched {
            fetched,
            records: backlog.total(),
        });
    }
    Ok(fetch_alone)
}

/// How often the checkpoints in `folder` were saved: each is signed with its run and, after a dash,
/// how many times that run has saved.
fn saves(folder: &Path) -> Option<u64> {
    let count = |feed: Feed| {
        let text = fs::read_to_string(folder.join(format!("{feed}-checkpoint.txt"))).ok()?;
        let checkpoint: serde_json::Value = serde_json::from_str(&text).ok()?;
        let (_, saves) = checkpoint["written_by"].as_str()?.rsplit_once('-')?;
        saves.parse::<u64>().ok()
    };
    Feed::ALL.into_iter().map(count).sum()
}

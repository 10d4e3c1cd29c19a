//! The world around the processes, and the processes.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use mimecast_ttp::{
    azure::connection_string,
    ingest::ports::Store,
    model::{checkpoint::Start, deadline::Deadline, feed::Feed, store_key::StoreKey},
    net::http::HttpClient,
    storage::blob::{Access, BlobStore},
    system::SystemClock,
};
use simulators::{
    clock::SimClock,
    log_analytics::{self, DataCollector},
    mimecast::{self, Simulator},
};
use tempfile::TempDir;
use tokio::process::Child;

use crate::{
    records::Records,
    sightings::{Gate, Posts, Sightings},
    support::{azurite::Azurite, client, program::command},
};

/// Real Azurite, watched.
pub struct Storage {
    azurite: Azurite,
    pub sightings: Arc<Sightings>,
}

impl Storage {
    pub fn start() -> Self {
        let sightings = Arc::new(Sightings::default());
        let watch = sightings.clone();
        Self {
            azurite: Azurite::watched(move |line| watch.read(line)),
            sightings,
        }
    }
}

/// Mimecast, a container for the checkpoints, and a time of its own.
pub struct World {
    pub clock: SimClock,
    pub records: Records,
    pub sightings: Arc<Sightings>,
    _mimecast: Simulator,
    settings: Vec<(String, String)>,
    store: BlobStore,
    folder: TempDir,
    processes: usize,
}

impl World {
    pub async fn start(
        storage: &Storage,
        container: &str,
        records: Records,
        now: DateTime<Utc>,
        page_time: Duration,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock_file = folder.path().join("clock");
        let clock = SimClock::mirrored(now, &clock_file).unwrap();
        let given = Arc::new(records.to_simulate());
        let config = mimecast::Config {
            // Small pages and many calls: this is not about quotas.
            max_page_size: 60,
            quota: u32::MAX,
            latency: page_time,
            ..mimecast::Config::new(given, clock.clone())
        };
        let mimecast = Simulator::start(config.clone(), 0).await.unwrap();
        let connection = storage.azurite.connection_string();
        let settings = [
            ("mimecast_base_url", mimecast.base_url()),
            ("mimecast_app_id", config.app_id),
            ("mimecast_app_key", config.app_key),
            ("mimecast_access_key", config.access_key),
            ("mimecast_secret_key", config.secret_key),
            ("AzureWebJobsStorage", connection.clone()),
            ("checkpoint_container", container.to_owned()),
            ("simulated_clock_file", clock_file.display().to_string()),
            ("lookback_days", "1".to_owned()),
            ("late_arrival_minutes", "1".to_owned()),
            // The smallest: as many posts and saves as can be.
            ("batch_max_bytes", "10000".to_owned()),
        ];
        let access = Access::ConnectionString(connection_string::parse(&connection).unwrap());
        let http = HttpClient::new().unwrap();
        let machine = Arc::new(SystemClock::start());
        Self {
            clock,
            records,
            sightings: storage.sightings.clone(),
            _mimecast: mimecast,
            settings: settings
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            store: BlobStore::new(&http, access, container, machine).unwrap(),
            folder,
            processes: 0,
        }
    }

    /// A workspace for one process; its answers take so long, or wait for the gate.
    async fn workspace(&self, latency: Duration, gate: Option<Gate>) -> Workspace {
        let posts = Arc::new(Posts::new(&self.sightings, gate));
        let mut config = log_analytics::Config::new(self.clock.clone());
        config.columns = false;
        config.latency = latency;
        config.sinks = vec![posts.clone()];
        Workspace {
            collector: DataCollector::start(config.clone(), 0).await.unwrap(),
            id: config.workspace_id,
            key: config.workspace_key,
            posts,
        }
    }

    /// Starts a process as the host does (`serve` and a timer call) or as a person does (`run`).
    pub async fn spawn(&mut self, way: Way, latency: Duration, gate: Option<Gate>) -> Process {
        let workspace = self.workspace(latency, gate).await;
        let mut settings = self.settings.clone();
        for (name, value) in [
            ("log_analytics_workspace_id", workspace.id.clone()),
            ("log_analytics_workspace_key", workspace.key.clone()),
            ("log_analytics_uri", workspace.collector.base_url()),
            // Any free one; the process says which.
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "0".to_owned()),
        ] {
            settings.push((name.to_owned(), value));
        }
        self.processes += 1;
        let output = self.folder.path().join(format!("{}.txt", self.processes));
        let file = std::fs::File::create(&output).unwrap();
        let mut command = command(&settings);
        command
            .arg(way.command())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        let mut command = tokio::process::Command::from(command);
        Process {
            child: command.kill_on_drop(true).spawn().unwrap(),
            way,
            output,
            workspace,
        }
    }

    /// What is saved of a feed.
    pub async fn saved(&self, feed: Feed) -> Option<Saved> {
        let deadline = Deadline::after(Duration::ZERO, Duration::from_secs(3600));
        let place = StoreKey::Checkpoint(feed);
        let saved = self.store.load(place, deadline).await.unwrap();
        let text = saved.content.map(|bytes| String::from_utf8(bytes).unwrap());
        match Start::read(text.as_deref(), feed).unwrap() {
            Start::From(checkpoint) => Some(Saved {
                watermark: checkpoint.watermark,
                read_again_from: checkpoint.read_again_from,
            }),
            Start::Fresh => None,
            Start::TakenOver(_) => panic!("a plain timestamp is nobody's here"),
        }
    }
}

/// What these tests look at in a checkpoint.
pub struct Saved {
    pub watermark: DateTime<Utc>,
    pub read_again_from: DateTime<Utc>,
}

/// Where one process posts to.
pub struct Workspace {
    /// Serves until it is dropped: what a killed process had sent may still be on the way.
    collector: DataCollector,
    id: String,
    key: String,
    pub posts: Arc<Posts>,
}

/// How a pass is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Host,
    Person,
}

impl Way {
    const fn command(self) -> &'static str {
        match self {
            Self::Host => "serve",
            Self::Person => "run",
        }
    }
}

/// The real program.
pub struct Process {
    child: Child,
    way: Way,
    output: PathBuf,
    workspace: Workspace,
}

impl Process {
    /// Waits until its pass has ended. `true` if it ended well.
    pub async fn ended(&mut self) -> bool {
        match self.way {
            Way::Person => self.child.wait().await.unwrap().code() == Some(0),
            Way::Host => invoke(&self.output).await,
        }
    }

    /// SIGKILL, and the end of it.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Everything it printed.
    pub fn output(&self) -> String {
        read(&self.output)
    }

    /// The line about a feed's part of the pass, once it has ended.
    pub fn report(&self, feed: Feed) -> Option<String> {
        let start = format!("{feed}: ");
        self.output().lines().find_map(|line| {
            let line = ["INFO ", "WARN ", "ERROR "]
                .into_iter()
                .find_map(|level| line.strip_prefix(level))
                .unwrap_or(line);
            line.starts_with(&start).then(|| line.to_owned())
        })
    }

    pub fn posts(&self) -> &Posts {
        &self.workspace.posts
    }

    /// What it posted, for later; its workspace goes on.
    pub fn into_workspace(self) -> Workspace {
        self.workspace
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// The timer call, once the handler says where it listens.
async fn invoke(output: &Path) -> bool {
    let port: u16 = loop {
        let text = read(output);
        let port = text.split_once("port=").and_then(|(_, rest)| {
            let (port, _) = rest.split_once(|next: char| !next.is_ascii_digit())?;
            port.parse().ok()
        });
        match port {
            Some(port) => break port,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let answer = client()
        .post(format!("http://127.0.0.1:{port}/TimerTrigger"))
        .header("content-type", "application/json")
        .body(r#"{"Data":{"timer":{"IsPastDue":false}},"Metadata":{"sys":{}}}"#)
        .send()
        .await;
    answer.unwrap().status().as_u16() == 200
}

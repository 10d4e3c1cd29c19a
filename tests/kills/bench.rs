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
    ingest::ports::{Store, Version},
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
use tokio::{process::Child, task::JoinSet};

use crate::{
    halts::{Halt, Services},
    posts::Posts,
    proxy::Proxy,
    records::Records,
    support::{
        azurite::{self, Azurite},
        client,
        program::{command, listens_on},
    },
};

/// Mimecast, a container for the checkpoints, and a time of its own.
pub struct World {
    pub clock: SimClock,
    pub records: Records,
    mimecast: Simulator,
    azurite_port: u16,
    settings: Vec<(String, String)>,
    store: BlobStore,
    folder: TempDir,
    processes: usize,
}

impl World {
    pub async fn start(
        azurite: &Azurite,
        container: &str,
        records: Records,
        now: DateTime<Utc>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock_file = folder.path().join("clock");
        let clock = SimClock::mirrored(now, &clock_file).unwrap();
        let given = Arc::new(records.to_simulate());
        let config = mimecast::Config {
            // Small pages and many calls: this is not about quotas.
            max_page_size: 60,
            quota: u32::MAX,
            ..mimecast::Config::new(given, clock.clone())
        };
        let mimecast = Simulator::start(config.clone(), 0).await.unwrap();
        let settings = [
            ("mimecast_app_id", config.app_id),
            ("mimecast_app_key", config.app_key),
            ("mimecast_access_key", config.access_key),
            ("mimecast_secret_key", config.secret_key),
            ("checkpoint_container", container.to_owned()),
            ("simulated_clock_file", clock_file.display().to_string()),
            ("lookback_days", "1".to_owned()),
            ("late_arrival_minutes", "1".to_owned()),
            // The smallest: as many posts and saves as can be.
            ("batch_max_bytes", "10000".to_owned()),
        ];
        let connection = connection_string::parse(&azurite.connection_string()).unwrap();
        let access = Access::ConnectionString(connection);
        let http = HttpClient::new().unwrap();
        let machine = Arc::new(SystemClock::start());
        Self {
            clock,
            records,
            mimecast,
            azurite_port: azurite.port(),
            settings: settings
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            store: BlobStore::new(&http, access, container, machine).unwrap(),
            folder,
            processes: 0,
        }
    }

    /// A workspace for one process.
    pub async fn workspace(&self) -> Workspace {
        let posts = Arc::new(Posts::default());
        let mut config = log_analytics::Config::new(self.clock.clone());
        config.columns = false;
        config.sinks = vec![posts.clone()];
        Workspace {
            collector: DataCollector::start(config.clone(), 0).await.unwrap(),
            id: config.workspace_id,
            key: config.workspace_key,
            posts,
        }
    }

    /// The way to the services for a process that is to halt there, or nowhere.
    pub fn services(&self, workspace: &Workspace, halt: Option<Halt>) -> Services {
        let port = |url: String| url.rsplit(':').next().unwrap().parse().unwrap();
        let services = Services {
            mimecast: Proxy::start(port(self.mimecast.base_url())),
            sink: Proxy::start(port(workspace.collector.base_url())),
            store: Proxy::start(self.azurite_port),
            halt,
        };
        services.arm();
        services
    }

    /// The settings of a process that takes this way.
    pub fn settings(&self, workspace: &Workspace, services: &Services) -> Vec<(String, String)> {
        let mut settings = self.settings.clone();
        for (name, value) in [
            ("mimecast_base_url", services.mimecast.url()),
            ("log_analytics_workspace_id", workspace.id.clone()),
            ("log_analytics_workspace_key", workspace.key.clone()),
            ("log_analytics_uri", services.sink.url()),
            (
                "AzureWebJobsStorage",
                azurite::connection_string(&services.store.url()),
            ),
            // Any free one; the process says which.
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "0".to_owned()),
            ("timer_schedule", "0 */5 * * * *".to_owned()),
        ] {
            settings.push((name.to_owned(), value));
        }
        settings
    }

    /// Starts a process that is to halt there, or nowhere.
    pub async fn spawn(&mut self, way: Way, halt: Option<Halt>) -> Process {
        let workspace = self.workspace().await;
        let services = self.services(&workspace, halt);
        let settings = self.settings(&workspace, &services);
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
        let child = command.kill_on_drop(true).spawn().unwrap();
        let mut calls = JoinSet::new();
        if way == Way::Host {
            calls.spawn(invoke(output.clone()));
        }
        Process {
            child,
            calls,
            output,
            answered: String::new(),
            workspace,
            services: Arc::new(services),
        }
    }

    /// Makes the container, which the first save makes otherwise.
    pub async fn make_container(&self) {
        let deadline = Deadline::after(Duration::ZERO, Duration::from_secs(3600));
        let place = StoreKey::Checkpoint(Feed::Url);
        let saved = self.store.save(place, b"", &Version::Absent, deadline);
        saved.await.unwrap();
        self.store.remove(place, deadline).await.unwrap();
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

/// How a pass is begun: as the host does (`serve` and a timer call) or as a person does (`run`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Host,
    Person,
}

impl Way {
    /// Each in its turn.
    pub const fn of(number: usize) -> Self {
        if number.is_multiple_of(3) {
            Self::Host
        } else {
            Self::Person
        }
    }

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
    /// The host's call, where it is the host that began.
    calls: JoinSet<(u16, Vec<String>)>,
    output: PathBuf,
    /// What the host would log of the answer to its call.
    answered: String,
    workspace: Workspace,
    pub services: Arc<Services>,
}

impl Process {
    /// Lets it work until it halts where it is to. Panics where its pass ends before.
    pub async fn halted(&mut self) {
        let services = self.services.clone();
        let ended = tokio::select! {
            () = services.halted() => return,
            well = self.ended() => well,
        };
        panic!(
            "it never came to {:?}; ended well: {ended}\n{}",
            services.halt,
            self.output()
        );
    }

    /// Waits until its pass has ended. `true` if it ended well.
    pub async fn ended(&mut self) -> bool {
        match self.calls.join_next().await {
            Some(answer) => {
                let (status, logs) = answer.unwrap();
                self.answered = logs.join("\n");
                status == 200
            }
            None => self.child.wait().await.unwrap().code() == Some(0),
        }
    }

    /// SIGKILL, and the end of it.
    pub async fn kill(&mut self) {
        self.calls.abort_all();
        self.child.kill().await.unwrap();
    }

    /// Everything it printed, and what it answered.
    pub fn output(&self) -> String {
        read(&self.output) + &self.answered
    }

    /// The line about a feed's part of the pass, once it has ended: printed for a person, answered to
    /// the host.
    pub fn report(&self, feed: Feed) -> Option<String> {
        let start = format!("{feed}: ");
        let output = self.output();
        let line = output.lines().find(|line| line.starts_with(&start));
        line.map(ToOwned::to_owned)
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

/// The timer call, once the handler says where it listens: the status and the lines of the answer.
async fn invoke(output: PathBuf) -> (u16, Vec<String>) {
    let port: u16 = loop {
        // Only whole lines: a port may be written by halves.
        let text = read(&output);
        let mut lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        match lines.find_map(listens_on) {
            Some(port) => break port,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let mut answer = client()
        .post(format!("http://127.0.0.1:{port}/TimerTrigger"))
        .header("content-type", "application/json")
        .body(r#"{"Data":{"timer":{"IsPastDue":false}},"Metadata":{"sys":{}}}"#)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    let body: serde_json::Value = serde_json::from_slice(&text).unwrap();
    (
        status,
        serde_json::from_value(body["Logs"].clone()).unwrap(),
    )
}

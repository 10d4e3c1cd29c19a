//! A host that is killed leaves its handler behind: it works on beside the handler of the next host.

use std::{collections::BTreeSet, fs, time::Duration};

use chrono::TimeDelta;
use mimecast_ttp::model::feed::Feed;
use simulators::functions_host::{Config, FunctionsHost, Outcome};
use tempfile::TempDir;

use crate::{
    bench::{Workspace, World},
    halts::{Call, Halt, Services, Stage},
    random,
    records::Records,
    support::{azurite::Azurite, world::at},
};

const BEGIN: &str = "2026-03-02T08:00:00Z";
const SPAN: TimeDelta = TimeDelta::minutes(30);
/// Records of each feed: some pages, and many batches.
const COUNT: usize = 150;
const FUNCTION: &str = "TimerTrigger";
/// How long the first handler may take to come to its halt.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the first handler stands when its host is killed.
const PLACES: [(Call, Stage); 6] = [
    (Call::Page, Stage::Served),
    (Call::Claim, Stage::Asked),
    (Call::Claim, Stage::Served),
    (Call::Post, Stage::Asked),
    (Call::Post, Stage::Served),
    (Call::Save, Stage::Asked),
];

async fn world(azurite: &Azurite, container: &str) -> World {
    let mut records = Records::default();
    let mut random = random();
    let from = at(BEGIN);
    for feed in Feed::ALL {
        // All have settled when the first handler begins.
        let span = (from, from + SPAN - TimeDelta::minutes(1));
        records.add(&mut random, feed, COUNT, span, |_| TimeDelta::zero());
    }
    let world = World::start(azurite, container, records, from + SPAN).await;
    world.make_container().await;
    world
}

/// The emulated host with the real handler. Both of its handlers have the same settings, and so the same
/// workspace.
struct Hosted {
    host: FunctionsHost,
    services: Services,
    workspace: Workspace,
    _app: TempDir,
}

async fn hosted(world: &World, halt: Halt) -> Hosted {
    let app = tempfile::tempdir().unwrap();
    let host_json = include_str!("../../host.json");
    fs::write(app.path().join("host.json"), host_json).unwrap();
    fs::create_dir(app.path().join(FUNCTION)).unwrap();
    let function = include_str!("../../TimerTrigger/function.json");
    fs::write(app.path().join(FUNCTION).join("function.json"), function).unwrap();
    let workspace = world.workspace().await;
    let services = world.services(&workspace, Some(halt));
    let mut config = Config::new(app.path(), world.clock.clone());
    config.executable = Some(env!("CARGO_BIN_EXE_mimecast-ttp").into());
    config.app_settings = world.settings(&workspace, &services).into_iter().collect();
    // No proxy of this machine between the program and the simulators.
    config.environment.clear();
    Hosted {
        host: FunctionsHost::start(config).await.unwrap(),
        services,
        workspace,
        _app: app,
    }
}

impl Hosted {
    /// Runs the function at its next time.
    async fn tick(&self, world: &World) -> Outcome {
        let due = self.host.due(FUNCTION).unwrap();
        world.clock.set(due.max(world.clock.now())).unwrap();
        self.host.tick(FUNCTION).await
    }
}

/// Waits until nobody has asked for anything for a second.
async fn quiet(services: &Services) {
    let proxies = [&services.mimecast, &services.sink, &services.store];
    let asked = || proxies.map(crate::proxy::Proxy::requests);
    let mut before = asked();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = asked();
        if now == before {
            return;
        }
        before = now;
    }
}

/// Checks that every record of a feed arrived, and that what arrived twice is no more than one batch.
fn check(world: &World, feed: Feed, workspace: &Workspace, place: (Call, Stage)) {
    let posts = workspace.posts.of(feed);
    let mut seen = BTreeSet::new();
    let mut copies = 0;
    for row in posts.iter().flatten() {
        let (serial, _) = world.records.recognise(feed, row);
        copies += usize::from(!seen.insert(serial));
    }
    assert_eq!(seen, (0..COUNT).collect(), "{feed}, {place:?}");
    let batch = posts.iter().map(Vec::len).max().unwrap_or(0);
    assert!(copies <= batch, "{feed}, {place:?}: {copies} copies");
}

async fn played(azurite: &Azurite, number: usize, place: (Call, Stage)) {
    let (call, stage) = place;
    let world = world(azurite, &format!("orphans-{number}")).await;
    let halt = Halt {
        feeds: Feed::ALL.to_vec(),
        call,
        fault: stage.for_now(),
    };
    let hosted = hosted(&world, halt).await;
    let killed = async {
        let halted = tokio::time::timeout(PATIENCE, hosted.services.halted());
        halted.await.unwrap();
        hosted.host.kill_alone().await.unwrap()
    };
    let (outcome, mut orphan) = tokio::join!(hosted.tick(&world), killed);
    assert!(!outcome.succeeded(), "{place:?}: {outcome:?}");

    hosted.host.restart().await.unwrap();
    assert!(orphan.is_running(), "{place:?}");
    let logs = || hosted.host.logs();
    let outcome = hosted.tick(&world).await;
    assert!(outcome.succeeded(), "{place:?}: {outcome:?}: {:#?}", logs());
    hosted.services.release();
    quiet(&hosted.services).await;
    assert!(orphan.is_running(), "{place:?}: it ended by itself");
    orphan.kill().await;

    let posts = hosted.workspace.posts.count();
    let outcome = hosted.tick(&world).await;
    assert!(outcome.succeeded(), "{place:?}: {outcome:?}: {:#?}", logs());
    assert_eq!(hosted.workspace.posts.count(), posts, "{place:?}");
    for feed in Feed::ALL {
        check(&world, feed, &hosted.workspace, place);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_orphan_beside_the_new_handler_loses_no_record_and_repeats_only_its_batch_under_way() {
    let azurite = Azurite::start();
    for (number, place) in PLACES.into_iter().enumerate() {
        played(&azurite, number, place).await;
    }
}

use tokio::time::sleep;

use super::*;
use crate::{
    functions_host::{
        app::{Arguments, Handler},
        config::own_environment,
        logbook::{Level, LogRecord},
    },
    server::Server,
};

/// A handler in two halves: the process is a shell script, and what answers on its port is a
/// server in this process, since a shell cannot listen.
struct Fixture {
    folder: tempfile::TempDir,
    book: Logbook,
    worker: Worker,
    _server: Option<Server>,
}

const QUICK: Duration = Duration::from_millis(60);

async fn answering(script: &str) -> Fixture {
    let server = Server::start(axum::Router::new(), 0).await.unwrap();
    let port = server.address().port();
    Fixture {
        _server: Some(server),
        ..on_port(port, script, Duration::from_secs(20), Limits::default())
    }
}

fn on_port(port: u16, script: &str, initialization: Duration, limits: Limits) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let mut environment = own_environment();
    environment.insert("OF_THE_HOST".to_owned(), "all of it".to_owned());
    let launch = Launch {
        handler: Handler {
            executable: "/bin/sh".into(),
            arguments: Arguments::Given(vec!["-c".to_owned(), script.to_owned()]),
            directory: folder.path().to_owned(),
            stderr_is_for_errors: true,
        },
        app_root: folder.path().to_owned(),
        environment,
        app_settings: [("MY_SETTING".to_owned(), "a b".to_owned())].into(),
    };
    let book = Logbook::default();
    Fixture {
        folder,
        worker: Worker::start(Some(launch), port, initialization, limits, book.clone()),
        book,
        _server: None,
    }
}

impl Fixture {
    fn has(&self, level: Level, text: &str) -> bool {
        let hit = |record: &LogRecord| record.level == level && record.text.contains(text);
        self.book.records().iter().any(hit)
    }

    async fn eventually(&self, what: impl Fn(&Self) -> bool) {
        for _ in 0..2000 {
            if what(self) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?} {:#?}", self.worker.phase(), self.book.records());
    }
}

/// Counts its starts in a file and goes on while there were fewer than five.
const COUNT: &str = "echo x >> starts; n=0; while read x; do n=$((n+1)); done < starts;";

#[tokio::test]
async fn the_environment_is_the_hosts_whole_one_with_the_settings_and_its_variables() {
    let handler = answering("export -p; read x || echo closed; exec sleep 60").await;
    handler
        .eventually(|it| it.has(Level::Information, "closed"))
        .await;
    let port = handler.worker.client.port();
    let root = handler.folder.path().display();
    for line in [
        "MY_SETTING='a b'".to_owned(),
        "OF_THE_HOST='all of it'".to_owned(),
        format!("FUNCTIONS_CUSTOMHANDLER_PORT='{port}'"),
        format!("FUNCTIONS_HTTPWORKER_PORT='{port}'"),
        format!("FUNCTIONS_APP_ROOT_PATH='{root}'"),
        "FUNCTIONS_CUSTOMHANDLER_WORKER_ID=".to_owned(),
        "FUNCTIONS_HTTPWORKER_ID=".to_owned(),
    ] {
        // Shells differ in their quotes.
        let plain = |text: &str| text.replace(['\'', '"'], "");
        let records = handler.book.records();
        let found = records
            .iter()
            .any(|record| plain(&record.text).contains(&plain(&line)));
        assert!(found, "{line}: {records:#?}");
    }
}

#[tokio::test]
async fn the_host_says_when_the_handler_is_ready() {
    let handler = answering("echo hello; echo a warning >&2; echo oh no >&2; exec sleep 60").await;
    assert_eq!(handler.worker.settled(None).await, Some(Phase::Initialized));
    assert!(handler.has(
        Level::Information,
        "Worker process started and initialized."
    ));
    handler
        .eventually(|it| {
            it.has(Level::Information, "hello")
                && it.has(Level::Warning, "a warning")
                && it.has(Level::Error, "oh no")
        })
        .await;
}

#[tokio::test]
async fn exit_with_0_goes_unnoticed() {
    let handler = answering("echo bye").await;
    handler
        .eventually(|it| it.has(Level::Information, "bye"))
        .await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(handler.worker.phase(), Phase::Initialized);
    assert_eq!(handler.worker.launches(), 1);
}

#[tokio::test]
async fn exit_with_200_restarts_as_often_as_it_likes() {
    let script = format!("{COUNT} [ $n -lt 5 ] && exit 200; exec sleep 60");
    let handler = answering(&script).await;
    handler
        .eventually(|it| it.worker.launches() == 5 && it.worker.phase() == Phase::Initialized)
        .await;
    assert!(handler.has(Level::Information, "exited and needs to be restarted."));
}

#[tokio::test]
async fn the_third_crash_ends_the_host() {
    let handler = answering("echo out of luck >&2; exit 101").await;
    let reason = handler.worker.stopped().await;
    assert!(
        reason.contains("Exceeded http worker restart retry count"),
        "{reason}"
    );
    assert_eq!(handler.worker.launches(), 3);
    assert!(handler.has(Level::Error, "Language Worker Process exited. Pid="));
    assert!(handler.has(
        Level::Error,
        "/bin/sh exited with code 101 (0x65)\nout of luck"
    ));
}

#[tokio::test]
async fn crashes_far_apart_do_not_add_up() {
    let server = Server::start(axum::Router::new(), 0).await.unwrap();
    let limits = Limits {
        crash_gap: Duration::ZERO,
        ..Limits::default()
    };
    let script = format!("{COUNT} [ $n -lt 5 ] && exit 1; exec sleep 60");
    let port = server.address().port();
    let handler = on_port(port, &script, Duration::from_secs(20), limits);
    handler
        .eventually(|it| it.worker.launches() == 5 && it.worker.phase() == Phase::Initialized)
        .await;
}

#[tokio::test]
async fn a_handler_that_never_listens_is_killed_and_counts_as_crashed() {
    // Bound without listening: nobody else gets the port, and nobody answers.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let handler = on_port(port, "exec sleep 60", QUICK, Limits::default());
    handler.worker.stopped().await;
    assert_eq!(handler.worker.launches(), 3);
    assert!(handler.has(Level::Error, "Initializing HttpWorker timed out."));
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_tried_again_only_when_a_run_is_over_its_time() {
    let book = Logbook::default();
    let launch = Launch {
        handler: Handler {
            executable: "/no/such/program".into(),
            arguments: Arguments::Described(Vec::new()),
            directory: "/".into(),
            stderr_is_for_errors: true,
        },
        app_root: "/".into(),
        environment: [].into(),
        app_settings: [].into(),
    };
    let worker = Worker::start(Some(launch), 1, QUICK, Limits::default(), book.clone());
    assert!(matches!(
        worker.settled(None).await,
        Some(Phase::NotStarted(_))
    ));
    assert_eq!(worker.settled(Some(QUICK)).await, None);
    let failures = || {
        let records = book.records().into_iter();
        let failed = records.filter(|record| {
            record.category.starts_with("Worker.HttpWorkerProcess.")
                && record.text.starts_with(
                    "Failed to start Worker Channel. Process fileName: /no/such/program",
                )
        });
        failed.count()
    };
    assert_eq!(failures(), 1);
    worker.restart().await;
    assert_eq!(failures(), 2);
    worker.stop("enough").await;
    assert_eq!(worker.stopped().await, "enough");
}

#[tokio::test]
async fn a_handler_killed_from_outside_is_a_crash_with_code_137() {
    let handler = answering("exec sleep 60").await;
    handler.worker.settled(None).await;
    handler.worker.strike();
    handler
        .eventually(|it| it.has(Level::Error, "exited with code 137 (0x89)"))
        .await;
    handler.eventually(|it| it.worker.launches() == 2).await;
}

#[tokio::test]
async fn a_restart_keeps_the_port_and_changes_the_worker_id() {
    let script =
        "echo $FUNCTIONS_CUSTOMHANDLER_PORT id $FUNCTIONS_CUSTOMHANDLER_WORKER_ID; exec sleep 60";
    let handler = answering(script).await;
    let starts = |it: &Fixture| {
        let records = it.book.records().into_iter();
        let lines = records
            .map(|record| record.text)
            .filter(|text| text.contains(" id "));
        lines.collect::<Vec<_>>()
    };
    for launches in 1..=4 {
        handler.eventually(|it| starts(it).len() == launches).await;
        handler.worker.restart().await;
        assert_eq!(handler.worker.phase(), Phase::Initialized);
    }
    let starts = starts(&handler);
    let port = handler.worker.client.port().to_string();
    assert!(
        starts.iter().all(|line| line.starts_with(&port)),
        "{starts:?}"
    );
    assert_ne!(starts[0], starts[1]);
}

#[tokio::test]
async fn much_output_does_not_block_the_handler() {
    let script = format!(
        "n=0; while [ $n -lt 2000 ]; do n=$((n+1)); echo {}; done; echo done; exec sleep 60",
        "x".repeat(500)
    );
    let handler = answering(&script).await;
    handler
        .eventually(|it| it.has(Level::Information, "done"))
        .await;
}

#[tokio::test]
async fn a_process_outlives_a_host_that_is_killed_alone() {
    let handler = answering("exec sleep 60").await;
    handler.worker.settled(None).await;
    let mut orphan = handler.worker.abandon("killed").await.unwrap();
    assert_eq!(handler.worker.phase(), Phase::Stopped("killed".to_owned()));
    assert!(handler.worker.abandon("killed again").await.is_none());
    sleep(QUICK).await;
    assert!(orphan.is_running());
    assert!(orphan.id().is_some());
    orphan.kill().await;
}

#[tokio::test]
async fn the_process_dies_with_its_worker() {
    let handler = answering("echo pid $$; exec sleep 60").await;
    handler
        .eventually(|it| it.has(Level::Information, "pid "))
        .await;
    let records = handler.book.records();
    let pid = records
        .iter()
        .find_map(|record| record.text.strip_prefix("pid "))
        .unwrap();
    let lives = || {
        let mut command = std::process::Command::new("/bin/sh");
        let command = command.args(["-c", "kill -0 $0 2> /dev/null", pid]);
        command.status().unwrap().success()
    };
    assert!(lives());
    let Fixture {
        worker,
        book,
        folder,
        _server,
    } = handler;
    drop(worker);
    for _ in 0..1000 {
        if !lives() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!(
        "{pid} lives on: {:?} {}",
        book.records(),
        folder.path().display()
    );
}

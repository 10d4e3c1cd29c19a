//! API 1.0: logins that are refused, or fail.

use std::{sync::Arc, time::Duration};

use mimecast_ttp::{
    ingest::{error::Explain, ports::Clock},
    mimecast::MimecastSource,
    storage::folder::FolderStore,
};
use simulators::mimecast::{Config, Fault, Simulator};

use crate::{
    Bench, URL, config,
    support::ports::{TestClock, source},
};

const LOGIN: &str = "/api/login/login";

/// A company whose binding has expired.
struct Expired {
    bench: Bench,
    /// The simulator's configuration, with the right password.
    right: Config,
    folder: tempfile::TempDir,
}

impl Expired {
    async fn new() -> Self {
        let right = config(3);
        let simulator = Simulator::start(right.clone(), 0).await.unwrap();
        simulator.expire();
        let clock = TestClock::new(right.clock.clone());
        Self {
            bench: Bench {
                source: source(&simulator, &right, clock.clone()),
                simulator,
                clock,
            },
            right,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn wrong(&self) -> Config {
        Config {
            password: "S3cret?".to_owned(),
            ..self.right.clone()
        }
    }

    /// The program starts anew, with these settings.
    fn restart(&mut self, settings: &Config) {
        let clock: Arc<dyn Clock> = self.bench.clock.clone();
        let store = FolderStore::new(self.folder.path(), Arc::clone(&clock));
        self.bench.source = self.source(settings).remembering_in(Arc::new(store));
    }

    fn source(&self, settings: &Config) -> MimecastSource {
        source(&self.bench.simulator, settings, self.bench.clock.clone())
    }

    /// What three feeds that are read side by side fail with.
    async fn three_fail(&self) -> [String; 3] {
        let bench = &self.bench;
        let (one, two, three) = tokio::join!(
            bench.fetch(None, 240),
            bench.fetch(None, 240),
            bench.fetch(None, 240)
        );
        [one, two, three].map(|page| page.unwrap_err().explain())
    }

    fn logins(&self) -> u64 {
        self.bench.simulator.calls(LOGIN)
    }

    fn later(&self, minutes: u64) {
        let time = Duration::from_secs(minutes * 60);
        self.right.clock.advance(time).unwrap();
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_for_all_feeds_and_not_by_the_runs_that_follow() {
    let mut expired = Expired::new().await;
    for _ in 0..4 {
        let wrong = expired.wrong();
        expired.restart(&wrong);
        for error in expired.three_fail().await {
            assert!(
                error.contains("was refused at 2026-03-02T08:0")
                    && error.contains("no login is tried before 2026-03-02T08:3")
                    && error.contains("unless the settings change")
                    && error.contains("What to do: check mimecast_email and mimecast_password"),
                "{error}"
            );
            assert!(!error.contains("S3cret"), "{error}");
        }
        assert_eq!(expired.logins(), 1);
    }
    let saved = std::fs::read_to_string(expired.folder.path().join("mimecast-login.txt")).unwrap();
    assert!(!saved.contains("S3cret"), "{saved}");
}

#[tokio::test]
async fn other_settings_are_tried_at_once() {
    let mut expired = Expired::new().await;
    let wrong = expired.wrong();
    expired.restart(&wrong);
    let _errors = expired.three_fail().await;
    let right = expired.right.clone();
    expired.restart(&right);
    assert_eq!(expired.bench.fetch(None, 240).await.unwrap().len(), 3);
    assert_eq!(expired.logins(), 2);
}

#[tokio::test]
async fn a_day_of_runs_with_a_wrong_password_tries_it_twice_an_hour_and_never_locks_the_account() {
    let mut expired = Expired::new().await;
    let wrong = expired.wrong();
    for tick in 0..288 {
        // The platform restarts the program now and then.
        if tick % 5 == 0 {
            expired.restart(&wrong);
        }
        let _error = expired.bench.fetch(None, 240).await.unwrap_err();
        expired.later(5);
    }
    assert!(
        (40..=48).contains(&expired.logins()),
        "{}",
        expired.logins()
    );
    assert_eq!(expired.bench.simulator.times_locked(), 0);
}

#[tokio::test]
async fn a_login_that_fails_for_another_reason_is_tried_again_and_is_shared() {
    for fault in [
        Fault::Status(503),
        Fault::Status(520),
        Fault::DropConnection,
        Fault::NotJson,
    ] {
        let mut expired = Expired::new().await;
        let right = expired.right.clone();
        expired.restart(&right);
        let faults = expired.bench.simulator.faults();
        faults.next(LOGIN, 1, fault.clone());
        assert_eq!(expired.bench.fetch(None, 240).await.unwrap().len(), 3);
        assert_eq!(expired.logins(), 2, "{fault:?}");
    }
    let mut expired = Expired::new().await;
    let right = expired.right.clone();
    expired.restart(&right);
    let faults = expired.bench.simulator.faults();
    faults.next(LOGIN, 99, Fault::Status(503));
    for error in expired.three_fail().await {
        assert!(error.contains("the login with 503"), "{error}");
    }
    assert_eq!(expired.logins(), 2, "for all three");
    assert!(!expired.folder.path().join("mimecast-login.txt").exists());
}

#[tokio::test]
async fn a_firewalls_403_to_a_login_is_no_refusal() {
    let mut expired = Expired::new().await;
    let right = expired.right.clone();
    expired.restart(&right);
    expired
        .bench
        .simulator
        .faults()
        .next(LOGIN, 1, Fault::Blocked);
    let error = expired.bench.fetch(None, 240).await.unwrap_err().explain();
    assert!(error.contains("web application firewall"), "{error}");
    expired.restart(&right);
    assert_eq!(expired.bench.fetch(None, 240).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_store_that_fails_prevents_no_login_and_allows_no_second_one() {
    let mut expired = Expired::new().await;
    let clock: Arc<dyn Clock> = expired.bench.clock.clone();
    // A file stands where the folder should be.
    let file = tempfile::NamedTempFile::new().unwrap();
    let broken = || Arc::new(FolderStore::new(file.path(), Arc::clone(&clock)));
    let wrong = expired.source(&expired.wrong());
    expired.bench.source = wrong.remembering_in(broken());
    let _errors = expired.three_fail().await;
    let _errors = expired.three_fail().await;
    assert_eq!(expired.logins(), 1);
    let right = expired.source(&expired.right);
    expired.bench.source = right.remembering_in(broken());
    assert_eq!(expired.bench.fetch(None, 240).await.unwrap().len(), 3);
    // The call that found the binding expired, and the one after the login.
    assert_eq!(expired.bench.simulator.calls(URL), 8);
}

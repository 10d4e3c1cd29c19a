//! The commands of an operator, with the real program between simulators.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::{path::PathBuf, time::Duration};

use simulators::{
    clock::SimClock,
    log::Log,
    records::{GivenRecords, Moment},
};
use support::program::{Services, command, run};

/// A name that is half a character: valid JSON, which no workspace can make a column of.
const NO_NAME: &str = r#""\ud800":1"#;

struct Bench {
    services: Services,
    folder: tempfile::TempDir,
}

impl Bench {
    /// Ten records an hour ago, of which the fourth cannot be taken by Log Analytics.
    async fn start() -> Self {
        let clock = SimClock::real();
        let now = clock.now().timestamp();
        let mut records = GivenRecords::default();
        for number in 0..10 {
            let at = now - 3600 + number;
            let time = chrono::DateTime::from_timestamp(at, 0)
                .unwrap()
                .format("%Y-%m-%dT%H:%M:%S+0000");
            let odd = if number == 3 { NO_NAME } else { r#""even":1"# };
            let text = format!(r#"{{"n":{number},{odd},"date":"{time}"}}"#);
            records.push(Log::Url, Moment { at, visible_at: at }, text);
        }
        Self {
            services: Services::with(records, clock).await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn settings(&self, of_storage_only: bool) -> Vec<(String, String)> {
        let mut settings = if of_storage_only {
            Vec::new()
        } else {
            self.services.settings()
        };
        let folder = self.folder.path().display().to_string();
        settings.push(("checkpoint_dir".to_owned(), folder));
        settings
    }

    async fn run(&self, line: &str) -> (i32, String, String) {
        self.with(line, &self.settings(false)).await
    }

    async fn with(&self, line: &str, settings: &[(String, String)]) -> (i32, String, String) {
        let mut command = command(settings);
        command.args(line.split(' '));
        let (code, out, err) = run(command).await;
        for secret in self.services.secrets() {
            assert!(!out.contains(&secret) && !err.contains(&secret), "{line}");
        }
        (code, out, err)
    }

    /// The file of a record in quarantine.
    fn held(&self, fingerprint: &str) -> PathBuf {
        let folder = self.folder.path().join("quarantine/url");
        folder.join(format!("{fingerprint}.json"))
    }

    fn delivered(&self) -> usize {
        self.services.counts()[0]
    }
}

/// A bench in which a pass has set the record at fault aside, and the record's fingerprint.
async fn with_a_refused_record() -> (Bench, String) {
    let bench = Bench::start().await;
    let (code, out, _) = bench.run("quarantine list").await;
    assert_eq!((code, out.trim()), (0, "Nothing is in quarantine."));

    let (code, out, err) = bench.run("run --feed url").await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("9 delivered") && out.contains("1 set aside in quarantine"),
        "{out}"
    );
    assert!(
        err.contains("`mimecast-ttp quarantine list` shows it"),
        "{err}"
    );
    assert_eq!(bench.delivered(), 9);
    let (_, out, _) = bench.run("quarantine list --json").await;
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    let fingerprint = list["quarantine"][0]["fingerprint"].as_str().unwrap();
    (bench, fingerprint.to_owned())
}

#[tokio::test]
async fn a_refused_record_is_listed_and_shown_without_any_keys() {
    let (bench, fingerprint) = with_a_refused_record().await;
    let storage = bench.settings(true);
    let (code, out, _) = bench.with("quarantine list --json", &storage).await;
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    let held = &list["quarantine"][0];
    assert_eq!(
        (code, &held["feed"], &held["status"]),
        (0, &"url".into(), &400.into())
    );
    assert!(
        held["reason"]
            .as_str()
            .unwrap()
            .contains("InvalidDataFormat"),
        "{held}"
    );
    let (_, out, _) = bench.with("quarantine list", &storage).await;
    assert!(
        out.starts_with(&fingerprint) && out.contains("status 400"),
        "{out}"
    );
    let (code, out, _) = bench
        .with(&format!("quarantine show {fingerprint}"), &storage)
        .await;
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert!(shown["row"].as_str().unwrap().contains(NO_NAME), "{out}");
    let (code, _, err) = bench.with("quarantine show ttp1-12", &storage).await;
    assert!(code == 2 && err.contains("32 hex digits"), "{err}");
}

#[tokio::test]
async fn a_refused_record_is_replayed_when_confirmed_and_accepted() {
    let (bench, fingerprint) = with_a_refused_record().await;
    // Nothing is posted unasked; what is refused again stays.
    let replay = format!("quarantine replay {fingerprint}");
    let (code, _, err) = bench.run(&replay).await;
    assert!(code == 1 && err.contains("add --yes"), "{err}");
    let (code, _, err) = bench.run(&format!("{replay} --yes")).await;
    assert!(code == 1 && err.contains("stays in quarantine"), "{err}");

    // Once the row is one that the service takes, it is delivered and leaves the quarantine.
    let file = bench.held(&fingerprint);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(r"\\ud800", "mended")).unwrap();
    let (code, out, err) = bench.run("quarantine replay --all --yes").await;
    assert!(code == 0 && out.contains("delivered"), "{out}{err}");
    assert_eq!(bench.delivered(), 10);
    let (_, out, _) = bench.run("quarantine list").await;
    assert_eq!(out.trim(), "Nothing is in quarantine.");
}

#[tokio::test]
async fn a_refused_record_is_dropped_when_confirmed() {
    let (bench, fingerprint) = with_a_refused_record().await;
    let (file, storage) = (bench.held(&fingerprint), bench.settings(true));
    let drop = format!("quarantine drop {fingerprint}");
    let (code, _, err) = bench.with(&drop, &storage).await;
    assert!(code == 1 && err.contains("Nothing was changed"), "{err}");
    let (code, out, _) = bench.with(&format!("{drop} --yes"), &storage).await;
    assert!(code == 0 && out.contains("dropped"), "{out}");
    assert!(!file.exists());
    let (code, _, err) = bench.with(&drop, &storage).await;
    assert!(
        code == 1 && err.contains("there is no record ttp1-"),
        "{err}"
    );
}

#[tokio::test]
async fn a_record_is_dropped_only_once_no_other_run_holds_the_lock() {
    let (bench, fingerprint) = with_a_refused_record().await;
    let (file, storage) = (bench.held(&fingerprint), bench.settings(true));
    let lock = std::fs::File::options()
        .write(true)
        .open(bench.folder.path().join(".lock"))
        .unwrap();
    lock.lock().unwrap();
    let drop = format!("quarantine drop {fingerprint} --yes");
    let released = async {
        // The program starts in far less.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(file.exists());
        lock.unlock().unwrap();
    };
    let ((code, out, err), ()) = tokio::join!(bench.with(&drop, &storage), released);
    assert!(code == 0 && out.contains("dropped"), "{out}{err}");
    assert!(!file.exists());
}

#[tokio::test]
async fn each_pass_is_reported_to_the_workspace_unless_disabled() {
    let bench = Bench::start().await;
    let told = || bench.services.rows.count("MimecastTTPHealth_CL");
    let mut quiet = bench.settings(false);
    quiet.push(("health_rows".to_owned(), "False".to_owned()));
    let (code, _, err) = bench.with("run", &quiet).await;
    assert_eq!((code, told()), (0, 0), "{err}");
    let (code, _, err) = bench.run("run").await;
    assert_eq!((code, told()), (0, 3), "{err}");
    quiet.last_mut().unwrap().1 = "perhaps".to_owned();
    let (code, _, err) = bench.with("run", &quiet).await;
    assert!(
        code == 2
            && err.contains("health_rows: `perhaps` is neither")
            && err.contains("true or false"),
        "{err}"
    );
}

#[tokio::test]
async fn a_checkpoint_is_shown_and_rewound_without_duplicates() {
    let bench = Bench::start().await;
    let storage = bench.settings(true);
    let (code, out, _) = bench.with("checkpoint show", &storage).await;
    assert_eq!(code, 0);
    assert_eq!(out.matches("nothing is saved").count(), 3, "{out}");
    let back = SimClock::real().now() - chrono::TimeDelta::hours(2);
    let rewind = format!(
        "checkpoint rewind --feed url --to {}",
        back.format("%Y-%m-%dT%H:%M:%SZ")
    );
    let (code, _, err) = bench.with(&rewind, &storage).await;
    assert!(
        code == 1 && err.contains("Nothing is saved for url. Start it at"),
        "{err}"
    );

    bench.run("run").await;
    let (_, out, _) = bench.with("checkpoint show --feed url", &storage).await;
    for part in ["watermark", "s ago", "first run", "delivered"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (code, _, err) = bench.with(&rewind, &storage).await;
    assert!(code == 1 && err.contains("Nothing was changed"), "{err}");
    let (code, out, err) = bench.with(&format!("{rewind} --yes"), &storage).await;
    assert!(code == 0 && out.contains("is set back"), "{out}{err}");
    let (_, out, _) = bench
        .with("checkpoint show --feed url --json", &storage)
        .await;
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    let moves = shown["checkpoints"][0]["moves"].as_array().unwrap();
    assert_eq!(moves.last().unwrap()["reason"], "rewind");

    let (code, out, err) = bench.run("run --feed url").await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("0 delivered in 0 batches"), "{out}");
    assert_eq!(bench.delivered(), 9);

    let later = "checkpoint rewind --feed url --to 2999-01-01T00:00:00Z --yes";
    let (code, _, err) = bench.with(later, &storage).await;
    assert!(code == 1 && err.contains("would not be read"), "{err}");
    let (code, _, err) = bench
        .with("checkpoint rewind --feed url --to soon", &storage)
        .await;
    assert!(code == 2 && err.contains("2026-11-24T05:00:00Z"), "{err}");
    let (code, _, err) = bench.with("checkpoint show", &[]).await;
    assert!(
        code == 2 && err.contains("AzureWebJobsStorage: is missing"),
        "{err}"
    );
    assert!(!err.contains("mimecast_app_id"), "{err}");

    std::fs::write(bench.folder.path().join("url-checkpoint.txt"), "garbage").unwrap();
    let (code, _, err) = bench.with("checkpoint show", &storage).await;
    assert!(code == 1 && err.contains("`garbage`"), "{err}");
}

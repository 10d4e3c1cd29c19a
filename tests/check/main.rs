//! `check` names each illness, and `status` what came of it: the real program between simulators, by Mimecast API 2.0 and the Logs Ingestion API.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod files;
mod status;
#[path = "../support/mod.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use simulators::{
    clock::SimClock,
    log::Log,
    log_analytics::{LogsIngestion, logs_ingestion},
    mimecast::{self, Api, Simulator},
    records::{GivenRecords, Moment},
};
use support::program::{command, run};

/// Services, and the settings that lead there.
pub(crate) struct Bench {
    _mimecast: Simulator,
    log_analytics: LogsIngestion,
    folder: tempfile::TempDir,
    settings: Vec<(String, String)>,
}

/// What is wrong with the services.
#[derive(Default)]
pub(crate) struct Illness {
    /// Mimecast's clock is so many seconds behind.
    behind: i64,
    forbidden: Vec<Log>,
    is_throttled: bool,
    has_no_role: bool,
}

impl Bench {
    async fn start(illness: Illness) -> Self {
        let clock = SimClock::real();
        let theirs = clock.now() - chrono::TimeDelta::seconds(illness.behind);
        let mut records = GivenRecords::default();
        for number in 0..4 {
            let at = clock.now().timestamp() - 7200 + number;
            let time = chrono::DateTime::from_timestamp(at, 0).unwrap();
            let time = time.format("%Y-%m-%dT%H:%M:%S+0000");
            let text = format!(r#"{{"n":{number},"date":"{time}"}}"#);
            records.push(Log::Url, Moment { at, visible_at: at }, text);
        }
        let records = Arc::new(records);
        let mut mimecast = mimecast::Config::new(records, SimClock::at(theirs));
        mimecast.api = Api::V2;
        mimecast.forbidden = illness.forbidden;
        if illness.is_throttled {
            mimecast.quota = 0;
            mimecast.quota_window = Duration::from_secs(600);
        }
        let rule = include_str!("../../deploy/logs-ingestion.json");
        let rule = logs_ingestion::Rule::in_template(rule).unwrap();
        let mut sink = logs_ingestion::Config::new(clock, rule);
        if illness.has_no_role {
            sink.role_after = u64::MAX;
        }
        let simulator = Simulator::start(mimecast.clone(), 0).await.unwrap();
        let log_analytics = LogsIngestion::start(sink.clone(), 0).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = [
            ("mimecast_base_url", simulator.base_url()),
            ("mimecast_client_id", mimecast.client_id),
            ("mimecast_client_secret", mimecast.client_secret),
            ("logs_ingestion_endpoint", log_analytics.base_url()),
            ("logs_ingestion_rule_id", sink.rule_id),
            ("IDENTITY_ENDPOINT", log_analytics.identity_endpoint()),
            ("IDENTITY_HEADER", sink.identity_header),
            ("checkpoint_dir", folder.path().display().to_string()),
            ("timer_schedule", "0 */5 * * * *".to_owned()),
        ];
        Self {
            _mimecast: simulator,
            log_analytics,
            folder,
            settings: settings
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
        }
    }

    /// Sets a setting, and gives what it was.
    fn set(&mut self, name: &str, value: &str) -> String {
        let before = self.settings.iter().find(|(other, _)| other == name);
        let before = before.map(|(_, value)| value.clone());
        self.settings.retain(|(other, _)| other != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        before.unwrap_or_default()
    }

    /// The exit code of a run.
    async fn run(&self) -> i32 {
        let mut command = command(&self.settings);
        command.arg("run");
        run(command).await.0
    }

    /// The exit code of `status`, and what it says.
    async fn status(&self, words: &[&str]) -> (i32, String) {
        let mut command = command(&self.settings);
        command.arg("status").args(words);
        let (code, out, err) = run(command).await;
        assert_eq!(err, "");
        (code, out)
    }

    /// The exit code, and what was found: each check with its result and message.
    async fn check(&self) -> (i32, Vec<[String; 3]>) {
        let mut command = command(&self.settings);
        command.args(["check", "--json"]);
        let (code, out, err) = run(command).await;
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        for (name, value) in &self.settings {
            let is_secret = name.contains("secret") || name == "IDENTITY_HEADER";
            assert!(!is_secret || !out.contains(value), "{name}");
        }
        let findings = report["checks"].as_array().unwrap().iter().map(|finding| {
            ["check", "result", "message"]
                .map(|member| finding[member].as_str().unwrap().to_owned())
        });
        (code, findings.collect())
    }

    /// The checks that did not end well, each with its message; the exit code must fit.
    async fn faults(&self, code: i32) -> Vec<(String, String)> {
        let (found, checks) = self.check().await;
        assert_eq!(found, code, "{checks:#?}");
        let faults = checks.into_iter().filter(|[_, result, _]| result != "ok");
        faults.map(|[check, _, message]| (check, message)).collect()
    }
}

fn names(faults: &[(String, String)]) -> Vec<&str> {
    faults.iter().map(|(check, _)| check.as_str()).collect()
}

#[tokio::test]
async fn where_nothing_is_amiss_every_part_is_named_and_nothing_stays() {
    let bench = Bench::start(Illness::default()).await;
    let (code, checks) = bench.check().await;
    assert_eq!(code, 0, "{checks:#?}");
    let found: Vec<_> = checks.iter().map(|[check, ..]| check.as_str()).collect();
    for check in [
        "settings",
        "schedule",
        "proxy",
        "reach Mimecast",
        "reach Logs Ingestion API",
        "mimecast url",
        "mimecast attachment",
        "mimecast impersonation",
        "clock",
        "storage",
        "checkpoint url",
        "sink url",
        "sink attachment",
        "sink impersonation",
        "sink health",
    ] {
        assert!(found.contains(&check), "{check}: {found:?}");
    }
    assert!(
        checks.iter().all(|[_, result, _]| result == "ok"),
        "{checks:#?}"
    );
    let left = std::fs::read_dir(bench.folder.path()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"]);
    let posts = bench.log_analytics.posts();
    assert!(
        posts.len() == 4 && posts.iter().all(|post| post.rows == 0),
        "{posts:?}"
    );
}

/// As when somebody looks while the app does.
#[tokio::test]
async fn checks_at_the_same_time_do_not_disturb_each_other() {
    let bench = Bench::start(Illness::default()).await;
    let checks = std::iter::repeat_with(|| bench.check()).take(8);
    for (code, checks) in futures_util::future::join_all(checks).await {
        assert_eq!(code, 0, "{checks:#?}");
    }
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_deliver_and_changes_nothing() {
    let bench = Bench::start(Illness::default()).await;
    let dry = |words: &'static [&'static str]| {
        let mut command = command(&bench.settings);
        command
            .args(["run", "--dry-run", "--feed", "url"])
            .args(words);
        run(command)
    };
    let (code, out, err) = dry(&[]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.starts_with("url: would deliver 4 records in 1 post "),
        "{out}"
    );
    assert!(
        out.contains(r#"  {"n":0,"#) && !out.contains(r#""n":3"#),
        "{out}"
    );
    assert!(
        out.ends_with("Nothing was posted, and no progress was saved.\n"),
        "{out}"
    );
    let (_, out, _) = dry(&["--json"]).await;
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["feeds"][0]["would_deliver"], 4);
    assert_eq!(report["feeds"][0]["samples"].as_array().unwrap().len(), 3);
    assert_eq!(bench.log_analytics.posts(), []);
    assert_eq!(std::fs::read_dir(bench.folder.path()).unwrap().count(), 0);
    assert_eq!(bench.run().await, 0);
    let (_, out, _) = dry(&[]).await;
    assert!(
        out.starts_with("url: would deliver 0 records in 0 posts "),
        "{out}"
    );
}

#[tokio::test]
async fn a_wrong_secret_is_named() {
    let mut bench = Bench::start(Illness::default()).await;
    bench.set("mimecast_client_secret", "wrong");
    let faults = bench.faults(1).await;
    assert_eq!(
        names(&faults),
        [
            "mimecast url",
            "mimecast attachment",
            "mimecast impersonation"
        ]
    );
    assert!(
        faults[0]
            .1
            .contains("check mimecast_client_id and mimecast_client_secret")
    );
}

#[tokio::test]
async fn a_missing_permission_is_told_of_its_feed_alone() {
    let illness = Illness {
        forbidden: vec![Log::Attachment],
        ..Illness::default()
    };
    let faults = Bench::start(illness).await.faults(1).await;
    assert_eq!(names(&faults), ["mimecast attachment"]);
    assert!(
        faults[0].1.contains("403") && faults[0].1.contains("What to do"),
        "{faults:?}"
    );
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_by_how_much() {
    let illness = Illness {
        behind: 7200,
        ..Illness::default()
    };
    let faults = Bench::start(illness).await.faults(1).await;
    assert_eq!(names(&faults), ["clock"]);
    assert!(
        faults[0].1.starts_with("720") && faults[0].1.contains("s ahead of Mimecast's"),
        "{faults:?}"
    );
    let illness = Illness {
        behind: -60,
        ..Illness::default()
    };
    let faults = Bench::start(illness).await.faults(0).await;
    assert!(faults[0].1.contains("s behind Mimecast's"), "{faults:?}");
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told() {
    let illness = Illness {
        is_throttled: true,
        ..Illness::default()
    };
    let faults = Bench::start(illness).await.faults(0).await;
    assert!(
        faults[0].0.starts_with("mimecast") && faults[0].1.contains("429"),
        "{faults:?}"
    );
}

#[tokio::test]
async fn a_missing_role_is_named_for_every_stream() {
    let illness = Illness {
        has_no_role: true,
        ..Illness::default()
    };
    let faults = Bench::start(illness).await.faults(1).await;
    assert_eq!(
        names(&faults),
        [
            "sink url",
            "sink attachment",
            "sink impersonation",
            "sink health"
        ]
    );
    assert!(
        faults[0].1.contains("Monitoring Metrics Publisher"),
        "{faults:?}"
    );
}

#[tokio::test]
async fn an_address_without_anybody_is_named_with_the_cause() {
    let mut bench = Bench::start(Illness::default()).await;
    bench.set("mimecast_base_url", "https://no-such-host.invalid");
    let faults = bench.faults(1).await;
    assert_eq!(faults[0].0, "reach Mimecast");
    assert!(
        faults[0]
            .1
            .starts_with("no-such-host.invalid: cannot connect"),
        "{faults:?}"
    );
}

#[tokio::test]
async fn settings_are_told_that_are_wrong_misspelt_or_of_yesterday() {
    let mut bench = Bench::start(Illness::default()).await;
    bench.set("lookback_day", "3");
    bench.set("run_budget_seconds", "600");
    let faults = bench.faults(0).await;
    assert_eq!(names(&faults), ["settings", "schedule"]);
    assert!(
        faults[0]
            .1
            .contains("lookback_day is no setting, and looks like lookback_days")
    );
    assert!(
        faults[1]
            .1
            .contains("a run every 5 min, but run_budget_seconds allows 10 min")
    );
    bench.set("timer_schedule", "0 0 0 1 1 *");
    bench.set("run_budget_seconds", "60");
    let faults = bench.faults(1).await;
    assert!(
        faults[1].1.contains("30 days, so records are lost"),
        "{faults:?}"
    );
    bench.set("timer_schedule", "every five minutes");
    bench.set("settle_seconds", "soon");
    let faults = bench.faults(2).await;
    assert!(
        faults
            .iter()
            .any(|(_, message)| message.starts_with("settle_seconds: `soon`"))
    );
}

#[tokio::test]
async fn a_checkpoint_that_is_lost_or_broken_is_told() {
    let bench = Bench::start(Illness::default()).await;
    let folder = bench.folder.path();
    std::fs::write(folder.join("url-checkpoint.txt"), "garbage").unwrap();
    std::fs::create_dir_all(folder.join("ledger/attachment")).unwrap();
    std::fs::write(folder.join("ledger/attachment/2026-11-24T05.bin"), "").unwrap();
    let faults = bench.faults(1).await;
    assert_eq!(names(&faults), ["checkpoint url", "checkpoint attachment"]);
    assert!(faults[1].1.contains("lost or deleted"), "{faults:?}");
}

#[tokio::test]
async fn what_is_said_of_all_feeds_is_said_once_and_in_colour_where_it_is_wanted() {
    let mut bench = Bench::start(Illness::default()).await;
    bench.set("mimecast_client_secret", "wrong");
    let mut plain = command(&bench.settings);
    plain.arg("check");
    let (code, out, err) = run(plain).await;
    assert_eq!(code, 1, "{out}{err}");
    assert_eq!(out.matches("FAIL").count(), 1, "{out}");
    assert!(
        !out.contains('\u{1b}') && out.contains("\nFailed: 1 of "),
        "{out}{err}"
    );
    let mut coloured = command(&bench.settings);
    coloured.args(["check", "--color", "always"]);
    let (_, out, _) = run(coloured).await;
    assert!(out.contains("\u{1b}[1;31mFAIL\u{1b}[0m"), "{out}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_output_that_cannot_be_written_is_an_error() {
    let bench = Bench::start(Illness::default()).await;
    for words in [
        &["check"][..],
        &["status"],
        &["status", "--watch"],
        &["run"],
    ] {
        let mut command = std::process::Command::new("/bin/sh");
        command.args([
            "-c",
            "exec \"$0\" \"$@\" >/dev/full",
            env!("CARGO_BIN_EXE_mimecast-ttp"),
        ]);
        command
            .args(words)
            .env_clear()
            .envs(bench.settings.iter().cloned());
        let (code, _, err) = run(command).await;
        assert_eq!(code, 1, "{words:?}: {err}");
        assert_eq!(
            err.matches("The output cannot be written").count(),
            1,
            "{err}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_used_is_told() {
    let mut bench = Bench::start(Illness::default()).await;
    for (value, result, says) in [
        (
            "http://user:hidden@proxy.example:8080",
            "ok",
            "proxy.example:8080",
        ),
        ("proxy.example", "ok", "proxy.example:80"),
        (
            "http://proxy.example:8080 ",
            "fail",
            "no address that is used",
        ),
        ("ftp://proxy.example", "fail", "no address that is used"),
        ("http:/proxy.example", "fail", "no address that is used"),
    ] {
        bench.set("HTTPS_PROXY", value);
        let (_, checks) = bench.check().await;
        let proxy = checks.iter().find(|[check, ..]| check == "proxy").unwrap();
        assert_eq!(proxy[1], result, "{value}: {proxy:?}");
        assert!(
            proxy[2].contains(says) && !proxy[2].contains("hidden"),
            "{proxy:?}"
        );
    }
}

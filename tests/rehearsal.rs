//! The real program with the Logs Ingestion API as its second sink, and as its only one.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::{path::Path, process::Command, sync::Arc};

use chrono::TimeDelta;
use serde_json::Value;
use simulators::{
    clock::SimClock,
    log::Log,
    log_analytics::{LogsIngestion, MemoryRows, logs_ingestion},
    records::{GivenRecords, Moment},
};
use support::program::{Services, command, run};

/// The deployed rule, and the settings that lead there.
struct Rule {
    service: LogsIngestion,
    rows: Arc<MemoryRows>,
    settings: Vec<(String, String)>,
}

impl Rule {
    async fn start() -> Self {
        let template = include_str!("../deploy/logs-ingestion.json");
        let rule = logs_ingestion::Rule::in_template(template).unwrap();
        let mut config = logs_ingestion::Config::new(SimClock::real(), rule);
        let rows = Arc::new(MemoryRows::default());
        config.sinks = vec![rows.clone()];
        let service = LogsIngestion::start(config.clone(), 0).await.unwrap();
        let settings = [
            ("logs_ingestion_endpoint", service.base_url()),
            ("logs_ingestion_rule_id", config.rule_id),
            ("IDENTITY_ENDPOINT", service.identity_endpoint()),
            ("IDENTITY_HEADER", config.identity_header),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        Self {
            service,
            rows,
            settings: settings.into(),
        }
    }

    fn counts(&self) -> [usize; 3] {
        Log::ALL.map(|log| self.rows.count(log.table()))
    }
}

async fn say(mut command: Command, line: &str) -> (bool, String) {
    command.args(line.split(' '));
    let (code, out, err) = run(command).await;
    (code == 0, out + &err)
}

/// The settings of one pass that knows where `folder` is.
fn with(parts: &[&[(String, String)]], more: &[(&str, &str)], folder: &Path) -> Command {
    let mut settings = parts.concat();
    settings.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    settings.push(("checkpoint_dir".to_owned(), folder.display().to_string()));
    command(&settings)
}

#[tokio::test]
async fn dual_write_feeds_both_sinks_and_ends_without_gap_or_duplicate() {
    let services = Services::start(30, 5).await;
    let rule = Rule::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (services.settings(), &rule.settings);
    let tomorrow = (SimClock::real().now() + TimeDelta::days(1)).to_rfc3339();

    let rehearsal = with(
        &[&old, new],
        &[("dual_write_until", &tomorrow)],
        folder.path(),
    );
    let (done, said) = say(rehearsal, "run --json").await;
    assert!(done, "{said}");
    assert_eq!((services.counts(), rule.counts()), ([30; 3], [30; 3]));
    let report: Value = serde_json::from_str(said.lines().collect::<String>().as_str()).unwrap();
    for feed in report["feeds"].as_array().unwrap() {
        let counts = ["delivered", "copied", "not_copied"].map(|count| feed[count].as_u64());
        assert_eq!(counts, [Some(30), Some(30), Some(0)], "{feed}");
    }

    // From the day on, or once the workspace's settings are gone.
    services.show_new();
    let over = [("dual_write_until", "2026-01-01")];
    let (done, said) = say(with(&[&old, new], &over, folder.path()), "run").await;
    assert!(done && said.contains("5 delivered"), "{said}");
    assert_eq!((services.counts(), rule.counts()), ([30; 3], [35; 3]));
}

#[tokio::test]
async fn a_refusing_second_sink_is_reported_and_changes_nothing() {
    let services = Services::start(30, 0).await;
    let rule = Rule::start().await;
    let always = logs_ingestion::Fault::Status(403);
    for stream in [
        "Custom-MimecastTTPUrl_CL",
        "Custom-MimecastTTPAttachment_CL",
    ] {
        rule.service.faults().on(stream, 1..=1000, always.clone());
    }
    let folder = tempfile::tempdir().unwrap();
    let old = services.settings();
    let until = [("dual_write_until", "2999-01-01")];
    let rehearsal = with(&[&old, &rule.settings], &until, folder.path());
    let (done, said) = say(rehearsal, "run").await;
    assert!(done, "{said}");
    assert_eq!(services.counts(), [30; 3]);
    assert!(
        said.contains("30 not taken by the second sink")
            && said.contains("Monitoring Metrics Publisher"),
        "{said}"
    );
}

#[tokio::test]
async fn a_quarantined_impersonation_record_is_replayed_with_its_id() {
    let now = SimClock::real().now().timestamp();
    let mut records = GivenRecords::default();
    for (number, odd) in [(0, r#""even":1"#), (1, r#""\ud800":1"#)] {
        let (at, visible_at) = (now - 600, now - 600);
        let time = chrono::DateTime::from_timestamp(at, 0).unwrap();
        let time = time.format("%Y-%m-%dT%H:%M:%S+0000");
        let text = format!(r#"{{"id":"MTOKEN:{number}",{odd},"eventTime":"{time}"}}"#);
        records.push(Log::Impersonation, Moment { at, visible_at }, text);
    }
    let services = Services::with(records, SimClock::real()).await;
    let rule = Rule::start().await;
    let mimecast: Vec<_> = services.settings();
    let mimecast: Vec<_> = mimecast
        .into_iter()
        .filter(|(name, _)| name.starts_with("mimecast"))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let program = || with(&[&mimecast, &rule.settings], &[], folder.path());

    let (done, said) = say(program(), "run").await;
    assert!(done && said.contains("1 set aside in quarantine"), "{said}");
    assert_eq!(rule.counts(), [0, 0, 1]);
    let held = folder.path().join("quarantine/impersonation");
    let file = std::fs::read_dir(held)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(r"\\ud800", "mended")).unwrap();
    let (done, said) = say(program(), "quarantine replay --all --yes").await;
    assert!(done && said.contains("delivered"), "{said}");
    let rows = rule.rows.texts(Log::Impersonation.table());
    assert_eq!(rows.len(), 2);
    for (number, row) in rows.iter().enumerate() {
        let row: Value = serde_json::from_str(row).unwrap();
        assert_eq!(row["eventId"], format!("MTOKEN:{number}"), "{row}");
        assert!(row.get("id").is_none(), "{row}");
    }
}

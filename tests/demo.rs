//! The demo and the simulators, as a newcomer starts them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Output, Stdio},
};

use support::program::command;

const TABLES: [&str; 3] = [
    "MimecastTTPUrl_CL",
    "MimecastTTPAttachment_CL",
    "MimecastTTPImpersonation_CL",
];

fn demo(out: &Path, more: &[&str]) -> Output {
    command(&[])
        .args(["demo", "--records", "3000", "--out", out.to_str().unwrap()])
        .args(more)
        .output()
        .unwrap()
}

fn rows(out: &Path, table: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(out.join(format!("{table}.ndjson"))).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_demo_needs_no_settings_and_delivers_every_record_once() {
    delivers_every_record_once(&[]);
}

#[test]
fn the_demo_of_api_2_0_delivers_every_record_once() {
    delivers_every_record_once(&["--api", "2.0"]);
}

#[test]
fn the_demo_of_api_2_0_and_the_logs_ingestion_api_delivers_every_record_once() {
    delivers_every_record_once(&["--api", "2.0", "--sink", "logs-ingestion"]);
}

fn delivers_every_record_once(more: &[&str]) {
    let out = tempfile::tempdir().unwrap();
    let output = demo(out.path(), more);
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}\n{errors}");
    assert!(
        text.contains("Every record arrived once, and as it was."),
        "{text}"
    );
    for (feed, count) in [
        ("url", "1800"),
        ("attachment", "750"),
        ("impersonation", "450"),
    ] {
        let line = text.lines().find(|line| line.starts_with(feed)).unwrap();
        let cells: Vec<_> = line.split_whitespace().collect();
        assert_eq!(&cells[1..6], [count, count, "0", "0", "0"], "{line}");
    }
    for (table, count) in TABLES.into_iter().zip([1800, 750, 450]) {
        let rows = rows(out.path(), table);
        assert_eq!(rows.len(), count, "{table}");
        let fingerprints: HashSet<_> = rows
            .iter()
            .map(|row| row["mimecastFingerprint_s"].as_str().unwrap())
            .collect();
        assert_eq!(fingerprints.len(), count, "{table}");
        assert!(rows.iter().all(|row| row["TimeGenerated"].is_string() && row["mimecastEventId_s"].is_string()));
    }
}

#[test]
fn a_very_small_demo_is_clean_too() {
    let out = tempfile::tempdir().unwrap();
    let output = command(&[])
        .args([
            "demo",
            "--records",
            "10",
            "--out",
            out.path().to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let output = command(&[])
        .args(["demo", "--out", "/proc/none"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("The rows cannot be written into /proc/none") && text.contains("--out"),
        "{text}"
    );
}

#[test]
fn a_doubled_row_makes_the_demo_fail_and_the_readmes_query_would_drop_it() {
    let out = tempfile::tempdir().unwrap();
    let output = demo(out.path(), &["--lost-answer"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("NOT CLEAN: impersonation")
    );
    // What the README's query against copies leaves: one row for each.
    let rows = rows(out.path(), "MimecastTTPImpersonation_CL");
    let kept: HashSet<_> = rows
        .iter()
        .map(|row| row["mimecastFingerprint_s"].as_str().unwrap())
        .collect();
    assert!(rows.len() > 450);
    assert_eq!(kept.len(), 450);
}

#[test]
fn the_settings_that_simulate_prints_lead_to_the_simulators() {
    let mut simulators = command(&[])
        .args([
            "simulate",
            "--mimecast-port",
            "0",
            "--log-analytics-port",
            "0",
            "--records",
            "2000",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut settings = Vec::new();
    for line in BufReader::new(simulators.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(setting) = line.trim().strip_prefix("export ") {
            let (name, value) = setting.split_once('=').unwrap();
            settings.push((name.to_owned(), value.trim_matches('\'').to_owned()));
        }
        if line.contains("Interrupt to stop") {
            break;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    settings.push((
        "checkpoint_dir".to_owned(),
        folder.path().display().to_string(),
    ));
    let output = command(&settings).args(["run", "--json"]).output().unwrap();
    drop(simulators.kill());
    drop(simulators.wait());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let delivered: u64 = report["feeds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|feed| feed["delivered"].as_u64().unwrap())
        .sum();
    assert!(delivered > 500, "{report}");
}

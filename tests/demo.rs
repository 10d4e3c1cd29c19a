//! The demo and the simulators, as a newcomer starts them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::{
    collections::{HashMap, HashSet},
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
        text.contains("Every record arrived exactly once, unchanged."),
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

/// Figures that count every record of a feed or of all, and how many these are.
const COUNTED: [(&str, usize); 7] = [
    ("overview-by-feed", 3000),
    ("overview-by-verdict", 3000),
    ("overview-funnel", 3000),
    ("url-over-time", 1800),
    ("attachment-over-time", 750),
    ("impersonation-over-time", 450),
    ("health-delivered", 3000),
];

/// Figures that count the rows in which a column of a table has a value.
const COUNTED_BY_COLUMN: [(&str, &str, &str); 6] = [
    ("url-actions", TABLES[0], "action_s"),
    ("url-recipients", TABLES[0], "userEmailAddress_s"),
    ("url-hosts", TABLES[0], "url_s"),
    ("attachment-results", TABLES[1], "result_s"),
    ("attachment-types", TABLES[1], "fileType_s"),
    ("impersonation-recipients", TABLES[2], "recipientAddress_s"),
];

/// Figures with their titles, and something that they show.
const SHOWN: [(&str, &str, &str); 10] = [
    (
        "overview-tiles",
        "At a glance, against the day before",
        "Users reached",
    ),
    (
        "overview-campaigns",
        "Campaigns: one URL host, file or subject, several users",
        "URL host: ",
    ),
    (
        "overview-most-targeted",
        "Protected users most targeted",
        "@fabrikam.example",
    ),
    (
        "url-theft-brands",
        "Credential theft: brands",
        "Woodgrove Bank",
    ),
    (
        "url-admin-overrides",
        "Links: overrides by administrators",
        "allow",
    ),
    ("url-user-overrides", "Links: overrides by users", "allow"),
    ("attachment-hashes", "Attachments by SHA-256", "Payslip"),
    (
        "impersonation-identifiers",
        "Identifiers: what gave impersonations away",
        "internal_user_name",
    ),
    (
        "impersonation-domains",
        "Look-alike domains",
        "fabrlkam.example",
    ),
    (
        "health-lag",
        "Lag over time (seconds, worst of each slot)",
        "UTC: url 1",
    ),
];

#[test]
fn the_report_draws_the_delivered_rows_and_is_self_contained() {
    // Most of its time a demo waits.
    std::thread::scope(|scope| {
        for sink in ["data-collector", "logs-ingestion"] {
            scope.spawn(move || report_draws_the_rows_of(sink));
        }
    });
}

fn report_draws_the_rows_of(sink: &str) {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("report.html");
    let file = file.to_str().unwrap();
    let output = demo(out.path(), &["--sink", sink, "--report", file]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let page = std::fs::read_to_string(file).unwrap();
    is_well_formed(&page);
    for reference in ["<script", "<link", "<img", " src=", "url(", "@import"] {
        assert!(!page.contains(reference), "{reference}");
    }
    let mut links = page.split(" href=\"").skip(1);
    assert!(links.all(|rest| rest.starts_with('#')));

    for (id, count) in COUNTED {
        assert_eq!(sum(figure(&page, id)), count, "{sink}, {id}");
    }
    let runs = rows(out.path(), "MimecastTTPHealth_CL").len();
    assert_eq!(sum(figure(&page, "health-totals")), runs, "{sink}");
    for (id, table, column) in COUNTED_BY_COLUMN {
        let rows = rows(out.path(), table);
        let with = rows
            .iter()
            .filter(|row| row[column].as_str().is_some_and(|text| !text.is_empty()));
        assert_eq!(sum(figure(&page, id)), with.count(), "{sink}, {id}");
    }
    for (id, title, shown) in SHOWN {
        let figure = figure(&page, id);
        assert!(figure.contains(&format!("<h3>{title}</h3>")), "{id}");
        assert!(figure.contains(shown), "{sink}, {id}: {shown}");
    }
    names_its_figures_as_the_workbooks_do(&page);
}

/// Up to what titles say of their filters and their week.
fn names_its_figures_as_the_workbooks_do(page: &str) {
    let workbooks = [
        include_str!("../sentinel/Workbooks/investigation.json"),
        include_str!("../sentinel/Workbooks/operations.json"),
    ];
    let workbooks = workbooks.map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
    let titles = titles(&workbooks.into());
    let figures: Vec<_> = page.split("<figure id=\"").skip(1).collect();
    assert!(figures.len() > 25, "{}", figures.len());
    for figure in figures {
        let id = figure.split('"').next().unwrap();
        let (_, title) = figure.split_once("<h3>").unwrap();
        let title = title.split("</h3>").next().unwrap();
        let title = title.split(", against").next().unwrap();
        assert!(titles[id].starts_with(title), "{id}: {title}");
    }
}

/// The titles of the workbooks' items by their names.
fn titles(items: &serde_json::Value) -> HashMap<String, String> {
    let mut found = HashMap::new();
    match items {
        serde_json::Value::Object(item) => {
            if let (Some(name), Some(title)) = (item.get("name"), items.pointer("/content/title")) {
                let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
                found.insert(text(name), text(title));
            }
            found.extend(item.values().flat_map(titles));
        }
        serde_json::Value::Array(items) => found.extend(items.iter().flat_map(titles)),
        _ => {}
    }
    found
}

/// The part of the page that is this figure.
fn figure<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<figure id=\"{id}\">")).unwrap();
    rest.split("</figure>").next().unwrap()
}

/// What the numbers of a figure add up to.
fn sum(figure: &str) -> usize {
    let numbers = figure.split("<data class=\"sum\" value=\"").skip(1);
    numbers
        .map(|rest| rest.split('"').next().unwrap().parse::<usize>().unwrap())
        .sum()
}

/// Every tag is closed in its order, and none names an address elsewhere.
fn is_well_formed(page: &str) {
    let (_, mut rest) = page.split_once("<!doctype html>").unwrap();
    let mut open = Vec::new();
    while let Some((text, tag)) = rest.split_once('<') {
        assert!(
            !text.contains('>') || open.last() == Some(&"style"),
            "{text}"
        );
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        assert!(!tag.replace("http-equiv", "").contains("http"), "{tag}");
        let name = tag.split_whitespace().next().unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn an_unwritable_report_fails_before_the_demo_starts() {
    let output = command(&[])
        .args(["demo", "--report", "/proc/none/report.html"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("The report cannot be written into /proc/none/report.html")
            && text.contains("--report"),
        "{text}"
    );
}

#[test]
fn a_small_demo_succeeds_and_replaces_the_previous_files() {
    let out = tempfile::tempdir().unwrap();
    for _ in 0..2 {
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
        let counts = TABLES.map(|table| rows(out.path(), table).len());
        assert_eq!(counts, [7, 2, 1]);
    }
}

#[test]
fn an_unwritable_output_folder_is_named() {
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
fn a_duplicate_row_fails_the_demo_and_shares_its_fingerprint() {
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
fn simulate_prints_settings_that_reach_the_simulators() {
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

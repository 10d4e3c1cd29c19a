//! The rules find in the simulator's mail what its plots are about, and nothing once the bad is taken out.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use xtask::content::Severity;

use crate::{
    content,
    execution::demo,
    runs::{self, Reading, rule},
    stories,
    support::kusto::Kusto,
    workspace::{Generation, HEALTH, Stored, Workspace},
};

/// A rule, and what the row of an alert says when it is the plot's.
const TOLD: [(&str, &str); 19] = [
    (
        "campaign-many-senders",
        "Your parcel could not be delivered",
    ),
    ("campaign-many-senders", "Your corrected payslip"),
    (
        "malicious-url-reached",
        "Your parcel could not be delivered",
    ),
    (
        "malicious-url-stopped",
        "Your parcel could not be delivered",
    ),
    ("malicious-url-reached", "plan-review.example"),
    ("malicious-attachment-delivered", "Your corrected payslip"),
    ("malicious-attachment-stopped", "Your corrected payslip"),
    ("sender-hits-many-users", "Scan from the office printer"),
    (
        "internal-mailbox-sends-malicious",
        "Scan from the office printer",
    ),
    ("sender-hits-many-users", "Are you at your desk?"),
    ("impersonation-stopped", "Are you at your desk?"),
    ("impersonation-delivered", "Are you at your desk?"),
    ("impersonation-then-action", "was sent a file"),
    ("impersonation-then-action", "clicked a link"),
    ("burst-against-user", "Your mailbox closes tonight"),
    (
        "burst-against-user",
        "Statement of account, second reminder",
    ),
    ("burst-against-user", "A small thing before five"),
    ("repeat-clicker", ".sites.example"),
    ("credential-theft-page-reached", "fabrikam-login.example"),
];

/// The working day that is looked at: the demo's second, which has the hour without mail.
pub fn day() -> DateTime<Utc> {
    "2026-03-03T00:00:00Z".parse().unwrap()
}

fn cell<'a>(row: &'a Stored, column: &str) -> &'a str {
    let value = row.deployed.get(column).and_then(Value::as_str);
    value.unwrap_or_default()
}

/// What the simulator told of that day, as it was delivered.
pub fn mail() -> Vec<Stored> {
    let until = day() + TimeDelta::days(1);
    let of_the_day = demo("logs-ingestion").iter().filter(|row| {
        let at = cell(row, "TimeGenerated").parse::<DateTime<Utc>>();
        row.table != HEALTH && (day()..until).contains(&at.unwrap())
    });
    of_the_day.cloned().collect()
}

/// Neither malicious, nor without a verdict, nor written by somebody else than it seems.
fn is_clean(row: &Stored) -> bool {
    match row.table.as_str() {
        "MimecastTTPUrl_CL" => cell(row, "scanResult_s").eq_ignore_ascii_case("clean"),
        "MimecastTTPAttachment_CL" => cell(row, "result_s").eq_ignore_ascii_case("safe"),
        _ => false,
    }
}

pub fn open(rows: &[Stored]) -> Kusto {
    let mut rows = rows.to_vec();
    rows.extend(stories::passes(day() + TimeDelta::hours(5), 16));
    Workspace::new(Generation::Deployed, &rows).open()
}

/// The rows of a rule's alerts from seven in the morning until eight in the evening.
fn alerts(kusto: &mut Kusto, key: &str) -> Vec<Value> {
    let from = day() + TimeDelta::hours(7);
    runs::of(kusto, &rule(key), from, 13, Reading::Run).concat()
}

#[test]
fn each_rule_about_events_finds_its_plot_among_a_days_mail() {
    let mut kusto = open(&mail());
    let keys: BTreeSet<_> = TOLD.map(|(key, _)| key).into();
    for key in keys {
        let rows = alerts(&mut kusto, key);
        for (_, words) in TOLD.iter().filter(|told| told.0 == key) {
            let found = rows.iter().any(|row| row.to_string().contains(words));
            assert!(found, "{key}: {words}: {rows:#?}");
        }
    }
}

#[test]
fn no_rule_about_events_is_left_out() {
    let told: Vec<_> = stories::all().iter().map(|story| story.rule).collect();
    let of_here = TOLD.map(|(key, _)| key);
    let left: Vec<_> = told
        .into_iter()
        .filter(|key| !of_here.contains(key))
        .collect();
    assert_eq!(
        left,
        [
            "click-after-block",
            "attachment-scan-inconclusive",
            "url-scan-inconclusive"
        ],
        "whose stories are told elsewhere"
    );
}

#[test]
fn scans_that_gave_up_are_told_at_the_lowest_severity() {
    let rule = rule("attachment-scan-inconclusive");
    let rows = alerts(&mut open(&mail()), &rule.key);
    assert!(!rows.is_empty());
    for row in rows {
        assert!(
            ["timeout", "error", "unknown", "none"].contains(&row["Result"].as_str().unwrap()),
            "{row}"
        );
    }
    assert_eq!(rule.severity, Severity::Low);
}

#[test]
fn no_rule_finds_anything_in_what_is_clean_of_that_day() {
    let clean: Vec<_> = mail().into_iter().filter(is_clean).collect();
    assert!(clean.len() > 300, "{}", clean.len());
    let mut kusto = open(&clean);
    for rule in content::read().rules {
        let rows = alerts(&mut kusto, &rule.key);
        assert_eq!(rows, Vec::<Value>::new(), "{}", rule.key);
    }
}

#[test]
fn an_hour_without_mail_is_not_taken_for_a_dead_connector() {
    let mail = mail();
    let noon = (day() + TimeDelta::hours(12))..(day() + TimeDelta::hours(13));
    let at_noon = |row: &&Stored| {
        noon.contains(&cell(row, "TimeGenerated").parse::<DateTime<Utc>>().unwrap())
    };
    assert_eq!(mail.iter().filter(at_noon).count(), 0);
    let rows = alerts(&mut open(&mail), "connector-silent");
    assert_eq!(rows, Vec::<Value>::new());
}

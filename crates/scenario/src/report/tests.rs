//! What the page promises about the rows it is drawn from.

use serde_json::{Value, json};

use super::{
    about::About,
    event::{self, Outcome},
    html, page,
    tally::Tally,
};
use simulators::{
    log::Log,
    log_analytics::{Columns, StoredRow},
};

/// Lets a row be stored, by columns as the Data Collector API makes them, and `look` at it.
fn stored<T>(row: &Value, look: impl FnOnce(&StoredRow<'_>) -> T) -> T {
    let raw = row.to_string();
    look(&StoredRow {
        raw: &raw,
        time_generated: "2026-03-02T09:00:00Z".parse().unwrap(),
        resource_id: None,
        columns: Some(Columns::default().apply(&raw).unwrap()),
    })
}

fn tally(rows: &[(&str, Value)]) -> Tally {
    let mut tally = Tally::default();
    for (table, row) in rows {
        stored(row, |row| tally.row(table, row));
    }
    tally
}

fn page(rows: &[(&str, Value)]) -> String {
    let about = About {
        records: rows.len(),
        seed: 1,
        now: "2026-03-02T10:00:00Z".parse().unwrap(),
    };
    page::render(&tally(rows), &about)
}

fn outcome(log: Log, row: &Value) -> Outcome {
    stored(row, |row| event::event(log, row).unwrap().outcome)
}

#[test]
fn what_a_row_holds_is_text_on_the_page() {
    let evil = "<script>alert('&1')</script>";
    let rows = [
        (
            Log::Url.table(),
            json!({"userEmailAddress": evil, "fromUserEmailAddress": evil, "url": format!("https://{evil}"), "subject": evil,
                "action": evil, "adminOverride": evil, "userOverride": evil, "userAwarenessAction": evil, "scanResult": evil,
                "category": evil, "tagMap": {"AdvancedPhishing": {"CredentialTheftBrands": [evil]}}}),
        ),
        (
            Log::Attachment.table(),
            json!({"senderAddress": evil, "recipientAddress": evil, "fileName": evil, "fileType": evil, "result": evil,
                "actionTriggered": evil, "fileHash": "0a".repeat(32), "subject": evil}),
        ),
        (
            Log::Impersonation.table(),
            json!({"senderAddress": format!("a@{evil}"), "recipientAddress": evil, "action": evil, "identifiers": [evil],
                "impersonationResults": [{"similarDomain": evil}], "subject": evil}),
        ),
        (
            super::pass::TABLE,
            json!({"feed": "url", "outcome": evil, "version": evil, "message": evil}),
        ),
    ];
    // A second user, so that there are campaigns.
    let others = rows.clone().map(|(table, mut row)| {
        row["userEmailAddress"] = json!("b@b.example");
        row["recipientAddress"] = json!("b@b.example");
        (table, row)
    });
    let page = page(&[rows, others].concat());
    assert!(!page.contains("<script") && !page.contains("alert('"));
    let shown = page.matches(&html::escape(evil)).count();
    assert!(shown > 15, "{shown}");
}

#[test]
fn a_malicious_click_got_through_where_the_parser_says_so() {
    let ended = |changes: Value| {
        let mut row = json!({"scanResult": "malicious", "action": "block", "adminOverride": "N/A",
            "userOverride": "None", "userAwarenessAction": "N/A"});
        for (name, value) in changes.as_object().unwrap() {
            row[name] = value.clone();
        }
        outcome(Log::Url, &row)
    };
    for (changes, expected) in [
        (json!({}), Outcome::Stopped),
        (json!({"action": "Allow"}), Outcome::Through),
        (json!({"action": "warn"}), Outcome::Stopped),
        (
            json!({"action": "warn", "userAwarenessAction": "Continue"}),
            Outcome::Through,
        ),
        (json!({"userOverride": "Allow"}), Outcome::Through),
        (json!({"adminOverride": "Allow"}), Outcome::Through),
        (
            json!({"action": "allow", "adminOverride": "Block"}),
            Outcome::Stopped,
        ),
        (
            json!({"scanResult": "clean", "action": "allow"}),
            Outcome::Clean,
        ),
        (json!({"scanResult": null}), Outcome::Inconclusive),
    ] {
        assert_eq!(ended(changes.clone()), expected, "{changes}");
    }
}

#[test]
fn a_file_reached_its_recipient_where_nothing_says_that_it_was_stopped() {
    for (result, action, expected) in [
        ("malicious", "hold, none", Outcome::Stopped),
        ("unsafe", "none, none", Outcome::Through),
        ("malicious", "user release, none", Outcome::Through),
        ("timeout", "none, none", Outcome::Inconclusive),
        ("a new word", "none", Outcome::Inconclusive),
        ("safe", "none", Outcome::Clean),
    ] {
        let row = json!({"result": result, "actionTriggered": action});
        assert_eq!(
            outcome(Log::Attachment, &row),
            expected,
            "{result}, {action}"
        );
    }
    for (tagged, action, expected) in [
        (true, "none", Outcome::Through),
        (true, "hold", Outcome::Stopped),
        (false, "none", Outcome::Suspicious),
    ] {
        let row = json!({"taggedMalicious": tagged, "action": action});
        assert_eq!(outcome(Log::Impersonation, &row), expected);
    }
}

#[test]
fn a_copy_of_a_row_is_left_out_and_counted() {
    let row = |print: &str| {
        let row = json!({"scanResult": "clean", "mimecastFingerprint": format!("ttp1-{}", print.repeat(32))});
        (Log::Url.table(), row)
    };
    let rows = [row("a"), row("b"), row("a")];
    let counted = tally(&rows);
    let events = counted
        .hours
        .values()
        .map(|hour| hour.count(&Log::ALL, &Outcome::ALL));
    assert_eq!((events.sum::<u32>(), counted.copies), (2, 1));
    assert!(page(&rows).contains(" Copies of rows left out: 1."));
}

#[test]
fn a_host_is_found_in_any_link() {
    for (url, host) in [
        ("https://Links.Example/a?b#c", "links.example"),
        ("ftp.example/list.zip", "ftp.example"),
        ("http://me@a.example:8080/@x", "a.example"),
        ("https://[2001:db8::1]:443/", "[2001:db8::1]"),
        ("https://a.example?next=http://b.example", "a.example"),
        ("", ""),
    ] {
        assert_eq!(event::host(url), host, "{url}");
    }
}

#[test]
fn panels_without_rows_say_so() {
    let page = page(&[]);
    let panels = page.matches("<figure").count();
    let empty = page.matches("<p class=\"empty\">").count();
    // Tiles, the funnel and the state of the feeds show zeros.
    assert_eq!(empty, panels - 3);
}

//! The parsers: each record once, with the verdict that it deserves.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{
    stories::{self, Event, click, file, impersonation},
    support::kusto::Seen,
    workspace::{Generation, Stored, Workspace},
};

fn start() -> DateTime<Utc> {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

/// The row of an event that came ten minutes after it happened.
fn row(event: &Event) -> Stored {
    stories::ingested(
        event,
        start(),
        event.happened(start()) + TimeDelta::minutes(10),
    )
}

/// What each query gives of the rows; the same in both generations of tables.
fn ask(rows: &[Stored], queries: &[String]) -> Vec<Vec<Value>> {
    let [deployed, classic] = Generation::ALL.map(|generation| {
        let mut kusto = Workspace::new(generation, rows).open();
        let answers = queries.iter().map(|query| {
            let answer = kusto
                .run(query, &["2026-11-25T00:00:00Z".to_owned()], &Seen::All)
                .unwrap();
            answer.results.into_iter().next().unwrap()
        });
        answers.collect::<Vec<_>>()
    });
    assert_eq!(deployed, classic, "{queries:?}");
    deployed
}

fn ask_one(rows: &[Stored], query: &str) -> Vec<Value> {
    ask(rows, &[query.to_owned()]).remove(0)
}

/// One column of what the events become, in their order.
fn column(events: &[Event], query: &str) -> Vec<Value> {
    let rows: Vec<_> = events.iter().map(row).collect();
    let asked = ask_one(
        &rows,
        &format!("{query} | order by EventTime asc | project Value"),
    );
    asked.into_iter().map(|row| row["Value"].clone()).collect()
}

#[test]
fn of_a_record_and_its_copies_the_one_that_came_first_remains() {
    let event = click(0, &json!({}));
    let at = |minutes| stories::ingested(&event, start(), start() + TimeDelta::minutes(minutes));
    for order in [[3, 9, 30], [30, 9, 3], [9, 3, 30]] {
        let found = ask_one(&order.map(at), "MimecastTtpUrlEvents | project IngestedAt");
        assert_eq!(found, [json!({"IngestedAt": "2026-11-24T08:03:00.000Z"})]);
    }
}

#[test]
fn rows_of_the_older_connector_are_told_apart_without_a_fingerprint() {
    let plain = |event: &Event| {
        let mut row = row(event);
        row.deployed.remove("mimecastFingerprint_s");
        row.classic.remove("mimecastFingerprint_s");
        row
    };
    let again = json!({"url": "https://www.partner.example/other"});
    let clicks = [
        click(0, &json!({})),
        click(0, &json!({})),
        click(0, &again),
        click(1, &json!({})),
    ];
    let files = [
        file(0, &json!({})),
        file(0, &json!({})),
        file(0, &json!({"fileName": "Annex.pdf"})),
        file(0, &json!({"recipientAddress": "grace@fabrikam.example"})),
    ];
    let mails = [
        impersonation(0, &json!({})),
        impersonation(0, &json!({})),
        impersonation(0, &json!({"id": "MTOKEN:other"})),
        impersonation(1, &json!({})),
    ];
    for (events, parser) in [
        (clicks, "MimecastTtpUrlEvents"),
        (files, "MimecastTtpAttachmentEvents"),
        (mails, "MimecastTtpImpersonationEvents"),
    ] {
        let rows = events.each_ref().map(plain);
        assert_eq!(
            ask_one(&rows, &format!("{parser} | count")),
            [json!({"Count": 3})],
            "{parser}"
        );
    }
}

#[test]
fn a_malicious_click_got_through_if_nothing_stopped_it() {
    let tries = [
        (json!({"scanResult": "malicious", "action": "allow"}), true),
        (json!({"scanResult": "Malicious", "action": "Allow"}), true),
        (json!({"scanResult": "malicious", "action": "block"}), false),
        (
            json!({"scanResult": "malicious", "action": "block", "userOverride": "Allow"}),
            true,
        ),
        (
            json!({"scanResult": "malicious", "action": "block", "adminOverride": "Allow"}),
            true,
        ),
        (
            json!({"scanResult": "malicious", "action": "block", "adminOverride": "N/A", "userOverride": "None"}),
            false,
        ),
        (
            json!({"scanResult": "malicious", "action": "warn", "userAwarenessAction": "Continue"}),
            true,
        ),
        (
            json!({"scanResult": "malicious", "action": "warn", "userAwarenessAction": "N/A"}),
            false,
        ),
        (json!({"scanResult": "clean", "action": "allow"}), false),
        (json!({"scanResult": "error", "action": "allow"}), false),
        // An action that is not known, or not given, stopped nobody.
        (json!({"scanResult": "malicious", "action": "permit"}), true),
        (
            json!({"scanResult": "malicious", "action": "monitor"}),
            true,
        ),
        (json!({"scanResult": "malicious", "action": ""}), true),
        (
            json!({"scanResult": "malicious", "action": "not blocked"}),
            true,
        ),
        (
            json!({"scanResult": "malicious", "action": "Blocked"}),
            false,
        ),
        (
            json!({"scanResult": "malicious", "action": "denied"}),
            false,
        ),
        (
            json!({"scanResult": "malicious", "action": "allow", "adminOverride": "Block"}),
            false,
        ),
    ];
    let clicks: Vec<_> = tries
        .iter()
        .zip(0..)
        .map(|((changes, _), minute)| click(minute, changes))
        .collect();
    let found = column(&clicks, "MimecastTtpUrlEvents | extend Value = Reached");
    for ((changes, reached), found) in tries.iter().zip(found) {
        assert_eq!(found, json!(reached), "{changes}");
    }
}

#[test]
fn a_scan_that_says_nothing_is_inconclusive_and_a_file_nobody_stopped_is_delivered() {
    let tries = [
        ("safe", "none", "clean", true),
        ("SAFE", "none, none", "clean", true),
        ("unsafe", "hold, none", "malicious", false),
        ("malicious", "user release, none", "malicious", true),
        ("Malicious", "Block", "malicious", false),
        ("timeout", "none, none", "inconclusive", true),
        ("error", "", "inconclusive", true),
        ("", "none", "inconclusive", true),
        ("malicious", "Bounced", "malicious", false),
        ("malicious", "Rejected", "malicious", false),
        ("malicious", "Deleted, none", "malicious", false),
        ("malicious", "Quarantined", "malicious", false),
        ("malicious", "blocked", "malicious", false),
        ("malicious", "removed", "malicious", false),
        ("malicious", "stripped", "malicious", false),
        ("malicious", "dropped", "malicious", false),
        ("malicious", "safe_file", "malicious", false),
        ("malicious", "not released", "malicious", false),
        ("malicious", "not yet released", "malicious", false),
        ("malicious", "unreleased", "malicious", false),
        ("malicious", "hold, admin release", "malicious", true),
        ("malicious", "not blocked", "malicious", true),
        ("malicious", "household", "malicious", true),
    ];
    let files = tries.iter().zip(0..).map(|((result, action, ..), minute)| {
        file(
            minute,
            &json!({"result": result, "actionTriggered": action}),
        )
    });
    let found = column(
        &files.collect::<Vec<_>>(),
        "MimecastTtpAttachmentEvents | extend Value = bag_pack('verdict', Verdict, 'delivered', Delivered)",
    );
    for ((result, action, verdict, delivered), found) in tries.iter().zip(found) {
        assert_eq!(
            found,
            json!({"verdict": verdict, "delivered": delivered}),
            "{result} {action}"
        );
    }
}

#[test]
fn what_is_no_address_and_no_hash_is_left_empty() {
    let ips = [
        json!({"sendingIp": "Internal IP"}),
        json!({"sendingIp": "192.0.2.7"}),
        json!({"sendingIp": "2001:db8::1"}),
    ];
    let clicks: Vec<_> = ips
        .iter()
        .zip(0..)
        .map(|(changes, minute)| click(minute, changes))
        .collect();
    let found = column(&clicks, "MimecastTtpUrlEvents | extend Value = SendingIp");
    assert_eq!(found, ["", "192.0.2.7", "2001:db8::1"]);
    let hashes = [
        json!({"fileHash": ""}),
        json!({"fileHash": "ab".repeat(20)}),
        json!({"fileHash": "AB".repeat(32)}),
    ];
    let files: Vec<_> = hashes
        .iter()
        .zip(0..)
        .map(|(changes, minute)| file(minute, changes))
        .collect();
    let found = column(
        &files,
        "MimecastTtpAttachmentEvents | extend Value = FileHash",
    );
    assert_eq!(found, [String::new(), String::new(), "ab".repeat(32)]);
}

#[test]
fn a_host_is_found_as_browsers_find_it() {
    let urls = [
        "https://User@Bad.Example:8443/a?b",
        "bad.example/a",
        "http://192.0.2.1/a",
        "",
        "https:/bad.example/a",
        "//bad.example/a",
        "https://u:p@ss@bad.example/a",
        r"https:\\bad.example\a",
        "https:bad.example",
        "https://bad.example./a",
        "bad.example:8443/a@b",
        "https://[2001:db8::1]:8443/a",
    ];
    let clicks: Vec<_> = urls
        .iter()
        .zip(0..)
        .map(|(url, minute)| click(minute, &json!({"url": url})))
        .collect();
    let found = column(&clicks, "MimecastTtpUrlEvents | extend Value = UrlHost");
    let bad = "bad.example";
    let expected = [
        bad,
        bad,
        "192.0.2.1",
        "",
        bad,
        bad,
        bad,
        bad,
        bad,
        bad,
        bad,
        "[2001:db8::1]",
    ];
    assert_eq!(found, expected);
}

#[test]
fn signs_of_password_theft_are_found_wherever_they_are_written() {
    let theft = json!({"CredentialTheftBrands": ["Contoso", "Fabrikam"], "CredentialTheftTags": ["Login form"]});
    let places = [
        json!({"advancedPhishingResult": theft}),
        json!({"tagMap": {"AdvancedPhishing": theft}}),
        json!({}),
    ];
    let clicks: Vec<_> = places
        .iter()
        .zip(0..)
        .map(|(changes, minute)| click(minute, changes))
        .collect();
    let found = column(
        &clicks,
        "MimecastTtpUrlEvents | extend Value = strcat(CredentialTheftBrands, '; ', CredentialTheftTags)",
    );
    assert_eq!(
        found,
        [
            "Contoso, Fabrikam; Login form",
            "Contoso, Fabrikam; Login form",
            "; "
        ]
    );
}

#[test]
fn a_subject_that_looks_like_a_guid_is_not_lost() {
    let guid = "00000000-0000-4000-8000-000000000000";
    let found = column(
        &[click(0, &json!({"subject": guid}))],
        "MimecastTtpUrlEvents | extend Value = Subject",
    );
    assert_eq!(found, [guid]);
}

#[test]
fn what_became_of_a_message_is_said_in_words_of_the_schema() {
    let actions = [
        ("Bounced", "Blocked"),
        ("Rejected", "Blocked"),
        ("Deleted", "Deleted"),
        ("Quarantined", "Quarantined"),
        ("held", "Quarantined"),
        ("not released", "Quarantined"),
        ("user release", "Delivered"),
        ("stripped", "Modified"),
        ("none", "Delivered"),
    ];
    let files = actions.iter().zip(0..).map(|((action, _), minute)| {
        file(
            minute,
            &json!({"result": "malicious", "actionTriggered": action}),
        )
    });
    let rows: Vec<_> = files.map(|event| row(&event)).collect();
    let query =
        "ASimEmailEventMimecastTTPAttachment | order by TimeGenerated asc | project DvcAction";
    let found = ask_one(&rows, query);
    for ((action, expected), found) in actions.iter().zip(found) {
        assert_eq!(found["DvcAction"], *expected, "{action}");
    }
}

#[test]
fn asim_events_can_be_filtered() {
    let rows = [
        row(&click(
            0,
            &json!({"scanResult": "malicious", "action": "block"}),
        )),
        row(&file(1, &json!({}))),
        row(&impersonation(2, &json!({}))),
    ];
    // How many of the link, the file and the impersonation remain.
    let filters = [
        ("", [1, 1, 1]),
        ("disabled=true", [0, 0, 0]),
        ("starttime=datetime(2026-11-24 08:01)", [0, 1, 1]),
        ("endtime=datetime(2026-11-24 08:00:30)", [1, 0, 0]),
        (
            "emailfromaddress_has_any=dynamic(['supplier.example'])",
            [0, 0, 1],
        ),
        ("emailrecipient_has_any=dynamic(['ada'])", [1, 1, 1]),
        ("emailsubject_has_any=dynamic(['invoice'])", [0, 1, 0]),
        ("ipaddr_has_any_prefix=dynamic(['192.0.2.20'])", [0, 0, 1]),
        ("eventresult='Failure'", [1, 0, 0]),
    ];
    let kinds = ["Url", "Attachment", "Impersonation"];
    let mut queries: Vec<_> = kinds
        .iter()
        .map(|kind| format!("ASimEmailEventMimecastTTP{kind} | where EventType == 'EmailInspection' and EventSchema == 'EmailEvent' | count"))
        .collect();
    queries.extend(filters.iter().flat_map(|(filter, _)| {
        kinds.map(|kind| format!("vimEmailEventMimecastTTP{kind}({filter}) | count"))
    }));
    let counts = ask(&rows, &queries);
    let counts: Vec<_> = counts.iter().map(|rows| rows[0]["Count"].clone()).collect();
    assert_eq!(counts[..3], [json!(1), json!(1), json!(1)]);
    for ((filter, expected), found) in filters.iter().zip(counts[3..].chunks(3)) {
        assert_eq!(json!(found), json!(expected), "{filter}");
    }
}

//! The tables of Mimecast's other solutions for Sentinel, read by the same functions: whoever moves keeps history, rules and workbooks.
//!
//! Their columns are those of the Sentinel repository: `Solutions/Mimecast` until version 3.1.0 (type suffixes) and since (none), and
//! `Solutions/MimecastEvents-CCF` (each record as JSON).

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use simulators::log::Log;

use crate::{
    runs::{self, Reading, rule},
    stories::{self, Event, click, file, impersonation, start},
    support::kusto::Seen,
    workspace::{self, Generation, Stored, Workspace},
};

/// A solution that fills tables of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    /// `Ttp_Url_CL` and its siblings, as the Data Collector API names columns.
    Suffixed,
    /// The same tables, filled by the Logs Ingestion API.
    Plain,
    /// `MimecastEvents_CL`.
    Events,
}

const PEERS: [Peer; 3] = [Peer::Suffixed, Peer::Plain, Peer::Events];

fn table(log: Log) -> &'static str {
    match log {
        Log::Url => "Ttp_Url_CL",
        Log::Attachment => "Ttp_Attachment_CL",
        Log::Impersonation => "Ttp_Impersonation_CL",
    }
}

/// The row that a peer makes of a record; it comes ten minutes after the event.
fn row(peer: Peer, event: &Event) -> Stored {
    let happened = event.happened(start());
    let came = happened + TimeDelta::minutes(10);
    let mut record = event.record().clone();
    record[event.log().time_member()] =
        json!(happened.format("%Y-%m-%dT%H:%M:%S+0000").to_string());
    let mut cells = Map::new();
    let name = match peer {
        Peer::Suffixed => {
            cells =
                workspace::delivered(event.log(), event.record().clone(), happened, came).classic;
            cells.remove("mimecastFingerprint_s");
            table(event.log())
        }
        Peer::Plain => {
            for (member, value) in record.as_object().unwrap() {
                let column = match member.as_str() {
                    "date" => "Date",
                    "category" => "Category",
                    other => other,
                };
                let is_text = member == "impersonationResults";
                let value = if is_text {
                    json!(value.to_string())
                } else {
                    value.clone()
                };
                cells.insert(column.to_owned(), value);
            }
            table(event.log())
        }
        Peer::Events => {
            cells.insert(
                "mimecastEventType".into(),
                json!(format!("ttp_{}", event.log().name())),
            );
            cells.insert("mimecast_body".into(), json!(record.to_string()));
            "MimecastEvents_CL"
        }
    };
    // Filled by the Logs Ingestion API, these tables show when a row came.
    let generated = if peer == Peer::Plain { came } else { happened };
    cells.insert("TimeGenerated".into(), json!(workspace::text(generated)));
    cells.insert("_ingested".into(), json!(workspace::text(came)));
    Stored::alike(name, cells)
}

/// The rows of all events, as a peer delivers them.
fn theirs(peer: Peer) -> Vec<Stored> {
    events().iter().map(|event| row(peer, event)).collect()
}

/// The same, as we deliver them so many minutes later.
fn ours(minutes: i64) -> Vec<Stored> {
    stories::ingested_after(&events(), TimeDelta::minutes(minutes))
}

fn events() -> Vec<Event> {
    vec![
        click(
            0,
            &json!({"scanResult": "malicious", "action": "warn", "userAwarenessAction": "Continue"}),
        ),
        click(3, &json!({})),
        file(
            1,
            &json!({"result": "malicious", "actionTriggered": "hold, none"}),
        ),
        impersonation(2, &json!({"taggedMalicious": true, "hits": 3})),
    ]
}

fn ask(rows: &[Stored], query: &str) -> Vec<Value> {
    let mut kusto = Workspace::new(Generation::Deployed, rows).open();
    let answer = kusto.run(query, &["2026-11-25T00:00:00Z".to_owned()], &Seen::All);
    answer.unwrap().results.remove(0)
}

/// All that the functions give, but for what only our rows have.
const ALL: &str = "\
union (MimecastTtpUrlEvents | extend What = 'url'), (MimecastTtpAttachmentEvents | extend What = 'file'), (MimecastTtpImpersonationEvents | extend What = 'impersonation')
| project-away Fingerprint, TagMap, IngestedAt, TimeGenerated, EmailParts, Actions
| order by EventTime asc";

#[test]
fn the_rows_of_every_peer_are_read_as_ours_are() {
    let expected = ask(&ours(3), ALL);
    assert_eq!(expected.len(), 4);
    for peer in PEERS {
        let rows = theirs(peer);
        assert_eq!(ask(&rows, ALL), expected, "{peer:?}");
    }
}

#[test]
fn an_event_that_two_solutions_delivered_is_one() {
    for peer in PEERS {
        let mut rows = theirs(peer);
        rows.extend(ours(25));
        assert_eq!(ask(&rows, ALL).len(), 4, "{peer:?}");
    }
}

#[test]
fn the_rules_alert_on_the_rows_of_every_peer_once_though_ours_come_later() {
    for peer in PEERS {
        let mut rows = theirs(peer);
        rows.extend(ours(45));
        let mut kusto = Workspace::new(Generation::Deployed, &rows).open();
        for key in [
            "malicious-url-reached",
            "malicious-attachment-stopped",
            "impersonation-delivered",
        ] {
            let found = runs::of(&mut kusto, &rule(key), start(), 3, Reading::Run).concat();
            assert_eq!(found.len(), 1, "{peer:?}: {key}");
        }
    }
}

/// The gateway's own events of the push solution have other names.
#[test]
fn a_file_event_of_the_gateway_is_read_too() {
    let body = json!({
        "senderEnvelope": "billing@evil.example", "recipients": "ada@fabrikam.example", "fileName": "Invoice.docm", "sha256": "e5".repeat(32),
        "scanResults": "malicious", "action": "Held", "messageId": "<1@evil.example>", "date": "2026-11-24T08:00:00Z",
    });
    let cells = json!({
        "TimeGenerated": "2026-11-24T08:00:00.000Z", "_ingested": "2026-11-24T08:05:00.000Z", "mimecastEventType": "email_ttp_ap", "mimecast_body": body.to_string(),
    });
    let Value::Object(cells) = cells else {
        unreachable!()
    };
    let found = ask(
        &[Stored::alike("MimecastEvents_CL", cells)],
        "MimecastTtpAttachmentEvents | project Sender, Recipient, FileHash, Verdict, Disposition",
    );
    let expected = json!({
        "Sender": "billing@evil.example", "Recipient": "ada@fabrikam.example", "FileHash": "e5".repeat(32), "Verdict": "malicious", "Disposition": "held",
    });
    assert_eq!(found, [expected]);
}

/// What the rules of the solution Mimecast ask of its functions.
#[test]
fn the_rules_of_the_solution_mimecast_run_on_functions_of_the_same_names() {
    let rows = ours(3);
    for (query, count) in [
        (
            "MimecastTTPUrl | where ['Scan Result'] == 'malicious' and Action != 'allow' | where ['Event Time'] > datetime(2026-11-24)",
            1,
        ),
        ("MimecastTTPAttachment | where Result != 'safe'", 1),
        (
            "MimecastTTPImpersonation | where ['Tagged Malicious'] == true",
            1,
        ),
    ] {
        assert_eq!(ask(&rows, query).len(), count, "{query}");
    }
}

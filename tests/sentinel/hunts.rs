//! Each hunting query finds what it is for, and nothing where nothing is.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    content,
    stories::{self, Event, click, file, impersonation},
    support::kusto::Seen,
    workspace::{Generation, Stored, Workspace},
};

/// A row of one of Microsoft's tables, with the columns that the queries name.
fn foreign(table: &str, row: Value) -> Stored {
    let Value::Object(mut row) = row else {
        unreachable!()
    };
    row.insert("TimeGenerated".into(), json!("2026-11-24T08:20:00.000Z"));
    Stored::alike(table, row)
}

/// What Microsoft's tables hold of the same people, files and messages.
fn neighbours() -> Vec<Stored> {
    vec![
        foreign(
            "DeviceFileEvents",
            json!({
                "SHA256": "E5".repeat(32), "DeviceName": "laptop-1", "FileName": "Invoice.docm", "FolderPath": "C:\\Users\\ada", "ActionType": "FileCreated",
                "InitiatingProcessAccountUpn": "ada@fabrikam.example",
            }),
        ),
        foreign(
            "SigninLogs",
            json!({
                "UserPrincipalName": "Ada@fabrikam.example", "RiskLevelDuringSignIn": "high", "ResultType": "0", "IPAddress": "192.0.2.99", "Location": "XX",
                "AppDisplayName": "Mail",
            }),
        ),
        foreign(
            "EmailEvents",
            json!({
                "InternetMessageId": "<evil@evil.example>", "NetworkMessageId": "00000000-0000-4000-8000-000000000001",
                "RecipientEmailAddress": "Ada@fabrikam.example", "DeliveryAction": "Delivered", "LatestDeliveryLocation": "Inbox",
            }),
        ),
        foreign(
            "ThreatIntelIndicators",
            json!({
                "ObservableKey": "domain-name:value", "ObservableValue": "bad.example", "Confidence": 90, "IsActive": true,
                "ValidUntil": "2027-01-01T00:00:00Z", "Id": "indicator--1",
            }),
        ),
    ]
}

/// A campaign with all that the queries look for.
pub fn campaign() -> Vec<Event> {
    let evil = json!({"fromUserEmailAddress": "boss@evil.example", "url": "https://bad.example/login?u=1", "messageId": "<evil@evil.example>"});
    let with = |more: Value| {
        let mut all = evil.clone();
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        all
    };
    let mut events = vec![
        click(0, &json!({"url": "https://fresh.example/"})),
        // Allowed as clean, and found malicious later.
        click(0, &evil),
        click(
            10,
            &with(
                json!({"scanResult": "malicious", "action": "allow", "userOverride": "Allow", "tagMap": {"AdvancedPhishing": {"CredentialTheftBrands": ["Contoso"]}}}),
            ),
        ),
        file(
            5,
            &json!({"senderAddress": "boss@evil.example", "fileName": "Invoice.pdf.exe", "fileHash": "e5".repeat(32), "result": "malicious", "actionTriggered": "hold, none"}),
        ),
        file(
            6,
            &json!({"senderAddress": "boss@evil.example", "fileName": "Bill.docm", "fileHash": "e5".repeat(32), "result": "malicious", "actionTriggered": "none"}),
        ),
        file(
            7,
            &json!({"senderAddress": "boss@evil.example", "fileName": "Order.docm", "fileHash": "e5".repeat(32), "result": "timeout"}),
        ),
        impersonation(
            3,
            &json!({
                "senderAddress": "ceo@fabrlkam.example", "identifiers": ["internal_user_name", "similar_internal_domain"], "hits": 3, "action": "none",
                "impersonationResults": [{"impersonationDomainSource": "internal_user_name", "similarDomain": "Grace Hopper", "stringSimilarToDomain": "Grace Hopper", "checkerResult": "hit"},
                    {"impersonationDomainSource": "similar_internal_domain", "similarDomain": "fabrikam.example", "stringSimilarToDomain": "fabrlkam.example", "checkerResult": "hit"}],
            }),
        ),
    ];
    events.extend((0..12).map(|user| {
        click(20 + user, &with(json!({"userEmailAddress": format!("user{user}@fabrikam.example"), "scanResult": "malicious", "action": "block"})))
    }));
    events
}

/// What each query finds.
pub fn run(rows: &[Stored]) -> Vec<(String, Vec<Value>)> {
    // Microsoft's tables are there as a whole, with or without a row.
    let mut had = rows.to_vec();
    had.extend(neighbours());
    let mut workspace = Workspace::without_rows(Generation::Deployed, &had);
    workspace.fill(Generation::Deployed, rows);
    let mut kusto = workspace.open();
    let queries = content::read().hunting.into_iter().map(|one| {
        let answer = kusto.run(&one.query, &["2026-11-25T00:00:00Z".to_owned()], &Seen::All);
        let answer = answer.unwrap_or_else(|why| panic!("{}: {why}", one.key));
        (one.key, answer.results.concat())
    });
    queries.collect()
}

/// The rows of the campaign and of its neighbours.
pub fn rows() -> Vec<Stored> {
    rows_of(&campaign())
}

/// The rows of events, and of the neighbours of the campaign.
pub fn rows_of(events: &[Event]) -> Vec<Stored> {
    let mut rows = neighbours();
    rows.extend(stories::ingested_after(events, TimeDelta::minutes(5)));
    rows
}

#[test]
fn every_hunting_query_finds_its_part_of_a_campaign() {
    let rows = rows();
    let missed: Vec<_> = run(&rows)
        .into_iter()
        .filter(|(_, found)| found.is_empty())
        .collect();
    assert_eq!(missed, []);
}

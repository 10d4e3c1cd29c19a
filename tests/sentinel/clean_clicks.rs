//! What rules and hunting queries lose where clean clicks go elsewhere, and that `docs/table-plan.md` says so.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use simulators::log::Log;

use crate::{
    content, deployment, hunts, runs,
    stories::{self, Event, click},
    support::kusto::{Kusto, Seen},
    workbook::{self, Workbook},
    workspace::{self, Generation, Stored, Workspace},
};

/// The events that are no clean clicks, as the rule of the deployment has it.
fn without_clean_clicks(events: &[Event]) -> Vec<Event> {
    let clicks = events.iter().filter(|event| event.log() == Log::Url);
    let clicks: Vec<_> = clicks.map(Event::record).collect();
    let mut kept = kept(&clicks).into_iter();
    let is_kept = |event: &&Event| event.log() != Log::Url || kept.next().unwrap();
    events.iter().filter(is_kept).cloned().collect()
}

/// For each record of a click, whether the first flow of the rule stores it where clean clicks are dropped.
fn kept(records: &[&Value]) -> Vec<bool> {
    let rule = deployment::rule("Drop");
    let transform = rule["dataFlows"][0]["transformKql"].as_str().unwrap();
    let (condition, _) = transform.split_once(" | project ").unwrap();
    let declared = &rule["streamDeclarations"]["Custom-MimecastTTPUrl_CL"]["columns"];
    let columns = declared.as_array().unwrap().iter().map(|column| {
        let text = |member: &str| column[member].as_str().unwrap().to_owned();
        (text("name"), text("type").into())
    });
    let mut columns: Map<String, Value> = columns.collect();
    columns.insert("Number".to_owned(), "long".into());
    let rows = records.iter().enumerate().map(|(number, record)| {
        let mut row = (*record).clone();
        row["Number"] = number.into();
        row
    });
    let tables = json!({ "source": { "columns": columns, "rows": rows.collect::<Vec<_>>() } });
    let mut kusto = Kusto::start();
    kusto.load(&tables, &[] as &[Value]);
    let query = format!("{condition} | project Number");
    let now = [workspace::text(stories::start())];
    let answer = kusto.run(&query, &now, &Seen::All).unwrap();
    let stored: BTreeSet<_> = answer.results[0]
        .iter()
        .map(|row| row["Number"].as_u64().unwrap())
        .collect();
    (0..records.len() as u64)
        .map(|number| stored.contains(&number))
        .collect()
}

/// Those of a kind, `(rule)` or `(hunting query)`, in the table of `docs/table-plan.md`.
fn documented(kind: &str) -> BTreeSet<String> {
    let text = include_str!("../../docs/table-plan.md");
    let (_, table) = text.split_once("| query | what it loses |").unwrap();
    let rows = table
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with('|'));
    let rows = rows.filter(|row| row.contains(kind));
    rows.filter_map(|row| Some(row.split('`').nth(1)?.to_owned()))
        .collect()
}

fn ingested(events: &[Event]) -> Vec<Stored> {
    stories::ingested_after(events, TimeDelta::minutes(3))
}

#[test]
fn the_rules_that_lose_by_it_are_the_documented_ones() {
    let losers = stories::all().into_iter().filter(|story| {
        let alerts = |events: &[Event]| runs::alerts(story.rule, &ingested(events), 6).len();
        let (all, kept) = (
            alerts(&story.events),
            alerts(&without_clean_clicks(&story.events)),
        );
        assert!(all > 0, "{}", story.rule);
        kept != all
    });
    let losers: BTreeSet<_> = losers.map(|story| story.rule.to_owned()).collect();
    assert_eq!(losers, documented("(rule)"));
}

#[test]
fn the_hunting_queries_that_lose_by_it_are_the_documented_ones() {
    let found = |events: &[Event]| hunts::run(&hunts::rows_of(events));
    let campaign = hunts::campaign();
    let (all, kept) = (found(&campaign), found(&without_clean_clicks(&campaign)));
    let losers = all.iter().zip(&kept).filter(|(all, kept)| all != kept);
    let losers: BTreeSet<_> = losers.map(|((name, _), _)| name.clone()).collect();
    assert_eq!(losers, documented("(hunting query)"));
}

#[test]
fn both_workbooks_say_where_clean_clicks_are() {
    let said = |plans: &[&str]| {
        let from: DateTime<Utc> = workbook::FROM.parse().unwrap();
        let rows = plans.iter().zip(1..).flat_map(|(plan, hour)| {
            let at = from + TimeDelta::hours(hour);
            let rows = stories::health(at, &json!({ "cleanClicks": plan }));
            rows.into_iter().take(1)
        });
        let rows: Vec<_> = rows.collect();
        let mut kusto = Workspace::new(Generation::Deployed, &rows).open();
        let now = [workbook::TO.to_owned()];
        let notes = content::read().workbooks.into_iter().map(|file| {
            let workbook = Workbook::read(&file.json);
            let queries = workbook.queries(&workbook.untouched());
            let query = queries.iter().find(|query| query.name == "CleanClicksNote");
            let answer = kusto.run(&query.unwrap().text, &now, &Seen::All).unwrap();
            answer.results[0][0]["Note"].as_str().unwrap().to_owned()
        });
        let notes: Vec<_> = notes.collect();
        assert_eq!(notes[0], notes[1]);
        notes[0].clone()
    };
    assert_eq!(said(&[]), "");
    assert_eq!(said(&["Analytics"]), "");
    assert!(said(&["Basic"]).contains("in the table MimecastTTPUrlClean_CL"));
    assert!(said(&["Drop"]).contains("are not stored"));
    assert!(said(&["Analytics", "Drop"]).contains("changed within this time"));
}

/// What moves is clean and allowed to the queries too, whatever is done to a record; and the query of the document
/// that measures it counts the same clicks.
#[test]
fn only_clean_clicks_move() {
    let clean = |put: Value| (true, put);
    let other = |put: Value| (false, put);
    let cases = [
        clean(json!({})),
        clean(
            json!({"scanResult": "Clean", "action": "Allow", "adminOverride": "", "userOverride": "N/A"}),
        ),
        clean(json!({"tagMap": {"UrlReputationScan": {"Status": "Completed"}}})),
        other(json!({"scanResult": " clean"})),
        other(json!({"scanResult": "not clean"})),
        other(json!({"scanResult": "malicious"})),
        other(json!({"scanResult": ""})),
        other(json!({"scanResult": "timeout"})),
        other(json!({"action": "block"})),
        other(json!({"action": "warn"})),
        other(json!({"action": ""})),
        other(json!({"action": "not allowed"})),
        other(json!({"adminOverride": "Allow"})),
        other(json!({"adminOverride": "Block"})),
        other(json!({"userOverride": "Allow"})),
        other(json!({"userAwarenessAction": "Continue"})),
        other(json!({"advancedPhishingResult": {}})),
        other(json!({"advancedPhishingResult": {"CredentialTheftBrands": "Contoso"}})),
        other(json!({"tagMap": {"AdvancedPhishing": {"CredentialTheftTags": ["Login form"]}}})),
        other(json!({"tagMap": {"AdvancedPhishing": {"CredentialTheftEvidence": ["Form"]}}})),
    ];
    let put: Vec<_> = cases.iter().map(|(_, put)| put).collect();
    let events = (0..).zip(put).map(|(minute, put)| click(minute, put));
    let events: Vec<_> = events.collect();
    let records: Vec<_> = events.iter().map(Event::record).collect();
    let moved: Vec<_> = kept(&records).into_iter().map(|kept| !kept).collect();
    let expected: Vec<_> = cases.iter().map(|(is_clean, _)| *is_clean).collect();
    assert_eq!(moved, expected);

    let rows = ingested(&events);
    let mut kusto = Workspace::new(Generation::Deployed, &rows).open();
    let query = "MimecastTtpUrlRows | where Verdict == 'clean' and Disposition == 'allowed'
        and isempty(strcat(AdminOverride, UserOverride, UserAwarenessAction, CredentialTheftBrands, CredentialTheftTags, CredentialTheftEvidence)) | project MessageId";
    let now = [workspace::text(stories::start() + TimeDelta::hours(1))];
    let found = kusto.run(query, &now, &Seen::All).unwrap().results.concat();
    let found: Vec<_> = found.iter().map(|row| &row["MessageId"]).collect();
    for (record, moved) in records.iter().zip(&moved) {
        assert!(!moved || found.contains(&&record["messageId"]), "{record}");
    }

    let text = include_str!("../../docs/table-plan.md");
    let (_, measured) = text.split_once("| extend Clean = ").unwrap();
    let (measured, _) = measured.split_once("| summarize").unwrap();
    let query = format!("MimecastTTPUrl_CL | where {measured} | count");
    let count = kusto
        .run(&query, &now, &Seen::All)
        .unwrap()
        .results
        .concat();
    let clean = moved.iter().filter(|moved| **moved).count();
    assert_eq!(count[0]["Count"], clean);
}

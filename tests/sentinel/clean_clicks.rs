//! What rules and hunting queries lose where clean clicks go elsewhere, and that `docs/table-plan.md` says so.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use simulators::log::Log;

use crate::{
    content, deployment, hunts, runs,
    stories::{self, Event, click},
    support::kusto::{Kusto, Seen},
    workbook::Workbook,
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

/// The rules and hunting queries in the table of `docs/table-plan.md`.
fn documented() -> BTreeSet<String> {
    let text = include_str!("../../docs/table-plan.md");
    let (_, table) = text.split_once("| query | what it loses |").unwrap();
    let rows = table
        .trim_start()
        .lines()
        .take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| Some(row.split('`').nth(1)?.to_owned()))
        .collect()
}

fn ingested(events: &[Event]) -> Vec<Stored> {
    stories::ingested_after(events, TimeDelta::minutes(3))
}

#[test]
fn the_rules_that_lose_by_it_are_the_documented_ones() {
    let rules = content::read().rules.into_iter().map(|rule| rule.key);
    let rules: BTreeSet<_> = rules.collect();
    let documented: BTreeSet<_> = documented().intersection(&rules).cloned().collect();
    let losers = stories::all().into_iter().filter(|story| {
        let alerts = |events: &[Event]| runs::alerts(story.rule, &ingested(events), 6).len();
        let (all, kept) = (
            alerts(&story.events),
            alerts(&without_clean_clicks(&story.events)),
        );
        assert!(all > 0, "{}", story.rule);
        kept < all
    });
    let losers: BTreeSet<_> = losers.map(|story| story.rule.to_owned()).collect();
    assert_eq!(losers, documented);
}

#[test]
fn the_hunting_queries_that_lose_by_it_are_the_documented_ones() {
    let found = |clean: bool| {
        let events = hunts::campaign();
        let events = if clean {
            events
        } else {
            without_clean_clicks(&events)
        };
        hunts::run(&hunts::rows_of(&events))
    };
    let hunts: BTreeSet<_> = content::read()
        .hunting
        .into_iter()
        .map(|hunt| hunt.key)
        .collect();
    let documented: BTreeSet<_> = documented().intersection(&hunts).cloned().collect();
    let (all, kept) = (found(true), found(false));
    let losers = all.iter().zip(&kept).filter(|(all, kept)| all != kept);
    let losers: BTreeSet<_> = losers.map(|((name, _), _)| name.clone()).collect();
    assert_eq!(losers, documented);
}

#[test]
fn both_workbooks_say_where_clean_clicks_are() {
    let said = |plan: &str| {
        let changes = json!({ "cleanClicks": plan });
        let rows = stories::health(stories::start(), &changes);
        let mut kusto = Workspace::new(Generation::Deployed, &rows[..1]).open();
        let now = [workspace::text(stories::start() + TimeDelta::hours(1))];
        let notes = content::read().workbooks.into_iter().map(|file| {
            let workbook = Workbook::read(&file.json);
            let queries = workbook.queries(&workbook.untouched());
            let query = queries.iter().find(|query| query.name == "CleanClicks");
            let answer = kusto.run(&query.unwrap().text, &now, &Seen::All).unwrap();
            answer.results[0][0]["Note"].as_str().unwrap().to_owned()
        });
        let notes: Vec<_> = notes.collect();
        assert_eq!(notes[0], notes[1]);
        notes[0].clone()
    };
    assert_eq!(said("Analytics"), "");
    assert!(said("Basic").contains("in the table MimecastTTPUrlClean_CL"));
    assert!(said("Drop").contains("does not store them"));
}

/// What moves is clean and allowed to the queries too, whatever is done to a record.
#[test]
fn nothing_that_could_alert_moves() {
    let put = [
        json!({}),
        json!({"scanResult": "Clean", "action": "Allow", "adminOverride": "", "userOverride": "N/A"}),
        json!({"scanResult": " clean"}),
        json!({"scanResult": "not clean"}),
        json!({"scanResult": "malicious"}),
        json!({"scanResult": ""}),
        json!({"scanResult": "timeout"}),
        json!({"action": "block"}),
        json!({"action": "warn"}),
        json!({"action": ""}),
        json!({"action": "not allowed"}),
        json!({"adminOverride": "Allow"}),
        json!({"adminOverride": "Block"}),
        json!({"userOverride": "Allow"}),
        json!({"userAwarenessAction": "Continue"}),
        json!({"advancedPhishingResult": {"CredentialTheftBrands": "Contoso"}}),
        json!({"tagMap": {"AdvancedPhishing": {"CredentialTheftTags": ["Login form"]}}}),
        json!({"tagMap": {"UrlReputationScan": {"Status": "Completed"}}}),
    ];
    let events: Vec<_> = (0i64..)
        .zip(&put)
        .map(|(minute, put)| click(minute, put))
        .collect();
    let records: Vec<_> = events.iter().map(Event::record).collect();
    let moved: Vec<_> = kept(&records).into_iter().map(|kept| !kept).collect();
    let is_clean = |number: &usize| [0, 1, 17].contains(number);
    let expected: Vec<_> = (0..put.len()).map(|number| is_clean(&number)).collect();
    assert_eq!(moved, expected);

    let rows = ingested(&events);
    let mut kusto = Workspace::new(Generation::Deployed, &rows).open();
    let query = "MimecastTtpUrlRows | where Verdict == 'clean' and Disposition == 'allowed'
        and isempty(strcat(AdminOverride, UserOverride, UserAwarenessAction, CredentialTheftBrands, CredentialTheftTags)) | project MessageId";
    let now = [workspace::text(stories::start() + TimeDelta::hours(1))];
    let clean = kusto.run(query, &now, &Seen::All).unwrap().results.concat();
    let clean: Vec<_> = clean.iter().map(|row| &row["MessageId"]).collect();
    for (record, moved) in records.iter().zip(moved) {
        assert!(!moved || clean.contains(&&record["messageId"]), "{record}");
    }
}

//! What alerts say, on rows with any member missing, empty, long or strange.

use chrono::TimeDelta;
use serde_json::{Value, json};
use simulators::log::Log;
use xtask::content::Rule;

use crate::{
    entities::named_in_texts,
    runs::{self, rule},
    stories::{self, Event},
};

/// Sentinel cuts what is longer.
const LONGEST_NAME: usize = 256;
const LONGEST_DESCRIPTION: usize = 5_000;
const LARGEST_DETAILS: usize = 2_048;

/// The members of each log that a rule may say something of.
fn members(log: Log) -> &'static [&'static str] {
    match log {
        Log::Url => &[
            "userEmailAddress",
            "fromUserEmailAddress",
            "url",
            "subject",
            "action",
            "scanResult",
            "creationMethod",
            "category",
            "messageId",
            "route",
        ],
        Log::Attachment => &[
            "senderAddress",
            "recipientAddress",
            "fileName",
            "fileHash",
            "fileType",
            "actionTriggered",
            "result",
            "details",
            "subject",
            "route",
        ],
        Log::Impersonation => &[
            "id",
            "senderAddress",
            "recipientAddress",
            "subject",
            "definition",
            "identifiers",
            "impersonationResults",
            "action",
            "messageId",
            "hits",
        ],
    }
}

/// A value as Sentinel puts it into a text.
fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// A text with its columns filled in.
fn filled(format: &str, row: &Value) -> String {
    let mut parts = format.split("{{");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (column, rest) = part.split_once("}}").unwrap();
        text += &shown(&row[column]);
        text += rest;
    }
    text
}

/// What is wrong with an alert.
fn faults(rule: &Rule, row: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for column in named_in_texts(rule) {
        if row[column].is_null() || row[column] == "" {
            found.push(format!("{column} is empty"));
        }
    }
    let texts = &rule.alert_details_override;
    let name = filled(&texts.alert_display_name_format, row);
    if name.len() > LONGEST_NAME {
        found.push(format!("the name has {} bytes", name.len()));
    }
    let description = filled(&texts.alert_description_format, row);
    if description.len() > LONGEST_DESCRIPTION {
        found.push(format!("the description has {} bytes", description.len()));
    }
    let details = rule.custom_details.iter();
    let details: usize = details
        .map(|(name, column)| name.len() + row[column].to_string().len())
        .sum();
    if details > LARGEST_DETAILS {
        found.push(format!("the details have {details} bytes"));
    }
    found
}

/// The faults of all rules on their stories, once for each change of each member.
fn faults_with(changes: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut told = 0;
    for story in stories::all() {
        let rule = rule(story.rule);
        let mut logs: Vec<_> = story.events.iter().map(Event::log).collect();
        logs.dedup();
        for member in logs.into_iter().flat_map(members) {
            for change in changes {
                let mut events = story.events.clone();
                for event in &mut events {
                    event.put_if_there(member, change);
                }
                let rows = stories::ingested_after(&events, TimeDelta::minutes(3));
                for row in runs::alerts(story.rule, &rows, 2) {
                    told += 1;
                    let wrong = faults(&rule, &row).into_iter();
                    found.extend(wrong.map(|what| format!("{} by {member}: {what}", rule.key)));
                }
            }
        }
    }
    assert!(told > 100, "only {told} alerts");
    found
}

/// Sentinel drops a name or a description in which a column is empty, and shows the rule's own.
#[test]
fn no_alert_loses_its_texts_whatever_is_missing() {
    let found = faults_with(&[Value::Null, json!("")]);
    assert_eq!(found, Vec::<String>::new());
}

/// A character of these takes three bytes.
#[test]
fn names_and_details_stay_within_the_limits_however_long_a_member_is() {
    let found = faults_with(&[json!("\u{6f22}\u{5b57} ".repeat(700))]);
    assert_eq!(found, Vec::<String>::new());
}

//! What happens in the tests: for each rule a story made for it, and traffic in which nothing is amiss.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use simulators::log::Log;

use crate::workspace::{self, HEALTH, Stored};

/// When the stories begin.
pub fn start() -> DateTime<Utc> {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

/// Minutes after the story began.
type Minute = i64;

/// One record, before it is ingested.
#[derive(Debug, Clone)]
pub struct Event {
    minute: Minute,
    log: Log,
    record: Value,
}

impl Event {
    /// When it happened in a story that began at `start`.
    pub fn happened(&self, start: DateTime<Utc>) -> DateTime<Utc> {
        start + TimeDelta::minutes(self.minute)
    }

    /// Puts members of the record over others.
    pub fn put(&mut self, changes: &Value) {
        self.record = with(self.record.take(), changes);
    }

    /// The log that it is in.
    pub fn log(&self) -> Log {
        self.log
    }

    /// The record, without its time.
    pub fn record(&self) -> &Value {
        &self.record
    }

    /// Puts a value, or nothing, in the place of a member that the record has.
    pub fn put_if_there(&mut self, member: &str, value: &Value) {
        let record = self.record.as_object_mut().unwrap();
        if !record.contains_key(member) {
            return;
        }
        if value.is_null() {
            record.remove(member);
        } else {
            record.insert(member.to_owned(), value.clone());
        }
    }

    /// The same at another time to other people.
    pub fn again(&self, minute: Minute) -> Self {
        let mut other = self.clone();
        other.minute = minute;
        let people = [
            "userEmailAddress",
            "fromUserEmailAddress",
            "recipientAddress",
            "senderAddress",
        ];
        for member in people {
            if let Some(address) = self.record[member].as_str() {
                other.record[member] = json!(format!("at{minute}.{address}"));
            }
        }
        for member in ["messageId", "id"] {
            if let Some(id) = self.record[member].as_str() {
                other.record[member] = json!(format!("{id}{minute}"));
            }
        }
        if self.record["fileHash"].is_string() {
            other.record["fileHash"] = json!(format!("{minute:064x}"));
        }
        other
    }
}

/// A story that one rule is made for.
pub struct Story {
    pub rule: &'static str,
    pub events: Vec<Event>,
}

/// Puts members over others.
pub fn with(mut record: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

/// A click on a link; a clean one but for the changes.
pub fn click(minute: Minute, changes: &Value) -> Event {
    let record = json!({
        "userEmailAddress": "Ada@fabrikam.example", "fromUserEmailAddress": "news@partner.example",
        "url": "https://www.partner.example/news?id=1", "ttpDefinition": "Default Inbound URL Protect Definition",
        "subject": "News", "action": "allow", "adminOverride": "N/A", "userOverride": "None", "scanResult": "clean",
        "category": "Business", "sendingIp": "192.0.2.10", "userAwarenessAction": "N/A", "actions": "Allow",
        "route": "inbound", "creationMethod": "User Click", "emailPartsDescription": ["Body"],
        "messageId": format!("<click-{minute}@partner.example>"),
    });
    Event {
        minute,
        log: Log::Url,
        record: with(record, changes),
    }
}

/// A file; a safe one but for the changes.
pub fn file(minute: Minute, changes: &Value) -> Event {
    let record = json!({
        "senderAddress": "billing@partner.example", "recipientAddress": "Ada@fabrikam.example", "fileName": "Invoice.docx",
        "fileType": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "result": "safe",
        "actionTriggered": "none, none", "details": "Safe\r\nTime taken: 0 hrs, 0 min, 7 sec", "route": "inbound",
        "messageId": format!("<file-{minute}@partner.example>"), "subject": "Invoice", "fileHash": "a1".repeat(32),
        "definition": "Default Attachment Protect Definition",
    });
    Event {
        minute,
        log: Log::Attachment,
        record: with(record, changes),
    }
}

/// A message that an impersonation policy looked at, and that is not malicious but for the changes.
pub fn impersonation(minute: Minute, changes: &Value) -> Event {
    let record = json!({
        "id": format!("MTOKEN:eNqrVkouLS7Jz00tSs5PSVWyUnKOijIwcDRU0lHKTFGyMjE0-{minute}"),
        "senderAddress": "new@supplier.example", "recipientAddress": "Ada@fabrikam.example", "subject": "Offer",
        "definition": "Default Impersonation Definition", "hits": 1, "identifiers": ["newly_observed_domain"],
        "action": "none", "taggedExternal": true, "taggedMalicious": false, "senderIpAddress": "192.0.2.20",
        "impersonationResults": [{"impersonationDomainSource": "newly_observed", "similarDomain": "", "stringSimilarToDomain": "", "checkerResult": "hit"}],
        "messageId": format!("<offer-{minute}@supplier.example>"),
    });
    Event {
        minute,
        log: Log::Impersonation,
        record: with(record, changes),
    }
}

fn bad(minute: Minute, user: usize, sender: usize, host: &str) -> Event {
    click(
        minute,
        &json!({
            "scanResult": "Malicious", "action": "Block", "userEmailAddress": format!("user{user}@fabrikam.example"),
            "fromUserEmailAddress": format!("sender{sender}@evil.example"), "url": format!("https://{host}/login?u={user}"),
            "messageId": format!("<{minute}-{user}-{sender}@evil.example>"),
        }),
    )
}

/// For each rule about events the story in which it alerts once.
pub fn all() -> Vec<Story> {
    let story = |rule, events| Story { rule, events };
    let theft = json!({"AdvancedPhishing": {"CredentialTheftBrands": ["Contoso"], "CredentialTheftTags": ["Login form"]}});
    let boss = json!({"senderAddress": "ceo@fabrlkam.example", "subject": "Urgent transfer", "identifiers": ["internal_user_name", "similar_internal_domain"]});
    let tagged = |action: &str| {
        impersonation(
            0,
            &with(
                boss.clone(),
                &json!({"taggedMalicious": true, "action": action}),
            ),
        )
    };
    vec![
        story(
            "malicious-url-reached",
            vec![click(
                0,
                &json!({"scanResult": "Malicious", "action": "Allow"}),
            )],
        ),
        story(
            "malicious-url-stopped",
            vec![click(
                0,
                &json!({"scanResult": "malicious", "action": "block"}),
            )],
        ),
        story(
            "credential-theft-page-reached",
            vec![click(
                0,
                &json!({"scanResult": "malicious", "action": "allow", "tagMap": theft}),
            )],
        ),
        story(
            "click-after-block",
            vec![
                click(
                    0,
                    &json!({"scanResult": "malicious", "action": "block", "url": "https://bad.example/a?u=1"}),
                ),
                click(
                    12,
                    &json!({"scanResult": "clean", "action": "allow", "url": "https://bad.example/a?u=1"}),
                ),
            ],
        ),
        story(
            "repeat-clicker",
            (0..3)
                .map(|n| bad(n * 20, 1, 1, &format!("bad{n}.example")))
                .collect(),
        ),
        story(
            "sender-hits-many-users",
            (0..5)
                .map(|n| bad(n * 10, usize::try_from(n).unwrap(), 1, "bad.example"))
                .collect(),
        ),
        story(
            "campaign-many-senders",
            (0..5)
                .map(|n| {
                    bad(
                        n * 10,
                        usize::try_from(n).unwrap(),
                        usize::try_from(n).unwrap(),
                        "bad.example",
                    )
                })
                .collect(),
        ),
        story(
            "burst-against-user",
            (0..5)
                .map(|n| {
                    bad(
                        n * 5,
                        1,
                        usize::try_from(n).unwrap(),
                        &format!("bad{n}.example"),
                    )
                })
                .collect(),
        ),
        story(
            "malicious-attachment-delivered",
            vec![file(
                0,
                &json!({"result": "Malicious", "actionTriggered": "user release, none"}),
            )],
        ),
        story(
            "malicious-attachment-stopped",
            vec![file(
                0,
                &json!({"result": "unsafe", "actionTriggered": "Hold, none"}),
            )],
        ),
        story(
            "attachment-scan-inconclusive",
            vec![file(0, &json!({"result": "timeout"}))],
        ),
        story(
            "url-scan-inconclusive",
            vec![click(0, &json!({"scanResult": "timeout"}))],
        ),
        story("impersonation-delivered", vec![tagged("none")]),
        story("impersonation-stopped", vec![tagged("hold")]),
        story(
            "impersonation-then-action",
            vec![
                impersonation(0, &boss),
                click(30, &json!({"fromUserEmailAddress": "ceo@fabrlkam.example"})),
            ],
        ),
        story(
            "internal-mailbox-sends-malicious",
            vec![click(
                0,
                &json!({
                    "scanResult": "malicious", "action": "block", "route": "internal", "fromUserEmailAddress": "grace@fabrikam.example", "sendingIp": "Internal IP",
                }),
            )],
        ),
    ]
}

/// Mail and clicks without anything malicious; time-outs are not among them, nor are look-alikes of colleagues.
pub fn clean(hours: i64) -> Vec<Event> {
    let minutes = (0..hours * 60).step_by(6);
    let one = |minute: Minute| {
        let user = json!({"userEmailAddress": format!("user{}@fabrikam.example", minute % 7), "recipientAddress": format!("user{}@fabrikam.example", minute % 7)});
        match minute / 6 % 5 {
            0 => click(minute, &user),
            1 => click(
                minute,
                &with(
                    user,
                    &json!({"action": "warn", "userAwarenessAction": "Continue"}),
                ),
            ),
            2 => file(minute, &user),
            // A policy may block a page that is not malicious.
            3 => click(
                minute,
                &with(
                    user,
                    &json!({"action": "block", "adminOverride": "Block", "category": "Games", "url": format!("https://games{minute}.example/play")}),
                ),
            ),
            _ => impersonation(minute, &user),
        }
    };
    minutes.map(one).collect()
}

/// The rows of events that are ingested so long after they happened, in a story that began at [`start`].
pub fn ingested_after(events: &[Event], delay: TimeDelta) -> Vec<Stored> {
    let row = |event: &Event| ingested(event, start(), event.happened(start()) + delay);
    events.iter().map(row).collect()
}

/// The row that an event becomes when it is ingested.
pub fn ingested(event: &Event, start: DateTime<Utc>, at: DateTime<Utc>) -> Stored {
    let happened = event.happened(start);
    workspace::delivered(event.log, event.record.clone(), happened, at)
}

/// The rows that one pass writes of itself; `changes` are those of the feed `url`.
pub fn health(at: DateTime<Utc>, changes: &Value) -> Vec<Stored> {
    let rows = ["url", "attachment", "impersonation"].map(|feed| {
        let time = workspace::text(at);
        let record = json!({
            "time_generated": time, "feed": feed, "outcome": "complete", "delivered": 3, "duplicates": 0, "quarantined": 0, "missing": 0, "identical": 0, "gaps": 0,
            "batches": 1, "calls": 1, "retries": 0, "durationSeconds": 1.5, "version": "0.1.0", "lagSeconds": 15, "watermark": time,
        });
        let record = if feed == "url" { with(record, changes) } else { record };
        Stored::arrived(HEALTH, &record, at, at + TimeDelta::minutes(2))
    });
    rows.into()
}

/// A pass each five minutes.
pub fn passes(start: DateTime<Utc>, hours: i64) -> Vec<Stored> {
    let times = (0..hours * 12).map(|n| start + TimeDelta::minutes(5 * n));
    times.flat_map(|at| health(at, &json!({}))).collect()
}

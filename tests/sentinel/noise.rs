//! What is no attack gives no alert, what is one gives few, and nothing names a host that the whole world uses.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    content,
    runs::{self, Reading, rule},
    stories::{self, Event, click, file, impersonation, ingested_after, start, with},
    support::kusto::Seen,
    workspace::{Generation, Stored, Workspace},
};

fn alerts(key: &str, events: &[Event]) -> Vec<Value> {
    runs::alerts(key, &ingested_after(events, TimeDelta::minutes(3)), 3)
}

/// The rules that alert on events which arrive so late, each as often as it alerts.
fn who_alerts(events: &[Event], delay: TimeDelta) -> Vec<String> {
    let mut rows = ingested_after(events, delay);
    // The connector itself is well.
    rows.extend(stories::passes(start() - TimeDelta::hours(2), 40));
    let mut kusto = Workspace::new(Generation::Deployed, &rows).open();
    let from = start() + TimeDelta::hours(delay.num_hours());
    let mut told = Vec::new();
    for rule in content::read().rules {
        let found = runs::of(&mut kusto, &rule, from, 3, Reading::Run).concat();
        told.extend(found.iter().map(|_| rule.key.clone()));
    }
    told
}

fn malicious(action: &str) -> Value {
    json!({"scanResult": "malicious", "action": action})
}

/// The more specific rule speaks for the more general one.
#[test]
fn one_event_is_one_alert() {
    let theft = json!({"tagMap": {"AdvancedPhishing": {"CredentialTheftBrands": ["Contoso"]}}});
    let reached = malicious("allow");
    let internal = json!({"route": "internal", "fromUserEmailAddress": "grace@fabrikam.example"});
    let boss = json!({"identifiers": ["internal_user_name"], "taggedMalicious": true, "senderAddress": "ceo@stranger.example"});
    for (events, told) in [
        (vec![click(0, &reached)], vec!["malicious-url-reached"]),
        (
            vec![click(0, &with(reached.clone(), &theft))],
            vec!["credential-theft-page-reached"],
        ),
        (
            vec![click(0, &with(malicious("block"), &internal))],
            vec!["internal-mailbox-sends-malicious"],
        ),
        // Two people are in trouble: who clicked, and whose mailbox sent it.
        (
            vec![click(0, &with(reached.clone(), &internal))],
            vec!["internal-mailbox-sends-malicious", "malicious-url-reached"],
        ),
        (
            vec![click(0, &malicious("block")), click(20, &reached)],
            vec!["malicious-url-reached", "malicious-url-stopped"],
        ),
        (
            vec![
                impersonation(0, &boss),
                click(
                    20,
                    &with(
                        reached,
                        &json!({"fromUserEmailAddress": "ceo@stranger.example"}),
                    ),
                ),
            ],
            vec!["impersonation-delivered", "malicious-url-reached"],
        ),
        (
            vec![file(
                0,
                &json!({"result": "malicious", "actionTriggered": "none", "route": "outbound", "senderAddress": "grace@fabrikam.example"}),
            )],
            vec!["internal-mailbox-sends-malicious"],
        ),
    ] {
        assert_eq!(who_alerts(&events, TimeDelta::minutes(3)), told);
    }
}

/// The rules that run every five minutes leave what takes 13 hours or more to another.
#[test]
fn what_arrives_late_alerts_once_however_late() {
    let events = [click(0, &malicious("allow"))];
    for (minutes, told) in [
        (12 * 60 + 59, "malicious-url-reached"),
        (13 * 60, "malicious-found-late"),
        (13 * 60 + 1, "malicious-found-late"),
        (14 * 60, "malicious-found-late"),
        (30 * 60, "malicious-found-late"),
        (47 * 60 + 55, "malicious-found-late"),
        // Filed under the time of its arrival.
        (48 * 60 + 5, "malicious-found-late"),
        (90 * 60, "malicious-found-late"),
    ] {
        let rows = ingested_after(&events, TimeDelta::minutes(minutes));
        let mut kusto = Workspace::new(Generation::Deployed, &rows).open();
        let from = start() + TimeDelta::minutes(minutes - minutes % 60);
        let mut found = Vec::new();
        for key in ["malicious-url-reached", "malicious-found-late"] {
            let alerts = runs::of(&mut kusto, &rule(key), from, 3, Reading::Run).concat();
            found.extend(alerts.iter().map(|_| key));
        }
        assert_eq!(found, [told], "{minutes} minutes late");
    }
}

/// A clock that is wrong, or a zone that was misread.
#[test]
fn a_row_whose_time_is_ahead_alerts_once() {
    for minutes in [3, 8, 12, 60] {
        let event = click(minutes, &malicious("allow"));
        let rows = [stories::ingested(&event, start(), start())];
        let found = runs::alerts("malicious-url-reached", &rows, 3);
        assert_eq!(found.len(), 1, "{minutes} minutes ahead");
    }
}

#[test]
fn a_word_for_malicious_that_is_not_mimecasts_first_is_one_too() {
    for result in ["malware", "phishing", "malicious (sandbox)"] {
        let stopped = json!({"scanResult": result, "action": "block"});
        let told = who_alerts(&[click(0, &stopped)], TimeDelta::minutes(3));
        assert_eq!(told, ["malicious-url-stopped"], "{result}");
    }
    let held = json!({"result": "malicious (sandbox)", "actionTriggered": "admin hold"});
    let told = who_alerts(&[file(0, &held)], TimeDelta::minutes(3));
    assert_eq!(told, ["malicious-attachment-stopped"]);
    let not = json!({"scanResult": "not malicious", "action": "block"});
    assert_eq!(
        who_alerts(&[click(0, &not)], TimeDelta::minutes(3)),
        Vec::<String>::new()
    );
}

/// One id, held for one recipient and delivered to others.
#[test]
fn an_id_that_is_given_twice_hides_no_impersonation() {
    let letter = |minute: i64, to: &str, action: &str| {
        let changes = json!({
            "id": "N/A", "messageId": "", "recipientAddress": format!("{to}@fabrikam.example"), "action": action, "taggedMalicious": true,
        });
        impersonation(minute, &changes)
    };
    let events = [
        letter(0, "ada", "hold"),
        letter(20, "ada", "none"),
        letter(40, "grace", "none"),
    ];
    let told = who_alerts(&events, TimeDelta::minutes(3));
    assert_eq!(
        told,
        [
            "impersonation-delivered",
            "impersonation-delivered",
            "impersonation-stopped"
        ]
    );
}

#[test]
fn a_scan_of_arriving_mail_is_nobodys_click_after_a_block() {
    for method in ["Entry Scan", "EntryScan"] {
        let blocked = click(0, &malicious("block"));
        let scanned = click(20, &json!({"creationMethod": method}));
        assert_eq!(
            alerts("click-after-block", &[blocked, scanned]),
            Vec::<Value>::new(),
            "{method}"
        );
    }
}

#[test]
fn one_blocked_link_to_many_users_is_one_alert() {
    let events: Vec<_> = (0..200)
        .map(|n| {
            let user = json!({"userEmailAddress": format!("user{n}@fabrikam.example"), "url": format!("https://bad.example/?u={n}")});
            click(0, &with(malicious("block"), &user))
        })
        .collect();
    let found = alerts("malicious-url-stopped", &events);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["UserCount"], 200);
}

#[test]
fn a_host_that_many_share_is_never_the_one_to_block() {
    for url in [
        "https://eur01.safelinks.protection.outlook.com/?url=x",
        "https://urldefense.com/v3/__x__",
        "https://protect-us.mimecast.com/s/x",
        "https://t.co/x",
        "https://lnkd.in/x",
        "https://evil.blob.core.windows.net/x",
        "https://evil.pages.dev/x",
        "https://docs.google.com./forms/x",
        "https://DOCS.google.com/forms/x",
        "contoso.sharepoint.com/x",
    ] {
        let shared = with(malicious("allow"), &json!({"url": url}));
        let found = alerts("malicious-url-reached", &[click(0, &shared)]);
        assert_eq!(found[0]["HostName"], "", "{url}");
    }
    let own = with(
        malicious("allow"),
        &json!({"url": "https://not-docs.google.com.evil.example/x"}),
    );
    let found = alerts("malicious-url-reached", &[click(0, &own)]);
    assert_eq!(found[0]["HostName"], "not-docs.google.com.evil.example");
}

#[test]
fn a_campaign_by_a_shared_host_maps_its_link() {
    let events: Vec<_> = (0..6)
        .map(|n| {
            let who = json!({
                "userEmailAddress": format!("user{n}@fabrikam.example"), "fromUserEmailAddress": format!("sender{n}@evil.example"),
                "url": format!("https://evil.pages.dev/{}", "long/".repeat(300)),
            });
            click(n, &with(malicious("block"), &who))
        })
        .collect();
    let found = alerts("campaign-many-senders", &events);
    assert_eq!(found.len(), 1);
    assert!(
        found[0]["HttpUrl"]
            .as_str()
            .unwrap()
            .starts_with("https://evil.pages.dev/")
    );
    assert_eq!(found[0]["HostName"], "");
}

#[test]
fn a_user_who_reports_phishing_is_no_attacker() {
    let report = json!({
        "route": "internal", "fromUserEmailAddress": "ada@fabrikam.example", "userEmailAddress": "Phishing-Report@fabrikam.example",
    });
    let events = [click(0, &with(malicious("block"), &report))];
    assert_eq!(
        who_alerts(&events, TimeDelta::minutes(3)),
        Vec::<String>::new()
    );
}

#[test]
fn a_newsletter_that_bears_a_protected_name_is_no_pretence() {
    let mut events = Vec::new();
    for n in 0..12 {
        let to = format!("user{n}@fabrikam.example");
        events.push(impersonation(
            n,
            &json!({"senderAddress": "news@partner.example", "recipientAddress": to, "identifiers": ["custom_name_list"], "id": format!("MTOKEN:{n}")}),
        ));
        events.push(click(
            n + 20,
            &json!({"fromUserEmailAddress": "news@partner.example", "userEmailAddress": to}),
        ));
    }
    assert_eq!(
        alerts("impersonation-then-action", &events),
        Vec::<Value>::new()
    );
}

#[test]
fn a_clean_file_after_an_untagged_pretence_is_no_alert() {
    let letter = |tagged: bool| {
        let boss = json!({"senderAddress": "ceo@stranger.example", "identifiers": ["internal_user_name"], "taggedMalicious": tagged});
        let enclosed = json!({"senderAddress": "ceo@stranger.example", "result": "safe"});
        let events = [impersonation(0, &boss), file(10, &enclosed)];
        alerts("impersonation-then-action", &events).len()
    };
    assert_eq!((letter(false), letter(true)), (0, 1));
}

#[test]
fn an_action_that_nobody_knows_stops_nobody() {
    for action in ["permit", "monitor", ""] {
        let told = who_alerts(&[click(0, &malicious(action))], TimeDelta::minutes(3));
        assert_eq!(told, ["malicious-url-reached"], "{action}");
    }
    for result in ["timeout", "", "suspicious"] {
        let open = json!({"scanResult": result, "action": "allow"});
        let told = who_alerts(&[click(0, &open)], TimeDelta::minutes(3));
        assert_eq!(told, ["url-scan-inconclusive"], "{result}");
        let blocked = json!({"scanResult": result, "action": "block"});
        let told = who_alerts(&[click(0, &blocked)], TimeDelta::minutes(3));
        assert_eq!(told, Vec::<String>::new(), "{result}");
    }
}

#[test]
fn an_indicator_that_was_deleted_or_revoked_is_not_known() {
    let hunts = content::read().hunting;
    let hunt = hunts
        .iter()
        .find(|hunt| hunt.key == "threat-intelligence-match")
        .unwrap();
    for (deleted, revoked, hits) in [(false, false, 1), (true, false, 0), (false, true, 0)] {
        let indicator = json!({
            "TimeGenerated": "2026-11-24T08:00:00.000Z", "ObservableKey": "domain-name:value", "ObservableValue": "www.partner.example", "Confidence": 90,
            "IsActive": true, "IsDeleted": deleted, "Revoked": revoked, "ValidUntil": "2027-01-01T00:00:00Z", "Id": "indicator--1",
        });
        let Value::Object(indicator) = indicator else {
            unreachable!()
        };
        let mut rows = ingested_after(&[click(0, &json!({}))], TimeDelta::minutes(3));
        rows.push(Stored::alike("ThreatIntelIndicators", indicator));
        let mut kusto = Workspace::new(Generation::Deployed, &rows).open();
        let answer = kusto.run(
            &hunt.query,
            &["2026-11-25T00:00:00Z".to_owned()],
            &Seen::All,
        );
        assert_eq!(
            answer.unwrap().results[0].len(),
            hits,
            "deleted {deleted}, revoked {revoked}"
        );
    }
}

/// Rows of the table in which Sentinel says how its rules ran: one run that failed six times, one that succeeded at the third attempt.
#[test]
fn a_window_that_no_run_looked_at_is_told_once() {
    let attempt = |minute: i64, window: &str, status: &str| {
        let at = start() + TimeDelta::minutes(minute);
        let row = json!({
            "TimeGenerated": crate::workspace::text(at), "_ingested": crate::workspace::text(at + TimeDelta::minutes(5)),
            "SentinelResourceType": "Analytics Rule", "SentinelResourceName": "Mimecast TTP: malicious link reached a user", "Status": status,
            "Description": "The query execution timed out.",
            "ExtendedProperties": {"QueryStartTimeUTC": window, "QueryEndTimeUTC": "2026-11-24T08:00:00Z"},
        });
        let Value::Object(row) = row else {
            unreachable!()
        };
        Stored::alike("SentinelHealth", row)
    };
    let mut rows: Vec<_> = (0..6)
        .map(|n| attempt(n * 4, "2026-11-23T18:00:00Z", "Failure"))
        .collect();
    rows.extend((0..2).map(|n| attempt(n * 4, "2026-11-23T18:05:00Z", "Failure")));
    rows.push(attempt(9, "2026-11-23T18:05:00Z", "Success"));
    let found = runs::alerts("rule-window-skipped", &rows, 6);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["WindowStart"], "2026-11-23T18:00:00.000Z");
}

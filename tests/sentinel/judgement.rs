//! The rules tell what hangs together from what only looks so.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    content,
    runs::{self, Reading, rule},
    stories::{self, Event, click, file, impersonation, start},
    workspace::{Generation, Workspace},
};

/// The rows of a rule's alerts, where each event is ingested so long after it happened.
fn alerts_after(key: &str, events: &[Event], delay: TimeDelta) -> Vec<Value> {
    let rows = stories::ingested_after(events, delay);
    let mut kusto = Workspace::new(Generation::Deployed, &rows).open();
    let from = start() + delay - TimeDelta::minutes(delay.num_minutes() % 60);
    runs::of(&mut kusto, &rule(key), from, 4, Reading::Run).concat()
}

fn alerts(key: &str, events: &[Event]) -> Vec<Value> {
    alerts_after(key, events, TimeDelta::minutes(3))
}

/// A click of a user on a link, with its verdict and what was done.
fn visit(minute: i64, user: &str, url: &str, verdict: &str, action: &str) -> Event {
    click(
        minute,
        &json!({"userEmailAddress": format!("{user}@fabrikam.example"), "url": url, "scanResult": verdict, "action": action}),
    )
}

fn letter(identifier: &str, action: &str) -> Event {
    impersonation(
        0,
        &json!({
            "identifiers": [identifier], "action": action, "senderAddress": "ceo@stranger.example", "messageId": "<ceo@stranger.example>",
            "impersonationResults": [
                {"impersonationDomainSource": "dictionary", "similarDomain": "", "checkerResult": "hit"},
                {"impersonationDomainSource": identifier, "similarDomain": "Ada Ceo", "checkerResult": "hit"},
            ],
        }),
    )
}

fn answered(minute: i64) -> Event {
    click(
        minute,
        &json!({"fromUserEmailAddress": "ceo@stranger.example"}),
    )
}

#[test]
fn another_link_of_a_redirector_is_not_the_one_that_was_blocked() {
    let blocked = visit(
        0,
        "ada",
        "https://redirect.example/url?q=bad",
        "malicious",
        "block",
    );
    let others = ["grace", "linus"].map(|user| {
        visit(
            20,
            user,
            &format!("https://redirect.example/url?q={user}"),
            "clean",
            "allow",
        )
    });
    let found = alerts(
        "click-after-block",
        &[vec![blocked.clone()], others.into()].concat(),
    );
    assert_eq!(found, Vec::<Value>::new());

    let same = visit(
        20,
        "grace",
        "https://redirect.example/url?q=bad",
        "clean",
        "allow",
    );
    assert_eq!(alerts("click-after-block", &[blocked, same]).len(), 1);
}

#[test]
fn a_clean_page_that_a_policy_blocks_for_some_may_be_seen_by_others() {
    let events = [
        visit(0, "ada", "https://games.example/play", "clean", "block"),
        visit(20, "grace", "https://games.example/play", "clean", "allow"),
    ];
    assert_eq!(alerts("click-after-block", &events), Vec::<Value>::new());
}

#[test]
fn a_protected_name_counts_as_a_pretence() {
    for sign in [
        "custom_name_list",
        "internal_user_name",
        "similar_internal_domain",
    ] {
        let found = alerts(
            "impersonation-then-action",
            &[letter(sign, "none"), answered(30)],
        );
        assert_eq!(found.len(), 1, "{sign}");
        assert_eq!(
            found[0]["AlertSeverity"], "Medium",
            "{sign}: nothing is tagged or malicious"
        );
        assert_eq!(found[0]["Pretends"], "Ada Ceo", "{sign}");
    }
    let mere = [letter("newly_observed_domain", "none"), answered(30)];
    assert_eq!(
        alerts("impersonation-then-action", &mere),
        Vec::<Value>::new()
    );
}

#[test]
fn an_action_after_a_tagged_pretence_is_grave() {
    let mut tagged = letter("internal_user_name", "none");
    tagged.put(&json!({"taggedMalicious": true}));
    let found = alerts("impersonation-then-action", &[tagged, answered(30)]);
    assert_eq!(found[0]["AlertSeverity"], "High");
}

#[test]
fn what_is_malicious_behind_a_pretence_is_told_by_its_own_rule() {
    let page = click(
        30,
        &json!({"fromUserEmailAddress": "ceo@stranger.example", "scanResult": "malicious", "action": "warn", "userAwarenessAction": "Continue"}),
    );
    let events = [letter("internal_user_name", "none"), page];
    assert_eq!(alerts("impersonation-then-action", &events).len(), 0);
    assert_eq!(alerts("malicious-url-reached", &events).len(), 1);
}

#[test]
fn a_file_of_a_letter_that_was_held_reached_nobody() {
    let enclosed = file(
        0,
        &json!({"senderAddress": "ceo@stranger.example", "messageId": "<ceo@stranger.example>", "result": "timeout"}),
    );
    let with = |action| {
        alerts(
            "impersonation-then-action",
            &[letter("internal_user_name", action), enclosed.clone()],
        )
        .len()
    };
    assert_eq!((with("hold"), with("none")), (0, 1));
}

#[test]
fn letters_without_a_sender_have_nothing_in_common() {
    let mut events = [
        letter("internal_user_name", "none"),
        file(30, &json!({"senderAddress": "<>"})),
    ];
    assert_eq!(
        alerts("impersonation-then-action", &events),
        Vec::<Value>::new()
    );
    events[0] = impersonation(
        0,
        &json!({"identifiers": ["internal_user_name"], "senderAddress": "<>"}),
    );
    assert_eq!(
        alerts("impersonation-then-action", &events),
        Vec::<Value>::new()
    );
}

#[test]
fn a_burst_is_told_once_wherever_in_the_hour_it_falls() {
    let malicious = |minute: &i64| {
        visit(
            *minute,
            "ada",
            &format!("https://bad{minute}.example/"),
            "malicious",
            "block",
        )
    };
    let told = |minutes: &[i64]| {
        let events: Vec<_> = minutes.iter().map(malicious).collect();
        alerts("burst-against-user", &events).len()
    };
    assert_eq!(told(&[20, 28, 50, 65, 70]), 1);
    assert_eq!(told(&[10, 20, 40, 55, 59]), 1);
    assert_eq!(told(&[20, 22, 31, 32, 33, 45, 50]), 1, "it grows");
    assert_eq!(told(&[0, 2, 4, 6, 8, 120, 122, 124, 126, 128]), 2);
    assert_eq!(told(&[20, 28, 50, 65]), 0);
}

#[test]
fn what_got_through_makes_campaigns_grave_whichever_feed_tells_it() {
    let letters = |action: &str| -> Vec<_> {
        let one = |n: i64| {
            impersonation(
                n,
                &json!({"taggedMalicious": true, "action": action, "senderAddress": "ceo@stranger.example", "recipientAddress": format!("user{n}@fabrikam.example")}),
            )
        };
        (0..6).map(one).collect()
    };
    for (action, severity) in [
        ("none", "High"),
        ("hold", "Medium"),
        ("remove_email", "Medium"),
    ] {
        let found = alerts("sender-hits-many-users", &letters(action));
        assert_eq!(found[0]["AlertSeverity"], severity, "{action}");
    }
}

#[test]
fn a_campaign_is_told_after_an_outage_too() {
    let campaign: Vec<_> = (0..8)
        .map(|n| {
            let changes = json!({"fromUserEmailAddress": format!("sender{}@evil.example", n % 4), "url": "https://bad.example/"});
            let mut event = visit(n, &format!("user{n}"), "", "malicious", "block");
            event.put(&changes);
            event
        })
        .collect();
    for hours in [0, 25, 40, 70] {
        let found = alerts_after("campaign-many-senders", &campaign, TimeDelta::hours(hours));
        assert_eq!(found.len(), 1, "{hours} h late");
    }
}

#[test]
fn a_host_of_many_owners_is_no_campaign_but_a_link_to_it_may_be() {
    let form = |n: i64, path: String| {
        let mut event = visit(
            n,
            &format!("user{n}"),
            &format!("https://docs.google.com/{path}"),
            "malicious",
            "block",
        );
        event.put(&json!({"fromUserEmailAddress": format!("sender{n}@evil.example")}));
        event
    };
    let different: Vec<_> = (0..6).map(|n| form(n, format!("forms/d/{n}"))).collect();
    assert_eq!(
        alerts("campaign-many-senders", &different),
        Vec::<Value>::new()
    );
    let same: Vec<_> = (0..6).map(|n| form(n, "forms/d/1".to_owned())).collect();
    let found = alerts("campaign-many-senders", &same);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["Kind"], &found[0]["HostName"]),
        (&json!("link"), &json!(""))
    );
}

#[test]
fn a_mailbox_that_sends_malware_to_others_is_told_as_well() {
    let sent = |route: &str| {
        let changes = json!({"route": route, "result": "malicious", "senderAddress": "grace@fabrikam.example", "recipientAddress": "x@partner.example"});
        alerts("internal-mailbox-sends-malicious", &[file(0, &changes)]).len()
    };
    assert_eq!(
        (sent("internal"), sent("outbound"), sent("inbound")),
        (1, 1, 0)
    );
}

/// Sentinel drops what goes beyond 2 KB, just when a campaign is large.
#[test]
fn custom_details_fit_into_an_alert_however_many_users_are_hit() {
    let long = "a-rather-long-name-of-somebody";
    let many: Vec<_> = (0..60)
        .flat_map(|n| {
            let (user, from) = (format!("{long}{n}@fabrikam.example"), format!("{long}{}@evil.example", n % 4));
            let subject = format!("{} {n}", "Subject ".repeat(20));
            let url = format!("https://bad.example/{}/{n}", "path/".repeat(60));
            let click = click(n, &json!({"userEmailAddress": user, "fromUserEmailAddress": from, "subject": subject, "url": url, "scanResult": "malicious", "action": "warn", "userAwarenessAction": "Continue", "route": "internal"}));
            let file = file(n, &json!({"recipientAddress": user, "senderAddress": from, "subject": subject, "result": "malicious", "fileName": format!("{}{n}.docm", "name ".repeat(30)), "actionTriggered": "hold"}));
            let letter = impersonation(n, &json!({"recipientAddress": user, "senderAddress": from, "subject": subject, "taggedMalicious": true, "action": "hold"}));
            [click, file, letter]
        })
        .collect();
    for rule in content::read().rules {
        for row in alerts(&rule.key, &many) {
            let size: usize = rule
                .custom_details
                .iter()
                .map(|(name, column)| name.len() + row[column].to_string().len())
                .sum();
            assert!(size < 2048, "{}: {size} bytes: {row}", rule.key);
        }
    }
}

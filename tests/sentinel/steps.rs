//! Rules that count alert at each step once: at the threshold, when the first gets through, at five and at twenty-five times as many.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    runs,
    stories::{self, Event, click, start},
    workspace::Stored,
};

/// A malicious click of a user, on a link of one sender.
fn victim(minute: i64, user: usize, action: &str) -> Event {
    click(
        minute,
        &json!({
            "userEmailAddress": format!("user{user}@fabrikam.example"), "fromUserEmailAddress": "office@evil.example",
            "url": format!("https://bad.example/{user}"), "scanResult": "malicious", "action": action,
            "messageId": format!("<{minute}-{user}@evil.example>"),
        }),
    )
}

/// The alerts of a rule, where each event is ingested so long after it happened.
fn alerts(key: &str, events: &[(Event, TimeDelta)], hours: i64) -> Vec<Value> {
    let rows: Vec<Stored> = events
        .iter()
        .map(|(event, delay)| stories::ingested(event, start(), event.happened(start()) + *delay))
        .collect();
    runs::alerts(key, &rows, hours)
}

/// How many users an alert counts, and how severe it is.
fn users_and_severity(alert: &Value) -> (u64, &str) {
    let users = alert["UserCount"].as_u64().unwrap();
    (users, alert["AlertSeverity"].as_str().unwrap())
}

fn soon(events: Vec<Event>) -> Vec<(Event, TimeDelta)> {
    let delay = TimeDelta::minutes(3);
    events.into_iter().map(|event| (event, delay)).collect()
}

#[test]
fn a_victim_every_few_hours_is_one_campaign_and_one_alert() {
    let events = (0..22).map(|n| victim(330 * i64::try_from(n).unwrap(), n, "block"));
    let found = alerts("sender-hits-many-users", &soon(events.collect()), 125);
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn a_campaign_that_grows_and_gets_through_is_told_again_at_each_step() {
    // Five users are stopped; an hour later two hundred more are reached, one each twenty seconds.
    let stopped = (0..5).map(|n| victim(5, n, "block"));
    let reached = (5..205).map(|n| victim(65 + i64::try_from(n).unwrap() / 3, n, "allow"));
    let events = soon(stopped.chain(reached).collect());
    let found = alerts("sender-hits-many-users", &events, 6);
    let told: Vec<_> = found.iter().map(users_and_severity).collect();
    assert_eq!(told[0], (5, "Medium"), "{told:?}");
    assert!(
        told[1..].iter().all(|(_, severity)| *severity == "High"),
        "{told:?}"
    );
    // The first that gets through and the twenty-fifth user may come in the same run.
    assert!((3..=4).contains(&told.len()), "{told:?}");
    assert!(
        told.iter().any(|(users, _)| (25..125).contains(users)),
        "{told:?}"
    );
    assert!(told.last().unwrap().0 >= 125, "{told:?}");
}

#[test]
fn a_new_wave_after_a_quiet_day_is_told_again() {
    let wave = |minute: i64, from: usize| (from..from + 5).map(move |n| victim(minute, n, "block"));
    let events = soon(wave(0, 0).chain(wave(48 * 60, 10)).collect());
    let found = alerts("sender-hits-many-users", &events, 52);
    assert_eq!(found.len(), 2, "{found:#?}");
}

#[test]
fn several_senders_of_one_host_are_told_at_each_step_once() {
    let of = |n: usize, minute: i64, action: &str| {
        let mut event = victim(minute, n, action);
        event.put(&json!({"fromUserEmailAddress": format!("sender{}@evil.example", n % 4)}));
        event
    };
    let first = (0..6).map(|n| of(n, 0, "block"));
    let more = (6..40).map(|n| of(n, 120, "block"));
    let through = [of(50, 240, "allow")];
    let events = soon(first.chain(more).chain(through).collect());
    let found = alerts("campaign-many-senders", &events, 8);
    let told: Vec<_> = found.iter().map(users_and_severity).collect();
    assert_eq!(told, [(6, "Medium"), (40, "Medium"), (41, "High")]);
}

#[test]
fn few_senders_or_none_that_is_named_make_a_campaign_too() {
    let of = |n: usize, sender: &str| {
        let mut event = victim(0, n, "block");
        event.put(&json!({ "fromUserEmailAddress": sender }));
        event
    };
    let two = (0..8).map(|n| of(n, ["a@evil.example", "b@evil.example"][n % 2]));
    assert_eq!(
        alerts("campaign-many-senders", &soon(two.collect()), 3).len(),
        1
    );
    let none = (0..30).map(|n| of(n, "<>"));
    assert_eq!(
        alerts("campaign-many-senders", &soon(none.collect()), 3).len(),
        1
    );
    let one = (0..30).map(|n| of(n, "a@evil.example"));
    assert_eq!(
        alerts("campaign-many-senders", &soon(one.collect()), 3).len(),
        0
    );
}

#[test]
fn a_user_who_clicks_on_one_new_host_after_the_other_is_told_at_each_step_once() {
    let clicks = (0..16).map(|n| {
        let mut event = victim(40 * i64::from(n), 1, "block");
        event.put(&json!({"url": format!("https://bad{n}.example/")}));
        event
    });
    let found = alerts("repeat-clicker", &soon(clicks.collect()), 13);
    let counts: Vec<_> = found
        .iter()
        .map(|row| row["HostCount"].as_u64().unwrap())
        .collect();
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert!(counts[0] < 15 && counts[1] >= 15, "{counts:?}");
}

/// Six malicious messages to one user within a quarter of an hour.
fn burst(minute: i64, action: &str) -> Vec<Event> {
    let one = |n: i64| {
        let mut event = victim(minute + 2 * n, 1, action);
        event.put(&json!({"url": format!("https://bad{minute}-{n}.example/"), "messageId": format!("<{minute}-{n}@evil.example>")}));
        event
    };
    (0..6).map(one).collect()
}

#[test]
fn a_burst_that_arrives_after_a_later_one_was_told_is_told_too() {
    let later = burst(180, "block")
        .into_iter()
        .map(|event| (event, TimeDelta::minutes(3)));
    let earlier = burst(0, "block")
        .into_iter()
        .map(|event| (event, TimeDelta::hours(5)));
    let found = alerts(
        "burst-against-user",
        &later.chain(earlier).collect::<Vec<_>>(),
        8,
    );
    let seen: Vec<_> = found
        .iter()
        .map(|row| row["FirstSeen"].as_str().unwrap())
        .collect();
    assert_eq!(
        seen,
        ["2026-11-24T11:00:00.000Z", "2026-11-24T08:00:00.000Z"]
    );
}

#[test]
fn two_bursts_that_arrive_together_are_two_alerts() {
    let events = [burst(0, "block"), burst(180, "block")].concat();
    let together: Vec<_> = events
        .into_iter()
        .map(|event| {
            let delay = start() + TimeDelta::hours(4) - event.happened(start());
            (event, delay)
        })
        .collect();
    assert_eq!(alerts("burst-against-user", &together, 6).len(), 2);
}

#[test]
fn a_burst_is_told_again_when_something_gets_through() {
    let mut events = burst(0, "block");
    let mut through = victim(30, 1, "allow");
    through.put(&json!({"messageId": "<through@evil.example>"}));
    events.push(through);
    let found = alerts("burst-against-user", &soon(events), 4);
    let severities: Vec<_> = found
        .iter()
        .map(|row| row["AlertSeverity"].as_str().unwrap())
        .collect();
    assert_eq!(severities, ["Medium", "High"]);
}

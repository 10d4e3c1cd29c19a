//! The rules alert: once for each event, whenever it is ingested and copied, and not on clean traffic.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use xtask::content::Rule;

use crate::{
    content,
    runs::{self, Reading, rule},
    stories::{self, Story, start},
    support::kusto::Kusto,
    workspace::{Generation, Stored, Workspace},
};

fn open(rows: &[Stored]) -> Kusto {
    Workspace::new(Generation::Deployed, rows).open()
}

/// How many alerts the rule's successive runs give, from a time on for some hours.
fn alerts(
    kusto: &mut Kusto,
    rule: &Rule,
    from: DateTime<Utc>,
    hours: i64,
    reading: Reading,
) -> Vec<usize> {
    let runs = runs::of(kusto, rule, from, hours, reading);
    runs.iter().map(Vec::len).collect()
}

fn count(alerts: &[usize]) -> usize {
    alerts.iter().sum()
}

/// The rows of a story, each ingested so long after it happened, and copies of them.
fn rows(story: &Story, delay: TimeDelta, copied_after: Option<TimeDelta>) -> Vec<Stored> {
    let mut rows = Vec::new();
    for event in &story.events {
        let at = event.happened(start()) + delay;
        rows.push(stories::ingested(event, start(), at));
        rows.extend(copied_after.map(|after| stories::ingested(event, start(), at + after)));
    }
    rows
}

/// Plays all stories; those whose rule did not alert once.
fn played(
    delay: TimeDelta,
    copied_after: Option<TimeDelta>,
    reading: Reading,
    generation: Generation,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let all: Vec<_> = stories::all()
        .iter()
        .flat_map(|story| rows(story, delay, copied_after))
        .collect();
    let workspace = Workspace::without_rows(generation, &all);
    for story in stories::all() {
        let mut workspace = workspace.clone();
        workspace.fill(generation, &rows(&story, delay, copied_after));
        let mut kusto = workspace.open();
        let hours = 3 + delay.num_hours() + copied_after.map_or(0, |after| after.num_hours());
        let found = alerts(&mut kusto, &rule(story.rule), start(), hours, reading);
        if count(&found) != 1 {
            wrong.push(format!("{}: {found:?}", story.rule));
        }
    }
    wrong
}

#[test]
fn each_rule_alerts_once_on_the_story_made_for_it() {
    for generation in Generation::ALL {
        for reading in Reading::ALL {
            let wrong = played(TimeDelta::minutes(7), None, reading, generation);
            assert_eq!(wrong, Vec::<String>::new(), "{generation:?} {reading:?}");
        }
    }
}

#[test]
fn an_alert_is_neither_missed_nor_repeated_at_the_border_of_two_runs() {
    // The rules run at whole five minutes: an event may be ingested right then, or just beside.
    for seconds in [300, 299, 301, 600] {
        for reading in Reading::ALL {
            let wrong = played(
                TimeDelta::seconds(seconds),
                None,
                reading,
                Generation::Deployed,
            );
            assert_eq!(wrong, Vec::<String>::new(), "{seconds} {reading:?}");
        }
    }
}

#[test]
fn an_event_that_is_ingested_hours_late_alerts_once() {
    let wrong = played(TimeDelta::hours(9), None, Reading::Run, Generation::Classic);
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn over_a_day_each_event_alerts_once_whatever_its_delay() {
    let stories = stories::all();
    let of_one = stories.iter().filter(|story| story.events.len() == 1);
    // That one gathers the links of all users.
    let of_one = of_one.filter(|story| story.rule != "url-scan-inconclusive");
    for story in of_one {
        let mut rows = Vec::new();
        for hour in 0..24 {
            let event = story.events[0].again(hour * 60 + hour);
            let delay = TimeDelta::seconds(60 + hour * 617 % 2400);
            rows.push(stories::ingested(
                &event,
                start(),
                event.happened(start()) + delay,
            ));
        }
        let mut kusto = open(&rows);
        let found = alerts(&mut kusto, &rule(story.rule), start(), 26, Reading::Run);
        assert_eq!(count(&found), 24, "{}: {found:?}", story.rule);
    }
}

#[test]
fn copies_do_not_alert_again() {
    for after in [TimeDelta::minutes(4), TimeDelta::minutes(90)] {
        let wrong = played(
            TimeDelta::minutes(7),
            Some(after),
            Reading::Run,
            Generation::Deployed,
        );
        assert_eq!(wrong, Vec::<String>::new(), "{after}");
    }
}

#[test]
fn every_rule_is_quiet_on_clean_traffic() {
    let mut rows = stories::passes(start(), 8);
    let delays = [2, 4, 9, 13].map(TimeDelta::minutes);
    for (event, delay) in stories::clean(8).iter().zip(delays.iter().cycle()) {
        rows.push(stories::ingested(
            event,
            start(),
            event.happened(start()) + *delay,
        ));
    }
    let mut kusto = open(&rows);
    for rule in content::read().rules {
        let found = alerts(
            &mut kusto,
            &rule,
            start() + TimeDelta::hours(1),
            7,
            Reading::Run,
        );
        assert_eq!(count(&found), 0, "{}: {found:?}", rule.key);
    }
}

#[test]
fn every_rule_about_events_has_its_story() {
    let told: Vec<_> = stories::all().iter().map(|story| story.rule).collect();
    let of_the_connector = [
        "connector-late",
        "connector-silent",
        "feed-has-gap",
        "records-quarantined",
    ];
    // These need an outage, of the connector or of Sentinel: their tests are further below.
    let of_outages = ["malicious-found-late", "rule-window-skipped"];
    for rule in content::read().rules {
        let key = rule.key.as_str();
        assert!(
            told.contains(&key) != (of_the_connector.contains(&key) || of_outages.contains(&key)),
            "{key}"
        );
    }
}

/// The runs of a rule that alert, as minutes after the story began.
fn told_at(kusto: &mut Kusto, key: &str, from: i64, hours: i64) -> Vec<i64> {
    let rule = rule(key);
    let every = rule.query_frequency.length().num_minutes();
    let from = start() + TimeDelta::hours(from);
    let found = alerts(kusto, &rule, from, hours, Reading::Run);
    let first = (from - start()).num_minutes();
    let runs = (0..).map(|run| first + run * every);
    let told = runs.zip(found).filter(|(_, alerts)| *alerts > 0);
    told.map(|(minute, _)| minute).collect()
}

/// The story begins at eight in the morning, UTC.
#[test]
fn a_silent_connector_is_told_from_quiet_mail_once_and_again_at_noon_and_midnight() {
    // Three hours of passes that deliver nothing, then none: the last row comes two minutes before eleven.
    let mut kusto = open(&stories::passes(start(), 3));
    let told = told_at(&mut kusto, "connector-silent", 1, 24);
    assert_eq!(told, [240, 960]);
}

#[test]
fn a_connector_that_never_sent_anything_is_told_at_noon_and_midnight() {
    let mut kusto = open(&[]);
    let told = told_at(&mut kusto, "connector-silent", 1, 20);
    assert_eq!(told, [240, 960]);
}

/// Health rows of a day in which the feed `url` is late from one minute to another.
fn late(minutes: &[(i64, i64)]) -> Vec<Stored> {
    let times = (0..24 * 12).map(|n| 5 * n);
    let rows = times.flat_map(|minute| {
        let is_late = minutes
            .iter()
            .any(|(from, to)| (*from..*to).contains(&minute));
        let lag = json!({"lagSeconds": if is_late { 7200 } else { 15 }});
        stories::health(start() + TimeDelta::minutes(minute), &lag)
    });
    rows.collect()
}

#[test]
fn a_feed_that_falls_behind_is_told_once_and_again_every_six_hours() {
    let mut kusto = open(&late(&[(120, 1000)]));
    let told = told_at(&mut kusto, "connector-late", 1, 20);
    assert_eq!(told, [150, 240, 600, 960]);
}

#[test]
fn a_feed_that_falls_behind_now_and_then_is_not_told_each_time() {
    let mut kusto = open(&late(&[(250, 290), (330, 370), (410, 450)]));
    let told = told_at(&mut kusto, "connector-late", 1, 8);
    assert_eq!(told.len(), 1, "{told:?}");
}

/// Rows of another solution do not say that this connector runs.
#[test]
fn a_silent_connector_is_told_while_another_solution_delivers() {
    let mut rows = stories::passes(start(), 3);
    rows.extend((0..48).map(|n| {
        let at = start() + TimeDelta::minutes(30 * n);
        let time = crate::workspace::text(at);
        let row = json!({"TimeGenerated": time, "_ingested": time, "userEmailAddress": "ada@fabrikam.example", "url": format!("https://{n}.example/")});
        Stored::alike("Ttp_Url_CL", row.as_object().unwrap().clone())
    }));
    let told = told_at(&mut open(&rows), "connector-silent", 1, 24);
    assert_eq!(told, [240, 960]);
}

#[test]
fn a_connector_that_runs_every_hour_and_always_fails_is_told() {
    let failed = json!({"outcome": "failed", "lagSeconds": null, "message": "storage answers 403"});
    let rows: Vec<_> = (0..12)
        .flat_map(|n| stories::health(start() + TimeDelta::hours(n), &failed))
        .collect();
    let told = told_at(&mut open(&rows), "connector-late", 1, 5);
    assert!(!told.is_empty(), "{told:?}");
}

#[test]
fn a_gap_that_comes_after_another_was_closed_is_told_and_one_that_stays_is_told_daily() {
    let times = (0..30 * 12).map(|n| 5 * n);
    let rows: Vec<_> = times
        .flat_map(|minute: i64| {
            let gaps = i32::from((60..180).contains(&minute) || minute > 540);
            stories::health(
                start() + TimeDelta::minutes(minute),
                &json!({"gaps": gaps, "message": "url has a gap"}),
            )
        })
        .collect();
    // Midnight is at 960 minutes.
    let told = told_at(&mut open(&rows), "feed-has-gap", 0, 28);
    assert_eq!(told, [120, 600, 960]);
}

#[test]
fn records_set_aside_are_told_once() {
    let mut rows = stories::passes(start(), 6);
    rows.extend(stories::health(
        start() + TimeDelta::minutes(62),
        &json!({"quarantined": 2, "message": "2 set aside"}),
    ));
    let mut kusto = open(&rows);
    let found = alerts(
        &mut kusto,
        &rule("records-quarantined"),
        start(),
        6,
        Reading::Run,
    );
    assert_eq!(count(&found), 1, "{found:?}");
}

#[test]
fn a_gap_is_told_once_and_another_one_again() {
    let times = (0..72).map(|n| start() + TimeDelta::minutes(5 * n));
    let rows: Vec<_> = times
        .enumerate()
        .flat_map(|(n, at)| {
            let gaps = [0, 1, 2][(n / 18).min(2)];
            stories::health(at, &json!({"gaps": gaps, "message": "url has a gap"}))
        })
        .collect();
    let mut kusto = open(&rows);
    let found = alerts(&mut kusto, &rule("feed-has-gap"), start(), 6, Reading::Run);
    assert_eq!(count(&found), 2, "{found:?}");
}

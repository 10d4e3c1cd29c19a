//! What an analyst finds in the plots.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::*;

/// Three days from a Monday morning on, as the demo plays them.
fn days(seed: u64, records: usize) -> Scenario {
    let start = utc("2026-03-02T06:00:00Z");
    Scenario::new(Plan::new(
        seed,
        records,
        start,
        start + chrono::TimeDelta::days(3),
    ))
}

/// The records with their times in minutes of the plan.
fn rows(scenario: &Scenario, log: Log) -> Vec<(i64, Value)> {
    let start = scenario.plan().start.timestamp();
    let minute = |index| (scenario.moment(log, index).at - start) / 60;
    let texts = texts(scenario, log).into_iter().enumerate();
    texts
        .map(|(index, text)| (minute(index), serde_json::from_str(&text).unwrap()))
        .collect()
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn host(row: &Value) -> String {
    let url = text(row, "url");
    url.split('/').nth(2).unwrap_or_default().to_owned()
}

/// The rows by what `key` gives of them, and in each group how many different ones `of` names.
fn most<K: Ord>(
    rows: &[(i64, Value)],
    key: impl Fn(&Value) -> Option<K>,
    of: &[&str],
) -> Vec<usize> {
    let mut groups = BTreeMap::<K, Vec<&Value>>::new();
    for (_, row) in rows {
        if let Some(key) = key(row) {
            groups.entry(key).or_default().push(row);
        }
    }
    let different = |rows: &Vec<&Value>, name: &str| {
        let values: HashSet<_> = rows.iter().map(|row| text(row, name)).collect();
        values.len()
    };
    let counts = groups
        .values()
        .map(|rows| of.iter().map(|name| different(rows, name)).min().unwrap());
    counts.collect()
}

fn malicious(row: &Value) -> bool {
    row["scanResult"] == "malicious" || row["result"] == "malicious"
}

#[test]
fn one_host_comes_from_many_senders_to_many_users() {
    for seed in 1..=3 {
        let rows = rows(&days(seed, 3000), Log::Url);
        let counts = most(
            &rows,
            |row| malicious(row).then(|| host(row)),
            &["userEmailAddress", "fromUserEmailAddress"],
        );
        assert!(counts.iter().any(|count| *count >= 5), "{counts:?}");
    }
}

#[test]
fn one_file_comes_to_many_users_under_several_names() {
    let rows = rows(&days(1, 3000), Log::Attachment);
    let by_hash = |row: &Value| malicious(row).then(|| text(row, "fileHash").to_owned());
    for name in ["recipientAddress", "senderAddress"] {
        let counts = most(&rows, by_hash, &[name]);
        assert!(counts.iter().any(|count| *count >= 3), "{name}: {counts:?}");
    }
    let released = |row: &Value| malicious(row) && row["actionTriggered"] == "user release, none";
    assert!(rows.iter().any(|(_, row)| released(row)));
    for result in ["timeout", "error"] {
        assert!(
            rows.iter().any(|(_, row)| row["result"] == result),
            "{result}"
        );
    }
}

type Is = fn(&Value) -> bool;

#[test]
fn malicious_pages_are_reached_in_every_way() {
    let rows = rows(&days(1, 3000), Log::Url);
    let ways: [(&str, Is); 4] = [
        ("allowed", |row| row["action"] == "allow"),
        ("warned and continued", |row| {
            row["action"] == "warn" && row["userAwarenessAction"] == "Continue"
        }),
        ("a user's override", |row| row["userOverride"] == "Allow"),
        ("an administrator's", |row| row["adminOverride"] == "Allow"),
    ];
    for (way, is) in ways {
        assert!(
            rows.iter().any(|(_, row)| malicious(row) && is(row)),
            "{way}"
        );
    }
}

#[test]
fn a_page_that_was_blocked_is_reached_later() {
    let rows = rows(&days(1, 3000), Log::Url);
    let page = |row: &Value| {
        let url = text(row, "url").split('?').next().unwrap_or_default();
        (text(row, "userEmailAddress").to_owned(), url.to_owned())
    };
    let found = rows.iter().any(|(first, blocked)| {
        blocked["action"] == "block"
            && rows.iter().any(|(second, reached)| {
                first < second && reached["action"] == "allow" && page(blocked) == page(reached)
            })
    });
    assert!(found);
}

#[test]
fn a_protected_name_is_followed_by_a_click_and_a_file() {
    let scenario = days(1, 3000);
    let letters = rows(&scenario, Log::Impersonation);
    let protected = |row: &Value| {
        row["identifiers"]
            .to_string()
            .contains("internal_user_name")
    };
    for (log, to, from) in [
        (Log::Url, "userEmailAddress", "fromUserEmailAddress"),
        (Log::Attachment, "recipientAddress", "senderAddress"),
    ] {
        let acts = rows(&scenario, log);
        let followed = letters.iter().any(|(first, letter)| {
            let same = |act: &Value| {
                act[to] == letter["recipientAddress"] && act[from] == letter["senderAddress"]
            };
            protected(letter)
                && letter["taggedMalicious"] == true
                && letter["action"] == "none"
                && acts.iter().any(|(second, act)| first < second && same(act))
        });
        assert!(followed, "{}", log.name());
    }
    assert!(letters.iter().any(|(_, row)| row["action"] == "hold"));
}

#[test]
fn a_mailbox_of_the_company_sends_malicious_links_and_files() {
    let scenario = days(1, 3000);
    for (log, from) in [
        (Log::Url, "fromUserEmailAddress"),
        (Log::Attachment, "senderAddress"),
    ] {
        let found = rows(&scenario, log).iter().any(|(_, row)| {
            malicious(row)
                && row["route"] == "internal"
                && text(row, from).ends_with("@fabrikam.example")
        });
        assert!(found, "{}", log.name());
    }
}

#[test]
fn one_user_is_hit_by_a_burst_within_an_hour() {
    let scenario = days(1, 3000);
    let mut hits = Vec::new();
    for log in Log::ALL {
        for (minute, row) in rows(&scenario, log) {
            let to = text(&row, "userEmailAddress").to_owned() + text(&row, "recipientAddress");
            if malicious(&row) || row["taggedMalicious"] == true {
                hits.push((to, minute, text(&row, "messageId").to_owned()));
            }
        }
    }
    let burst = hits.iter().any(|(user, start, _)| {
        let messages: HashSet<_> = hits
            .iter()
            .filter(|(other, minute, id)| {
                other == user && (*start..start + 60).contains(minute) && id.len() > 2
            })
            .map(|(_, _, id)| id)
            .collect();
        messages.len() >= 5
    });
    assert!(burst);
}

#[test]
fn plots_are_a_small_part_and_small_plans_have_none() {
    let beats = |scenario: &Scenario| {
        Log::ALL.map(|log| {
            let timeline = scenario.timeline(log);
            (0..timeline.len())
                .filter(|index| timeline.beat(*index).is_some())
                .count()
        })
    };
    assert_eq!(beats(&days(1, 999)), [0, 0, 0]);
    assert_eq!(beats(&days(1, 1000)), [23, 12, 9]);
    // A plot a day, whatever the number of records; the last day ends in the morning.
    assert_eq!(beats(&days(1, 3000)), [69, 36, 27]);
    assert_eq!(beats(&days(1, 20_000)), [69, 36, 27]);
    // Weekends are left alone: ten working days of two weeks.
    assert_eq!(
        beats(&Scenario::new(plan(1, 20_000))),
        [23, 12, 9].map(|day| day * 10)
    );
}

#[test]
fn one_hour_of_a_working_day_is_silent_in_all_logs() {
    for scenario in [days(1, 20_000), Scenario::new(plan(1, 20_000))] {
        let plan = scenario.plan();
        let (first, end) = (plan.start.timestamp(), plan.end.timestamp());
        let silent = calendar::silent_hour(first, end).unwrap();
        assert_eq!(
            DateTime::from_timestamp(silent, 0),
            Some(utc("2026-03-03T12:00:00Z"))
        );
        for log in Log::ALL {
            let within = |from: i64| {
                let at = |index| scenario.moment(log, index).at;
                let hour = from..from + 3600;
                (0..scenario.len(log))
                    .filter(|index| hour.contains(&at(*index)))
                    .count()
            };
            assert_eq!(within(silent), 0, "{}", log.name());
            assert!(within(silent + 3600) > 5, "{}", log.name());
        }
    }
}

//! What the records promise.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::*;

fn rows(log: Log) -> Vec<Value> {
    texts(&Scenario::new(plan(11, 20_000)), log)
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

#[test]
fn the_same_plan_gives_the_same_records_and_another_seed_gives_others() {
    let [one, same, other] = [5, 5, 6].map(|seed| Scenario::new(plan(seed, 2000)));
    for log in Log::ALL {
        assert_eq!(texts(&one, log), texts(&same, log));
        let others: HashSet<_> = texts(&other, log).into_iter().collect();
        assert!(texts(&one, log).iter().all(|text| !others.contains(text)));
        let moments = |scenario: &Scenario| {
            (0..scenario.len(log))
                .map(|i| scenario.moment(log, i))
                .collect::<Vec<_>>()
        };
        assert_eq!(moments(&one), moments(&same));
        assert_ne!(moments(&one), moments(&other));
    }
}

#[test]
fn a_known_seed_keeps_its_records() {
    // A change here makes every seed in a bug report worthless: it needs a reason.
    let scenario = Scenario::new(plan(1, 2000));
    let mut sum = 0_u64;
    for log in Log::ALL {
        for text in texts(&scenario, log) {
            sum = text.bytes().fold(sum, |sum, byte| {
                (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
            });
        }
    }
    assert_eq!(
        sum, 2_430_152_788_612_021_664,
        "the records of seed 1 have changed"
    );
}

#[test]
fn every_record_is_json_that_tells_its_serial_and_its_time() {
    let scenario = Scenario::new(plan(11, 20_000));
    for log in Log::ALL {
        for (index, text) in texts(&scenario, log).iter().enumerate() {
            let row: Value = serde_json::from_str(text).unwrap();
            assert_eq!(serial_of(log, &row), Some(index), "{text}");
            let time = row[log.time_member()]
                .as_str()
                .unwrap()
                .replace("+0000", "Z");
            let moment = scenario.moment(log, index);
            assert_eq!(utc(&time).timestamp(), moment.at, "{text}");
            assert!(moment.at <= moment.visible_at);
        }
    }
}

#[test]
fn the_records_are_split_over_the_logs_and_sorted() {
    for records in [0, 1, 2, 7, 1000] {
        let scenario = Scenario::new(plan(2, records));
        let lens = Log::ALL.map(|log| scenario.len(log));
        assert_eq!(lens.iter().sum::<usize>(), records);
        assert_eq!(scenario.all_visible_at().is_some(), records > 0);
    }
    let scenario = Scenario::new(plan(2, 1000));
    assert_eq!(Log::ALL.map(|log| scenario.len(log)), [600, 250, 150]);
    for log in Log::ALL {
        let at = |index| scenario.moment(log, index).at;
        assert!((1..scenario.len(log)).all(|index| at(index - 1) <= at(index)));
    }
}

#[test]
fn every_optional_member_is_both_present_and_missing() {
    let members = |log| match log {
        Log::Url => vec![
            "userEmailAddress",
            "fromUserEmailAddress",
            "ttpDefinition",
            "subject",
            "action",
            "adminOverride",
            "userOverride",
            "scanResult",
            "category",
            "sendingIp",
            "userAwarenessAction",
            "actions",
            "route",
            "creationMethod",
            "emailPartsDescription",
            "messageId",
            "tagMap",
            "advancedPhishingResult",
        ],
        Log::Attachment => vec![
            "senderAddress",
            "recipientAddress",
            "fileType",
            "result",
            "actionTriggered",
            "details",
            "route",
            "messageId",
            "subject",
            "fileHash",
            "definition",
        ],
        Log::Impersonation => vec![
            "senderAddress",
            "recipientAddress",
            "subject",
            "definition",
            "hits",
            "identifiers",
            "action",
            "taggedExternal",
            "taggedMalicious",
            "senderIpAddress",
            "impersonationResults",
            "messageId",
        ],
    };
    for log in Log::ALL {
        let rows = rows(log);
        for name in members(log) {
            let with = rows.iter().filter(|row| row.get(name).is_some()).count();
            assert!(
                with > 20 && with < rows.len() - 10,
                "{name}: {with} of {}",
                rows.len()
            );
            let empty = |row: &Value| {
                row.get(name).is_some_and(|value| {
                    value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty)
                })
            };
            assert!(rows.iter().any(empty), "{name} is never empty");
        }
    }
    for name in ["similarDomain", "checkerResult"] {
        let results: Vec<_> = rows(Log::Impersonation)
            .iter()
            .filter_map(|row| row.get("impersonationResults")?.as_array().cloned())
            .flatten()
            .collect();
        let with = results
            .iter()
            .filter(|result| result.get(name).is_some())
            .count();
        assert!(with > 20 && with < results.len() - 20, "{name}: {with}");
    }
}

#[test]
fn text_is_written_in_every_way_that_json_allows() {
    for log in Log::ALL {
        let all = texts(&Scenario::new(plan(11, 20_000)), log).join("\n");
        for part in [
            "\\/",
            "/",
            "\\ud83d\\udc",
            "\\\"",
            "\\\\",
            ":null",
            ":\"\"",
            "ü",
            "\\u00fc",
            "с",
        ] {
            assert!(all.contains(part), "{} never holds {part}", log.name());
        }
    }
}

#[test]
fn a_second_often_holds_several_records_and_at_times_more_than_a_page() {
    let scenario = Scenario::new(plan(11, 20_000));
    for log in Log::ALL {
        let mut seconds = HashMap::<i64, usize>::new();
        for index in 0..scenario.len(log) {
            *seconds.entry(scenario.moment(log, index).at).or_default() += 1;
        }
        let several = seconds.values().filter(|count| **count >= 5).count();
        assert!(several > 40, "{}: {several}", log.name());
        assert!(seconds.values().any(|count| *count >= 700));
        assert!(seconds.values().filter(|count| **count == 1).count() > 500);
    }
}

#[test]
fn the_rows_of_a_message_share_its_id_and_time_and_are_never_equal() {
    for log in Log::ALL {
        let mut messages = HashMap::<(String, String), Vec<Value>>::new();
        for row in rows(log) {
            if let Some(id) = row["messageId"].as_str().filter(|id| id.len() > 2) {
                let time = row[log.time_member()].as_str().unwrap().to_owned();
                messages.entry((id.to_owned(), time)).or_default().push(row);
            }
        }
        let several: Vec<_> = messages.values().filter(|rows| rows.len() > 1).collect();
        assert!(several.len() > 50, "{}: {}", log.name(), several.len());
        let to = |row: &Value| {
            row.get("recipientAddress")
                .or(row.get("userEmailAddress"))
                .cloned()
        };
        let readers = |rows: &&&Vec<Value>| rows.iter().map(to).collect::<HashSet<_>>().len();
        assert!(several.iter().filter(|rows| readers(rows) > 1).count() > 20);
        let unequal = rows(log)
            .iter()
            .map(Value::to_string)
            .collect::<HashSet<_>>();
        assert_eq!(unequal.len(), rows(log).len());
    }
}

#[test]
fn records_have_the_size_of_real_ones() {
    let scenario = Scenario::new(plan(11, 20_000));
    for log in Log::ALL {
        let sizes: Vec<_> = texts(&scenario, log).iter().map(String::len).collect();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((600..=1100).contains(&mean), "{}: {mean}", log.name());
        assert!(sizes.iter().all(|size| *size < 4096));
    }
    let longest = rows(Log::Url)
        .iter()
        .filter_map(|row| Some(row["url"].as_str()?.len()))
        .max();
    assert!(
        longest.is_some_and(|len| (1200..=1536).contains(&len)),
        "{longest:?}"
    );
}

#[test]
fn an_analyst_finds_the_stories() {
    let share = |rows: &[Value], is: &dyn Fn(&Value) -> bool| {
        rows.iter().filter(|row| is(row)).count() * 1000 / rows.len()
    };
    let urls = rows(Log::Url);
    let malicious = |row: &Value| row["scanResult"] == "malicious";
    assert!((80..300).contains(&share(&urls, &malicious)));
    let through = share(&urls, &|row| malicious(row) && row["action"] == "allow");
    assert!((3..40).contains(&through), "{through}");
    let files = rows(Log::Attachment);
    for result in ["malicious", "timeout", "unsafe", "error"] {
        let share = share(&files, &|row| row["result"] == result);
        assert!((10..250).contains(&share), "{result}: {share}");
    }
    let mails = rows(Log::Impersonation);
    let chief = share(&mails, &|row| {
        row["senderAddress"]
            .as_str()
            .is_some_and(|from| from.starts_with("ceo.office"))
    });
    assert!((20..300).contains(&chief), "{chief}");
}

#[test]
fn odd_times_are_left_out_on_request() {
    let mut plan = plan(11, 20_000);
    let odd = |plan: &Plan| {
        let texts = texts(&Scenario::new(plan.clone()), Log::Url);
        texts
            .iter()
            .filter(|text| !text.contains("+0000\""))
            .count()
    };
    assert!((20..150).contains(&odd(&plan)));
    plan.odd_times = false;
    assert_eq!(odd(&plan), 0);
}

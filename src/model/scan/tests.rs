use proptest::prelude::*;

use super::*;
use crate::model::fingerprint::Fingerprinter;

fn scan(record: &str) -> Option<RecordMeta> {
    let (end, look) = Scanner::new(Feed::Url).record(record, 0)?;
    assert_eq!(end, record.len());
    Some(look)
}

#[test]
fn a_usual_record_is_scanned_and_means_what_the_plain_way_says() {
    for record in [
        "{}",
        r#"{"date":"2026-03-02T08:00:14+0000","url":"https:\/\/x\u00e9","n":-1.5e3,"t":true,"f":false,"z":null}"#,
        r#"{"b":{"d":[],"c":[1,"x",{"e":{}}]},"a":"","date":{"date":"2026-03-02T08:00:14Z"}}"#,
        r#"{"é🔒":"é🔒","a":"\ud83d"}"#,
    ] {
        let look = scan(record).unwrap_or_else(|| panic!("not scanned: {record}"));
        assert_eq!(
            look.fingerprint,
            Fingerprinter::default().take(record),
            "{record}"
        );
    }
}

#[test]
fn the_unusual_and_the_broken_go_the_plain_way() {
    for record in [
        "",
        "[]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":01}",
        "{\"a\":tru}",
        "{\"a\":1 }",
        "{ \"a\":1}",
        "{\"a\" :1}",
        "{\"a\":\"x}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":[1,]}",
        "{\"a\":[1}",
        "{\"a\":{\"b\"}}",
        "{\"a\":[]]}",
        "{\"a\":1,\"a\":2}",
        "{\"\\u0061\":1}",
        "{\"date\":\"2026-03-02T08:00:14\\u002b0000\"}",
        &format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40)),
    ] {
        assert_eq!(Scanner::new(Feed::Url).record(record, 0), None, "{record}");
    }
}

#[test]
fn more_names_than_there_is_room_for_do_not_keep_the_usual_ones_out() {
    let mut scanner = Scanner::new(Feed::Url);
    let odd = (0..70)
        .map(|n| format!("\"odd{n}\":{n}"))
        .collect::<Vec<_>>();
    assert_eq!(scanner.record(&format!("{{{}}}", odd.join(",")), 0), None);
    let usual = r#"{"date":"2026-03-02T08:00:14+0000"}"#;
    assert_eq!(scanner.record(usual, 0), None);
    scanner.make_room();
    assert!(scanner.record(usual, 0).is_some());
}

fn any_record() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[a-z\"\\\\/é🔒]{0,12}".prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map("[a-f]{1,2}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::vec(("[a-h]{1,2}", value), 0..8).prop_map(|members| {
        let members = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    })
}

proptest! {
    #[test]
    fn both_ways_give_the_same_identity(records in prop::collection::vec(any_record(), 1..6)) {
        // One scanner for all, so that its guesses go wrong.
        let mut scanner = Scanner::new(Feed::Url);
        for record in records {
            if let Some((end, look)) = scanner.record(&record, 0) {
                prop_assert_eq!(end, record.len());
                prop_assert_eq!(look.fingerprint, Fingerprinter::default().take(&record), "{}", record);
            } else {
                // Only doubled names are unusual here.
                let parsed: serde_json::Value = serde_json::from_str(&record).unwrap();
                let twice = json::members(&record).count() > parsed.as_object().unwrap().len();
                prop_assert!(twice, "{}", record);
            }
        }
    }

    #[test]
    fn what_is_not_json_is_never_taken_for_a_record(
        record in any_record(),
        place in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"{}[]\",:\\ 0-et".to_vec()),
        remove in any::<bool>(),
    ) {
        let mut bytes = record.into_bytes();
        let place = place.index(bytes.len());
        if remove { let _ = bytes.remove(place); } else { bytes[place] = byte; }
        if let Ok(text) = String::from_utf8(bytes)
            && let Some((end, look)) = Scanner::new(Feed::Url).record(&text, 0)
        {
            let record = text.get(..end).unwrap();
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(record).is_ok(), "{}", record);
            prop_assert_eq!(look.fingerprint, Fingerprinter::default().take(record), "{}", record);
        }
    }
}

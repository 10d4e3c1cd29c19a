//! The promises of the parsers, one plain function for each, over any bytes at all.
//!
//! The seeded run of `cargo test` and the targets in `fuzz/` call the same functions. Each panics when
//! a promise is broken, and answers whether the parser accepted the bytes. What a parser found is
//! compared with what serde finds in the same text; the program's own walk over JSON is not asked.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "this is test code"
)]

mod reader;
mod rewrite;
mod rows;

use std::fmt::Debug;

use chrono::DateTime;
use mimecast_ttp::{
    azure::connection_string,
    functions::Invocation,
    mimecast::wire,
    model::{
        checkpoint::Start,
        event_time,
        feed::Feed,
        fingerprint::Fingerprinter,
        ledger::{Hour, LedgerHour},
        quarantined::Quarantined,
        record::RecordScanner,
    },
};

use self::{
    reader::{by_name, json, listed, only},
    rewrite::rewrite,
    rows::{assert_row, assert_time, batched, spliced},
};

/// A page: its records are those of the text, and each can be looked at, spliced and posted.
pub fn page(input: &[u8]) -> bool {
    let mut accepted = false;
    for feed in Feed::ALL {
        let page = match wire::page(&mut RecordScanner::new(feed), input.to_vec()) {
            Ok(page) => page,
            Err(unread) => {
                assert!(!unread.why.to_string().is_empty());
                assert!(!unread.description.is_empty());
                continue;
            }
        };
        let text = String::from_utf8_lossy(input);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let records: Vec<_> = page.records().collect();
        for (record, look) in page.records_with_meta() {
            let plainly = RecordScanner::new(feed).scan_fully(record);
            assert_eq!(look, plainly, "one scan sees what the plain way sees");
        }
        assert_eq!(records.len(), page.len(), "every place lies in the text");
        match listed(feed, text) {
            Some(listed) => {
                assert_eq!(
                    records, listed,
                    "the records are those that the text lists for {feed}"
                );
            }
            None => assert!(
                page.repaired > 0 || (page.is_empty() && page.total == Some(0)),
                "only what was repaired or is empty is read where no listing is"
            ),
        }
        // Far more than any record here, and so little that many make a batch of their own.
        for max_bytes in [1_000_000, 700] {
            batched(feed, &records, max_bytes);
        }
        accepted |= !page.is_empty();
    }
    accepted
}

/// A record: the row is the record and four members, and its identity is its content.
pub fn record(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    // The walk ends on any text.
    for feed in Feed::ALL {
        let look = RecordScanner::new(feed).scan(&text);
        spliced(feed, &text, look);
    }
    let Some(record) = json(&text).filter(|record| record.starts_with('{')) else {
        return false;
    };
    let (reversed, respelled) = (rewrite(record, true, 0), rewrite(record, false, 0));
    for feed in Feed::ALL {
        let mut scanner = RecordScanner::new(feed);
        let look = scanner.scan(record);
        assert_eq!(scanner.scan_fully(record), look, "both ways see the same");
        let row = spliced(feed, record, look);
        assert_row(feed, record, look, &row);
        assert_eq!(
            scanner.scan(&respelled),
            look,
            "neither white space nor escapes make another record: {respelled}"
        );
        assert_eq!(
            scanner.scan(&reversed).fingerprint,
            look.fingerprint,
            "the order of members makes no other record: {reversed}"
        );
        assert_ne!(
            Fingerprinter::default().take(&row),
            look.fingerprint,
            "another content is another record"
        );
    }
    true
}

/// A checkpoint: what is read can be saved and read again, for its own feed only.
pub fn checkpoint(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let mut accepted = Vec::new();
    for feed in Feed::ALL {
        match Start::read(Some(&text), feed) {
            Ok(Start::Fresh) => assert!(
                text.chars().all(|c| c.is_whitespace() || c == '\u{feff}'),
                "only an empty text is a first run"
            ),
            Ok(Start::TakenOver(time)) => {
                assert_time(&event_time::to_utc_text(time));
                accepted.push(feed);
            }
            Ok(Start::From(checkpoint)) => {
                assert!(
                    checkpoint.read_again_from <= checkpoint.watermark,
                    "nothing between the watermark and the next reading is passed over"
                );
                assert_time(&event_time::to_utc_text(checkpoint.watermark));
                let saved = checkpoint.to_text(feed, "fuzzing");
                assert_eq!(
                    Start::read(Some(&saved), feed),
                    Ok(Start::From(checkpoint)),
                    "what was read is written and read back: {saved}"
                );
                accepted.push(feed);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    // The other things that are saved are read as carefully.
    drop(Quarantined::read(&text));
    let hour = Hour::of(DateTime::default());
    if let Ok(ledger) = LedgerHour::from_bytes(hour, input) {
        assert_eq!(ledger.to_bytes(), input, "a ledger has one form");
    }
    assert!(
        accepted.len() <= 1 || event_time::parse(text.trim_matches('\u{feff}')).is_some(),
        "only a plain time is good for more than one feed, but this was for {accepted:?}"
    );
    !accepted.is_empty()
}

/// A connection string: whatever is shown of it does not depend on its secrets.
pub fn connection_string(input: &[u8]) -> bool {
    const SECRETS: [&str; 2] = ["AccountKey", "SharedAccessSignature"];
    let text = String::from_utf8_lossy(input);
    let secret_name = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let is_secret = SECRETS
            .iter()
            .any(|secret| name.trim().eq_ignore_ascii_case(secret));
        (is_secret && !value.trim().is_empty()).then(|| name.to_owned())
    };
    let accepted = connection_string::parse(&text);
    let shown = show(&accepted);
    // What is shown may tell whether a secret can be used, and nothing else about it.
    let otherwise = ["b3RoZXI=", "!"].map(|secret| {
        let parts: Vec<_> = text
            .split(';')
            .map(|part| match secret_name(part) {
                Some(name) => format!("{name}={secret}"),
                None => part.to_owned(),
            })
            .collect();
        show(&connection_string::parse(&parts.join(";")))
    });
    assert!(
        otherwise.contains(&shown),
        "a secret is shown: {shown}, but with another one {otherwise:?}"
    );
    let Ok(access) = accepted else {
        return false;
    };
    let endpoint = access.endpoint;
    assert!(matches!(endpoint.scheme(), "http" | "https") && endpoint.has_host());
    let is_local = endpoint.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    });
    let is_emulators = matches!(
        &access.signing,
        connection_string::Signing::Key { account, .. } if account == "devstoreaccount1"
    );
    assert!(
        endpoint.scheme() == "https" || is_local || is_emulators,
        "plain http to another machine"
    );
    assert!(endpoint.username().is_empty() && endpoint.password().is_none());
    assert_eq!(endpoint.fragment(), None);
    assert_eq!(
        endpoint.query().is_some(),
        matches!(access.signing, connection_string::Signing::InAddress),
        "an address has a query only where that is the signature"
    );
    true
}

/// The payload of a timer call: lenient, and never mistaken.
pub fn timer_payload(input: &[u8]) -> bool {
    let invocation = Invocation::read(input);
    // Bytes that are no UTF-8 do no harm where nothing is read.
    let text = String::from_utf8_lossy(input);
    let data = only(&text, "Data")
        .filter(|data| data.starts_with('{'))
        .and_then(by_name);
    if !invocation.understood {
        assert!(!invocation.past_due, "what is not understood says nothing");
        return false;
    }
    let Some(data) = data.filter(|data| !data.is_empty()) else {
        panic!("understood without an object `Data` that says something")
    };
    let past_due = data.values().any(|binding| {
        by_name(binding).is_some_and(|binding| binding.get("IsPastDue") == Some(&"true"))
    });
    assert_eq!(invocation.past_due, past_due);
    true
}

/// Everything that a log line could show.
fn show<T: Debug>(result: &Result<T, connection_string::ConnectionStringError>) -> String {
    match result {
        Ok(access) => format!("{access:?}"),
        Err(error) => format!("{error} {error:?}"),
    }
}

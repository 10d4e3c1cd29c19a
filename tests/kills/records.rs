//! What Mimecast has to tell in these tests, and what each row that arrives must be.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::model::feed::Feed;
use rand::{RngExt, rngs::StdRng};
use simulators::{
    log::Log,
    records::{GivenRecords, Moment},
};

/// A record by itself.
#[derive(Debug, Clone)]
pub struct Given {
    pub at: DateTime<Utc>,
    pub visible_at: DateTime<Utc>,
    pub text: String,
}

/// How late a record shows.
pub type Lateness = fn(&mut StdRng) -> TimeDelta;

/// The records of all feeds; the serial number of a record is its place in its feed's list.
#[derive(Debug, Default, Clone)]
pub struct Records([Vec<Given>; 3]);

impl Records {
    pub fn of(&self, feed: Feed) -> &[Given] {
        &self.0[feed as usize]
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Adds `count` records of a feed between two moments; a third of them share a second with the
    /// one before.
    pub fn add(
        &mut self,
        random: &mut StdRng,
        feed: Feed,
        count: usize,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        lateness: Lateness,
    ) {
        let mut at = from;
        for _ in 0..count {
            if random.random_bool(2.0 / 3.0) {
                let seconds = random.random_range(0..(to - from).num_seconds());
                at = from + TimeDelta::seconds(seconds);
            }
            let list = &mut self.0[feed as usize];
            let text = format!(
                r#"{{"n":{},"{}":"{}","subject":"Größe ✉","note":"{}"}}"#,
                list.len(),
                feed.time_member(),
                at.format("%Y-%m-%dT%H:%M:%S+0000"),
                "x".repeat(random.random_range(0..200)),
            );
            let visible_at = at + lateness(random);
            list.push(Given {
                at,
                visible_at,
                text,
            });
        }
    }

    /// The same for the simulator.
    pub fn to_simulate(&self) -> GivenRecords {
        let mut given = GivenRecords::default();
        for (feed, log) in Feed::ALL.into_iter().zip(Log::ALL) {
            for record in self.of(feed) {
                let moment = Moment {
                    at: record.at.timestamp(),
                    visible_at: record.visible_at.timestamp(),
                };
                given.push(log, moment, record.text.clone());
            }
        }
        given
    }

    /// The serial number of a row: its first member, or it was altered.
    pub fn serial(&self, feed: Feed, row: &str) -> usize {
        let number = row
            .strip_prefix("{\"n\":")
            .and_then(|rest| rest.split_once(','))
            .and_then(|(number, _)| number.parse().ok())
            .filter(|number| *number < self.of(feed).len());
        number.unwrap_or_else(|| panic!("no record of {feed}: {row}"))
    }

    /// The serial number and the fingerprint of a row, which must be its record to the byte with
    /// nothing but the four members behind it.
    pub fn recognise(&self, feed: Feed, row: &str) -> (usize, String) {
        let value: serde_json::Value = serde_json::from_str(row).unwrap();
        let serial = self.serial(feed, row);
        let record = &self.of(feed)[serial];
        let fingerprint = value["mimecastFingerprint"].as_str().unwrap();
        let event = feed.event_id();
        let time = record.at.format("%Y-%m-%dT%H:%M:%SZ");
        let expected = format!(
            r#"{},"mimecastEventId":"{event}","mimecastEventCategory":"{event}","time_generated":"{time}","mimecastFingerprint":"{fingerprint}"}}"#,
            record.text.strip_suffix('}').unwrap()
        );
        assert_eq!(row, expected, "{feed} {serial} was altered");
        assert!(
            fingerprint
                .strip_prefix("ttp1-")
                .is_some_and(|hex| hex.len() == 32),
            "{fingerprint}"
        );
        (serial, fingerprint.to_owned())
    }
}

/// One fingerprint for each record, whenever it was delivered, and no two records with the same.
#[derive(Default)]
pub struct Fingerprints(HashMap<String, (Feed, usize)>);

impl Fingerprints {
    pub fn check(&mut self, feed: Feed, serial: usize, fingerprint: String) {
        let of = self.0.entry(fingerprint).or_insert((feed, serial));
        assert_eq!(*of, (feed, serial), "two records with one fingerprint");
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}

//! What a seed makes: the records and their delays, the habits of the services, the odds of faults.

use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::model::{event_time, feed::Feed, progress::Lookback};

use super::dice::Dice;

pub const LATE_ARRIVAL: TimeDelta = TimeDelta::minutes(15);
pub const SETTLE: TimeDelta = TimeDelta::seconds(15);
/// The host's timer.
pub const TICK: TimeDelta = TimeDelta::minutes(5);

/// How the source sorts a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    OldestFirst,
    NewestFirst,
    Shuffled,
}

/// Whose habits the sink has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// One post at a time, large ones.
    DataCollector,
    /// Several small posts at a time, which may end in any order.
    LogsIngestion,
}

impl Sink {
    pub const fn max_concurrent_posts(self) -> usize {
        match self {
            Self::DataCollector => 1,
            Self::LogsIngestion => 3,
        }
    }
}

/// A record: what Mimecast has, and what the sink thinks of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its identity in the story.
    pub number: usize,
    pub feed: Feed,
    /// The second under which Mimecast lists it.
    pub time: DateTime<Utc>,
    /// From when on it is shown.
    pub visible: DateTime<Utc>,
    /// From when on it is counted; before it is shown, for some.
    pub counted: DateTime<Utc>,
    pub text: String,
    /// The sink refuses it for good.
    pub poison: bool,
}

impl Record {
    /// Whether it appears as late as the late-arrival window allows, so that the passes alone must find it.
    pub fn is_prompt(&self) -> bool {
        self.visible <= self.time + LATE_ARRIVAL + SETTLE
    }
}

/// The odds of each fault, in a thousand calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Odds {
    pub fetch: u64,
    pub post: u64,
    pub store: u64,
    /// In a thousand passes.
    pub crash: u64,
    /// In a thousand passes: a second one at the same time.
    pub race: u64,
    /// In a thousand ticks: the app is down.
    pub absence: u64,
    /// In a thousand ticks: an operator rewinds.
    pub rewind: u64,
    /// In a thousand ticks: part of the ledger is lost or damaged.
    pub ledger: u64,
}

impl Odds {
    fn drawn(dice: &mut Dice) -> Self {
        let odds = Self {
            fetch: dice.pick(&[0, 30, 120]),
            post: dice.pick(&[0, 30, 120]),
            store: dice.pick(&[0, 20, 80]),
            crash: dice.pick(&[0, 200, 600]),
            race: dice.pick(&[0, 0, 250]),
            absence: dice.pick(&[0, 0, 200]),
            rewind: dice.pick(&[0, 0, 0, 80]),
            ledger: 0,
        };
        let ledger = if dice.happens(60) { 150 } else { 0 };
        Self { ledger, ..odds }
    }
}

#[derive(Debug, Clone)]
pub struct Story {
    pub seed: u64,
    pub began: DateTime<Utc>,
    pub ticks: i64,
    pub lookback: Lookback,
    pub feeds: Vec<Feed>,
    pub records: Vec<Record>,
    pub odds: Odds,
    pub order: Order,
    pub page_size: u32,
    /// A page's token leads on by what was listed, or by a copy of the listing.
    pub trailing_page: bool,
    pub looping_token: bool,
    pub says_total: bool,
    pub excludes_to: bool,
    pub max_rows: usize,
    pub max_batch_bytes: usize,
    pub parallel_ranges: usize,
    pub sink: Sink,
    /// What the existing connector left, if it did.
    pub taken_over: Option<DateTime<Utc>>,
    /// Times whose records no page shows: it fails instead, until everything heals.
    pub unreadable: Vec<RangeInclusive<DateTime<Utc>>>,
}

fn record(dice: &mut Dice, number: usize, feed: Feed, time: DateTime<Utc>) -> String {
    let member = feed.time_member();
    let own = match dice.below(40) {
        // Its own time cannot be read.
        0 => "soon".to_owned(),
        // Or lies elsewhere.
        1 => "2026-01-01T00:00:00+0000".to_owned(),
        _ => time.format("%Y-%m-%dT%H:%M:%S+0000").to_string(),
    };
    let message = time.timestamp() % 3;
    format!(r#"{{"n":{number},"{member}":"{own}","messageId":"<{message}@example.com>"}}"#)
}

impl Story {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let began = event_time::parse("2026-03-02T08:00:00Z").unwrap();
        let ticks = dice.between(3, 14);
        let lookback = Lookback {
            first_run: TimeDelta::hours(dice.pick(&[1, 6, 30, 72])),
            settle: SETTLE,
            late_arrival: LATE_ARRIVAL,
            reconcile: TimeDelta::hours(dice.pick(&[12, 24, 48])),
        };
        let feeds = match dice.below(4) {
            0 => vec![Feed::Attachment, Feed::Impersonation],
            _ => vec![Feed::Url],
        };
        let odds = Odds::drawn(&mut dice);
        let taken_over = dice
            .happens(150)
            .then(|| began - TimeDelta::minutes(dice.between(1, 600)));
        let mut story = Self {
            seed,
            began,
            ticks,
            lookback,
            feeds,
            records: Vec::new(),
            odds,
            order: dice.pick(&[
                Order::OldestFirst,
                Order::OldestFirst,
                Order::OldestFirst,
                Order::NewestFirst,
                Order::Shuffled,
            ]),
            page_size: u32::try_from(dice.between(1, 9)).unwrap(),
            trailing_page: dice.happens(200),
            looping_token: dice.happens(100),
            says_total: dice.happens(850),
            excludes_to: dice.happens(300),
            max_rows: if dice.happens(250) {
                usize::try_from(dice.between(1, 5)).unwrap()
            } else {
                usize::MAX
            },
            max_batch_bytes: usize::try_from(dice.between(300, 3000)).unwrap(),
            parallel_ranges: usize::try_from(dice.between(1, 6)).unwrap(),
            sink: dice.pick(&[Sink::DataCollector, Sink::LogsIngestion]),
            taken_over,
            unreadable: Vec::new(),
        };
        story.fill(&mut dice);
        story.make_unreadable(&mut dice);
        story
    }

    /// From when on records are the passes' to deliver.
    pub fn start(&self) -> DateTime<Utc> {
        self.taken_over
            .unwrap_or(self.began - self.lookback.first_run)
    }

    /// Everything but the records, for a person.
    pub fn habits(&self) -> String {
        let habits = Self {
            records: Vec::new(),
            ..self.clone()
        };
        format!("{habits:?}\n")
    }

    fn make_unreadable(&mut self, dice: &mut Dice) {
        if self.records.is_empty() || !dice.happens(200) {
            return;
        }
        for _ in 0..dice.pick(&[1, 1, 2, 3]) {
            let index = dice.below(self.records.len() as u64);
            let from = self.records[usize::try_from(index).unwrap()].time;
            let length = TimeDelta::seconds(dice.pick(&[0, 0, 1, 5, 60]));
            self.unreadable.push(from..=from + length);
        }
    }

    /// Whether a record of that time spoils its page.
    pub fn is_unreadable(&self, time: DateTime<Utc>) -> bool {
        self.unreadable.iter().any(|times| times.contains(&time))
    }

    fn fill(&mut self, dice: &mut Dice) {
        let count = dice.pick(&[0, 5, 20, 60, 120]);
        let end = self.began + TICK * i32::try_from(self.ticks).unwrap();
        let span = (end - self.start()).num_seconds();
        let (late, poison, hidden) = (
            dice.pick(&[0, 30, 150]),
            dice.pick(&[0, 0, 40]),
            dice.pick(&[0, 0, 40]),
        );
        let mut second = self.start();
        for number in 0..count {
            // Many share a second, as the recipients of one mail do.
            if number == 0 || !dice.happens(300) {
                second = self.start() + TimeDelta::seconds(dice.between(0, span));
            }
            let on_the_edge = dice.happens(60);
            if on_the_edge {
                // Shows a few seconds behind a pass that would, but for the settle time, have seen
                // the last of its second.
                let tick = TICK * i32::try_from(dice.between(0, self.ticks - 1)).unwrap();
                second =
                    (self.began + tick - LATE_ARRIVAL - TimeDelta::seconds(3)).max(self.start());
            }
            let delay = if on_the_edge {
                (LATE_ARRIVAL + SETTLE).num_seconds()
            } else if dice.happens(late) {
                // Later than the late-arrival window, up to some hours.
                dice.between(LATE_ARRIVAL.num_seconds() + 20, 5 * 3600)
            } else if dice.happens(200) {
                dice.between(0, (LATE_ARRIVAL + SETTLE).num_seconds())
            } else {
                dice.between(0, 12)
            };
            let counted = second + TimeDelta::seconds(delay);
            let hidden = if dice.happens(hidden) {
                dice.between(1, 3600)
            } else {
                0
            };
            let feed = dice.pick(&self.feeds);
            self.records.push(Record {
                number,
                feed,
                time: second,
                visible: counted + TimeDelta::seconds(hidden),
                counted,
                text: record(dice, number, feed, second),
                poison: dice.happens(poison),
            });
        }
    }
}

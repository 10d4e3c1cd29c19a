//! What was promised, and whether it was kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    ingest::report::FeedReport,
    model::{feed::Feed, store_key::StoreKey},
};

use super::{
    story::{Record, SETTLE},
    world::{State, World, times},
};

/// A batch that the sink stored.
#[derive(Debug)]
struct Post {
    run: usize,
    feed: Feed,
    rows: Vec<usize>,
    /// The run was told so.
    acknowledged: bool,
    /// The run was told so, and has saved its checkpoint since: nobody may post these rows again.
    sure: bool,
    /// Stored twice because an answer was lost on the way.
    repeated: bool,
}

/// What the oracle saw.
#[derive(Debug)]
pub struct Oracle {
    /// So many batches of a feed may be in doubt.
    max_concurrent_posts: usize,
    posts: Vec<Post>,
    delivered: BTreeMap<usize, Vec<usize>>,
    watermarks: BTreeMap<Feed, DateTime<Utc>>,
    /// The run that saved last, and how often others have posted since they lost their claim to it.
    holders: BTreeMap<Feed, usize>,
    overtaken: BTreeMap<(usize, Feed), usize>,
    /// From when on a feed's records are the passes' to deliver.
    from: BTreeMap<Feed, DateTime<Utc>>,
    /// The ledger was lost or damaged: what it knew may be delivered once more.
    pub ledger_damaged: bool,
    pub violations: Vec<String>,
    notes: Vec<(usize, String)>,
    /// Rows delivered more than once, each with a cause.
    pub copies: usize,
    pub crashes: usize,
    pub found_late: u64,
}

impl Oracle {
    pub fn new(max_concurrent_posts: usize) -> Self {
        Self {
            max_concurrent_posts,
            posts: Vec::new(),
            delivered: BTreeMap::new(),
            watermarks: BTreeMap::new(),
            holders: BTreeMap::new(),
            overtaken: BTreeMap::new(),
            from: BTreeMap::new(),
            ledger_damaged: false,
            violations: Vec::new(),
            notes: Vec::new(),
            copies: 0,
            crashes: 0,
            found_late: 0,
        }
    }

    pub fn violated(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// Something for the history, behind the posts so far.
    pub fn noted(&mut self, what: String) {
        self.notes.push((self.posts.len(), what));
    }

    /// The sink has stored a batch. Gives its place among the posts.
    pub fn stored(&mut self, run: usize, feed: Feed, rows: Vec<usize>, repeated: bool) -> usize {
        let post = self.posts.len();
        // A run whose claim was taken over by another one may not know it yet, for the batches that it
        // has under way.
        let overtaken = self.holders.get(&feed).is_some_and(|holder| *holder != run) && {
            let posts = self.overtaken.entry((run, feed)).or_default();
            *posts += usize::from(!repeated);
            *posts <= self.max_concurrent_posts
        };
        if rows.iter().collect::<BTreeSet<_>>().len() != rows.len() {
            self.violated(format!(
                "run {run} posted a row twice in one batch: {rows:?}"
            ));
        }
        for row in &rows {
            let before = self.delivered.entry(*row).or_default();
            if !before.is_empty() {
                self.copies += 1;
            }
            let sure = before.iter().find(|post| self.posts[**post].sure);
            if let Some(sure) = sure.filter(|_| !self.ledger_damaged && !overtaken) {
                let first = self.posts[*sure].run;
                self.violations.push(format!(
                    "run {run} delivered record {row} again, which run {first} had delivered and remembered"
                ));
            }
            before.push(post);
        }
        self.posts.push(Post {
            run,
            feed,
            rows,
            acknowledged: false,
            sure: false,
            repeated,
        });
        post
    }

    pub fn acknowledged(&mut self, post: usize) {
        self.posts[post].acknowledged = true;
    }

    /// A run's checkpoint was written, whatever it was told.
    pub fn saved(&mut self, run: usize, feed: Feed, text: &[u8]) {
        let (watermark, began) = times(text);
        if let Some(began) = began {
            self.from.entry(feed).or_insert(began);
        }
        self.holders.insert(feed, run);
        let before = self.watermarks.insert(feed, watermark);
        if before.is_some_and(|before| before > watermark) {
            self.violated(format!(
                "run {run} moved the watermark of {feed} back to {watermark}"
            ));
        }
        for post in &mut self.posts {
            if post.run == run && post.feed == feed && post.acknowledged {
                post.sure = true;
            }
        }
    }

    /// An operator has set the watermark back.
    pub fn rewound(&mut self, feed: Feed, to: DateTime<Utc>) {
        self.watermarks.insert(feed, to);
    }

    /// A run has ended, or was killed: of each feed, at most what was under way may be in doubt.
    pub fn ended(&mut self, run: usize) {
        for feed in Feed::ALL {
            let in_doubt = self
                .posts
                .iter()
                .filter(|post| post.run == run && post.feed == feed && !post.sure && !post.repeated)
                .count();
            if in_doubt > self.max_concurrent_posts {
                self.violated(format!(
                    "run {run} left {in_doubt} batches of {feed} in doubt, which can all be doubled"
                ));
            }
        }
    }

    /// A feed's part of a run came to its end: everything that it could see is delivered.
    pub fn complete(&mut self, world: &World, state: &Seen, run: usize, report: &FeedReport) {
        let feed = report.feed;
        // Only where gaps are told may what cannot be read be missing.
        let has_gaps = report.counts.gaps > 0;
        let due = |record: &&Record| {
            record.is_prompt()
                && !(has_gaps && world.story.is_unreadable(record.time))
                && record.visible <= state.began
                && record.time <= state.began - SETTLE - TimeDelta::seconds(1)
        };
        for record in world.records(feed).filter(due) {
            if self.is_missing(record, &state.quarantined) {
                self.violated(format!(
                    "run {run} says that {feed} is complete, without record {} of {}",
                    record.number, record.time
                ));
            }
        }
    }

    fn is_missing(&self, record: &Record, quarantined: &BTreeSet<usize>) -> bool {
        self.from
            .get(&record.feed)
            .is_some_and(|from| record.time >= *from)
            && !self.delivered.contains_key(&record.number)
            && !quarantined.contains(&record.number)
    }

    /// The end: nothing is lost, nothing that is well is in quarantine, nothing poisonous outside.
    pub fn end(
        &mut self,
        world: &World,
        quarantined: &BTreeSet<usize>,
        reconciled_from: DateTime<Utc>,
    ) {
        for record in &world.story.records {
            let found =
                record.is_prompt() || (world.story.says_total && record.time >= reconciled_from);
            if found && self.is_missing(record, quarantined) {
                self.violated(format!(
                    "record {} of {}, shown at {}, was lost",
                    record.number, record.time, record.visible
                ));
            }
            let delivered = self.delivered.contains_key(&record.number);
            if record.poison && delivered {
                self.violated(format!("record {} cannot have been taken", record.number));
            }
            if !record.poison && quarantined.contains(&record.number) {
                self.violated(format!("record {} is held for nothing", record.number));
            }
        }
    }

    /// Where a feed's watermark stands.
    pub fn watermark(&self, feed: Feed) -> Option<DateTime<Utc>> {
        self.watermarks.get(&feed).copied()
    }

    /// Every post, for a person.
    pub fn history(&self) -> String {
        let mut text = String::new();
        for number in 0..=self.posts.len() {
            for (_, note) in self.notes.iter().filter(|(behind, _)| *behind == number) {
                let _written = writeln!(text, "{note}");
            }
            let Some(post) = self.posts.get(number) else {
                break;
            };
            let Post {
                run,
                feed,
                rows,
                acknowledged,
                sure,
                ..
            } = post;
            let _written = writeln!(
                text,
                "  run {run} {feed} {rows:?} acknowledged {acknowledged} sure {sure}"
            );
        }
        text
    }
}

/// What could be seen by a run.
#[derive(Debug, Clone)]
pub struct Seen {
    pub began: DateTime<Utc>,
    pub quarantined: BTreeSet<usize>,
}

/// Loses or damages one hour of the ledger.
pub fn damage_ledger(state: &mut State) {
    let hours: Vec<_> = state
        .saved
        .keys()
        .copied()
        .filter(|place| matches!(place, StoreKey::Ledger(..)))
        .collect();
    if hours.is_empty() {
        return;
    }
    let hour = state.dice.pick(&hours);
    state.oracle.ledger_damaged = true;
    if state.dice.happens(500) {
        state.saved.remove(&hour);
    } else if let Some((content, _)) = state.saved.get_mut(&hour) {
        content.truncate(20);
    }
}

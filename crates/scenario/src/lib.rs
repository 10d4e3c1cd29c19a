//! What happened in the simulated company: the records that Mimecast returns, and the check
//! that they all arrived.
//!
//! A [`Scenario`] is made from a [`Plan`]. It keeps 8 bytes per record; the text of a record is made
//! whenever it is asked for, always the same for the same plan. The records are about the mail of a
//! company called Fabrikam: newsletters and link clicks, office documents in the sandbox, waves of
//! a phishing campaign in which some click on through, sandbox time-outs, and letters from a chief
//! executive who is not one. A working day also has a plot, spread over all three logs, and one hour has no
//! mail at all. All names are invented and all domains end in `.example`.
//!
//! A [`Tally`] takes note of every row that the sink stored and gives a [`Verdict`]: which records
//! were lost, doubled or altered on their way.

mod attachment;
mod beat;
mod calendar;
mod cast;
mod check;
mod dice;
mod impersonation;
mod json;
mod plot;
pub mod report;
mod row;
mod scene;
mod serial;
mod tally;
mod timeline;
mod url;
mod url_tags;
mod verdict;

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};

use self::{scene::Scene, timeline::Timeline};
pub use self::{
    serial::serial_of,
    tally::{SerialOf, Tally},
    verdict::{Altered, Found, Verdict},
};
use simulators::{
    log::Log,
    records::{Moment, RecordSet},
};

/// What to invent.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Another seed makes another scenario.
    pub seed: u64,
    /// How many records over all three logs: about 60 % url, 25 % attachment, 15 % impersonation.
    pub records: usize,
    /// No record happened before this.
    pub start: DateTime<Utc>,
    /// All records happened before this. If that leaves no second, all happen at the start.
    pub end: DateTime<Utc>,
    /// How many of the records appear late, from 0.0 for none to 1.0 for all.
    pub late_share: f64,
    /// How late a late record appears at most, in whole seconds; at least one second.
    pub late_max: Duration,
    /// Whether one record in two hundred writes its time with a `Z` or a fraction of a second,
    /// which the API accepts but was never seen to write.
    pub odd_times: bool,
}

impl Plan {
    /// A plan in which one record in fifty appears up to 14 minutes late, with some odd times.
    #[must_use]
    pub fn new(seed: u64, records: usize, start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        Self {
            seed,
            records,
            start,
            end,
            late_share: 0.02,
            late_max: Duration::from_secs(14 * 60),
            odd_times: true,
        }
    }
}

/// The records of a plan.
#[derive(Debug)]
pub struct Scenario {
    plan: Plan,
    url: Timeline,
    attachment: Timeline,
    impersonation: Timeline,
}

impl Scenario {
    /// Decides when everything happens.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let attachments = plan.records / 4;
        let impersonations = plan.records * 3 / 20;
        let urls = plan.records - attachments - impersonations;
        let timeline = |log, count| Timeline::new(&plan, log, count, beat::beats(&plan, log));
        Self {
            url: timeline(Log::Url, urls),
            attachment: timeline(Log::Attachment, attachments),
            impersonation: timeline(Log::Impersonation, impersonations),
            plan,
        }
    }

    /// The plan it was made from.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The time from which all records are visible; `None` if there are none.
    #[must_use]
    pub fn all_visible_at(&self) -> Option<DateTime<Utc>> {
        Log::ALL
            .into_iter()
            .flat_map(|log| (0..self.len(log)).map(move |index| self.moment(log, index).visible_at))
            .max()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
    }

    const fn timeline(&self, log: Log) -> &Timeline {
        match log {
            Log::Url => &self.url,
            Log::Attachment => &self.attachment,
            Log::Impersonation => &self.impersonation,
        }
    }
}

impl RecordSet for Scenario {
    fn len(&self, log: Log) -> usize {
        self.timeline(log).len()
    }

    fn moment(&self, log: Log, index: usize) -> Moment {
        self.timeline(log).moment(index)
    }

    fn json(&self, log: Log, index: usize) -> String {
        let timeline = self.timeline(log);
        let scene = Scene::new(&self.plan, log, index, timeline);
        if let Some(beat) = timeline.beat(index) {
            return plot::record(scene, beat);
        }
        match log {
            Log::Url => url::record(scene),
            Log::Attachment => attachment::record(scene),
            Log::Impersonation => impersonation::record(scene),
        }
    }
}

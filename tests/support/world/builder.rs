//! The making of a world.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta};

use super::{SinkFault, SourceFault, World, at};

/// A world in the making.
pub struct Builder(World);

impl Builder {
    pub(super) const fn new(world: World) -> Self {
        Self(world)
    }

    /// The world as it is now.
    pub fn build(self) -> Arc<World> {
        Arc::new(self.0)
    }

    /// So many records, one in each second from 07:00:00 on, that show at once.
    pub fn records(self, count: i64) -> Self {
        self.records_every(TimeDelta::seconds(1), count, "2026-03-02T07:00:00Z")
    }

    /// So many records at even intervals that show at once. What lies between two seconds belongs to
    /// the first.
    pub fn records_every(self, interval: TimeDelta, count: i64, from: &str) -> Self {
        for number in 0..count {
            let time = at(from) + interval * i32::try_from(number).unwrap();
            let time = DateTime::from_timestamp(time.timestamp(), 0).unwrap();
            self.0.add(time, time);
        }
        self
    }

    /// Records at the given times that show at once.
    pub fn records_at(self, times: &[&str]) -> Self {
        for time in times {
            self.0.add(at(time), at(time));
        }
        self
    }

    /// A record that shows from `visible` on.
    pub fn late(self, visible: &str, time: &str) -> Self {
        self.0.add(at(visible), at(time));
        self
    }

    /// What is saved as the checkpoint of the URL feed.
    pub fn checkpoint(self, text: &str) -> Self {
        self.0.put_checkpoint(text);
        self
    }

    /// Records on a page; three otherwise.
    pub fn page_size(self, records: usize) -> Self {
        self.0.set_page_size(records);
        self
    }

    /// How long a page takes.
    pub const fn page_time(mut self, time: Duration) -> Self {
        self.0.source.page_time = time;
        self
    }

    /// How long a count takes.
    pub const fn count_time(mut self, time: Duration) -> Self {
        self.0.source.count_time = time;
        self
    }

    /// The source lists the newest first.
    pub const fn newest_first(mut self) -> Self {
        self.0.source.newest_first = true;
        self
    }

    /// Whether a range leaves out the second `to`.
    pub const fn excludes_to(mut self, excludes: bool) -> Self {
        self.0.source.excludes_to = excludes;
        self
    }

    /// Pages do not say how many records a range holds.
    pub const fn no_totals(mut self) -> Self {
        self.0.source.says_total = false;
        self
    }

    /// Pages say nothing of a range that holds none.
    pub const fn no_totals_of_nothing(mut self) -> Self {
        self.0.source.silent_when_empty = true;
        self
    }

    /// Pages say this many whatever the range.
    pub const fn same_total_everywhere(mut self, total: u64) -> Self {
        self.0.source.lying_total = Some(total);
        self
    }

    /// The last page with records has a token for an empty one.
    pub const fn trailing_token(mut self, trailing: bool) -> Self {
        self.0.source.trailing_token = trailing;
        self
    }

    /// A token leads to itself.
    pub const fn looping_token(mut self, looping: bool) -> Self {
        self.0.source.looping_token = looping;
        self
    }

    /// Pages of a range with a record of this time follow one another for ever.
    pub fn endless_at(mut self, time: &str) -> Self {
        self.0.source.endless_at = Some(at(time));
        self
    }

    /// Whatever range is asked for, everything is listed.
    pub const fn ignores_ranges(mut self) -> Self {
        self.0.source.ignores_ranges = true;
        self
    }

    /// An empty page with a token follows each page that is not the last one.
    pub const fn empty_pages(mut self) -> Self {
        self.0.source.empty_pages = true;
        self
    }

    /// A record is counted but not shown up to and including this fetch.
    pub const fn hidden_until(mut self, index: usize, fetch: u64) -> Self {
        self.0.source.hidden = Some((index, fetch));
        self
    }

    /// What this fetch meets.
    pub fn fetch_fault(self, number: u64, fault: SourceFault) -> Self {
        self.0.break_fetch(number, fault);
        self
    }

    /// What the next posts meet.
    pub fn post_faults(self, faults: impl IntoIterator<Item = Option<SinkFault>>) -> Self {
        self.0.break_posts(faults);
        self
    }

    /// Posts that the sink takes at a time; one otherwise.
    pub const fn max_concurrent_posts(mut self, posts: usize) -> Self {
        self.0.sink.max_concurrent_posts = posts;
        self
    }

    /// The posts that are answered behind all others that are under way.
    pub fn slow_posts(mut self, numbers: &[u64]) -> Self {
        self.0.sink.slow_posts = numbers.iter().copied().collect();
        self
    }

    /// The sink takes no more rows in a post.
    pub const fn max_rows(mut self, rows: usize) -> Self {
        self.0.sink.max_rows = rows;
        self
    }

    /// The serial numbers of rows that the sink refuses whatever they come with.
    pub fn refused_rows(self, serials: impl IntoIterator<Item = u64>) -> Self {
        self.0.refuse_rows(serials);
        self
    }

    /// What the sink has taken goes to a second one, too.
    pub const fn second_sink(mut self) -> Self {
        self.0.sink.has_second = true;
        self
    }

    /// What passes say of themselves is refused.
    pub const fn health_refused(mut self) -> Self {
        self.0.sink.refuses_health = true;
        self
    }
}

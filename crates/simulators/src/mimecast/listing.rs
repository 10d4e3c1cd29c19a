//! Which records a query finds, page by page, without ever building the text of any other.

use std::ops::Range;

use serde_json::Value;

use crate::{log::Log, records::RecordSet};

/// A query to one log. What becomes visible after `visible_until` is not part of it, so the
/// pages of one listing fit together however long reading takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) log: Log,
    /// First second asked for, in Unix seconds.
    pub(super) from: i64,
    /// Last second asked for. Whether Mimecast includes it is unconfirmed; here it does, so that
    /// adjoining ranges overlap by a second and the reader must cope with it.
    pub(super) to: i64,
    pub(super) oldest_first: bool,
    /// The time of the first page's call, in Unix seconds.
    pub(super) visible_until: i64,
    pub(super) filters: Vec<Filter>,
}

/// A condition on a member of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) member: &'static str,
    pub(super) value: String,
}

/// Where a page of a listing begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// How many records of the range lie before it, visible or not, in the order of the listing.
    pub(super) position: usize,
    /// How many rows the pages before it hold.
    pub(super) seen: usize,
    /// How many rows all pages hold: counted once, at the first page.
    pub(super) total: usize,
    /// The number of the page, from 0; makes the tokens of two empty pages differ.
    pub(super) turn: u32,
    /// Rows per page.
    pub(super) size: usize,
}

/// One page and its neighbours.
#[derive(Debug)]
pub(super) struct Page {
    /// Indices into the record set, in the order of the listing.
    pub(super) rows: Vec<usize>,
    /// The place right after this page, whether or not rows are left there.
    pub(super) next: Place,
    /// The place of the page before it, unless this is the first.
    pub(super) previous: Option<Place>,
}

impl Filter {
    /// The filter called `member`, where that log has it.
    pub(super) fn of(log: Log, member: &str, value: String) -> Option<Self> {
        let member = Self::members(log)
            .iter()
            .map(|(known, _)| *known)
            .find(|known| *known == member)?;
        Some(Self { member, value })
    }

    /// The members that can be filtered by and the values they may have, as Mimecast documents
    /// them; those of `result` are known from a published client only. A member without a list is
    /// a boolean.
    pub(super) const fn members(log: Log) -> &'static [(&'static str, &'static [&'static str])] {
        const ROUTE: &[&str] = &["inbound", "outbound", "internal", "all"];
        match log {
            Log::Url => &[
                ("route", ROUTE),
                ("scanResult", &["clean", "malicious", "all"]),
            ],
            Log::Attachment => &[
                ("route", ROUTE),
                (
                    "result",
                    &["safe", "malicious", "timeout", "error", "unsafe", "all"],
                ),
            ],
            Log::Impersonation => &[("taggedMalicious", &[])],
        }
    }

    fn lets_pass(&self, record: &Value) -> bool {
        match record.get(self.member) {
            Some(Value::String(text)) => *text == self.value,
            Some(Value::Bool(flag)) => flag.to_string() == self.value,
            _ => false,
        }
    }
}

impl Listing {
    /// The first page's place. Looks at every moment of the range once, to count the rows.
    pub(super) fn start(&self, records: &dyn RecordSet, size: usize) -> Place {
        let total = self
            .range(records)
            .filter(|index| self.shows(records, *index))
            .count();
        Place {
            position: 0,
            seen: 0,
            total,
            turn: 0,
            size,
        }
    }

    /// The page at `place`.
    pub(super) fn page(&self, records: &dyn RecordSet, place: &Place) -> Page {
        let range = self.range(records);
        let mut rows = Vec::with_capacity(place.size.min(range.len()));
        let mut position = place.position;
        while position < range.len() && rows.len() < place.size {
            let index = self.index(&range, position);
            if self.shows(records, index) {
                rows.push(index);
            }
            position += 1;
        }
        let next = Place {
            position,
            seen: place.seen + rows.len(),
            turn: place.turn.saturating_add(1),
            ..place.clone()
        };
        let previous = (place.seen > 0).then(|| self.before(records, &range, place));
        Page {
            rows,
            next,
            previous,
        }
    }

    fn before(&self, records: &dyn RecordSet, range: &Range<usize>, place: &Place) -> Place {
        let mut position = place.position.min(range.len());
        let mut found = 0;
        while position > 0 && found < place.size {
            position -= 1;
            found += usize::from(self.shows(records, self.index(range, position)));
        }
        Place {
            position,
            seen: place.seen.saturating_sub(found),
            turn: place.turn.saturating_sub(1),
            ..place.clone()
        }
    }

    /// The records of the asked time, visible or not.
    fn range(&self, records: &dyn RecordSet) -> Range<usize> {
        let first = partition(records, self.log, |at| at < self.from);
        let end = partition(records, self.log, |at| at <= self.to);
        first..end.max(first)
    }

    fn index(&self, range: &Range<usize>, position: usize) -> usize {
        if self.oldest_first {
            range.start + position
        } else {
            range.end - 1 - position
        }
    }

    fn shows(&self, records: &dyn RecordSet, index: usize) -> bool {
        records.moment(self.log, index).visible_at <= self.visible_until
            && (self.filters.is_empty() || self.filters_pass(&records.json(self.log, index)))
    }

    fn filters_pass(&self, json: &str) -> bool {
        serde_json::from_str(json)
            .is_ok_and(|record| self.filters.iter().all(|filter| filter.lets_pass(&record)))
    }
}

/// How many records of the log, from the oldest on, have a time that `early` holds for.
fn partition(records: &dyn RecordSet, log: Log, early: impl Fn(i64) -> bool) -> usize {
    let (mut low, mut high) = (0, records.len(log));
    while low < high {
        let middle = low + (high - low) / 2;
        if early(records.moment(log, middle).at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::records::Moment;

    /// Two records per second from 0 on; every seventh appears ten minutes late.
    struct Many {
        looks: AtomicUsize,
        texts: AtomicUsize,
    }

    const COUNT: usize = 200_000;

    impl RecordSet for Many {
        fn len(&self, _: Log) -> usize {
            COUNT
        }

        fn moment(&self, _: Log, index: usize) -> Moment {
            self.looks.fetch_add(1, Ordering::Relaxed);
            let at = i64::try_from(index / 2).unwrap();
            let late = if index.is_multiple_of(7) { 600 } else { 0 };
            Moment {
                at,
                visible_at: at + late,
            }
        }

        fn json(&self, _: Log, _: usize) -> String {
            self.texts.fetch_add(1, Ordering::Relaxed);
            r#"{"route":"inbound"}"#.to_owned()
        }
    }

    fn many() -> Many {
        Many {
            looks: AtomicUsize::new(0),
            texts: AtomicUsize::new(0),
        }
    }

    fn listing(from: i64, to: i64, oldest_first: bool) -> Listing {
        Listing {
            log: Log::Url,
            from,
            to,
            oldest_first,
            visible_until: to,
            filters: Vec::new(),
        }
    }

    #[test]
    fn a_narrow_range_among_many_records_is_found_without_looking_at_them_all() {
        let many = many();
        let listing = listing(50_000, 50_009, true);
        let start = listing.start(&many, 500);
        let page = listing.page(&many, &start);
        assert_eq!(page.rows.len(), start.total);
        assert!(
            page.rows
                .iter()
                .all(|index| (100_000..=100_019).contains(index))
        );
        assert!(many.looks.load(Ordering::Relaxed) < 200);
        assert_eq!(many.texts.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn every_page_can_be_walked_back() {
        let many = many();
        for oldest_first in [true, false] {
            let listing = listing(900, 1000, oldest_first);
            let mut place = listing.start(&many, 16);
            let mut pages = Vec::new();
            loop {
                let page = listing.page(&many, &place);
                let back = page.previous.map(|place| listing.page(&many, &place).rows);
                assert_eq!(back.as_ref(), pages.last());
                if page.next.seen == place.total {
                    break;
                }
                pages.push(page.rows);
                place = page.next;
            }
            assert!(pages.len() > 5);
        }
    }

    #[test]
    fn a_filter_keeps_what_matches_and_counts_only_that() {
        let many = many();
        let mut listing = listing(0, 9, true);
        let all = listing.start(&many, 5).total;
        listing.filters = vec![Filter::of(Log::Url, "route", "inbound".to_owned()).unwrap()];
        assert_eq!(listing.start(&many, 5).total, all);
        listing.filters = vec![Filter::of(Log::Url, "route", "outbound".to_owned()).unwrap()];
        assert_eq!(listing.start(&many, 5).total, 0);
    }
}

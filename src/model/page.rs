//! One answer of a get-logs call.

use std::fmt;

use chrono::TimeDelta;

use super::{
    feed::Feed,
    record::RecordScanner,
    record_meta::{RecordMeta, RecordSpan},
};

/// The opaque token that names the next page. It belongs to the range it was given for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PageToken(String);

impl PageToken {
    /// Wraps a token; `None` for an empty one, which means that there is no further page.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }

    /// The token as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token opens a customer's logs to whoever holds the keys, and is long: logs do not need it.
impl fmt::Debug for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageToken(..)")
    }
}

/// A page: the text as it arrived, where its records lie in it, and what was found in each.
#[derive(Clone, Default)]
pub struct Page {
    text: String,
    records: Vec<RecordSpan>,
    /// The token of the next page, if there is one.
    pub next: Option<PageToken>,
    /// How many records the whole range holds, where Mimecast says so.
    pub total: Option<u64>,
    /// How many requests it took to get this page.
    pub attempts: u32,
    /// By how much this machine's clock is ahead of Mimecast's, as far as the answer shows; negative where it is behind,
    /// `None` where the answer does not say.
    pub clock_ahead: Option<TimeDelta>,
    /// How many characters of its text were not valid and were replaced.
    pub repaired: u64,
}

impl Page {
    /// A page over `text`; the place of each of `records` holds one valid JSON object.
    #[must_use]
    pub fn new(text: String, records: Vec<RecordSpan>) -> Self {
        Self {
            text,
            records,
            ..Self::default()
        }
    }

    /// A page of the given records, for tests.
    #[must_use]
    pub fn of<T: AsRef<str>>(feed: Feed, records: &[T]) -> Self {
        let (mut text, mut listed) = (String::new(), Vec::new());
        let mut scanner = RecordScanner::new(feed);
        for record in records.iter().map(AsRef::as_ref) {
            let start = text.len();
            text.push_str(record);
            listed.push(RecordSpan {
                bytes: start..text.len(),
                meta: scanner.scan(record),
            });
        }
        Self::new(text, listed)
    }

    /// How many records it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records, as they arrived.
    pub fn records(&self) -> impl Iterator<Item = &str> {
        self.records_with_meta().map(|(record, _)| record)
    }

    /// The records, as they arrived, and what was found in each.
    pub fn records_with_meta(&self) -> impl Iterator<Item = (&str, RecordMeta)> {
        self.records
            .iter()
            .filter_map(|listed| Some((self.text.get(listed.bytes.clone())?, listed.meta)))
    }

    /// How many bytes its text has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("records", &self.records.len())
            .field("bytes", &self.text.len())
            .field("next", &self.next)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

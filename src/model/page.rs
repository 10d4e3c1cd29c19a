//! One answer of a get-logs call.

use std::{fmt, ops::Range};

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

/// A page: the text as it arrived and where its records lie in it.
#[derive(Clone, Default)]
pub struct Page {
    text: String,
    records: Vec<Range<usize>>,
    /// The token of the next page, if there is one.
    pub next: Option<PageToken>,
    /// How many records the whole range holds, where Mimecast says so.
    pub total: Option<u64>,
    /// How many requests it took to get this page.
    pub attempts: u32,
}

impl Page {
    /// A page over `text`; each of `records` is the place of one valid JSON object in it.
    #[must_use]
    pub fn new(text: String, records: Vec<Range<usize>>) -> Self {
        Self {
            text,
            records,
            ..Self::default()
        }
    }

    /// A page of the given records, for tests.
    #[must_use]
    pub fn of<T: AsRef<str>>(records: &[T]) -> Self {
        let (mut text, mut places) = (String::new(), Vec::new());
        for record in records {
            let start = text.len();
            text.push_str(record.as_ref());
            places.push(start..text.len());
        }
        Self::new(text, places)
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
        self.records
            .iter()
            .filter_map(|place| self.text.get(place.clone()))
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

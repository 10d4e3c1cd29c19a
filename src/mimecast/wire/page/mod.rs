//! Reading a page.

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    body_text::{BodyText, describe},
    verdict::{Fails, Meta, Verdict, failures},
};
use crate::model::{
    bounded::{AtMost, TOO_LONG},
    feed::Feed,
    object::Object,
    page::{Page, PageToken},
    record::RecordScanner,
    record_meta::RecordSpan,
    visible::visible,
};

/// No page holds more records: twenty times what is asked for. More of them, a few bytes each, would take
/// far more memory than their text.
const MAX_RECORDS: usize = 10_000;

/// No record is longer. Those seen have a kilobyte, and the Logs Ingestion API takes none above a megabyte;
/// several that fill a page each would take up far more memory on their way.
const MAX_RECORD_BYTES: usize = 2 * 1024 * 1024;

/// No answer has more items in `data`; those seen have one.
const MAX_ITEMS: usize = 100;

const fn array(feed: Feed) -> &'static str {
    match feed {
        Feed::Url => "clickLogs",
        Feed::Attachment => "attachmentLogs",
        Feed::Impersonation => "impersonationLogs",
    }
}

/// Why an answer is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// It says itself that something went wrong, whatever its status.
    #[error("the answer names a failure")]
    Failure(Verdict),
    /// Not JSON at all, or not to its end.
    #[error("the answer is not JSON ({0})")]
    NotJson(String),
    /// JSON of another shape.
    #[error("the answer is JSON of another shape ({0})")]
    OtherShape(String),
    /// A record is so large that a page with fewer may do without it.
    #[error("record {0} is larger than {MAX_RECORD_BYTES} bytes")]
    GiantRecord(usize),
    /// Not text in UTF-8, but for a few characters.
    #[error("the answer is not text")]
    NotText,
}

#[derive(Deserialize)]
struct PageBody<'a> {
    #[serde(borrow)]
    meta: Option<Object<Meta<'a>>>,
    #[serde(borrow)]
    data: Option<AtMost<Object<Data<'a>>, MAX_ITEMS>>,
    fail: Option<Fails>,
}

type Rows<'a> = Option<AtMost<&'a RawValue, MAX_RECORDS>>;

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "clickLogs")]
    clicks: Rows<'a>,
    #[serde(borrow, rename = "attachmentLogs")]
    attachments: Rows<'a>,
    #[serde(borrow, rename = "impersonationLogs")]
    impersonations: Rows<'a>,
}

impl<'a> Data<'a> {
    fn rows(self, feed: Feed) -> Rows<'a> {
        match feed {
            Feed::Url => self.clicks,
            Feed::Attachment => self.attachments,
            Feed::Impersonation => self.impersonations,
        }
    }
}

/// An answer that is no page.
#[derive(Debug)]
pub struct UnreadPage {
    /// Why it is none.
    pub why: PageError,
    /// What it is instead, without its content.
    pub description: String,
}

/// Reads an answer whose HTTP status is 200. The records stay where they are in `body`; `scanner` looks
/// at each.
///
/// The status alone says nothing: an answer is a success only if `fail` is empty, and `meta.status`
/// may name an error even then.
///
/// What is not valid in it is replaced where that is clear, see `body_text`.
pub fn page(scanner: &mut RecordScanner, body: Vec<u8>) -> Result<Page, UnreadPage> {
    let length = body.len();
    let Some(body) = BodyText::read(body) else {
        return Err(UnreadPage {
            why: PageError::NotText,
            description: format!("{length} bytes"),
        });
    };
    let (body, listed) = match listing(scanner, &body.text) {
        Err(PageError::NotJson(why)) => match body.with_controls_escaped() {
            Some(escaped) => {
                let listed = listing(scanner, &escaped.text);
                (escaped, listed)
            }
            None => (body, Err(PageError::NotJson(why))),
        },
        listed => (body, listed),
    };
    match listed.and_then(without_giants) {
        Ok(listed) => {
            let mut page = Page::new(body.text, listed.records);
            page.next = listed.next;
            page.total = listed.total;
            page.repaired = body.repaired;
            Ok(page)
        }
        Err(why) => Err(UnreadPage {
            why,
            description: describe(body.text.as_bytes()),
        }),
    }
}

fn without_giants(listed: ParsedPage<RecordSpan>) -> Result<ParsedPage<RecordSpan>, PageError> {
    let mut records = listed.records.iter();
    match records.position(|record| record.bytes.len() > MAX_RECORD_BYTES) {
        Some(index) => Err(PageError::GiantRecord(index)),
        None => Ok(listed),
    }
}

struct ParsedPage<T> {
    records: Vec<T>,
    next: Option<PageToken>,
    total: Option<u64>,
}

/// Usually all records are looked at in one scan, and what is around them is parsed without them. Where
/// that does not go, all of it is parsed.
fn listing(scanner: &mut RecordScanner, text: &str) -> Result<ParsedPage<RecordSpan>, PageError> {
    if let Some(listing) = scanned(scanner, text) {
        return Ok(listing);
    }
    let ParsedPage {
        records,
        next,
        total,
    } = parsed(scanner.feed(), text)?;
    let listed = records.into_iter().filter_map(|bytes| {
        let meta = scanner.scan(text.get(bytes.clone())?);
        Some(RecordSpan { bytes, meta })
    });
    Ok(ParsedPage {
        records: listed.collect(),
        next,
        total,
    })
}

/// Stands for all the records.
const STAND_IN: &str = "{}";

/// The records are scanned, and the answer is parsed with one empty record in their place. It must show
/// where the records were looked for: so it is proved that they are the listing of the answer.
fn scanned(scanner: &mut RecordScanner, text: &str) -> Option<ParsedPage<RecordSpan>> {
    let opening = format!("\"{}\":[", array(scanner.feed()));
    let start = memchr::memmem::find(text.as_bytes(), opening.as_bytes())? + opening.len();
    let (records, end) = scanner.list(text, start, MAX_RECORDS)?;
    let around = [text.get(..start)?, STAND_IN, text.get(end..)?].concat();
    let parsed = parsed(scanner.feed(), &around).ok()?;
    let [bytes] = &parsed.records[..] else {
        return None;
    };
    (*bytes == (start..start + STAND_IN.len())).then_some(ParsedPage {
        records,
        next: parsed.next,
        total: parsed.total,
    })
}

/// Parses an answer.
fn parsed(feed: Feed, text: &str) -> Result<ParsedPage<Range<usize>>, PageError> {
    let Object::<PageBody<'_>>(answer) =
        serde_json::from_str(text).map_err(|error| shape(&error))?;
    let (status, pagination) = answer
        .meta
        .map_or((None, None), |Object(meta)| (meta.status, meta.pagination));
    let verdict = Verdict {
        meta_status: status,
        failures: failures(answer.fail),
    };
    if !verdict.is_success() {
        return Err(PageError::Failure(verdict));
    }
    let (next, total) = pagination.map_or((None, None), |Object(pagination)| {
        let total = pagination.total();
        (pagination.next, total)
    });
    // Empty pages have been seen without a listing. That is believed only where the count says so too.
    let is_empty = total == Some(0);
    let items = match answer.data {
        Some(AtMost(items)) => items,
        None if is_empty => Vec::new(),
        None => return Err(PageError::OtherShape("`data` is missing".to_owned())),
    };
    let mut records = Vec::new();
    for Object(item) in items {
        let rows = match item.rows(feed) {
            Some(AtMost(rows)) => rows,
            None if is_empty => continue,
            None => {
                return Err(PageError::OtherShape(format!(
                    "`data` has an item without `{}`",
                    array(feed)
                )));
            }
        };
        for row in rows {
            let row = row.get();
            if !row.starts_with('{') {
                return Err(PageError::OtherShape(format!(
                    "record {} of `{}` is no object",
                    records.len(),
                    array(feed)
                )));
            }
            // The row borrows from the text, so this is its place in it.
            let start = row.as_ptr().addr() - text.as_ptr().addr();
            records.push(start..start + row.len());
        }
    }
    Ok(ParsedPage {
        records,
        next: next.and_then(PageToken::new),
        total,
    })
}

fn shape(error: &serde_json::Error) -> PageError {
    match error.classify() {
        // A message quotes what it found.
        serde_json::error::Category::Data => PageError::OtherShape(position(error)),
        _ => PageError::NotJson(visible(&error.to_string())),
    }
}

/// Where an answer has another shape. What stands there is not told: serde quotes it, and it may be
/// anything that a record holds.
fn position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with(TOO_LONG) {
        return text;
    }
    format!("at line {} column {}", error.line(), error.column())
}

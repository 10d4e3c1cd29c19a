//! Reading a page.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::verdict::{Fail, Meta, Verdict, failures};
use crate::model::{
    feed::Feed,
    object::Object,
    page::{Page, PageToken},
    record::RecordScanner,
    record_meta::RecordSpan,
};

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
}

#[derive(Deserialize)]
struct PageBody<'a> {
    meta: Option<Object<Meta>>,
    #[serde(borrow)]
    data: Option<Vec<Object<Data<'a>>>>,
    fail: Option<Vec<Fail>>,
}

type Rows<'a> = Option<Vec<&'a RawValue>>;

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
    /// Its body, as it came.
    pub body: Vec<u8>,
}

/// Reads an answer whose HTTP status is 200. The records stay where they are in `body`; `scanner` looks
/// at each.
///
/// The status alone says nothing: an answer is a success only if `fail` is empty, and `meta.status`
/// may name an error even then.
///
/// Bytes that are no UTF-8 inside a string would stop the feed for ever: they are replaced by the
/// replacement character, as every reader of the row would.
pub fn page(scanner: &mut RecordScanner, body: Vec<u8>) -> Result<Page, UnreadPage> {
    let (text, original) = text(body);
    match listing(scanner, &text) {
        Ok(ParsedPage {
            records,
            next,
            total,
        }) => {
            let mut page = Page::new(text, records);
            page.next = next;
            page.total = total;
            Ok(page)
        }
        Err(why) => Err(UnreadPage {
            why,
            body: original.unwrap_or_else(|| text.into_bytes()),
        }),
    }
}

/// The body as text, and the body itself where the text is not the same.
fn text(body: Vec<u8>) -> (String, Option<Vec<u8>>) {
    let body = match String::from_utf8(body) {
        Ok(text) if !text.starts_with('\u{feff}') => return (text, None),
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let marked = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
    (String::from_utf8_lossy(marked).into_owned(), Some(body))
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
    let (records, end) = scanner.list(text, start)?;
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
    let data = answer
        .data
        .ok_or_else(|| PageError::OtherShape("`data` is missing".to_owned()))?;
    let mut records = Vec::new();
    for Object(item) in data {
        let rows = item.rows(feed).ok_or_else(|| {
            PageError::OtherShape(format!("`data` has an item without `{}`", array(feed)))
        })?;
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
    let (next, total) = pagination.map_or((None, None), |Object(pagination)| {
        let total = pagination.total_count;
        (pagination.next, total.and_then(|total| total.as_u64()))
    });
    Ok(ParsedPage {
        records,
        next: next.and_then(PageToken::new),
        total,
    })
}

fn shape(error: &serde_json::Error) -> PageError {
    match error.classify() {
        serde_json::error::Category::Data => PageError::OtherShape(error.to_string()),
        _ => PageError::NotJson(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(feed: Feed, body: &[u8]) -> Result<Page, PageError> {
        let mut scanner = RecordScanner::new(feed);
        super::page(&mut scanner, body.to_vec()).map_err(|unread| {
            assert_eq!(unread.body, body);
            unread.why
        })
    }

    #[test]
    fn records_are_found_where_they_lie() {
        let body = r#"{"meta":{"status":200,"pagination":{"pageSize":2,"totalCount":7,"next":"t1"}},"data":[{"clickLogs":[{"url":"é\/","n":null}, {"url":"b"}]}],"fail":[]}"#;
        let page = page(Feed::Url, body.as_bytes()).unwrap();
        assert_eq!(
            page.records().collect::<Vec<_>>(),
            [r#"{"url":"é\/","n":null}"#, r#"{"url":"b"}"#]
        );
        assert_eq!(page.next, PageToken::new("t1"));
        assert_eq!(page.total, Some(7));
    }

    #[test]
    fn a_listing_elsewhere_is_not_taken_for_the_answers() {
        let rows = |body: &str| {
            page(Feed::Url, body.as_bytes()).map(|page| {
                let rows = page.records().map(str::to_owned).collect::<Vec<_>>();
                rows.concat()
            })
        };
        let real = r#""data":[{"clickLogs":[{"n":2},{"n":3}]}]"#;
        for other in [
            r#""meta":{"clickLogs":[{"n":1}]}"#,
            r#""meta":{"x":"\"clickLogs\":[{}"}"#,
            r#""more":{"data":[{"clickLogs":[{"n":1}]}]}"#,
        ] {
            for body in [format!("{{{other},{real}}}"), format!("{{{real},{other}}}")] {
                assert_eq!(rows(&body).as_deref(), Ok(r#"{"n":2}{"n":3}"#), "{body}");
            }
        }
        let two = r#"{"data":[{"clickLogs":[{"n":1}]},{"clickLogs":[{"n":2}]}]}"#;
        assert_eq!(rows(two).as_deref(), Ok(r#"{"n":1}{"n":2}"#));
        let inside = r#"{"data":[{"clickLogs":[{"clickLogs":[{"n":1}]}]}]}"#;
        assert_eq!(rows(inside).as_deref(), Ok(r#"{"clickLogs":[{"n":1}]}"#));
    }

    #[test]
    fn every_shape_of_an_empty_or_last_page_is_read() {
        for body in [
            r#"{"meta":{"status":200,"pagination":{"pageSize":0,"totalCount":0}},"data":[],"fail":[]}"#,
            r#"{"meta":{"status":200},"data":[{"attachmentLogs":[]}],"fail":[]}"#,
            r#"{"data":[{"resultCount":0,"attachmentLogs":[]}]}"#,
            r#"{"meta":{"pagination":{"next":""}},"data":[]}"#,
            r#"{"meta":null,"data":[]}"#,
        ] {
            let page = page(Feed::Attachment, body.as_bytes()).unwrap();
            assert!(page.is_empty() && page.next.is_none(), "{body}");
        }
    }

    #[test]
    fn another_shape_is_an_error_and_never_an_empty_page() {
        for body in [
            "{}",
            "[]",
            r#"{"data":null}"#,
            r#"{"data":[{}]}"#,
            r#"{"data":[{"clickLogs":[]}]}"#,
            r#"{"data":{"attachmentLogs":[]}}"#,
            r#"{"data":[{"attachmentLogs":"none"}]}"#,
            r#"{"data":[{"attachmentLogs":[{}, "row"]}]}"#,
            // As serde reads a struct out of a list, by position.
            "[null,[],null]",
            r#"{"data":[[null,[],null]]}"#,
            r#"{"data":[],"meta":[200,null]}"#,
        ] {
            let error = page(Feed::Attachment, body.as_bytes()).unwrap_err();
            assert!(matches!(error, PageError::OtherShape(_)), "{body}: {error}");
        }
        for body in ["", "<html>", r#"{"data":[{"attachmentLogs":[{}"#, "{}x"] {
            let error = page(Feed::Attachment, body.as_bytes()).unwrap_err();
            assert!(matches!(error, PageError::NotJson(_)), "{body}: {error}");
        }
    }

    #[test]
    fn a_failure_inside_a_200_is_a_failure() {
        for body in [
            r#"{"meta":{"status":200},"data":[],"fail":[{"errors":[{"code":"err_developer_key"}]}]}"#,
            r#"{"meta":{"status":500},"data":[{"clickLogs":[]}],"fail":[]}"#,
            r#"{"fail":[{}]}"#,
        ] {
            assert!(
                matches!(page(Feed::Url, body.as_bytes()), Err(PageError::Failure(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn a_count_that_is_none_does_not_cost_the_page() {
        for total in ["null", "-1", "7.5", "\"7\"", "{}"] {
            let body = format!(
                r#"{{"meta":{{"pagination":{{"totalCount":{total}}}}},"data":[{{"clickLogs":[{{}}]}}]}}"#
            );
            let page = page(Feed::Url, body.as_bytes()).unwrap();
            assert_eq!((page.len(), page.total), (1, None), "{total}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_do_not_stop_the_feed() {
        let page = page(
            Feed::Url,
            b"{\"data\":[{\"clickLogs\":[{\"subject\":\"caf\xe9\"}]}]}",
        )
        .unwrap();
        assert_eq!(
            page.records().collect::<Vec<_>>(),
            ["{\"subject\":\"caf\u{fffd}\"}"]
        );
    }
}

//! The shapes of Mimecast's requests and answers. Private to the adapter save for tests.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    ingest::ports::PageRequest,
    model::{
        feed::Feed,
        page::{Page, PageToken},
    },
};

/// The most records a page may hold; Mimecast's own default is 100.
pub const PAGE_SIZE: u32 = 500;

/// The path of a feed's get-logs function.
#[must_use]
pub const fn path(feed: Feed) -> &'static str {
    match feed {
        Feed::Url => "/api/ttp/url/get-logs",
        Feed::Attachment => "/api/ttp/attachment/get-logs",
        Feed::Impersonation => "/api/ttp/impersonation/get-logs",
    }
}

const fn array(feed: Feed) -> &'static str {
    match feed {
        Feed::Url => "clickLogs",
        Feed::Attachment => "attachmentLogs",
        Feed::Impersonation => "impersonationLogs",
    }
}

#[derive(Serialize)]
struct Body<'a> {
    meta: RequestMeta<'a>,
    data: [Query; 1],
}

#[derive(Serialize)]
struct RequestMeta<'a> {
    pagination: RequestPagination<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestPagination<'a> {
    page_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    from: String,
    to: String,
    oldest_first: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
}

/// The body of a get-logs call. The query is repeated beside a page token: some peers do, some do
/// not, and repeating it is right under both readings.
#[must_use]
pub fn request_body(request: PageRequest<'_>) -> Vec<u8> {
    let (route, scan_result, result) = match request.feed {
        Feed::Url => (Some("all"), Some("all"), None),
        Feed::Attachment => (Some("all"), None, Some("all")),
        Feed::Impersonation => (None, None, None),
    };
    let body = Body {
        meta: RequestMeta {
            pagination: RequestPagination {
                page_size: PAGE_SIZE,
                page_token: request.token.map(PageToken::as_str),
            },
        },
        data: [Query {
            from: date(request.range.from()),
            to: date(request.range.to()),
            oldest_first: true,
            route,
            scan_result,
            result,
        }],
    };
    // A struct of strings and numbers always serialises.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The documented form of a date: `2015-11-16T14:49:18+0000`.
fn date(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

/// Why an answer is no page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPage {
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
struct Answer<'a> {
    meta: Option<Meta>,
    #[serde(borrow)]
    data: Option<Vec<Data<'a>>>,
    fail: Option<Vec<Fail>>,
}

#[derive(Deserialize)]
struct Meta {
    status: Option<u16>,
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    next: Option<String>,
    total_count: Option<u64>,
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

/// Reads an answer whose HTTP status is 200. The records stay where they are in `body`.
///
/// The status alone says nothing: an answer is a success only if `fail` is empty, and `meta.status`
/// may name an error even then.
///
/// Bytes that are no UTF-8 inside a string would stop the feed for ever: they are replaced by the
/// replacement character, as every reader of the row would.
pub fn page(feed: Feed, body: &[u8]) -> Result<Page, NotAPage> {
    let text = String::from_utf8_lossy(body).into_owned();
    let (places, next, total) = {
        let answer: Answer<'_> = serde_json::from_str(&text).map_err(|error| shape(&error))?;
        let (status, pagination) = answer
            .meta
            .map_or((None, None), |meta| (meta.status, meta.pagination));
        let verdict = Verdict {
            meta_status: status,
            failures: failures(answer.fail),
        };
        if !verdict.is_success() {
            return Err(NotAPage::Failure(verdict));
        }
        let data = answer
            .data
            .ok_or_else(|| NotAPage::OtherShape("`data` is missing".to_owned()))?;
        let mut places = Vec::new();
        for item in data {
            let rows = item.rows(feed).ok_or_else(|| {
                NotAPage::OtherShape(format!("`data` has an item without `{}`", array(feed)))
            })?;
            for row in rows {
                let row = row.get();
                if !row.starts_with('{') {
                    return Err(NotAPage::OtherShape(format!(
                        "record {} of `{}` is no object",
                        places.len(),
                        array(feed)
                    )));
                }
                // The row borrows from the text, so this is its place in it.
                let start = row.as_ptr().addr() - text.as_ptr().addr();
                places.push(start..start + row.len());
            }
        }
        let (next, total) = pagination.map_or((None, None), |pagination| {
            (pagination.next, pagination.total_count)
        });
        (places, next.and_then(PageToken::new), total)
    };
    let mut page = Page::new(text, places);
    page.next = next;
    page.total = total;
    Ok(page)
}

fn shape(error: &serde_json::Error) -> NotAPage {
    match error.classify() {
        serde_json::error::Category::Data => NotAPage::OtherShape(error.to_string()),
        _ => NotAPage::NotJson(error.to_string()),
    }
}

/// One error that Mimecast names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// Such as `err_xdk_invalid_signature`; empty where there is none.
    pub code: String,
    /// Mimecast's own words.
    pub message: String,
    /// Mimecast's hint that trying again may help.
    pub retryable: bool,
}

/// What an answer of any shape says about success.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// `meta.status`, where there is one.
    pub meta_status: Option<u16>,
    /// Everything in `fail`; success only if empty.
    pub failures: Vec<Failure>,
}

impl Verdict {
    /// Whether nothing in it speaks of a failure.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failures.is_empty() && self.meta_status.is_none_or(|status| status < 400)
    }
}

#[derive(Deserialize)]
struct VerdictShape {
    meta: Option<Meta>,
    fail: Option<Vec<Fail>>,
    error: Option<FailureShape>,
}

/// `{"key":..,"errors":[..]}` as API 1.0 answers, or the error itself as gateways do.
#[derive(Deserialize)]
struct Fail {
    errors: Option<Vec<FailureShape>>,
    #[serde(flatten)]
    flat: FailureShape,
}

#[derive(Deserialize)]
struct FailureShape {
    code: Option<String>,
    message: Option<String>,
    #[serde(default)]
    retryable: bool,
}

impl From<FailureShape> for Failure {
    fn from(shape: FailureShape) -> Self {
        Self {
            code: shape.code.unwrap_or_default(),
            message: shape.message.unwrap_or_default(),
            retryable: shape.retryable,
        }
    }
}

fn failures(fail: Option<Vec<Fail>>) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for fail in fail.unwrap_or_default() {
        match fail.errors {
            Some(errors) if !errors.is_empty() => {
                failures.extend(errors.into_iter().map(Into::into));
            }
            // An entry of `fail` is a failure even when it says nothing.
            _ => failures.push(fail.flat.into()),
        }
    }
    failures
}

/// Reads what an answer of any status says about success; `None` where it is no JSON object that could say it.
#[must_use]
pub fn verdict(body: &[u8]) -> Option<Verdict> {
    let shape: VerdictShape = serde_json::from_slice(body).ok()?;
    let mut failures = failures(shape.fail);
    failures.extend(shape.error.map(Into::into));
    Some(Verdict {
        meta_status: shape.meta.and_then(|meta| meta.status),
        failures,
    })
}

/// A binding as a login answers it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Binding {
    pub(super) access_key: Option<String>,
    pub(super) secret_key: Option<String>,
}

#[derive(Deserialize)]
struct LoginAnswer {
    data: Vec<Binding>,
}

/// Reads the answer to a login.
pub(super) fn binding(body: &[u8]) -> Option<Binding> {
    let answer: LoginAnswer = serde_json::from_slice(body).ok()?;
    answer.data.into_iter().next()
}

/// The body of a login that renews an expired binding.
pub(super) fn renewal_body(email: &str, access_key: &str) -> Vec<u8> {
    let body = serde_json::json!({"data": [{"userName": email, "accessKey": access_key}]});
    body.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{date_range::DateRange, event_time};

    #[test]
    fn a_request_asks_for_large_pages_oldest_first_within_fixed_ends() {
        let (from, to) = ("2026-03-02T08:00:00Z", "2026-03-02T08:15:00Z");
        let (from, to) = (
            event_time::parse(from).unwrap(),
            event_time::parse(to).unwrap(),
        );
        let range = DateRange::new(from, to, to).unwrap();
        let body = |feed, token: Option<&PageToken>| {
            String::from_utf8(request_body(PageRequest { feed, range, token })).unwrap()
        };
        assert_eq!(
            body(Feed::Url, None),
            r#"{"meta":{"pagination":{"pageSize":500}},"data":[{"from":"2026-03-02T08:00:00+0000","to":"2026-03-02T08:15:00+0000","oldestFirst":true,"route":"all","scanResult":"all"}]}"#
        );
        assert!(body(Feed::Attachment, None).contains(r#""route":"all","result":"all""#));
        let token = PageToken::new("abc").unwrap();
        assert!(body(Feed::Impersonation, Some(&token)).contains(r#""pageToken":"abc""#));
        assert!(!body(Feed::Impersonation, None).contains("route"));
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
        ] {
            let error = page(Feed::Attachment, body.as_bytes()).unwrap_err();
            assert!(matches!(error, NotAPage::OtherShape(_)), "{body}: {error}");
        }
        for body in ["", "<html>", r#"{"data":[{"attachmentLogs":[{}"#, "{}x"] {
            let error = page(Feed::Attachment, body.as_bytes()).unwrap_err();
            assert!(matches!(error, NotAPage::NotJson(_)), "{body}: {error}");
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
                matches!(page(Feed::Url, body.as_bytes()), Err(NotAPage::Failure(_))),
                "{body}"
            );
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

    #[test]
    fn every_shape_of_failure_is_read() {
        let read = |body: &str| verdict(body.as_bytes()).unwrap();
        let nested = read(
            r#"{"meta":{"status":200},"data":[],"fail":[{"key":{"from":"x"},"errors":[{"code":"err_developer_key","message":"App ID is invalid","retryable":false},{"code":"b","message":"c","retryable":true}]}]}"#,
        );
        assert_eq!(nested.meta_status, Some(200));
        assert_eq!(nested.failures.len(), 2);
        assert_eq!(nested.failures[0].code, "err_developer_key");
        assert!(nested.failures[1].retryable);
        assert_eq!(
            read(r#"{"fail":[{"code":"token_expired","message":"Access token has expired"}]}"#)
                .failures[0]
                .code,
            "token_expired"
        );
        assert_eq!(
            read(r#"{"error":{"message":"Unauthorized Request"}}"#).failures[0].message,
            "Unauthorized Request"
        );
        assert_eq!(read(r#"{"fail":[{}]}"#).failures, [Failure::default()]);
        assert!(
            read(r#"{"meta":{"status":403},"fail":[]}"#)
                .failures
                .is_empty()
        );
        assert_eq!(verdict(b"<html>"), None);
    }
}

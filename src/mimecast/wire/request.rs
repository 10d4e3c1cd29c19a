//! Asking for a page.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    ingest::ports::PageRequest,
    model::{feed::Feed, page::PageToken},
};

/// The path of a feed's get-logs function.
#[must_use]
pub const fn path(feed: Feed) -> &'static str {
    match feed {
        Feed::Url => "/api/ttp/url/get-logs",
        Feed::Attachment => "/api/ttp/attachment/get-logs",
        Feed::Impersonation => "/api/ttp/impersonation/get-logs",
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
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "an empty body would ask for nothing"
)]
pub fn request_body(request: PageRequest<'_>) -> Vec<u8> {
    let (route, scan_result, result) = match request.feed {
        Feed::Url => (Some("all"), Some("all"), None),
        Feed::Attachment => (Some("all"), None, Some("all")),
        Feed::Impersonation => (None, None, None),
    };
    let body = Body {
        meta: RequestMeta {
            pagination: RequestPagination {
                page_size: request.size,
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
    serde_json::to_vec(&body).expect("a struct of strings and numbers serializes")
}

/// The documented form of a date: `2015-11-16T14:49:18+0000`.
fn date(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::ports::{FULL_PAGE, Patience};
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
            String::from_utf8(request_body(PageRequest {
                feed,
                range,
                token,
                size: FULL_PAGE,
                patience: Patience::Usual,
            }))
            .unwrap()
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
}

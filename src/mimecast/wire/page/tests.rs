//! Pages of every shape that has been seen.

use super::*;

fn page(feed: Feed, body: &[u8]) -> Result<Page, PageError> {
    let mut scanner = RecordScanner::new(feed);
    super::page(&mut scanner, body.to_vec()).map_err(|unread| unread.why)
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
        // Where the count says that there is nothing, nothing need be listed.
        r#"{"meta":{"pagination":{"totalCount":0}},"data":[{}]}"#,
        r#"{"meta":{"pagination":{"totalCount":0}},"data":null}"#,
        r#"{"meta":{"pagination":{"totalCount":0}}}"#,
        r#"{"meta":{"pagination":{"totalCount":0}},"data":[{"attachmentLogs":null}]}"#,
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
        r#"{"meta":{"pagination":{"totalCount":1}},"data":[{}]}"#,
        r#"{"meta":{"pagination":{"totalCount":1}},"data":null}"#,
        r#"{"meta":{"pagination":{"totalCount":1}},"data":[{"attachmentLogs":null}]}"#,
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

#[test]
fn a_raw_control_character_inside_a_string_does_not_stop_the_feed() {
    let page = page(
        Feed::Url,
        b"{\"data\":[{\"clickLogs\":[{\"subject\":\"a\tb\"},\n{\"n\":2}]}]}",
    )
    .unwrap();
    assert_eq!(page.repaired, 1);
    assert_eq!(
        page.records().collect::<Vec<_>>(),
        [r#"{"subject":"a\tb"}"#, r#"{"n":2}"#]
    );
    let mut scanner = RecordScanner::new(Feed::Url);
    let escaped = scanner.scan(r#"{"subject":"a\tb"}"#);
    assert_eq!(page.records_with_meta().next().unwrap().1, escaped);
}

#[test]
fn far_more_records_than_asked_for_are_refused() {
    let body = |records: usize| {
        let rows = vec!["{}"; records].join(", ");
        format!(r#"{{"data":[{{"clickLogs":[{rows}]}}]}}"#)
    };
    assert_eq!(
        page(Feed::Url, body(MAX_RECORDS).as_bytes()).unwrap().len(),
        MAX_RECORDS
    );
    for spacing in [", ", ","] {
        let body = body(MAX_RECORDS + 1).replace(", ", spacing);
        let error = page(Feed::Url, body.as_bytes()).unwrap_err();
        assert!(matches!(error, PageError::OtherShape(_)), "{error}");
    }
}

#[test]
fn an_answer_of_another_shape_is_described_and_not_quoted() {
    let mut scanner = RecordScanner::new(Feed::Url);
    for body in [
        r#"{"meta":{"status":200},"data":"secret@example.com","fail":[]}"#,
        r#"{"data":[{"clickLogs":["secret@example.com"]}]}"#,
        r#"{"data":[{"clickLogs":[{"userEmailAddress":"secret@example.com"#,
        "secret@example.com",
    ] {
        let unread = super::page(&mut scanner, body.into()).unwrap_err();
        let told = format!("{} {}", unread.description, unread.why);
        assert!(!told.contains("secret"), "{told}");
        assert!(told.contains(&format!("{} bytes", body.len())), "{told}");
    }
}

#[test]
fn a_record_larger_than_any_that_can_be_delivered_is_refused() {
    let body = |length: usize| {
        let record = format!(
            r#"{{"url":"{}"}}"#,
            "x".repeat(length - r#"{"url":""}"#.len())
        );
        format!(r#"{{"data":[{{"clickLogs":[{{}},{record}]}}]}}"#)
    };
    let page = |length| page(Feed::Url, body(length).as_bytes());
    assert_eq!(page(MAX_RECORD_BYTES).unwrap().len(), 2);
    let error = page(MAX_RECORD_BYTES + 1).unwrap_err().to_string();
    assert!(
        error.contains("record 1 is larger than 2097152 bytes"),
        "{error}"
    );
}

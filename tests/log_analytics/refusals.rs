//! What the simulated Logs Ingestion API refuses, cuts off and loses.

use std::{io::Write as _, sync::Arc, time::Duration};

use flate2::{Compression, write::GzEncoder};
use mimecast_ttp::net::http::Request;
use reqwest::{Method, Url, header};
use serde_json::{Value, json};
use simulators::log_analytics::{
    NdjsonFolder,
    logs_ingestion::{Config, Rule},
};

use crate::{
    caller::{Caller, TABLE, send, set},
    logs_ingestion::config,
    support::world::at,
};

const TEMPLATE: &str = include_str!("../../deploy/logs-ingestion.json");
const LIMIT: usize = 1_048_576;

fn packed(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(body).unwrap();
    packer.finish().unwrap()
}

/// The rule of a template with something in the place of something else.
fn rule(old: &str, new: &str) -> Config {
    assert!(TEMPLATE.contains(old), "{old}");
    let rule = Rule::in_template(&TEMPLATE.replace(old, new)).unwrap();
    Config { rule, ..config() }
}

#[tokio::test]
async fn a_post_with_a_wrong_address_token_or_type_is_refused() {
    let caller = Caller::new(config()).await;
    let path = |old: &'static str, new: &'static str| {
        move |request: &mut Request| {
            let url = request.url.as_str();
            assert!(url.contains(old), "{url}");
            request.url = url.replace(old, new).parse::<Url>().unwrap();
        }
    };
    let refusal = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(caller.post(|_| ()).await, refusal(204, ""));
    for (old, new, expected) in [
        ("/streams/", "/stream/", refusal(404, "")),
        (
            "2023-01-01",
            "2024-01-01",
            refusal(400, "InvalidApiVersion"),
        ),
        (
            "?api-version=2023-01-01",
            "",
            refusal(400, "InvalidApiVersion"),
        ),
        ("dcr-", "rule-", refusal(404, "NotFound")),
        ("Custom-", "", refusal(400, "InvalidStream")),
    ] {
        assert_eq!(caller.post(path(old, new)).await, expected, "{new}");
    }
    let get = caller.post(|request| request.method = Method::GET).await;
    assert_eq!(get, refusal(404, ""));

    let other = caller.token("https://storage.azure.com/.default").await;
    let slash = caller.token("https://monitor.azure.com//.default").await;
    for (token, expected) in [
        (None, refusal(401, "InvalidAuthenticationToken")),
        (
            Some("Bearer x".to_owned()),
            refusal(401, "InvalidAuthenticationToken"),
        ),
        (Some(other), refusal(401, "InvalidAudience")),
        (Some(slash), refusal(204, "")),
    ] {
        let set = |request: &mut Request| set(request, &header::AUTHORIZATION, token.clone());
        assert_eq!(caller.post(set).await, expected, "{token:?}");
    }
    for kind in [None, Some("text/plain".to_owned())] {
        let set = |request: &mut Request| set(request, &header::CONTENT_TYPE, kind);
        assert_eq!(caller.post(set).await, refusal(415, ""));
    }
    caller
        .config
        .clock
        .advance(Duration::from_secs(3600))
        .unwrap();
    let over = caller.post(|_| ()).await;
    assert_eq!(over, refusal(401, "InvalidAuthenticationToken"));
}

#[tokio::test]
async fn an_unreadable_body_is_refused_and_stores_no_row() {
    let caller = Caller::new(config()).await;
    assert_eq!(caller.post_body("").await, (500, String::new()));
    for body in [
        "{}",
        "null",
        r#"[{"url":"x"},1]"#,
        r#"[{"url":"x"}"#,
        r#"[{"url":"x"}] []"#,
        r#"[{"url":"\ud83d"}]"#,
        "\u{feff}[]",
    ] {
        let refused = caller.post_body(body).await;
        assert_eq!(refused, (400, "InvalidPayload".to_owned()), "{body}");
    }
    let refused = caller.post_body(b"[{\"url\":\"\xff\"}]").await;
    assert_eq!(refused, (400, "InvalidPayload".to_owned()));
    let whole = packed(br#"[{"url":"x"}]"#);
    let mut longer = whole.clone();
    longer.extend(b"[]");
    let mut other = whole.clone();
    other[whole.len() - 5] ^= 1;
    for body in [
        b"[]".to_vec(),
        whole[..whole.len() - 1].into(),
        longer,
        other,
    ] {
        let refused = caller.post_packed(body).await;
        assert_eq!(refused, (400, "InvalidCompressedData".to_owned()));
    }
    assert_eq!(caller.rows.count(TABLE), 0);
    assert_eq!(caller.post_packed(whole).await.0, 204);
    assert_eq!(caller.rows.count(TABLE), 1);
}

#[tokio::test]
async fn a_megabyte_is_accepted_and_no_byte_more_compressed_or_not() {
    let caller = Caller::new(config()).await;
    let body = |bytes: usize| format!("[{}]", " ".repeat(bytes - 2)).into_bytes();
    let too_large = (413, "ContentLengthLimitExceeded".to_owned());
    assert_eq!(caller.post_body(body(LIMIT)).await.0, 204);
    assert_eq!(caller.post_body(body(LIMIT + 1)).await, too_large);
    assert_eq!(caller.post_packed(packed(&body(LIMIT))).await.0, 204);
    assert_eq!(
        caller.post_packed(packed(&body(LIMIT + 1))).await,
        too_large
    );
    let mut request = caller.good.clone();
    request.body = body(3 * LIMIT).into();
    let said = String::from_utf8(send(request).await.body).unwrap();
    assert!(said.contains("content length: 3145728 bytes"), "{said}");
}

#[tokio::test]
async fn a_row_without_a_time_is_dropped_and_a_distant_time_becomes_now() {
    let own = rule(
        "iif(isnull(time_generated) or time_generated < ago(2d), now(), time_generated)",
        "time_generated",
    );
    let caller = Caller::new(own).await;
    let times = [
        "2026-03-02T07:50:00Z",
        "2026-02-28T07:50:00Z",
        "2026-03-03T08:10:00Z",
        "yesterday",
    ];
    let rows = times.map(|time| json!({ "time_generated": time }));
    assert_eq!(caller.post_body(json!(rows).to_string()).await.0, 204);
    assert_eq!(caller.post_body("[{}]").await.0, 204);
    let posts = caller.service.posts();
    let stored: Vec<_> = posts.iter().map(|post| (post.status, post.rows)).collect();
    assert_eq!(stored, [(Some(204), 3), (Some(204), 0)]);
    let stored = caller.rows.rows(TABLE);
    let minutes = stored
        .iter()
        .map(|row| (row.time_generated - at("2026-03-02T08:00:00Z")).num_minutes());
    assert_eq!(minutes.collect::<Vec<_>>(), [-10, 0, 0]);
}

#[tokio::test]
async fn overlong_undeclared_and_unknown_values_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let files = Arc::new(NdjsonFolder::create(folder.path()).unwrap());
    let mut config = rule(r#"{ "name": "route_s", "type": "string" },"#, "");
    config.sinks.push(files.clone());
    let caller = Caller::new(config).await;
    let row = json!([{
        "time_generated": "2026-03-02T07:50:00Z",
        "url": "é".repeat(40_000),
        "category": 5,
        "route": "inbound",
        "unheard": "of",
    }]);
    assert_eq!(caller.post_body(row.to_string()).await.0, 204);
    let stored = std::fs::read_to_string(files.path(TABLE)).unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(stored["url_s"].as_str().unwrap().len(), 65_536);
    assert_eq!(stored["Category"], "5");
    for lost in ["route_s", "route", "unheard"] {
        assert!(stored.get(lost).is_none(), "{stored}");
    }
}

#[tokio::test]
async fn a_rule_limits_requests_and_bytes_per_minute_and_names_the_wait() {
    for (requests, bytes) in [(3, 1000), (1000, 6)] {
        let caller = Caller::new(Config {
            requests_per_minute: requests,
            bytes_per_minute: bytes,
            ..config()
        })
        .await;
        for _ in 0..3 {
            assert_eq!(caller.post(|_| ()).await.0, 204);
        }
        let answer = send(caller.good.clone()).await;
        assert_eq!(answer.status, 429);
        let wait = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        caller
            .config
            .clock
            .advance(Duration::from_secs(wait))
            .unwrap();
        assert_eq!(caller.post(|_| ()).await.0, 204);
    }
}

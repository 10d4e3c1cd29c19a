use std::time::Duration;

use super::*;

#[tokio::test]
async fn every_published_signature_is_accepted() {
    for vector in vectors::GOOD {
        let date = DateTime::parse_from_rfc2822(vector.date).unwrap().to_utc();
        let fixture = Fixture::start(Config {
            clock: SimClock::at(date),
            workspace_key: vector.key.to_owned(),
            ..config()
        })
        .await;
        let headers = headers(&vector.authorization(), vector.date);
        let got = fixture.send(QUERY, headers, vector.body()).await.unwrap();
        if vector.name.starts_with("V6") {
            // The signature is right, but a text is no row.
            assert_eq!(
                (got.status, got.error().as_str()),
                (400, "InvalidDataFormat")
            );
        } else {
            assert_eq!(
                (got.status, got.body.as_str()),
                (200, ""),
                "{}",
                vector.name
            );
            assert!(got.header("x-ms-request-id").is_some());
        }
    }
}

#[tokio::test]
async fn every_signature_made_by_mistake_is_refused() {
    for vector in vectors::BAD {
        let date = DateTime::parse_from_rfc2822(vector.date).unwrap().to_utc();
        let fixture = Fixture::start(Config {
            clock: SimClock::at(date),
            workspace_key: vector.key.to_owned(),
            ..config()
        })
        .await;
        let headers = headers(&vector.authorization(), vector.date);
        let got = fixture.send(QUERY, headers, vector.body()).await.unwrap();
        assert_eq!(got.status, 403, "{}", vector.name);
        assert_eq!(
            got.body,
            concat!(
                r#"{"Error":"InvalidAuthorization","Message":"#,
                r#""An invalid signature was specified in the Authorization header"}"#
            )
        );
        assert!(fixture.rows.tables().is_empty());
    }
}

#[tokio::test]
async fn both_keys_are_valid() {
    let fixture = Fixture::start(Config {
        workspace_key: vectors::K2.to_owned(),
        secondary_key: Some(vectors::K1.to_owned()),
        ..config()
    })
    .await;
    assert_eq!(fixture.post("[]").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_key_that_is_not_base64_is_told_at_the_start() {
    let config = Config {
        workspace_key: "not base64!".to_owned(),
        ..config()
    };
    let error = DataCollector::start(config, 0).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

/// Mends one mistake after the other: each answer names the one that is checked next.
#[tokio::test]
async fn checks_come_in_their_order() {
    let fixture = Fixture::start(config()).await;
    let body = b"[{\"tenant\":1}]";
    let right = signed(body);
    let mut sent = HeaderMap::new();
    let mut path = "/api/log".to_owned();
    let mut expect = Vec::new();
    let mut step = async |path: &str, sent: &HeaderMap| {
        let got = fixture.send(path, sent.clone(), body.to_vec()).await;
        let got = got.unwrap();
        expect.push((got.status, got.error()));
    };
    step(&path, &sent).await;
    path = "/api/logs".to_owned();
    step(&path, &sent).await;
    path = "/api/logs?api-version=1".to_owned();
    step(&path, &sent).await;
    path = QUERY.to_owned();
    step(&path, &sent).await;
    sent.insert("content-type", HeaderValue::from_static("text/plain"));
    step(&path, &sent).await;
    sent.insert("content-type", right["content-type"].clone());
    step(&path, &sent).await;
    sent.insert("log-type", HeaderValue::from_static("Te-st"));
    step(&path, &sent).await;
    sent.insert("log-type", right["log-type"].clone());
    step(&path, &sent).await;
    sent.insert("x-ms-date", right["x-ms-date"].clone());
    sent.insert("authorization", right["authorization"].clone());
    step(&path, &sent).await;
    let names: Vec<_> = expect
        .iter()
        .map(|(status, name)| (*status, name.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            (404, ""),
            (400, "MissingApiVersion"),
            (400, "InvalidApiVersion"),
            (400, "MissingContentType"),
            (400, "UnsupportedContentType"),
            (400, "MissingLogType"),
            (400, "InvalidLogType"),
            (403, "InvalidAuthorization"),
            (400, "InvalidDataFormat"),
        ]
    );
    assert!(fixture.rows.tables().is_empty());
}

#[tokio::test]
async fn only_posts_are_taken() {
    let fixture = Fixture::start(config()).await;
    let url = fixture.service.base_url() + QUERY;
    let response = fixture.client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert!(fixture.service.posts().is_empty());
}

#[tokio::test]
async fn a_date_too_far_from_the_clock_is_refused() {
    let fixture = Fixture::start(config()).await;
    for (date, status) in [
        ("Mon, 05 Jan 2026 08:52:13 GMT", 200),
        ("Mon, 05 Jan 2026 08:52:02 GMT", 403),
        ("Mon, 05 Jan 2026 09:22:03 GMT", 200),
        ("Mon, 05 Jan 2026 09:22:30 GMT", 403),
        ("Mon, 5 Jan 2026 09:07:03 GMT", 403),
    ] {
        let headers = signed_at(b"[]", date);
        let got = fixture.send(QUERY, headers, b"[]".to_vec()).await;
        assert_eq!(got.unwrap().status, status, "{date}");
    }
}

#[tokio::test]
async fn what_the_signature_cannot_cover_is_refused() {
    let fixture = Fixture::start(config()).await;
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("content-type", "application/json; charset=utf-8"),
        ("authorization", "SharedKey nonsense"),
        ("authorization", "Bearer abc"),
    ] {
        let mut headers = signed(b"[]");
        headers.insert(name, HeaderValue::from_static(value));
        let got = fixture.send(QUERY, headers, b"[]".to_vec()).await.unwrap();
        assert_eq!(got.status, 403, "{name}: {value}");
    }
    for name in ["x-ms-date", "authorization"] {
        let mut headers = signed(b"[]");
        headers.remove(name);
        let got = fixture.send(QUERY, headers, b"[]".to_vec()).await.unwrap();
        assert_eq!(got.status, 403, "without {name}");
    }
    let chunks = futures_util::stream::iter([Ok::<_, io::Error>("["), Ok("]")]);
    let request = fixture
        .client
        .post(fixture.service.base_url() + QUERY)
        .headers(signed(b"[]"))
        .body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(request.send().await.unwrap().status(), 403, "chunked");
    let posts = fixture.service.posts();
    assert_eq!(
        posts.last().unwrap().reason.as_deref(),
        Some("there is no Content-Length header")
    );
}

/// A body of exactly that many bytes with one row in it.
fn body_of(bytes: usize) -> String {
    let frame = r#"[{"a":""}]"#;
    let text = "a".repeat(bytes - frame.len());
    frame.replace("\"\"", &format!("\"{text}\""))
}

#[tokio::test]
async fn thirty_megabytes_are_taken_and_not_a_byte_more() {
    let fixture = Fixture::start(config()).await;
    let got = fixture.post(&body_of(30_000_000)).await.unwrap();
    assert_eq!(got.status, 200);
    let got = fixture.post(&body_of(30_000_001)).await.unwrap();
    assert_eq!((got.status, got.body.as_str()), (404, ""));
    assert_eq!(fixture.rows.count("Test_CL"), 1);
    let sizes: Vec<_> = fixture.service.posts().iter().map(|p| p.bytes).collect();
    assert_eq!(sizes, [30_000_000, 30_000_001]);
}

#[tokio::test]
async fn a_body_too_large_is_refused_as_chosen() {
    for (too_large, status) in [
        (TooLarge::NotFound404, Some(404)),
        (TooLarge::Status413, Some(413)),
        (TooLarge::DropConnection, None),
    ] {
        let fixture = Fixture::start(Config {
            max_body_bytes: 100,
            too_large,
            ..config()
        })
        .await;
        let got = fixture.post(&body_of(1_000_000)).await;
        assert_eq!(got.map(|got| got.status), status, "{too_large:?}");
        let posts = fixture.service.posts();
        assert_eq!((posts[0].status, posts[0].bytes), (status, 1_000_000));
        assert_eq!(fixture.post(&body_of(100)).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn a_chunked_body_too_large_is_not_kept_either() {
    let fixture = Fixture::start(Config {
        max_body_bytes: 100,
        ..config()
    })
    .await;
    let chunks = futures_util::stream::iter((0..50).map(|_| Ok::<_, io::Error>("          ")));
    let request = fixture
        .client
        .post(fixture.service.base_url() + QUERY)
        .headers(signed(b"[]"))
        .timeout(Duration::from_secs(10))
        .body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(request.send().await.unwrap().status(), 404);
    assert_eq!(fixture.service.posts()[0].bytes, 500);
}

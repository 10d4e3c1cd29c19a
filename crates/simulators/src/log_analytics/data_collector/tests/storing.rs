use super::*;
use crate::log_analytics::NdjsonFolder;

#[tokio::test]
async fn accepted_rows_arrive_with_their_exact_text() {
    let fixture = Fixture::start(config()).await;
    let rows = ["{\"b\": 1.50,\"a\":\"\\u00fc\"}", "{ }", "{\"a\":\"ü\"}"];
    let got = fixture.post(&format!(" [{}]\n", rows.join(" , "))).await;
    assert_eq!(got.unwrap().status, 200);
    assert_eq!(fixture.texts(), rows);
    assert_eq!(fixture.post("{\"lone\":1}").await.unwrap().status, 200);
    assert_eq!(fixture.texts()[3], "{\"lone\":1}");
}

#[tokio::test]
async fn an_empty_array_stores_nothing() {
    let fixture = Fixture::start(config()).await;
    assert_eq!(fixture.post("[]").await.unwrap().status, 200);
    assert!(fixture.rows.tables().is_empty());
}

#[tokio::test]
async fn one_bad_row_refuses_the_whole_post() {
    let fixture = Fixture::start(config()).await;
    for body in [
        "[{\"a\":1},2]",
        "[{\"a\":1},{\"RawData\":\"x\"}]",
        "[{\"a\":1},",
    ] {
        let got = fixture.post(body).await.unwrap();
        assert_eq!(
            (got.status, got.error().as_str()),
            (400, "InvalidDataFormat")
        );
    }
    assert!(fixture.rows.tables().is_empty());
    let reason = fixture.service.posts()[1].reason.clone().unwrap();
    assert!(
        reason.starts_with("Row 2: the property name RawData"),
        "{reason}"
    );
}

#[tokio::test]
async fn each_row_has_the_time_it_names_if_that_is_near_enough() {
    let fixture = Fixture::start(config()).await;
    let body = concat!(
        r#"[{"time":"2026-01-04T00:00:00+0100"},{"time":"2025-12-01T00:00:00Z"},"#,
        r#"{"time":"2026-01-07T00:00:00Z"},{"time":"now"},{"time":1},{}]"#
    );
    let mut headers = signed(body.as_bytes());
    headers.insert("time-generated-field", HeaderValue::from_static("time"));
    let before = at(NOW);
    fixture.send(QUERY, headers, body.into()).await.unwrap();
    let rows = fixture.rows.rows("Test_CL");
    assert_eq!(rows[0].time_generated, at("2026-01-03T23:00:00Z"));
    let receipt = fixture.service.posts()[0].at;
    assert!(receipt >= before);
    assert!(rows[1..].iter().all(|row| row.time_generated == receipt));
    // Without the header nothing of the row counts.
    fixture.post(body).await.unwrap();
    let receipt = fixture.service.posts()[1].at;
    let rows = fixture.rows.rows("Test_CL");
    assert!(rows[6..].iter().all(|row| row.time_generated == receipt));
}

#[tokio::test]
async fn a_table_keeps_its_columns_from_post_to_post() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Arc::new(NdjsonFolder::create(folder.path()).unwrap());
    let mut config = config();
    config.sinks.push(Arc::clone(&sink) as Arc<dyn RowSink>);
    let fixture = Fixture::start(config).await;
    fixture.post(r#"[{"hits":1}]"#).await.unwrap();
    fixture
        .post(r#"[{"hits":"2"},{"hits":"x"}]"#)
        .await
        .unwrap();
    assert_eq!(fixture.service.columns("Test_CL"), ["hits_d", "hits_s"]);
    let shown = std::fs::read_to_string(sink.path("Test_CL")).unwrap();
    let ends: Vec<_> = shown
        .lines()
        .map(|line| line.split_once(',').unwrap().1)
        .collect();
    assert_eq!(
        ends,
        [r#""hits_d":1}"#, r#""hits_d":2}"#, r#""hits_s":"x"}"#]
    );
    assert!(sink.take_failure().is_none());
    assert_eq!(fixture.rows.count("Test_CL"), 3);
}

#[tokio::test]
async fn columns_can_be_left_out() {
    let fixture = Fixture::start(Config {
        columns: false,
        ..config()
    })
    .await;
    fixture.post(r#"[{"hits":1}]"#).await.unwrap();
    assert!(fixture.service.columns("Test_CL").is_empty());
    assert_eq!(fixture.texts(), [r#"{"hits":1}"#]);
}

#[tokio::test]
async fn rows_that_are_not_looked_into_are_stored_and_the_post_is_checked_all_the_same() {
    let fixture = Fixture::start(Config {
        inspect: false,
        ..config()
    })
    .await;
    let rows = ["{\"hits\": 1}", "{\"RawData\":\"x\"}"];
    let body = format!("[{}]", rows.join(","));
    assert_eq!(fixture.post(&body).await.unwrap().status, 200);
    assert_eq!(fixture.texts(), rows);
    assert!(fixture.service.columns("Test_CL").is_empty());
    for bad in ["[{\"a\":1},2]", "[{\"a\":1},"] {
        assert_eq!(fixture.post(bad).await.unwrap().status, 400, "{bad}");
    }
    let signed_for_another = signed(b"[]");
    let got = fixture.send(QUERY, signed_for_another, body.into()).await;
    assert_eq!(got.unwrap().status, 403);
    assert_eq!(fixture.service.counts().rows, 2);
}

#[tokio::test]
async fn posts_and_counts_tell_what_happened() {
    let fixture = Fixture::start(config()).await;
    let long = format!(r#"[{{"a":"{}"}},{{"a":1}}]"#, "x".repeat(40_000));
    let got = fixture.post(&long).await.unwrap();
    fixture
        .send(QUERY, HeaderMap::new(), Vec::new())
        .await
        .unwrap();
    let posts = fixture.service.posts();
    assert_eq!(
        posts[0],
        Post {
            at: posts[0].at,
            log_type: "Test".to_owned(),
            bytes: long.len(),
            rows: 2,
            status: Some(200),
            reason: None,
            date: NOW_RFC1123.to_owned(),
            request_id: got.header("x-ms-request-id").unwrap().to_owned(),
        }
    );
    assert_eq!(
        (posts[1].log_type.as_str(), posts[1].status),
        ("*", Some(400))
    );
    assert_eq!(
        fixture.service.counts(),
        Counts {
            posts: 2,
            accepted: 1,
            rows: 2,
            bytes: long.len() as u64,
            truncated: 1,
        }
    );
}

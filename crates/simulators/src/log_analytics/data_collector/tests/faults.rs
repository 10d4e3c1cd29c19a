use std::time::Duration;

use super::*;

const ROWS: &str = r#"[{"a":1},{"a":2}]"#;

/// Posts the same rows twice, the first time with a fault: its answer, and the rows after each.
async fn meet(fault: Fault) -> (Option<Got>, usize) {
    let fixture = Fixture::start(config()).await;
    fixture.service.faults().on("Test", 1..=1, fault);
    let met = fixture.post(ROWS).await;
    let stored = fixture.rows.count("Test_CL");
    let post = fixture.service.posts().remove(0);
    assert_eq!(post.status, met.as_ref().map(|got| got.status));
    assert_eq!(post.rows, stored);
    // The next post is none the worse for it.
    assert_eq!(fixture.post(ROWS).await.unwrap().status, 200);
    assert_eq!(fixture.rows.count("Test_CL"), stored + 2);
    (met, stored)
}

#[tokio::test]
async fn a_status_comes_with_its_documented_body_and_stores_nothing() {
    for (fault, status, name) in [
        (Fault::Status(500), 500, "UnspecifiedError"),
        (Fault::Status(503), 503, "ServiceUnavailable"),
        (Fault::Status(200), 200, ""),
        (Fault::Status(404), 404, ""),
        (Fault::Refuse403, 403, "InvalidAuthorization"),
        (Fault::BadFormat400, 400, "InvalidDataFormat"),
        (Fault::TooLarge, 404, ""),
    ] {
        let (got, stored) = meet(fault).await;
        let got = got.unwrap();
        assert_eq!((got.status, got.error().as_str()), (status, name));
        assert_eq!(stored, 0);
        assert!(got.header("x-ms-request-id").is_some());
    }
}

#[tokio::test]
async fn throttling_says_when_to_come_back_or_not() {
    for retry_after in [None, Some("7"), Some("Mon, 05 Jan 2026 09:08:00 GMT")] {
        let (got, stored) = meet(Fault::Throttled {
            retry_after: retry_after.map(ToOwned::to_owned),
        })
        .await;
        let got = got.unwrap();
        assert_eq!((got.status, stored), (429, 0));
        assert_eq!(got.header("retry-after"), retry_after);
    }
}

#[tokio::test]
async fn a_connection_dropped_before_storing_leaves_nothing() {
    let (got, stored) = meet(Fault::DropBeforeStoring).await;
    assert!(got.is_none());
    assert_eq!(stored, 0);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_rows() {
    let (got, stored) = meet(Fault::StoreThenDrop).await;
    assert!(got.is_none());
    assert_eq!(stored, 2);
}

#[tokio::test]
async fn a_misleading_status_leaves_the_rows() {
    let (got, stored) = meet(Fault::StoreThenStatus(503)).await;
    assert_eq!(got.unwrap().error(), "ServiceUnavailable");
    assert_eq!(stored, 2);
}

#[tokio::test]
async fn storing_faults_do_not_hide_a_refusal() {
    let fixture = Fixture::start(config()).await;
    fixture
        .service
        .faults()
        .on("Test", 1..=1, Fault::StoreThenDrop);
    assert_eq!(fixture.post("[1]").await.unwrap().status, 400);
}

#[tokio::test]
async fn a_slow_post_is_stored_after_its_wait() {
    let (got, stored) = meet(Fault::Slow(Duration::from_millis(50))).await;
    assert_eq!(got.unwrap().status, 200);
    assert_eq!(stored, 2);
}

#[tokio::test]
async fn a_client_that_gives_up_on_a_slow_post_leaves_nothing() {
    let fixture = Fixture::start(config()).await;
    let slow = Fault::Slow(Duration::from_millis(300));
    fixture.service.faults().on("Test", 1..=1, slow);
    let short = Duration::from_millis(50);
    assert!(
        tokio::time::timeout(short, fixture.post(ROWS))
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(fixture.rows.tables().is_empty());
    assert!(fixture.service.posts().is_empty());
}

#[tokio::test]
async fn faults_are_counted_per_log_type() {
    let fixture = Fixture::start(config()).await;
    fixture.service.faults().on("*", 1..=1, Fault::Status(503));
    fixture
        .service
        .faults()
        .on("Other", 1..=1, Fault::Status(500));
    assert_eq!(fixture.post(ROWS).await.unwrap().status, 200);
    let mut headers = signed(ROWS.as_bytes());
    headers.remove("log-type");
    let got = fixture.send(QUERY, headers, ROWS.into()).await;
    assert_eq!(got.unwrap().status, 503);
    let mut headers = signed(ROWS.as_bytes());
    headers.insert("log-type", HeaderValue::from_static("Other"));
    let got = fixture.send(QUERY, headers.clone(), ROWS.into()).await;
    assert_eq!(got.unwrap().status, 500);
    let got = fixture.send(QUERY, headers, ROWS.into()).await;
    assert_eq!(got.unwrap().status, 200);
    assert_eq!(fixture.rows.tables(), ["Other_CL", "Test_CL"]);
}

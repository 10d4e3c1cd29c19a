//! Each fault does what it says, and only to the calls it is meant for.

use super::*;
use crate::mimecast::Fault;

/// What the next call meets, followed by a call that must meet nothing.
async fn meet(fault: Fault) -> reqwest::Result<Reply> {
    let (simulator, caller) = start(config(seven_a_second(30))).await;
    simulator.faults().next(URL_LOGS, 1, fault);
    let other = caller.call(Log::Attachment.path(), &json!({})).await;
    assert_eq!(ids(&other.json(), Log::Attachment).len(), 30);
    let reply = send(caller.request(URL_LOGS, "{}")).await;
    let after = caller.call(URL_LOGS, &json!({})).await;
    assert_eq!(ids(&after.json(), Log::Url).len(), 30);
    if let Ok(reply) = &reply {
        assert_eq!(reply.header("x-ratelimit-limit"), "800", "{reply:?}");
        assert_eq!(simulator.journal()[1].status, Some(reply.status));
    }
    reply
}

#[tokio::test]
async fn answers_of_failure_have_their_status_and_body() {
    let reply = meet(Fault::Status(503)).await.unwrap();
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["meta"]["status"], 503);
    assert_eq!(reply.json()["fail"][0]["errors"][0]["retryable"], true);
    let reply = meet(Fault::EmptyBody(400)).await.unwrap();
    assert_eq!((reply.status, reply.text.as_str()), (400, ""));
    let reply = meet(Fault::MetaStatus(500)).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json(),
        json!({ "meta": { "status": 500 }, "data": [], "fail": [] })
    );
    let fault = Fault::FailCode {
        http: 200,
        code: "err_developer_key".to_owned(),
        message: "App ID is invalid".to_owned(),
        retryable: true,
    };
    let reply = meet(fault).await.unwrap();
    assert_eq!(
        (reply.status, reply.code()),
        (200, "err_developer_key".to_owned())
    );
    let reply = meet(Fault::Throttled { reset_ms: 1234 }).await.unwrap();
    assert_eq!(
        (reply.status, reply.header("x-ratelimit-reset")),
        (429, "1234")
    );
    assert_eq!(reply.header("x-ratelimit-remaining"), "0");
}

#[tokio::test]
async fn answers_that_cannot_be_read_are_what_they_say() {
    let reply = meet(Fault::NotJson).await.unwrap();
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, "text/html")
    );
    let reply = meet(Fault::OtherShape).await.unwrap();
    assert_eq!(reply.json(), json!({ "data": { "clickLogs": "none" } }));
    let reply = meet(Fault::InvalidUtf8).await.unwrap();
    assert!(reply.text.contains('\u{fffd}'), "{}", reply.text);
}

#[tokio::test]
async fn a_huge_answer_is_as_long_as_asked_and_need_not_be_read_to_the_end() {
    for bytes in [10, 100_000, 3_000_001] {
        let reply = meet(Fault::Huge(bytes)).await.unwrap();
        assert_eq!((reply.status, reply.text.len() as u64), (200, bytes));
    }
    let (simulator, caller) = start(config(GivenRecords::default())).await;
    simulator.faults().next(URL_LOGS, 1, Fault::Huge(u64::MAX));
    let mut response = caller.request(URL_LOGS, "{}").send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    drop(response);
    assert_eq!(caller.call(URL_LOGS, &json!({})).await.status, 200);
}

#[tokio::test]
async fn a_truncated_answer_begins_truly_and_breaks_off() {
    let (simulator, caller) = start(config(seven_a_second(30))).await;
    let whole = caller.call(URL_LOGS, &json!({})).await.text;
    simulator.faults().next(URL_LOGS, 1, Fault::Truncated);
    let mut response = caller.request(URL_LOGS, "{}").send().await.unwrap();
    let promised: usize = response.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(promised, whole.len());
    let mut got = Vec::new();
    let broken = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => got.extend_from_slice(&chunk),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken);
    assert!(!got.is_empty() && whole.as_bytes().starts_with(&got));
}

#[tokio::test]
async fn a_dropped_connection_has_no_answer() {
    assert!(meet(Fault::DropConnection).await.is_err());
    let (simulator, caller) = start(config(GivenRecords::default())).await;
    simulator.faults().next(URL_LOGS, 1, Fault::DropConnection);
    assert!(send(caller.request(URL_LOGS, "{}")).await.is_err());
    assert_eq!(simulator.journal()[0].status, None);
}

#[tokio::test]
async fn a_slow_answer_is_true_and_late() {
    let (simulator, caller) = start(config(seven_a_second(30))).await;
    simulator
        .faults()
        .next(URL_LOGS, 1, Fault::Slow(Duration::from_millis(150)));
    let before = tokio::time::Instant::now();
    let page = caller.call(URL_LOGS, &json!({})).await.json();
    assert!(before.elapsed() >= Duration::from_millis(150));
    assert_eq!(ids(&page, Log::Url).len(), 30);
}

#[tokio::test]
async fn only_a_call_with_a_token_has_it_refused() {
    let (simulator, caller) = start(config(seven_a_second(30))).await;
    simulator.faults().next(URL_LOGS, 2, Fault::RefuseToken);
    let first = caller.page(Log::Url, true, 10, None).await;
    assert_eq!(ids(&first, Log::Url).len(), 10);
    let refused = caller.page(Log::Url, true, 10, next(&first)).await;
    assert_eq!(
        refused["fail"][0]["errors"][0]["code"],
        "err_validation_invalid_page_token"
    );
    assert_eq!(
        refused["fail"][0]["errors"][0]["message"],
        "Invalid page token"
    );
    let second = caller.page(Log::Url, true, 10, next(&first)).await;
    assert_eq!(ids(&second, Log::Url).len(), 10);
}

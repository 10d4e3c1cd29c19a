//! The custom handler as the Functions host meets it, over a real socket.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::{sync::Arc, time::Duration};

use mimecast_ttp::{
    functions::{Handler, router},
    ingest::{pass::Pass, ports::Ports, report::Outcome},
    model::{feed::Feed, store_key::StoreKey},
    settings::Settings,
};
use support::{
    client,
    world::{SourceFault, World, plan},
};
use tokio::net::TcpListener;

const NORMAL: &str = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"2026-11-10T09:30:00.0031214+00:00","Next":"2026-11-10T09:35:00+00:00","LastUpdated":"2026-11-10T09:30:00.0031214+00:00"},"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"TimerTrigger","UtcNow":"2026-11-10T09:35:00.0118452Z","RandGuid":"0b9d5b0a-5d0e-4c0e-8c56-6a1f0f3f7a21"}}}"#;

fn pass(world: &Arc<World>) -> Handler {
    let ports = Ports {
        health: None,
        ..world.ports()
    };
    Handler::Pass {
        pass: Pass::new(ports, plan()),
        retiring: Vec::new(),
    }
}

/// Serves a handler; gives its address.
async fn serve(handler: Handler) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router(handler).0).await.unwrap() });
    address
}

/// Invokes the timer function: the status, and the body after the checks that the host makes of
/// every answer.
async fn invoke(address: &str, body: impl Into<reqwest::Body>) -> (u16, serde_json::Value) {
    let answer = client()
        .post(format!("{address}/TimerTrigger"))
        .header("content-type", "application/json; charset=utf-8")
        .header(
            "x-azure-functions-invocationid",
            "6f0c2d1e-58a3-4a0e-9a0b-3f1c7b1d2e44",
        )
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let mut text = Vec::new();
    let mut answer = answer;
    while let Some(chunk) = answer.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert!(
        value["Outputs"].is_object() && value["Logs"].is_array() && value["ReturnValue"].is_null(),
        "{value}"
    );
    (status, value)
}

fn chunked(body: &'static str) -> reqwest::Body {
    let pieces = body
        .as_bytes()
        .chunks(37)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
    reqwest::Body::wrap_stream(futures_util::stream::iter(pieces.collect::<Vec<_>>()))
}

#[tokio::test]
async fn an_invocation_runs_one_pass_over_the_three_feeds() {
    for body in [reqwest::Body::from(NORMAL), chunked(NORMAL)] {
        let world = World::builder()
            .records_at(&["2026-03-02T07:00:00Z"; 3])
            .build();
        let address = serve(pass(&world)).await;
        let (status, answer) = invoke(&address, body).await;
        assert_eq!(status, 200);
        assert_eq!(answer["Logs"].as_array().unwrap().len(), 3);
        assert!(
            answer["Logs"][0]
                .as_str()
                .unwrap()
                .starts_with("url: complete; 3 delivered"),
            "{answer}"
        );
        assert_eq!(world.serials(), [0, 1, 2]);
        let checkpoints = Feed::ALL.map(|feed| world.text(StoreKey::Checkpoint(feed)));
        assert!(checkpoints.iter().all(Option::is_some));
    }
}

#[tokio::test]
async fn every_shape_of_invocation_runs_the_pass() {
    let first = NORMAL.replace("2026-11-10T09:30:00.0031214+00:00", "0001-01-01T00:00:00");
    let past_due = NORMAL.replace("\"IsPastDue\":false", "\"IsPastDue\":true");
    let admin = NORMAL.replace("\"Metadata\":{", r#""Metadata":{"timer":"\"\"","#);
    let unknown = r#"{"Something":"else"}"#.to_owned();
    for body in [first, past_due, admin, unknown, String::new()] {
        let world = World::builder()
            .records_at(&["2026-03-02T07:00:00Z"])
            .build();
        let address = serve(pass(&world)).await;
        let (status, _) = invoke(&address, body.clone()).await;
        assert_eq!((status, world.serials()), (200, vec![0]), "{body}");
    }
}

#[tokio::test]
async fn a_failed_feed_fails_the_invocation() {
    let world = World::builder().build();
    world.break_fetch(1, SourceFault::Fail("Mimecast answered 403"));
    let address = serve(pass(&world)).await;
    let (status, answer) = invoke(&address, NORMAL).await;
    assert_eq!(status, 500);
    assert!(
        answer.to_string().contains("Mimecast answered 403"),
        "{answer}"
    );
    let (status, _) = invoke(&address, NORMAL).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_second_invocation_starts_no_second_pass() {
    let world = World::builder()
        .records_at(&["2026-03-02T07:00:00Z"])
        .build();
    let address = serve(pass(&world)).await;
    let held = world.hold_source().await;
    let first = tokio::spawn({
        let address = address.clone();
        async move { invoke(&address, NORMAL).await }
    });
    while world.fetches() < 3 {
        tokio::task::yield_now().await;
    }
    let alive = client().get(&address).send().await.unwrap();
    assert!(alive.status().is_success());
    let (status, answer) = invoke(&address, NORMAL).await;
    assert_eq!(status, 200);
    assert!(answer.to_string().contains("running already"), "{answer}");
    drop(held);
    assert_eq!(first.await.unwrap().0, 200);
    assert_eq!(world.serials(), [0]);
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn a_disconnected_host_does_not_stop_the_pass() {
    let world = World::builder()
        .records_at(&["2026-03-02T07:00:00Z"])
        .build();
    let address = serve(pass(&world)).await;
    let held = world.hold_source().await;
    let call = tokio::spawn({
        let address = address.clone();
        async move { invoke(&address, NORMAL).await }
    });
    while world.fetches() < 3 {
        tokio::task::yield_now().await;
    }
    call.abort();
    drop(held);
    while world.serials().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn invalid_settings_are_reported_at_every_invocation() {
    let faults = Settings::read(|_| None).unwrap_err().to_string();
    let address = serve(Handler::Faulty(faults)).await;
    for _ in 0..3 {
        let (status, answer) = invoke(&address, NORMAL).await;
        assert_eq!(status, 500);
        assert!(
            answer.to_string().contains("mimecast_base_url: is missing"),
            "{answer}"
        );
    }
    assert!(
        client()
            .get(&address)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
}

#[tokio::test]
async fn an_unknown_function_is_refused_with_a_body() {
    let world = World::builder().build();
    let address = serve(pass(&world)).await;
    let answer = client()
        .post(format!("{address}/Other"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 404);
}

/// The status of a call by hand, with some headers.
async fn by_hand(address: &str, headers: &[(&str, &str)], body: Vec<u8>) -> u16 {
    let call = client().post(format!("{address}/TimerTrigger")).body(body);
    let call = headers
        .iter()
        .fold(call, |call, (name, value)| call.header(*name, *value));
    call.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn calls_of_browsers_are_refused() {
    let world = World::builder().build();
    let address = serve(pass(&world)).await;
    for header in [
        ("origin", "https://page.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-origin"),
    ] {
        assert_eq!(
            by_hand(&address, &[header], vec![]).await,
            403,
            "{header:?}"
        );
    }
    assert_eq!(world.fetches(), 0);
}

#[tokio::test]
async fn only_the_host_may_start_passes_one_right_after_the_other() {
    let world = World::builder().build();
    let address = serve(pass(&world)).await;
    for _ in 0..2 {
        assert_eq!(invoke(&address, NORMAL).await.0, 200);
    }
    assert_eq!(by_hand(&address, &[], vec![]).await, 429);
    world.advance(Duration::from_secs(5));
    assert_eq!(by_hand(&address, &[], vec![]).await, 200);
    assert_eq!(by_hand(&address, &[], vec![]).await, 429);
}

#[tokio::test]
async fn a_payload_above_the_limit_starts_no_pass() {
    let world = World::builder().build();
    let address = serve(pass(&world)).await;
    let body = vec![b' '; 3 * 1024 * 1024];
    assert_eq!(by_hand(&address, &[], body).await, 413);
    assert_eq!(world.fetches(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_never_ends_is_cut_off_after_the_budget() {
    let world = World::builder().build();
    let _held = world.hold_source().await;
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    let message = report.message.unwrap();
    assert!(message.contains("did not end within 300 s"), "{message}");
}

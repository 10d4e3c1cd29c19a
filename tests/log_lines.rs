//! The log lines of an invocation: which go where, what they say, and in which form.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use mimecast_ttp::{
    functions::{Handler, router},
    ingest::{pass::Pass, ports::Ports},
    model::retiring::Retiring,
    telemetry::{self, Audience, Format, Lines},
};
use support::{
    client,
    world::{SourceFault, World, plan},
};
use tokio::net::TcpListener;

const INVOCATION: &str = "f5ceaafd-c451-4932-8d0e-1e3068940e0e";
const OPERATION: &str = "0af7651916cd43dd8448eb211c80319c";
const TRACE_PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const PAST_DUE: &str = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":true}},"Metadata":{"sys":{}}}"#;

/// What was written into a stream.
#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Stream {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What came of an invocation: the answer, and the lines on the two streams.
struct Played {
    status: u16,
    logs: Vec<String>,
    out: String,
    err: String,
    /// Those of the preflight behind it, from both streams.
    checks: Vec<String>,
}

impl Played {
    fn lines(&self) -> impl Iterator<Item = &str> {
        let checks = self.checks.iter().map(String::as_str);
        self.out.lines().chain(self.err.lines()).chain(checks)
    }
}

fn handler(world: &Arc<World>) -> Handler {
    let ports = Ports {
        health: None,
        ..world.ports()
    };
    Handler::Pass {
        pass: Pass::new(ports, plan()),
        retiring: Vec::new(),
    }
}

/// Invokes the timer function of a handler, late, and catches its lines. The runtime of a test has one
/// thread, so that the subscriber of the test sees all of it.
async fn play(handler: Handler, lines: Lines<'_>, trace_parent: &str) -> Played {
    play_payload(handler, lines, trace_parent, PAST_DUE).await
}

/// The same with another payload.
async fn play_payload(
    handler: Handler,
    lines: Lines<'_>,
    trace_parent: &str,
    payload: &'static str,
) -> Played {
    let streams = [Stream::default(), Stream::default()];
    let [out, err] = streams.clone();
    let subscriber = telemetry::subscriber(lines, move || out.clone(), move || err.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async { axum::serve(listener, router(handler).0).await.unwrap() });
    let mut answer = client()
        .post(format!("http://{address}/TimerTrigger"))
        .header("x-azure-functions-invocationid", INVOCATION)
        .header("traceparent", trace_parent)
        .body(payload)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    server.abort();
    drop(answer);
    // What the handler does after the answer is logged by this subscriber too, not by that of the next play.
    while tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
        > 0
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let body: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut checks = Vec::new();
    let [out, err] = streams.map(|stream| {
        let text = stream.text();
        let (of_checks, others): (Vec<_>, Vec<_>) = text
            .split_inclusive('\n')
            .map(str::to_owned)
            .partition(|line| line.contains("Checked"));
        checks.extend(of_checks);
        others.concat()
    });
    Played {
        status,
        logs: serde_json::from_value(body["Logs"].clone()).unwrap(),
        out,
        err,
        checks,
    }
}

fn host(format: Format) -> Lines<'static> {
    Lines {
        reader: Audience::Host,
        format,
        filter: None,
    }
}

/// A record is counted but not shown at first.
fn good() -> Arc<World> {
    World::builder()
        .records_at(&["2026-03-02T07:00:00Z"; 3])
        .hidden_until(1, 2)
        .build()
}

/// One of the three feeds fails.
fn failing() -> Arc<World> {
    let fault = SourceFault::Fail("Mimecast answered 403 `{\"action\":\"warn\"}`\nsecond line");
    World::builder().fetch_fault(1, fault).build()
}

#[tokio::test]
async fn the_summary_of_a_good_invocation_is_in_the_answer_alone() {
    let played = play(handler(&good()), host(Format::Text), TRACE_PARENT).await;
    assert_eq!(played.status, 200);
    assert_eq!(
        played.logs,
        [
            "url: complete; 3 delivered in 1 batch, 2 known before, 2 pages, 0 retries, 1 range restarts, lag 15 s",
            "attachment: complete; 0 delivered in 0 batches, 0 known before, 0 pages, 0 retries, lag 15 s",
            "impersonation: complete; 0 delivered in 0 batches, 0 known before, 0 pages, 0 retries, lag 15 s",
        ]
    );
    assert_eq!(
        played.out,
        r"INFO This run is past due: the app was down at its time. invocation=f5ceaafd-c451-4932-8d0e-1e3068940e0e operation=0af7651916cd43dd8448eb211c80319c
WARN Mimecast counted more records than it showed; reading the range once more. missing=1 invocation=f5ceaafd-c451-4932-8d0e-1e3068940e0e operation=0af7651916cd43dd8448eb211c80319c feed=url range=2026-03-01T08:00:00Z..2026-03-02T07:59:45Z
"
    );
    assert_eq!(played.err, "");
}

#[tokio::test]
async fn every_line_of_a_failed_invocation_is_logged() {
    let played = play(handler(&failing()), host(Format::Text), TRACE_PARENT).await;
    assert_eq!(played.status, 500);
    assert_eq!(
        played.out,
        r"INFO This run is past due: the app was down at its time. invocation=f5ceaafd-c451-4932-8d0e-1e3068940e0e operation=0af7651916cd43dd8448eb211c80319c
INFO The feed is complete. feed=attachment outcome=complete delivered=0 duplicates=0 batches=0 pages=0 retries=0 lag_seconds=15 invocation=f5ceaafd-c451-4932-8d0e-1e3068940e0e operation=0af7651916cd43dd8448eb211c80319c
INFO The feed is complete. feed=impersonation outcome=complete delivered=0 duplicates=0 batches=0 pages=0 retries=0 lag_seconds=15 invocation=f5ceaafd-c451-4932-8d0e-1e3068940e0e operation=0af7651916cd43dd8448eb211c80319c
"
    );
    assert_eq!(
        played.err,
        r#"ERROR The feed failed. feed=url outcome=failed delivered=0 duplicates=0 batches=0 pages=0 retries=0 lag_seconds=86400 reason="Reading url for 2026-03-01T08:00:00Z..2026-03-02T07:59:45Z failed: Mimecast answered 403 `{\"action\":\"wa-rn\"}` | second line. What was read before is delivered and remembered; the next run reads that range again." invocation=f5ceaafd-c451-4932-8d0e-1e3068940e0e operation=0af7651916cd43dd8448eb211c80319c
ERROR The invocation failed; the reasons are above. invocation=f5ceaafd-c451-4932-8d0e-1e3068940e0e operation=0af7651916cd43dd8448eb211c80319c
"#
    );
}

#[tokio::test]
async fn a_preflight_is_logged_behind_a_first_run_and_not_behind_the_next() {
    let world = good();
    let played = play(handler(&world), host(Format::Text), TRACE_PARENT).await;
    let checks: Vec<_> = played
        .checks
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(checks, ["INFO"; 11], "{:#?}", played.checks);
    let storage = played
        .checks
        .iter()
        .find(|line| line.contains("check=storage"));
    assert!(storage.unwrap().contains("was written, read and removed"));
    let played = play(handler(&world), host(Format::Text), TRACE_PARENT).await;
    assert_eq!((played.status, played.checks), (200, Vec::new()));
}

#[tokio::test]
async fn a_good_invocation_in_json() {
    let played = play(handler(&good()), host(Format::Json), TRACE_PARENT).await;
    assert_eq!(played.status, 200);
    assert!(played.logs[0].starts_with("url: complete; 3 delivered"));
    assert_eq!(
        played.out,
        r#"{"level":"INFO","message":"This run is past due: the app was down at its time.","invocation":"f5ceaafd-c451-4932-8d0e-1e3068940e0e","operation":"0af7651916cd43dd8448eb211c80319c","target":"mimecast_ttp::functions::router"}
{"level":"WARN","message":"Mimecast counted more records than it showed; reading the range once more.","missing":1,"invocation":"f5ceaafd-c451-4932-8d0e-1e3068940e0e","operation":"0af7651916cd43dd8448eb211c80319c","feed":"url","range":"2026-03-01T08:00:00Z..2026-03-02T07:59:45Z","target":"mimecast_ttp::ingest::pipeline::range"}
"#
    );
    assert_eq!(played.err, "");
}

#[tokio::test]
async fn the_summary_is_logged_where_the_host_hangs_up() {
    let out = Stream::default();
    let (to_out, to_err) = (out.clone(), Stream::default());
    let lines = host(Format::Text);
    let subscriber = telemetry::subscriber(lines, move || to_out.clone(), move || to_err.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = good();
    let held = world.hold_source().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = handler(&world);
    let server = tokio::spawn(async { axum::serve(listener, router(handler).0).await.unwrap() });
    let call = client().post(format!("http://{address}/TimerTrigger"));
    let call = call.body("{}").timeout(Duration::from_millis(200));
    assert!(call.send().await.unwrap_err().is_timeout());
    drop(held);
    while !out.text().contains("hung up") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.abort();
    assert_eq!(out.text().matches("The feed is complete.").count(), 3);
}

#[tokio::test]
async fn a_failed_invocation_in_json() {
    let played = play(handler(&failing()), host(Format::Json), TRACE_PARENT).await;
    assert_eq!(played.status, 500);
    assert_eq!(
        played.out,
        r#"{"level":"INFO","message":"This run is past due: the app was down at its time.","invocation":"f5ceaafd-c451-4932-8d0e-1e3068940e0e","operation":"0af7651916cd43dd8448eb211c80319c","target":"mimecast_ttp::functions::router"}
{"level":"INFO","message":"The feed is complete.","feed":"attachment","outcome":"complete","delivered":0,"duplicates":0,"batches":0,"pages":0,"retries":0,"lag_seconds":15,"invocation":"f5ceaafd-c451-4932-8d0e-1e3068940e0e","operation":"0af7651916cd43dd8448eb211c80319c","target":"mimecast_ttp::functions::feed_line"}
{"level":"INFO","message":"The feed is complete.","feed":"impersonation","outcome":"complete","delivered":0,"duplicates":0,"batches":0,"pages":0,"retries":0,"lag_seconds":15,"invocation":"f5ceaafd-c451-4932-8d0e-1e3068940e0e","operation":"0af7651916cd43dd8448eb211c80319c","target":"mimecast_ttp::functions::feed_line"}
"#
    );
    assert_eq!(
        played.err,
        r#"{"level":"ERROR","message":"The feed failed.","feed":"url","outcome":"failed","delivered":0,"duplicates":0,"batches":0,"pages":0,"retries":0,"lag_seconds":86400,"reason":"Reading url for 2026-03-01T08:00:00Z..2026-03-02T07:59:45Z failed: Mimecast answered 403 `{\"action\":\"wa\u0072n\"}`\nsecond line. What was read before is delivered and remembered; the next run reads that range again.","invocation":"f5ceaafd-c451-4932-8d0e-1e3068940e0e","operation":"0af7651916cd43dd8448eb211c80319c","target":"mimecast_ttp::functions::feed_line"}
{"level":"ERROR","message":"The invocation failed; the reasons are above.","invocation":"f5ceaafd-c451-4932-8d0e-1e3068940e0e","operation":"0af7651916cd43dd8448eb211c80319c","target":"mimecast_ttp::functions::router"}
"#
    );
}

#[tokio::test]
async fn every_line_of_an_invocation_carries_its_id_and_operation() {
    let of_the_program = Handler::Faulty("mimecast_base_url: is missing".to_owned());
    for handler in [handler(&good()), handler(&failing()), of_the_program] {
        let lines = Lines {
            filter: Some("mimecast_ttp=trace"),
            ..host(Format::Json)
        };
        let played = play(handler, lines, TRACE_PARENT).await;
        assert!(played.lines().count() > 0);
        for line in played.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["invocation"], INVOCATION, "{line}");
            assert_eq!(value["operation"], OPERATION, "{line}");
            let is_of_a_feed = value["target"]
                .as_str()
                .unwrap()
                .starts_with("mimecast_ttp::ingest::");
            assert_eq!(
                value["feed"].is_string(),
                is_of_a_feed || value["outcome"].is_string(),
                "{line}"
            );
        }
    }
}

#[tokio::test]
async fn the_spans_stay_where_only_errors_are_wanted() {
    let lines = Lines {
        filter: Some("error"),
        ..host(Format::Text)
    };
    let played = play(handler(&failing()), lines, TRACE_PARENT).await;
    assert_eq!(played.out, "");
    assert!(played.err.lines().count() > 0);
    for line in played.err.lines() {
        assert!(line.contains(INVOCATION), "{line}");
    }
}

#[tokio::test]
async fn a_bad_traceparent_is_not_shown() {
    for bad in [
        "00-forged-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "forged level=ERROR",
    ] {
        for format in [Format::Text, Format::Json] {
            let played = play(handler(&failing()), host(format), bad).await;
            assert_eq!(played.status, 500);
            for line in played.lines() {
                assert!(line.contains(INVOCATION), "{line}");
                assert!(!line.contains("operation"), "{line}");
                assert!(
                    !line.contains("forged") && !line.contains("0AF765"),
                    "{line}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_person_reads_the_feed_and_no_ids() {
    let lines = Lines {
        reader: Audience::Person,
        ..host(Format::Text)
    };
    let played = play(handler(&good()), lines, TRACE_PARENT).await;
    assert_eq!(played.out, "");
    assert_eq!(
        played.err,
        "WARN Mimecast counted more records than it showed; reading the range once more. missing=1 feed=url range=2026-03-01T08:00:00Z..2026-03-02T07:59:45Z\n"
    );
}

#[tokio::test]
async fn an_api_without_a_future_is_told_with_the_first_run_of_a_day_only() {
    const FIRST: &str = r#"{"Data":{"timer":{"ScheduleStatus":{"Last":"2026-11-10T23:55:00.0031214+00:00"}}},"Metadata":{"sys":{"UtcNow":"2026-11-11T00:00:00.0118452Z"}}}"#;
    const SECOND: &str = r#"{"Data":{"timer":{"ScheduleStatus":{"Last":"2026-11-11T00:00:00.0031214+00:00"}}},"Metadata":{"sys":{"UtcNow":"2026-11-11T00:05:00.0118452Z"}}}"#;
    let told = async |payload| {
        let ports = Ports {
            health: None,
            ..good().ports()
        };
        let handler = Handler::Pass {
            pass: Pass::new(ports, plan()),
            retiring: vec![Retiring::MimecastV1, Retiring::DataCollector],
        };
        let played = play_payload(handler, host(Format::Text), TRACE_PARENT, payload).await;
        assert_eq!(played.status, 200);
        let lines = played.lines().filter(|line| line.contains("Plan to move"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let [v1, collector] = told(FIRST).await.try_into().unwrap();
    assert!(
        v1.starts_with("WARN") && v1.contains("Mimecast API 2.0"),
        "{v1}"
    );
    assert!(collector.contains("14 September 2026"), "{collector}");
    assert!(told(SECOND).await.is_empty());
}

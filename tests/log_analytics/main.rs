//! The Data Collector sink against the simulator, over real sockets.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod caller;
mod clean_clicks;
mod logs_ingestion;
mod refusals;
mod rule;
#[path = "../support/mod.rs"]
mod support;
mod tokens;

use std::{collections::HashSet, sync::Arc, time::Duration};

use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, Explain, ServiceError},
        ports::{Clock, LogSink, Receipt},
    },
    log_analytics::DataCollectorSink,
    model::{
        batch::{Batch, BatchBuilder, Push, Sizes},
        date_range::DateRange,
        deadline::Deadline,
        feed::Feed,
        record::RecordScanner,
    },
};
use simulators::{
    clock::SimClock,
    log_analytics::{Config, DataCollector, Fault, MemoryRows, TooLarge},
};
use support::{
    ports::{TestClock, sink},
    world::at,
};

struct Bench {
    simulator: DataCollector,
    sink: DataCollectorSink,
    clock: Arc<TestClock>,
    rows: Arc<MemoryRows>,
}

fn config() -> Config {
    Config::new(SimClock::at(at("2026-03-02T08:00:00Z")))
}

async fn bench(mut config: Config) -> Bench {
    let rows = Arc::new(MemoryRows::default());
    config.sinks = vec![rows.clone()];
    let simulator = DataCollector::start(config.clone(), 0).await.unwrap();
    let clock = TestClock::new(config.clock.clone());
    let sink = sink(&simulator, &config, clock.clone());
    Bench {
        simulator,
        sink,
        clock,
        rows,
    }
}

fn batch(feed: Feed, records: &[String]) -> Batch {
    let (from, to) = (at("2026-03-02T07:00:00Z"), at("2026-03-02T07:59:00Z"));
    let range = DateRange::new(from, to, to).unwrap();
    let sizes = Sizes {
        batch: 40_000_000,
        value: 32_768,
    };
    let mut builder = BatchBuilder::new(feed, sizes);
    let mut scanner = RecordScanner::new(feed);
    for record in records {
        let look = scanner.scan(record);
        assert_eq!(builder.push(record, look, range), Push::Added);
    }
    builder.take().unwrap()
}

fn small() -> Batch {
    let record =
        r#"{"subject":"Überweisung für Zoë – 請求書 ✉ 📎","date":"2026-03-02T07:50:00+0000"}"#;
    batch(
        Feed::Url,
        &[record.to_owned(), r#"{"subject":null}"#.to_owned()],
    )
}

/// `count` records of about a megabyte each.
fn large(count: usize) -> Batch {
    let records: Vec<_> = (0..count)
        .map(|n| format!("{{\"n\":{n},\"x\":\"{}\"}}", "é".repeat(500_000)))
        .collect();
    batch(Feed::Url, &records)
}

impl Bench {
    async fn deliver(&self, batch: &Batch) -> Result<Receipt, ServiceError> {
        let deadline = Deadline::after(self.clock.elapsed(), Duration::from_secs(240));
        self.sink.deliver(batch, deadline).await
    }

    async fn after(&self, fault: Fault, times: u64) -> Result<Receipt, ServiceError> {
        self.simulator.faults().next("MimecastTTPUrl", times, fault);
        self.deliver(&small()).await
    }
}

#[tokio::test]
async fn every_feed_has_its_own_table_and_event_time() {
    let bench = bench(config()).await;
    for (feed, member) in [
        (Feed::Url, "date"),
        (Feed::Attachment, "date"),
        (Feed::Impersonation, "eventTime"),
    ] {
        let record = format!(r#"{{"é":"ü","{member}":"2026-03-02T07:50:00+0000"}}"#);
        bench.deliver(&batch(feed, &[record])).await.unwrap();
    }
    for table in [
        "MimecastTTPUrl_CL",
        "MimecastTTPAttachment_CL",
        "MimecastTTPImpersonation_CL",
    ] {
        let rows = bench.rows.rows(table);
        assert_eq!(rows.len(), 1, "{table}");
        assert_eq!(
            rows[0].time_generated,
            at("2026-03-02T07:50:00Z"),
            "{table}"
        );
    }
    let columns = bench.simulator.columns("MimecastTTPUrl_CL");
    for column in [
        "mimecastEventId_s",
        "mimecastEventCategory_s",
        "mimecastFingerprint_s",
        "date_t",
    ] {
        assert!(
            columns.iter().any(|name| name == column),
            "{column}: {columns:?}"
        );
    }
}

#[tokio::test]
async fn transient_errors_are_retried_with_a_new_date() {
    for fault in [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Throttled { retry_after: None },
        Fault::DropBeforeStoring,
    ] {
        let bench = bench(config()).await;
        assert_eq!(
            bench.after(fault.clone(), 4).await.unwrap().attempts,
            5,
            "{fault:?}"
        );
        assert_eq!(bench.rows.count("MimecastTTPUrl_CL"), 2, "{fault:?}");
        let dates: HashSet<_> = bench
            .simulator
            .posts()
            .into_iter()
            .map(|post| post.date)
            .collect();
        // Four waits take at least 3.75 s, so that whole seconds must differ.
        assert!(dates.len() > 2, "{fault:?}: {dates:?}");
    }
}

#[tokio::test]
async fn retry_after_is_observed() {
    let bench = bench(config()).await;
    bench
        .after(
            Fault::Throttled {
                retry_after: Some("7".to_owned()),
            },
            1,
        )
        .await
        .unwrap();
    let waited = bench.clock.slept.lock().unwrap()[0];
    assert!((7000..=7700).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn a_lost_answer_repeats_the_batch_once_with_the_same_fingerprints() {
    let bench = bench(config()).await;
    bench.after(Fault::StoreThenDrop, 1).await.unwrap();
    let rows = bench.rows.texts("MimecastTTPUrl_CL");
    assert_eq!(rows.len(), 4);
    let fingerprints: HashSet<_> = rows
        .iter()
        .map(|row| {
            serde_json::from_str::<serde_json::Value>(row).unwrap()["mimecastFingerprint"]
                .to_string()
        })
        .collect();
    assert_eq!(fingerprints.len(), 2);
}

#[tokio::test]
async fn permanent_errors_are_not_retried() {
    for (fault, expected) in [
        (Fault::Refuse403, "check that log_analytics_workspace_key"),
        (Fault::Status(404), "check log_analytics_uri"),
    ] {
        let bench = bench(config()).await;
        let error = bench.after(fault.clone(), 1).await.unwrap_err();
        assert!(*error.kind() == ErrorKind::Failed, "{fault:?}: {error:?}");
        assert!(error.explain().contains(expected), "{fault:?}: {error}");
        assert!(error.explain().contains("2 rows"), "{fault:?}: {error}");
        assert_eq!(bench.simulator.posts().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_never_shown() {
    let good = config();
    let simulator = DataCollector::start(good.clone(), 0).await.unwrap();
    let wrong = Config {
        workspace_key: "c2VjcmV0".to_owned(),
        ..good.clone()
    };
    let clock = TestClock::new(good.clock.clone());
    let sink = sink(&simulator, &wrong, clock.clone());
    let deadline = Deadline::after(clock.elapsed(), Duration::from_secs(60));
    let error = sink
        .deliver(&small(), deadline)
        .await
        .unwrap_err()
        .explain();
    assert!(error.contains("403 InvalidAuthorization"), "{error}");
    assert!(
        !error.contains("c2VjcmV0") && !format!("{sink:?}").contains("c2VjcmV0"),
        "{error}"
    );
}

#[tokio::test]
async fn every_form_of_too_large_has_the_same_error() {
    for too_large in [
        TooLarge::NotFound404,
        TooLarge::Status413,
        TooLarge::DropConnection,
    ] {
        let bench = bench(Config {
            too_large,
            max_body_bytes: 5_000_000,
            ..config()
        })
        .await;
        let error = bench.deliver(&large(8)).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::ContentRejected(_)),
            "{error:?}"
        );
        bench.deliver(&large(3)).await.unwrap();
    }
}

#[tokio::test]
async fn a_post_just_below_the_documented_limit_is_accepted() {
    let bench = bench(config()).await;
    let batch = large(29);
    assert!(batch.body().len() > 29_000_000 && batch.body().len() <= bench.sink.max_batch_bytes());
    bench.deliver(&batch).await.unwrap();
    assert_eq!(bench.rows.count("MimecastTTPUrl_CL"), 29);
}

/// Posts to a service that answers 200, sends `body` and breaks the connection; gives what came of it and
/// how many posts there were.
async fn broken_after(body: &'static [u8]) -> (Result<Receipt, ServiceError>, u64) {
    let posts = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let router = axum::Router::new().fallback({
        let posts = posts.clone();
        move || async move {
            posts.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let parts = futures_util::stream::unfold(0, move |part| async move {
                if part == 0 && !body.is_empty() {
                    return Some((Ok(bytes::Bytes::from_static(body)), 1));
                }
                // Later, so that the status is on its way.
                tokio::time::sleep(Duration::from_millis(100)).await;
                let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                Some((Err(broken), 2))
            });
            axum::body::Body::from_stream(parts)
        }
    });
    let server = simulators::server::Server::start(router, 0).await.unwrap();
    let config = config();
    let clock = TestClock::new(config.clock.clone());
    let sink = support::ports::sink_at(&server.url(), &config, clock.clone());
    let deadline = Deadline::after(clock.elapsed(), Duration::from_secs(60));
    let result = sink.deliver(&small(), deadline).await;
    (result, posts.load(std::sync::atomic::Ordering::SeqCst))
}

#[tokio::test]
async fn an_answer_that_breaks_after_a_200_is_an_acknowledgement_only_without_a_body() {
    let (result, posts) = broken_after(b"").await;
    assert_eq!((result.unwrap().attempts, posts), (1, 1));
    let (result, _) = broken_after(b"<html>").await;
    assert!(result.is_err(), "a page is no acknowledgement");
}

#[tokio::test]
async fn a_200_with_a_body_is_no_acknowledgement() {
    for body in [
        "<!DOCTYPE html><html><body>Blocked by web filter</body></html>",
        r#"{"Error":"InvalidAuthorization","Message":"An invalid signature"}"#,
    ] {
        let router = axum::Router::new().fallback(move || async move { body });
        let server = simulators::server::Server::start(router, 0).await.unwrap();
        let config = config();
        let clock = TestClock::new(config.clock.clone());
        let sink = support::ports::sink_at(&server.url(), &config, clock.clone());
        let deadline = Deadline::after(clock.elapsed(), Duration::from_secs(60));
        let error = sink.deliver(&small(), deadline).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Failed, 1));
        assert!(error.explain().contains("web filter"), "{error:?}");
    }
}

#[tokio::test]
async fn what_a_service_repeats_of_a_post_is_not_told() {
    let routes = axum::Router::new().fallback(|headers: axum::http::HeaderMap| async move {
        let sent = headers["authorization"].to_str().unwrap();
        let body = format!(r#"{{"Error":"InvalidAuthorization","Message":"You sent {sent}"}}"#);
        (axum::http::StatusCode::FORBIDDEN, body)
    });
    let server = simulators::server::Server::start(routes, 0).await.unwrap();
    let config = config();
    let clock = TestClock::new(config.clock.clone());
    let sink = support::ports::sink_at(&server.url(), &config, clock.clone());
    let deadline = Deadline::after(clock.elapsed(), Duration::from_secs(60));
    let error = sink.deliver(&small(), deadline).await.unwrap_err();
    let told = format!("{} {error:?}", error.explain());
    assert!(told.contains("You sent [secret]"), "{told}");
    assert!(!told.contains(&config.workspace_key), "{told}");
}

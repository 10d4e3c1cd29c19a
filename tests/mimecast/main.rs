//! The Mimecast client against the simulator, over real sockets.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod echoes;
mod login;
mod oauth;
#[path = "../support/mod.rs"]
mod support;

use std::{collections::HashSet, sync::Arc, time::Duration};

use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, Explain, ServiceError},
        ports::{Clock, FULL_PAGE, LogSource, PageRequest, Patience},
    },
    mimecast::MimecastSource,
    model::{
        date_range::DateRange,
        deadline::Deadline,
        feed::Feed,
        page::{Page, PageToken},
    },
};
use simulators::{
    clock::SimClock,
    log::Log,
    mimecast::{Config, Fault, Quirk, Simulator},
    records::{GivenRecords, Moment},
};
use support::{
    ports::{TestClock, source, source_at},
    unreachable_address,
    world::at,
};

const URL: &str = "/api/ttp/url/get-logs";
const NOW: &str = "2026-03-02T08:00:00Z";

fn failure(code: &str) -> Fault {
    Fault::FailCode {
        http: 200,
        code: code.to_owned(),
        message: "Simulated failure".to_owned(),
        retryable: false,
    }
}

struct Bench {
    simulator: Simulator,
    source: MimecastSource,
    clock: Arc<TestClock>,
}

fn config(records: usize) -> Config {
    let mut given = GivenRecords::default();
    for number in 0..records {
        let second = at(NOW).timestamp() - 3600 + i64::try_from(number / 700).unwrap();
        given.push(
            Log::Url,
            Moment {
                at: second,
                visible_at: second,
            },
            format!("{{\"n\":{number}}}"),
        );
    }
    Config::new(Arc::new(given), SimClock::at(at(NOW)))
}

async fn bench(config: Config) -> Bench {
    let simulator = Simulator::start(config.clone(), 0).await.unwrap();
    bench_with(simulator, &config)
}

/// A source with the keys and the clock of `config`, whatever those of the simulator are.
fn bench_with(simulator: Simulator, config: &Config) -> Bench {
    let clock = TestClock::new(config.clock.clone());
    let source = source(&simulator, config, clock.clone());
    Bench {
        simulator,
        source,
        clock,
    }
}

impl Bench {
    async fn fetch(&self, token: Option<&PageToken>, budget: u64) -> Result<Page, ServiceError> {
        self.fetch_feed(Feed::Url, token, budget).await
    }

    async fn fetch_feed(
        &self,
        feed: Feed,
        token: Option<&PageToken>,
        budget: u64,
    ) -> Result<Page, ServiceError> {
        let range = DateRange::new(
            at("2026-03-02T00:00:00Z"),
            at("2026-03-02T07:59:45Z"),
            at(NOW),
        )
        .unwrap();
        let deadline = Deadline::after(self.clock.elapsed(), Duration::from_secs(budget));
        self.source
            .fetch_page(
                PageRequest {
                    feed,
                    range,
                    token,
                    size: FULL_PAGE,
                    patience: Patience::Usual,
                },
                deadline,
            )
            .await
    }

    async fn all(&self) -> Vec<u64> {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let page = self.fetch(token.as_ref(), 240).await.unwrap();
            seen.extend(page.records().map(|row| {
                serde_json::from_str::<serde_json::Value>(row).unwrap()["n"]
                    .as_u64()
                    .unwrap()
            }));
            if page.is_empty() || page.next.is_none() || page.next == token {
                return seen;
            }
            token = page.next;
        }
    }

    async fn after(&self, fault: Fault) -> Result<Page, String> {
        self.simulator.faults().next(URL, 1, fault);
        self.fetch(None, 240).await.map_err(|error| error.explain())
    }

    async fn always(&self, fault: Fault) -> String {
        self.simulator.faults().next(URL, 5, fault);
        let error = self.fetch(None, 240).await.unwrap_err();
        assert!(*error.kind() == ErrorKind::Unreadable, "{error:?}");
        error.explain()
    }
}

#[tokio::test]
async fn every_record_is_read_once_in_pages_of_500() {
    let bench = bench(config(1700)).await;
    assert_eq!(bench.all().await, (0..1700).collect::<Vec<_>>());
    assert_eq!(bench.simulator.calls(URL), 4);
}

#[tokio::test]
async fn every_form_of_last_page_ends_the_listing() {
    for quirk in [
        Quirk::OmitTotalCount,
        Quirk::OmitPaginationWhenOnePage,
        Quirk::TrailingEmptyPageWithNext,
        Quirk::RepeatToken,
        Quirk::BareEmptyData,
    ] {
        let bench = bench(Config {
            quirks: vec![quirk],
            ..config(600)
        })
        .await;
        let mut seen = bench.all().await;
        seen.dedup();
        assert_eq!(seen, (0..600).collect::<Vec<_>>(), "{quirk:?}");
    }
}

#[tokio::test]
async fn transient_errors_are_retried_with_a_new_date_and_id() {
    for fault in [
        Fault::Status(500),
        Fault::EmptyBody(501),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Status(504),
        Fault::EmptyBody(507),
        Fault::EmptyBody(520),
        Fault::EmptyBody(530),
        Fault::MetaStatus(500),
        failure("err_developer_key"),
        Fault::NotJson,
        Fault::Truncated,
        Fault::DropConnection,
    ] {
        let bench = bench(config(3)).await;
        let page = bench.after(fault.clone()).await.unwrap();
        assert_eq!((page.len(), page.attempts), (3, 2), "{fault:?}");
        let ids: HashSet<_> = bench
            .simulator
            .journal()
            .into_iter()
            .map(|call| call.request_id)
            .collect();
        assert_eq!(ids.len(), 2, "{fault:?}");
        let waited = bench.clock.slept.lock().unwrap()[0];
        assert!((250..=500).contains(&waited.as_millis()), "{waited:?}");
    }
}

#[tokio::test]
async fn a_429_waits_as_many_milliseconds_as_mimecast_asks() {
    let bench = bench(config(3)).await;
    bench
        .after(Fault::Throttled { reset_ms: 2345 })
        .await
        .unwrap();
    let waited = bench.clock.slept.lock().unwrap()[0];
    assert!((2345..=2580).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn a_429_never_exceeds_the_budget_and_reports_the_requested_wait() {
    let bench = bench(config(3)).await;
    bench
        .simulator
        .faults()
        .next(URL, 1, Fault::Throttled { reset_ms: 60_000 });
    let error = bench.fetch(None, 30).await.unwrap_err();
    assert!(
        error.retry_after() == Some(Duration::from_secs(60)),
        "{error:?}"
    );
}

#[tokio::test]
async fn persistent_errors_end_after_five_attempts_with_full_details() {
    let bench = bench(config(3)).await;
    let error = bench.always(Fault::Status(503)).await;
    assert!(
        error.contains("Mimecast answered 503: err_system (The request could not be processed)"),
        "{error}"
    );
    assert!(error.contains("5 attempts"), "{error}");
    let error = bench.always(Fault::NotJson).await;
    assert!(
        error.contains("is not JSON")
            && error.contains("status 200")
            && error.contains("is HTML or XML of")
            && !error.contains("<html>"),
        "{error}"
    );
    let error = bench.always(Fault::Truncated).await;
    assert!(error.contains("connection broke"), "{error}");
}

#[tokio::test]
async fn permanent_errors_are_not_retried() {
    for (fault, expected) in [
        (Fault::Status(401), "check mimecast_access_key"),
        (Fault::Status(403), "Read permission"),
        (Fault::Blocked, "web application firewall"),
        (Fault::Status(404), "check mimecast_base_url"),
        (Fault::EmptyBody(400), "no body"),
        (Fault::MetaStatus(403), "Mimecast answered 403"),
        (failure("err_validation_null"), "err_validation_null"),
        (Fault::OtherShape, "JSON of another shape"),
        (Fault::Huge(80 * 1024 * 1024), "larger than 8388608 bytes"),
    ] {
        let bench = bench(config(3)).await;
        let error = bench.after(fault.clone()).await.unwrap_err();
        assert!(error.contains(expected), "{fault:?}: {error}");
        assert_eq!(bench.simulator.calls(URL), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_expired_binding_is_renewed_once_and_new_keys_are_adopted() {
    for refresh_returns_new_keys in [false, true] {
        let bench = bench(Config {
            refresh_returns_new_keys,
            ..config(3)
        })
        .await;
        bench.simulator.expire();
        assert_eq!(bench.fetch(None, 240).await.unwrap().len(), 3);
        assert_eq!(bench.fetch(None, 240).await.unwrap().len(), 3);
        assert_eq!(bench.simulator.calls("/api/login/login"), 1);
        assert_eq!(bench.simulator.calls(URL), 3);
    }
}

#[tokio::test]
async fn three_feeds_that_meet_an_expired_binding_log_in_once() {
    let bench = bench(config(3)).await;
    bench.simulator.expire();
    let (one, two, three) = tokio::join!(
        bench.fetch(None, 240),
        bench.fetch(None, 240),
        bench.fetch(None, 240)
    );
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(bench.simulator.calls("/api/login/login"), 1);
}

#[tokio::test]
async fn a_failed_renewal_is_reported_without_the_password() {
    let bench = bench(config(3)).await;
    bench.simulator.expire();
    bench
        .simulator
        .faults()
        .next("/api/login/login", 1, Fault::Status(401));
    let error = bench.fetch(None, 240).await.unwrap_err().explain();
    assert!(
        error.contains("was refused at 2026-03-02T08:0")
            && error.contains("with 401 err_system")
            && error.contains("check mimecast_email and mimecast_password"),
        "{error}"
    );
    assert!(!error.contains("S3cret"), "{error}");
}

#[tokio::test]
async fn a_refused_page_token_has_its_own_error() {
    let bench = bench(config(600)).await;
    let page = bench.fetch(None, 240).await.unwrap();
    bench.simulator.faults().next(URL, 1, Fault::RefuseToken);
    let error = bench.fetch(page.next.as_ref(), 240).await.unwrap_err();
    assert!(*error.kind() == ErrorKind::PageTokenRefused, "{error:?}");
}

#[tokio::test]
async fn a_wrong_key_or_clock_is_named_and_no_secret_is_shown() {
    let config = config(3);
    let simulator = Simulator::start(config.clone(), 0).await.unwrap();
    let wrong = Config {
        secret_key: "c2VjcmV0".to_owned(),
        clock: SimClock::at(at("2026-03-02T08:20:00Z")),
        ..config.clone()
    };
    let bench = bench_with(simulator, &wrong);
    let error = bench.fetch(None, 60).await.unwrap_err().explain();
    assert!(error.contains("0004 Invalid Signature"), "{error}");
    let (_, ahead) = error.split_once("this machine's clock is ").unwrap();
    let (ahead, _) = ahead.split_once(" s ahead of Mimecast's").unwrap();
    // Both clocks go on meanwhile.
    let ahead: i64 = ahead.parse().unwrap();
    assert!((1140..=1200).contains(&ahead), "{error}");
    for secret in [
        "c2VjcmV0",
        config.access_key.as_str(),
        config.app_key.as_str(),
    ] {
        assert!(!error.contains(secret), "{error}");
        assert!(!format!("{:?}", bench.source).contains(secret));
    }
}

#[tokio::test]
async fn an_unreachable_host_is_reported_with_advice() {
    let mut bench = bench(config(3)).await;
    let (_socket, base) = unreachable_address();
    bench.source = source_at(&base, &config(3), bench.clock.clone());
    let error = bench.fetch(None, 60).await.unwrap_err().explain();
    assert!(
        error.contains("cannot be reached") && error.contains("check mimecast_base_url"),
        "{error}"
    );
}

//! API 2.0: tokens.

use std::time::Duration;

use mimecast_ttp::{
    ingest::{
        error::{ErrorKind, Explain},
        ports::Clock,
    },
    model::feed::Feed,
};
use simulators::{
    log::Log,
    mimecast::{Api, Config, Fault, Simulator},
};

use crate::{Bench, URL, bench, bench_with, config};

const TOKEN: &str = "/oauth/token";

fn v2(records: usize) -> Config {
    Config {
        api: Api::V2,
        ..config(records)
    }
}

async fn three_at_once(bench: &Bench) {
    let (one, two, three) = tokio::join!(
        bench.fetch(None, 240),
        bench.fetch(None, 240),
        bench.fetch(None, 240)
    );
    assert_eq!([one, two, three].map(|page| page.unwrap().len()), [3; 3]);
}

#[tokio::test]
async fn one_token_serves_all_feeds_and_is_renewed_before_it_expires() {
    let bench = bench(v2(3)).await;
    three_at_once(&bench).await;
    assert_eq!(bench.simulator.calls(TOKEN), 1);
    bench.clock.sleep(Duration::from_secs(1400)).await;
    three_at_once(&bench).await;
    assert_eq!(bench.simulator.calls(TOKEN), 1);
    bench.clock.sleep(Duration::from_secs(100)).await;
    three_at_once(&bench).await;
    assert_eq!(bench.simulator.calls(TOKEN), 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_for_all_feeds() {
    let bench = bench(v2(3)).await;
    three_at_once(&bench).await;
    bench.simulator.expire();
    three_at_once(&bench).await;
    assert_eq!(bench.simulator.calls(TOKEN), 2);
    assert_eq!(bench.simulator.calls(URL), 9);
}

#[tokio::test]
async fn a_second_refused_token_ends_the_attempt() {
    let bench = bench(v2(3)).await;
    let refused = Fault::FailCode {
        http: 401,
        code: "unauthorized".to_owned(),
        message: String::new(),
        retryable: false,
    };
    bench.simulator.faults().next(URL, 9, refused);
    let error = bench.fetch(None, 240).await.unwrap_err().explain();
    assert!(error.contains("check mimecast_client_id"), "{error}");
    assert_eq!(
        (bench.simulator.calls(URL), bench.simulator.calls(TOKEN)),
        (2, 2)
    );
}

#[tokio::test]
async fn wrong_client_credentials_fail_at_once_and_are_not_shown() {
    let config = v2(3);
    let simulator = Simulator::start(config.clone(), 0).await.unwrap();
    let wrong = Config {
        client_secret: "S3cret".to_owned(),
        ..config
    };
    let bench = bench_with(simulator, &wrong);
    let error = bench.fetch(None, 240).await.unwrap_err().explain();
    assert!(
        error.contains("401 to the request for a token: unauthorized")
            && error.contains("check mimecast_client_id and mimecast_client_secret"),
        "{error}"
    );
    assert!(!error.contains("S3cret"), "{error}");
    assert_eq!(
        (bench.simulator.calls(TOKEN), bench.simulator.calls(URL)),
        (1, 0)
    );
}

#[tokio::test]
async fn a_failing_token_service_is_retried() {
    let bench = bench(v2(3)).await;
    let faults = bench.simulator.faults();
    faults.on(TOKEN, 1..=1, Fault::Status(503));
    faults.on(TOKEN, 2..=2, Fault::DropConnection);
    assert_eq!(bench.fetch(None, 240).await.unwrap().len(), 3);
    assert_eq!(bench.simulator.calls(TOKEN), 3);
}

#[tokio::test]
async fn a_token_is_used_whatever_it_says_of_its_life_or_the_error_names_expires_in() {
    let with = |text: &str| Config {
        expires_in: Some(text.to_owned()),
        ..v2(3)
    };
    for used in [
        "\"1799\"",
        "1799.0",
        "",
        "null",
        "1e400",
        "99999999999999999999",
    ] {
        let bench = bench(with(used)).await;
        three_at_once(&bench).await;
        assert_eq!(bench.simulator.calls(TOKEN), 1, "{used}");
    }
    for unusable in ["0", "-1", "\"0\"", "\"soon\"", "true"] {
        let bench = bench(with(unusable)).await;
        let (one, two, three) = tokio::join!(
            bench.fetch(None, 240),
            bench.fetch(None, 240),
            bench.fetch(None, 240)
        );
        for error in [one, two, three].map(|page| page.unwrap_err().explain()) {
            assert!(
                error.contains("expires_in") && !error.contains("temporary"),
                "{unusable}: {error}"
            );
        }
        assert_eq!(bench.simulator.calls(TOKEN), 1, "{unusable}");
    }
}

#[tokio::test]
async fn a_refused_or_failing_token_request_is_shared_by_the_feeds() {
    for (fault, requests) in [(Fault::Status(401), 1), (Fault::Status(503), 5)] {
        let bench = bench(v2(3)).await;
        bench.simulator.faults().next(TOKEN, 99, fault.clone());
        let (one, two, three) = tokio::join!(
            bench.fetch(None, 240),
            bench.fetch(None, 240),
            bench.fetch(None, 240)
        );
        assert!(one.is_err() && two.is_err() && three.is_err(), "{fault:?}");
        // Three feeds with an attempt each or five: their waits differ, so some of them ask again.
        let made = bench.simulator.calls(TOKEN);
        assert!(
            (requests..=3 * requests - 2).contains(&made),
            "{fault:?}: {made}"
        );
    }
}

#[tokio::test]
async fn a_firewalls_403_to_a_token_request_is_explained_as_one() {
    let bench = bench(v2(3)).await;
    bench.simulator.faults().next(TOKEN, 1, Fault::Blocked);
    let error = bench.fetch(None, 240).await.unwrap_err().explain();
    for part in ["403", "Access denied", "web application firewall"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_missing_product_is_named_and_other_feeds_continue() {
    let bench = bench(Config {
        forbidden: vec![Log::Url],
        ..v2(3)
    })
    .await;
    let error = bench.fetch(None, 240).await.unwrap_err();
    assert!(*error.kind() == ErrorKind::Failed);
    let error = error.explain();
    for part in ["app_forbidden", "Security Events", "URL Protection"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(bench.fetch_feed(Feed::Attachment, None, 240).await.is_ok());
    assert_eq!(bench.simulator.calls(TOKEN), 1);
}

#[tokio::test]
async fn neither_api_accepts_the_credentials_of_the_other() {
    for (api, answered) in [(Api::V1, "404"), (Api::V2, "401")] {
        let simulator = Simulator::start(Config { api, ..config(3) }, 0)
            .await
            .unwrap();
        let other = match api {
            Api::V1 => Api::V2,
            Api::V2 => Api::V1,
        };
        let bench = bench_with(
            simulator,
            &Config {
                api: other,
                ..config(3)
            },
        );
        let error = bench.fetch(None, 240).await.unwrap_err().explain();
        assert!(error.contains(answered), "{error}");
    }
}

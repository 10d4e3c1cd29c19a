//! The Logs Ingestion API, and the tokens for it.

use std::{sync::Arc, time::Duration};

use mimecast_ttp::{
    azure::identity::{ClientCredentials, ManagedIdentity},
    ingest::{
        error::{ErrorKind, Explain, ServiceError},
        ports::{Clock, LogSink, Receipt},
    },
    log_analytics::{LogsIngestionSink, Rule},
    model::{batch::Batch, deadline::Deadline, feed::Feed},
    net::{
        http::HttpClient,
        token::{Issuer, Tokens},
    },
    system::SystemRandom,
};
use simulators::{
    clock::SimClock,
    log_analytics::{
        LogsIngestion, MemoryRows,
        logs_ingestion::{self, Config, Fault},
    },
};

use crate::{
    batch, large, small,
    support::{ports::TestClock, world::at},
};

const STREAM: &str = "Custom-MimecastTTPUrl_CL";
const TOKEN: &str = "token";

struct Bench {
    service: LogsIngestion,
    sink: LogsIngestionSink,
    clock: Arc<TestClock>,
    rows: Arc<MemoryRows>,
}

pub(crate) fn config() -> Config {
    let rule = include_str!("../../deploy/logs-ingestion.json");
    let rule = logs_ingestion::Rule::in_template(rule).unwrap();
    Config::new(SimClock::at(at("2026-03-02T08:00:00Z")), rule)
}

/// A client of the application in `given`, whatever the service's is.
async fn bench_with(mut config: Config, given: &Config) -> Bench {
    let rows = Arc::new(MemoryRows::default());
    config.sinks = vec![rows.clone()];
    let clock = TestClock::new(config.clock.clone());
    let service = LogsIngestion::start(config, 0).await.unwrap();
    let issuer = ClientCredentials {
        http: HttpClient::new().unwrap(),
        authority: service.base_url().parse().unwrap(),
        tenant: given.tenant.clone(),
        client_id: given.client_id.clone(),
        secret: given.client_secret.clone().into(),
        audience: given.audience.clone(),
        clock: clock.clone(),
    };
    let sink = sink(&service, given, &clock, Box::new(issuer));
    Bench {
        service,
        sink,
        clock,
        rows,
    }
}

fn sink(
    service: &LogsIngestion,
    given: &Config,
    clock: &Arc<TestClock>,
    issuer: Box<dyn Issuer>,
) -> LogsIngestionSink {
    let rule = Rule {
        endpoint: service.base_url().parse().unwrap(),
        id: given.rule_id.clone(),
        tokens: Tokens::new(issuer, clock.clone()),
    };
    let http = HttpClient::new().unwrap();
    LogsIngestionSink::new(http, rule, clock.clone(), Arc::new(SystemRandom))
}

async fn bench() -> Bench {
    bench_with(config(), &config()).await
}

impl Bench {
    async fn deliver(&self, batch: &Batch) -> Result<Receipt, ServiceError> {
        let deadline = Deadline::after(self.clock.elapsed(), Duration::from_secs(240));
        self.sink.deliver(batch, deadline).await
    }

    async fn after(&self, fault: Fault, times: u64) -> Result<Receipt, ServiceError> {
        self.service.faults().next(STREAM, times, fault);
        self.deliver(&small()).await
    }

    fn count(&self) -> usize {
        self.rows.count("MimecastTTPUrl_CL")
    }
}

#[tokio::test]
async fn every_feed_has_its_own_table_and_ids_are_renamed() {
    let bench = bench().await;
    for (feed, table) in [
        (Feed::Url, "MimecastTTPUrl_CL"),
        (Feed::Attachment, "MimecastTTPAttachment_CL"),
        (Feed::Impersonation, "MimecastTTPImpersonation_CL"),
    ] {
        let record = r#"{"id":"MTOKEN:1","subject":"Überweisung 📎"}"#.to_owned();
        bench.deliver(&batch(feed, &[record])).await.unwrap();
        let [row] = &bench.rows.texts(table)[..] else {
            panic!("one row");
        };
        assert!(row.contains("Überweisung 📎"), "{row}");
        let renamed = row.contains(r#""eventId":"MTOKEN:1""#) && !row.contains(r#""id":"#);
        assert_eq!(renamed, feed == Feed::Impersonation, "{row}");
    }
    assert_eq!(bench.service.token_requests(), 1);
}

#[tokio::test]
async fn one_token_serves_all_posts_and_is_replaced_once_when_refused() {
    let bench = bench().await;
    let batch = small();
    let three = async || {
        tokio::join!(
            bench.deliver(&batch),
            bench.deliver(&batch),
            bench.deliver(&batch)
        )
    };
    let (one, two, three_) = three().await;
    assert!(one.is_ok() && two.is_ok() && three_.is_ok());
    assert_eq!(bench.service.token_requests(), 1);
    bench.service.expire_tokens();
    let (one, two, three_) = three().await;
    assert!(one.is_ok() && two.is_ok() && three_.is_ok());
    assert_eq!(bench.service.token_requests(), 2);
    bench.clock.sleep(Duration::from_secs(3300)).await;
    bench.deliver(&batch).await.unwrap();
    assert_eq!(bench.service.token_requests(), 3, "renewed before it ends");
}

#[tokio::test]
async fn transient_errors_are_retried_and_retry_after_is_read_as_seconds_or_date() {
    for fault in [
        Fault::Status(503),
        Fault::Status(500),
        Fault::DropBeforeStoring,
        Fault::Throttled("3".to_owned()),
        Fault::Throttled("Mon, 02 Mar 2026 08:00:03 GMT".to_owned()),
    ] {
        let bench = bench().await;
        let receipt = bench.after(fault.clone(), 1).await.unwrap();
        assert_eq!((receipt.attempts, bench.count()), (2, 2), "{fault:?}");
        if matches!(fault, Fault::Throttled(_)) {
            let waited = bench.clock.slept.lock().unwrap()[0];
            assert!((3000..=3300).contains(&waited.as_millis()), "{waited:?}");
        }
    }
    let long = bench()
        .await
        .after(Fault::Throttled("9999".to_owned()), 1)
        .await;
    assert_eq!(
        long.unwrap_err().retry_after(),
        Some(Duration::from_secs(9999))
    );
}

#[tokio::test]
async fn a_role_not_yet_propagated_is_explained_and_quarantines_nothing() {
    let late = Config {
        role_after: 1,
        ..config()
    };
    let bench = bench_with(late, &config()).await;
    let error = bench.deliver(&small()).await.unwrap_err();
    assert!(*error.kind() == ErrorKind::Failed);
    let error = error.explain();
    for part in [
        "OperationFailed",
        "Monitoring Metrics Publisher",
        "30 minutes",
    ] {
        assert!(error.contains(part), "{error}");
    }
    bench.deliver(&small()).await.unwrap();
}

#[tokio::test]
async fn oversized_content_has_its_own_error() {
    let bench = bench().await;
    let refused = bench.after(Fault::TooLarge(10), 1).await;
    assert!(
        matches!(refused.unwrap_err().kind(), ErrorKind::ContentRejected(rejection) if rejection.status == Some(413))
    );
    let posts = bench.service.posts().len();
    let refused = bench.deliver(&large(2)).await.unwrap_err();
    assert!(
        matches!(refused.kind(), ErrorKind::ContentRejected(_)),
        "{refused}"
    );
    assert_eq!(bench.service.posts().len(), posts, "it was not sent at all");
    let deadline = Deadline::after(bench.clock.elapsed(), Duration::from_secs(240));
    bench.sink.post_nothing(Feed::Url, deadline).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_repeats_the_post_and_counts_an_attempt() {
    let bench = bench().await;
    let receipt = bench.after(Fault::StoreThenDrop, 1).await.unwrap();
    assert_eq!((receipt.attempts, bench.count()), (2, 4));
}

#[tokio::test]
async fn a_missing_rule_or_stream_is_reported_with_advice_and_blames_no_row() {
    let elsewhere = Config {
        rule_id: "dcr-00000000000000000000000000000000".to_owned(),
        ..config()
    };
    let error = bench_with(config(), &elsewhere)
        .await
        .deliver(&small())
        .await;
    let error = error.unwrap_err().explain();
    for part in ["404", "NotFound", "logs_ingestion_rule_id"] {
        assert!(error.contains(part), "{error}");
    }
    let rule = include_str!("../../deploy/logs-ingestion.json");
    let other = rule.replace("Custom-MimecastTTPUrl_CL", "Custom-Other_CL");
    let other = other.replace(
        "\"outputStream\": \"Custom-Other_CL",
        "\"outputStream\": \"Custom-MimecastTTPUrl_CL",
    );
    let without = Config {
        rule: logs_ingestion::Rule::in_template(&other).unwrap(),
        ..config()
    };
    let bench = bench_with(without, &config()).await;
    let deadline = Deadline::after(bench.clock.elapsed(), Duration::from_secs(240));
    // A probe that is refused too keeps every record out of quarantine.
    let error = bench
        .sink
        .post_nothing(Feed::Url, deadline)
        .await
        .unwrap_err();
    let error = error.explain();
    for part in [
        "400",
        "InvalidStream",
        "streams of the data collection rule",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_token_for_another_audience_has_its_own_error() {
    let elsewhere = Config {
        audience: "https://storage.azure.com".to_owned(),
        ..config()
    };
    let bench = bench_with(config(), &elsewhere).await;
    let error = bench.deliver(&small()).await.unwrap_err().explain();
    for part in ["401", "InvalidAudience", "logs_ingestion_audience"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(bench.service.token_requests(), 2, "asked once more");
}

#[tokio::test]
async fn wrong_client_credentials_have_their_own_error_and_are_never_shown() {
    let given = config();
    for (wrong, advice) in [
        (
            Config {
                client_secret: "S3cret".to_owned(),
                ..given.clone()
            },
            "not a secret of this application",
        ),
        (
            Config {
                client_id: "other".to_owned(),
                ..given.clone()
            },
            "active_directory_app_id is not known",
        ),
        (
            Config {
                tenant: "other.example".to_owned(),
                ..given.clone()
            },
            "check active_directory_tenant_id",
        ),
    ] {
        let bench = bench_with(given.clone(), &wrong).await;
        let error = bench.deliver(&small()).await.unwrap_err().explain();
        assert!(error.contains(advice), "{error}");
        assert!(!error.contains("S3cret"), "{error}");
        assert_eq!(bench.service.token_requests(), 1, "asked once");
    }
}

#[tokio::test]
async fn a_failing_token_service_is_retried() {
    let bench = bench().await;
    let faults = bench.service.faults();
    faults.on(TOKEN, 1..=1, Fault::Status(503));
    faults.on(TOKEN, 2..=2, Fault::DropBeforeStoring);
    bench.deliver(&small()).await.unwrap();
    assert_eq!(bench.service.token_requests(), 3);
}

#[tokio::test]
async fn system_and_user_assigned_identities_both_get_tokens() {
    for identity in [None, Some("user-assigned".to_owned())] {
        let config = Config {
            identity: identity.clone(),
            ..config()
        };
        let clock = TestClock::new(config.clock.clone());
        let service = LogsIngestion::start(config.clone(), 0).await.unwrap();
        for (asked, works) in [
            (identity.clone(), true),
            (Some("another".to_owned()), false),
        ] {
            let issuer = ManagedIdentity {
                http: HttpClient::new().unwrap(),
                endpoint: service.identity_endpoint().parse().unwrap(),
                header: config.identity_header.clone().into(),
                client_id: asked,
                audience: config.audience.clone(),
                clock: clock.clone(),
            };
            let sink = sink(&service, &config, &clock, Box::new(issuer));
            let deadline = Deadline::after(clock.elapsed(), Duration::from_secs(240));
            let result = sink.deliver(&small(), deadline).await;
            assert_eq!(result.is_ok(), works, "{result:?}");
            if let Err(error) = result {
                assert!(
                    error
                        .explain()
                        .contains("No User Assigned or Delegated Managed Identity"),
                    "{error}"
                );
            }
        }
    }
}

/// A service that answers every call, also for tokens, with what it was sent.
async fn echo() -> simulators::server::Server {
    let routes =
        axum::Router::new().fallback(|headers: axum::http::HeaderMap, body: String| async move {
            let said: Vec<_> = headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()))
                .collect();
            let said = format!("{} {body}", said.join(" "));
            let body = serde_json::json!({
                "error": "invalid_request", "error_description": said, "message": said,
            });
            (axum::http::StatusCode::BAD_REQUEST, body.to_string())
        });
    simulators::server::Server::start(routes, 0).await.unwrap()
}

#[tokio::test]
async fn what_a_token_service_repeats_is_not_told() {
    let config = config();
    let clock = TestClock::new(config.clock.clone());
    let service = LogsIngestion::start(config.clone(), 0).await.unwrap();
    let echo = echo().await;
    let secret = "s~cret+20/=&Xy";
    let issuers: [Box<dyn Issuer>; 2] = [
        Box::new(ManagedIdentity {
            http: HttpClient::new().unwrap(),
            endpoint: echo.url().parse().unwrap(),
            header: secret.to_owned().into(),
            client_id: None,
            audience: config.audience.clone(),
            clock: clock.clone(),
        }),
        Box::new(ClientCredentials {
            http: HttpClient::new().unwrap(),
            authority: echo.url().parse().unwrap(),
            tenant: config.tenant.clone(),
            client_id: config.client_id.clone(),
            secret: secret.to_owned().into(),
            audience: config.audience.clone(),
            clock: clock.clone(),
        }),
    ];
    for issuer in issuers {
        let sink = sink(&service, &config, &clock, issuer);
        let deadline = Deadline::after(clock.elapsed(), Duration::from_secs(240));
        let error = sink.deliver(&small(), deadline).await.unwrap_err();
        let told = format!("{} {error:?}", error.explain());
        assert!(told.contains("[secret]"), "{told}");
        assert!(
            !told.contains(secret) && !told.contains("cret%2B20"),
            "{told}"
        );
    }
}

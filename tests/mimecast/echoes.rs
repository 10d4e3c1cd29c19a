//! Services that repeat the request in their errors.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, Uri},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use mimecast_ttp::ingest::error::Explain;
use simulators::{
    mimecast::{Api, Config},
    server::Server,
};

use crate::{
    Bench, config,
    support::ports::{TestClock, source_at},
};

/// Answers every call with what it was sent, as `fail` and as text, one call after the other.
fn echo(expired: bool) -> Router {
    Router::new().fallback(
        move |uri: Uri, headers: HeaderMap, body: String| async move {
            let said: Vec<_> = headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()))
                .collect();
            let said = format!("{uri} {} {body}", said.join("\n"));
            // An expired binding leads to a login, whose answer repeats the password.
            if expired && uri.path().ends_with("get-logs") {
                return (StatusCode::IM_A_TEAPOT, said);
            }
            let long = format!("{}{said}", "x".repeat(250));
            let fail = serde_json::json!({"fail": [
                {"errors": [{"code": "err_bad_request", "message": said}]},
                {"errors": [{"code": long, "message": STANDARD.encode(&said)}]},
            ]});
            (StatusCode::UNAUTHORIZED, fail.to_string())
        },
    )
}

async fn told(config: &Config, routes: Router) -> String {
    let server = Server::start(routes, 0).await.unwrap();
    let clock = TestClock::new(config.clock.clone());
    let source = source_at(&server.url(), config, clock.clone());
    let simulator = simulators::mimecast::Simulator::start(config.clone(), 0);
    let bench = Bench {
        simulator: simulator.await.unwrap(),
        source,
        clock,
    };
    let error = bench.fetch(None, 240).await.unwrap_err();
    format!("{} {error:?}", error.explain())
}

#[tokio::test]
async fn no_secret_of_a_request_is_told_when_a_service_repeats_it() {
    for (api, expired) in [(Api::V1, false), (Api::V1, true), (Api::V2, false)] {
        let config = Config { api, ..config(3) };
        let told = told(&config, echo(expired)).await;
        let login = STANDARD.encode(format!("{}:{}", config.email, config.password));
        for secret in [
            &config.access_key,
            &config.secret_key,
            &config.password,
            &config.client_secret,
            &login,
        ] {
            assert!(
                !told.contains(secret.as_str()),
                "{api:?}: {secret} in {told}"
            );
            let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            assert!(!told.contains(&percent), "{api:?}: {percent} in {told}");
        }
        assert!(
            told.contains("err_bad_request") || told.contains("418"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_token_that_a_service_repeats_is_not_told() {
    let config = Config {
        api: Api::V2,
        ..config(3)
    };
    let token = "tok-5ca1ab1e.0123456789-token";
    let routes = Router::new().fallback(move |uri: Uri, headers: HeaderMap| async move {
        if uri.path() == "/oauth/token" {
            let body = format!(r#"{{"access_token":"{token}","expires_in":1799}}"#);
            return (StatusCode::OK, body);
        }
        let sent = headers["authorization"].to_str().unwrap();
        (StatusCode::BAD_REQUEST, format!("You sent {sent}."))
    });
    let told = told(&config, routes).await;
    assert!(told.contains("You sent [secret]"), "{told}");
    assert!(!told.contains(token), "{told}");
}

#[tokio::test]
async fn the_difference_of_the_clocks_is_named_where_a_range_ends_in_the_future() {
    for status in [StatusCode::OK, StatusCode::BAD_REQUEST] {
        let config = config(3);
        let date = (config.clock.now() - chrono::TimeDelta::seconds(300)).to_rfc2822();
        let date: Arc<str> = date.replace("+0000", "GMT").into();
        let routes = Router::new().fallback(move || {
            let date = Arc::clone(&date);
            async move {
                let fail = r#"{"fail":[{"errors":[{"code":"err_validation_enddate_in_the_future","message":"The end date is in the future"}]}]}"#;
                (status, [("date", date.to_string())], fail)
            }
        });
        let told = told(&config, routes).await;
        assert!(
            told.contains("this machine's clock is 300 s ahead of Mimecast's"),
            "{told}"
        );
        assert!(told.contains("settle_seconds"), "{told}");
    }
}

#[tokio::test]
async fn a_reset_that_names_a_moment_is_no_wait_of_weeks() {
    for in_milliseconds in [false, true] {
        let config = config(3);
        let moment = config.clock.now().timestamp() + 40;
        let reset = if in_milliseconds {
            moment * 1000
        } else {
            moment
        };
        let routes = Router::new().fallback(move || async move {
            let headers = [("x-ratelimit-reset", reset.to_string())];
            (StatusCode::TOO_MANY_REQUESTS, headers, "{}")
        });
        let server = Server::start(routes, 0).await.unwrap();
        let clock = TestClock::new(config.clock.clone());
        let bench = Bench {
            simulator: simulators::mimecast::Simulator::start(config.clone(), 0)
                .await
                .unwrap(),
            source: source_at(&server.url(), &config, clock.clone()),
            clock,
        };
        let error = bench.fetch(None, 240).await.unwrap_err();
        let waited: Duration = bench.clock.slept.lock().unwrap().iter().sum();
        assert!(waited < Duration::from_secs(240), "{waited:?}: {error:?}");
        let wait = error.retry_after().unwrap_or_default();
        assert!(wait <= Duration::from_secs(60), "{wait:?}");
    }
}

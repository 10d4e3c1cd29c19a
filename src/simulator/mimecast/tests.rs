//! The simulator refuses what the real service refuses, and answers as it does.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Config, Fault, Simulator, checks};
use crate::simulator::{
    clock::SimClock,
    log::Log,
    records::{GivenRecords, Moment},
};

const DATE: &str = "Tue, 24 Nov 2015 12:50:11 UTC";
const ID: &str = "8578FCFC-A305-4D9A-99CB-F4D5ECEFE297";
const URL: &str = "/api/ttp/url/get-logs";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// The time of the first vector.
fn now() -> DateTime<Utc> {
    at("2015-11-24T12:50:11Z")
}

fn config(count: usize) -> Config {
    let mut records = GivenRecords::default();
    for number in 0..count {
        // Five records share each second.
        let second = now().timestamp() - 3600 + i64::try_from(number / 5).unwrap();
        let moment = Moment {
            at: second,
            visible_at: second,
        };
        records.push(Log::Url, moment, format!("{{\"n\":{number}}}"));
    }
    Config::new(Arc::new(records), SimClock::at(now()))
}

async fn start(config: Config) -> Simulator {
    Simulator::start(config, 0).await.unwrap()
}

struct Call {
    path: &'static str,
    date: String,
    id: String,
    authorization: Option<String>,
    app_id: String,
    body: Value,
}

fn call(config: &Config, path: &'static str, body: Value) -> Call {
    let signature = checks::expected(&config.secret_key, DATE, ID, path, &config.app_key).unwrap();
    Call {
        path,
        date: DATE.to_owned(),
        id: ID.to_owned(),
        authorization: Some(format!("MC {}:{signature}", config.access_key)),
        app_id: config.app_id.clone(),
        body,
    }
}

fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn send(
    simulator: &Simulator,
    call: Call,
) -> reqwest::Result<(u16, Value, reqwest::header::HeaderMap)> {
    let mut request = client()
        .post(format!("{}{}", simulator.base_url(), call.path))
        .header("x-mc-date", call.date)
        .header("x-mc-req-id", call.id)
        .header("x-mc-app-id", call.app_id)
        .header("content-type", "application/json")
        .body(call.body.to_string());
    if let Some(authorization) = call.authorization {
        request = request.header("authorization", authorization);
    }
    let mut answer = request.send().await?;
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        text.extend_from_slice(&chunk);
    }
    let value = serde_json::from_slice(&text).unwrap_or(Value::Null);
    Ok((answer.status().as_u16(), value, answer.headers().clone()))
}

fn code(answer: &Value) -> &str {
    answer["fail"][0]["errors"][0]["code"]
        .as_str()
        .unwrap_or_default()
}

#[test]
fn the_signature_vectors_hold() {
    let config = config(0);
    let b =
        "//z59vPw7ern5OHe29jV0s/MycbDwL26t7SxrquopaKfnJmWk5CNioeEgX57eHVyb2xpZmNgXVpXVFFOS0hFQg==";
    for (secret, date, id, path, signature) in [
        (
            config.secret_key.as_str(),
            DATE,
            ID,
            URL,
            "5ZBi91BfZdoM+dZtcznBU1cy9mA=",
        ),
        (
            config.secret_key.as_str(),
            "Mon, 05 Jan 2026 00:00:09 UTC",
            "3f0d6a1e-7c42-4b59-9d18-2e6f0a4c8b71",
            "/api/ttp/attachment/get-logs",
            "tCPt8BqTRTtpZi5AbZPsjlyf5a4=",
        ),
        (
            b,
            "Thu, 29 Feb 2024 23:59:59 UTC",
            "c91b7e50-12a4-4f3d-8e66-70d5b2f9a3ce",
            "/api/ttp/impersonation/get-logs",
            "4mebhSlelOBaY5AE2Rh++9sx37o=",
        ),
        (
            b,
            "Sun, 01 Mar 2026 08:30:00 UTC",
            "00000000-0000-4000-8000-000000000001",
            "/api/login/logout",
            "Cp7KYMhty/Y0wkPZuw6afoq9EoM=",
        ),
    ] {
        assert_eq!(
            checks::expected(secret, date, id, path, &config.app_key).as_deref(),
            Some(signature)
        );
    }
}

#[tokio::test]
async fn the_first_vector_is_served_and_every_known_mistake_is_refused() {
    let config = config(3);
    let simulator = start(config.clone()).await;
    let body = json!({"data": [{"from": "2015-11-24T00:00:00+0000"}]});
    let (status, answer, headers) = send(&simulator, call(&config, URL, body.clone()))
        .await
        .unwrap();
    assert_eq!(
        (
            status,
            answer["data"][0]["clickLogs"].as_array().unwrap().len()
        ),
        (200, 3)
    );
    for name in [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ] {
        assert!(headers.contains_key(name), "{name}");
    }
    for wrong in [
        "oAEf0QIXqznZoRgGMAaPwZUuvhk=",
        "EgPW6Ufgi5rhvUps4f4mEis4OLo=",
        "KgAEjRQR4xPgRaKUxKKhC5BD1jM=",
        "FKUdyMWcRvsk95S3COd6AsmpNFM=",
        "6rn+G3bxEib+sNEc4QOtKKKV9CxAbUs6pQE3KuwqhUk=",
    ] {
        let mut mistaken = call(&config, URL, body.clone());
        mistaken.authorization = Some(format!("MC {}:{wrong}", config.access_key));
        let (status, answer, headers) = send(&simulator, mistaken).await.unwrap();
        assert_eq!((status, code(&answer)), (401, "err_xdk_invalid_signature"));
        assert!(headers.contains_key("x-ratelimit-remaining"));
    }
}

#[tokio::test]
async fn every_call_is_checked() {
    let config = config(1);
    let simulator = start(config.clone()).await;
    let good = || call(&config, URL, json!({"data": []}));
    for (mistaken, status, refusal) in [
        (
            Call {
                path: "/api/ttp/other",
                ..good()
            },
            404,
            "",
        ),
        (
            Call {
                body: Value::String("{".to_owned()),
                ..good()
            },
            400,
            "err_invalid_request",
        ),
        (
            Call {
                authorization: None,
                ..good()
            },
            400,
            "err_missing_credentials",
        ),
        (
            Call {
                authorization: Some("Bearer x".to_owned()),
                ..good()
            },
            400,
            "err_missing_credentials",
        ),
        (
            Call {
                id: "1".to_owned(),
                ..good()
            },
            400,
            "err_missing_credentials",
        ),
        (
            Call {
                app_id: "other".to_owned(),
                ..good()
            },
            200,
            "err_developer_key",
        ),
        (
            call(&config, URL, json!({"data": [{"from": "yesterday"}]})),
            200,
            "err_validation_invalid_date",
        ),
        (
            call(
                &config,
                URL,
                json!({"meta": {"pagination": {"pageToken": "made up"}}}),
            ),
            200,
            "err_validation_invalid_page_token",
        ),
    ] {
        let (answered, answer, _) = send(&simulator, mistaken).await.unwrap();
        assert_eq!((answered, code(&answer)), (status, refusal));
    }
    let get = client()
        .get(format!("{}{URL}", simulator.base_url()))
        .send()
        .await
        .unwrap();
    assert_eq!(get.status().as_u16(), 405);
    config
        .clock
        .set(now() + Duration::from_secs(16 * 60))
        .unwrap();
    let (status, answer, _) = send(&simulator, good()).await.unwrap();
    assert_eq!((status, code(&answer)), (401, "err_xdk_invalid_date"));
}

#[tokio::test]
async fn paging_walks_every_record_once_in_both_orders() {
    for oldest_first in [true, false] {
        let config = config(237);
        let simulator = start(config.clone()).await;
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let body = json!({
                "meta": {"pagination": {"pageSize": 50, "pageToken": token}},
                "data": [{"from": "2015-11-24T00:00:00Z", "to": "2015-11-24T12:50:11+00:00", "oldestFirst": oldest_first}],
            });
            let (_, answer, _) = send(&simulator, call(&config, URL, body)).await.unwrap();
            let rows = answer["data"][0]["clickLogs"].as_array().unwrap();
            assert_eq!(answer["meta"]["pagination"]["pageSize"], rows.len());
            assert_eq!(answer["meta"]["pagination"]["totalCount"], 237);
            seen.extend(rows.iter().map(|row| row["n"].as_u64().unwrap()));
            match answer["meta"]["pagination"]["next"].as_str() {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        if !oldest_first {
            seen.reverse();
        }
        assert_eq!(seen, (0..237).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn late_records_show_later_and_not_in_a_listing_under_way() {
    let mut records = GivenRecords::default();
    let second = now().timestamp() - 60;
    for number in 0..3 {
        records.push(
            Log::Url,
            Moment {
                at: second,
                visible_at: second,
            },
            format!("{{\"n\":{number}}}"),
        );
    }
    records.push(
        Log::Url,
        Moment {
            at: second,
            visible_at: now().timestamp() + 300,
        },
        "{\"n\":3}",
    );
    let config = Config::new(Arc::new(records), SimClock::at(now()));
    let simulator = start(config.clone()).await;
    let body = |token: &str| json!({"meta": {"pagination": {"pageSize": 2, "pageToken": token}}, "data": [{"from": "2015-11-24T00:00:00+0000", "oldestFirst": true}]});
    let (_, first, _) = send(&simulator, call(&config, URL, body("")))
        .await
        .unwrap();
    config.clock.set(now() + Duration::from_secs(301)).unwrap();
    let token = first["meta"]["pagination"]["next"].as_str().unwrap();
    let (_, second, _) = send(&simulator, call(&config, URL, body(token)))
        .await
        .unwrap();
    assert_eq!(second["data"][0]["clickLogs"].as_array().unwrap().len(), 1);
    let (_, again, _) = send(&simulator, call(&config, URL, body("")))
        .await
        .unwrap();
    assert_eq!(again["meta"]["pagination"]["totalCount"], 4);
}

#[tokio::test]
async fn the_quota_is_kept() {
    let config = Config {
        quota: 2,
        quota_window: Duration::from_secs(3600),
        ..config(1)
    };
    let simulator = start(config.clone()).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let (status, _, headers) = send(&simulator, call(&config, URL, json!({})))
            .await
            .unwrap();
        let reset: u64 = headers["x-ratelimit-reset"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(reset > 3_000_000, "milliseconds: {reset}");
        statuses.push(status);
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn an_expired_binding_is_renewed_by_a_login() {
    for new_keys in [false, true] {
        let config = Config {
            renewal_gives_new_keys: new_keys,
            ..config(1)
        };
        let simulator = start(config.clone()).await;
        simulator.expire_binding();
        let (status, answer, _) = send(&simulator, call(&config, URL, json!({})))
            .await
            .unwrap();
        assert_eq!((status, code(&answer)), (418, "err_xdk_binding_expired"));
        let login = |authorization: &str| Call {
            authorization: Some(authorization.to_owned()),
            ..call(
                &config,
                "/api/login/login",
                json!({"data": [{"userName": config.email}]}),
            )
        };
        assert_eq!(
            send(&simulator, login("Basic-Cloud d3Jvbmc="))
                .await
                .unwrap()
                .0,
            401
        );
        let (status, answer, _) = send(
            &simulator,
            login("Basic-Cloud c3ZjLXR0cEBleGFtcGxlLmNvbTpTM2NyZXQhUGFzcw=="),
        )
        .await
        .unwrap();
        assert_eq!(status, 200);
        assert_eq!(
            answer["data"][0]["accessKey"] == config.access_key.clone(),
            !new_keys
        );
        let (status, _, _) = send(&simulator, call(&config, URL, json!({})))
            .await
            .unwrap();
        assert_eq!(status, if new_keys { 401 } else { 200 });
    }
}

#[tokio::test]
async fn faults_do_what_they_say() {
    let config = config(1);
    let simulator = start(config.clone()).await;
    let next = async |fault| {
        simulator.faults().next(URL, 1, fault);
        send(&simulator, call(&config, URL, json!({}))).await
    };
    assert_eq!(next(Fault::Status(503)).await.unwrap().0, 503);
    assert_eq!(next(Fault::EmptyBody(400)).await.unwrap().1, Value::Null);
    assert_eq!(
        next(Fault::MetaStatus(500)).await.unwrap().1["meta"]["status"],
        500
    );
    assert_eq!(
        code(&next(Fault::FailCode("err_x")).await.unwrap().1),
        "err_x"
    );
    let (status, _, headers) = next(Fault::Throttled { reset_ms: 350 }).await.unwrap();
    assert_eq!(
        (status, &headers["x-ratelimit-reset"]),
        (429, &"350".parse().unwrap())
    );
    assert_eq!(next(Fault::NotJson).await.unwrap().1, Value::Null);
    assert!(next(Fault::Truncated).await.is_err());
    assert!(next(Fault::DropConnection).await.is_err());
    assert!(next(Fault::OtherShape).await.unwrap().1["data"].is_object());
    assert_eq!(next(Fault::Huge(1_000_000)).await.unwrap().1, Value::Null);
    assert_eq!(
        next(Fault::Slow(Duration::from_millis(1))).await.unwrap().0,
        200
    );
    assert_eq!(next(Fault::RefuseToken).await.unwrap().0, 200);
    assert_eq!(next(Fault::ExpireBinding).await.unwrap().0, 418);
    assert_eq!(simulator.calls(URL), 13);
}

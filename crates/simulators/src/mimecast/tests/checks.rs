//! Checks of a call and their order.

use super::*;

fn no_records() -> Config {
    config(GivenRecords::default())
}

#[tokio::test]
async fn a_call_that_is_wrong_in_every_way_learns_of_it_in_order() {
    let config = Config {
        quota: 1,
        forbidden: vec![Log::Url],
        ..no_records()
    };
    let clock = config.clock.clone();
    let (simulator, mut caller) = start(config).await;
    simulator.expire();
    // Each step mends what the one before it complained of.
    let url = |path: &str| format!("{}{path}", simulator.base_url());
    let reply = send(caller.http.get(url("/api/ttp/url/get-logs/")))
        .await
        .unwrap();
    assert_eq!(reply.status, 404);
    let reply = send(caller.http.get(url(URL_LOGS))).await.unwrap();
    assert_eq!((reply.status, reply.header("allow")), (405, "POST"));
    for body in [
        "",
        "[]",
        "{'data':[]}",
        r#"{"data":{}}"#,
        r#"{"data":[1]}"#,
        r#"{"meta":1}"#,
    ] {
        let reply = send(caller.http.post(url(URL_LOGS)).body(body))
            .await
            .unwrap();
        assert_eq!(
            (reply.status, reply.code()),
            (400, "err_invalid_json".to_owned()),
            "{body}"
        );
    }
    let reply = send(caller.http.post(url(URL_LOGS)).body("{}"))
        .await
        .unwrap();
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("0001"), "{}", reply.text);

    let bad_fields = r#"{"data":[{"from":"yesterday"}]}"#;
    let good_secret = std::mem::replace(&mut caller.secret_key, "AAAA".to_owned());
    caller.app_id = "1234".to_owned();
    let old = "Sun, 01 Mar 2026 08:30:00 UTC";
    let reply = send(caller.signed(URL_LOGS, bad_fields, old, "id"))
        .await
        .unwrap();
    assert_eq!(
        (reply.status, reply.code()),
        (401, "err_xdk_invalid_signature".to_owned())
    );
    assert!(reply.text.contains("0004 Invalid Signature"));

    caller.secret_key = good_secret;
    let reply = send(caller.signed(URL_LOGS, bad_fields, old, "id"))
        .await
        .unwrap();
    assert_eq!(
        (reply.status, reply.code()),
        (401, "err_xdk_invalid_date".to_owned())
    );

    let reply = send(caller.request(URL_LOGS, bad_fields)).await.unwrap();
    assert_eq!(
        (reply.status, reply.code()),
        (418, "err_xdk_binding_expired".to_owned())
    );

    let now = clock.now();
    assert!(
        simulator
            .service
            .bindings
            .revive(&caller.access_key, now)
            .is_some()
    );
    let reply = send(caller.request(URL_LOGS, bad_fields)).await.unwrap();
    assert_eq!((reply.status, &reply.json()["data"]), (429, &json!([])));
}

#[tokio::test]
async fn after_the_quota_come_application_id_permission_and_fields() {
    let config = Config {
        forbidden: vec![Log::Attachment],
        ..no_records()
    };
    let (_simulator, mut caller) = start(config).await;
    let bad = json!({ "data": [{ "from": "yesterday" }] });
    let good_id = std::mem::replace(&mut caller.app_id, "1234".to_owned());
    let reply = caller.call(Log::Attachment.path(), &bad).await;
    assert_eq!(
        (reply.status, reply.code()),
        (200, "err_developer_key".to_owned())
    );
    assert!(reply.text.contains("App ID is invalid: 1234"));
    caller.app_id = good_id;
    assert_eq!(caller.call(Log::Attachment.path(), &bad).await.status, 403);
    let reply = caller.call(URL_LOGS, &bad).await;
    assert_eq!(
        (reply.status, reply.code()),
        (200, "err_validation_invalid_date".to_owned())
    );
    assert_eq!(reply.json()["fail"][0]["key"]["from"], "yesterday");
}

#[tokio::test]
async fn fields_of_a_wrong_kind_are_refused_with_their_name() {
    let (_simulator, caller) = start(no_records()).await;
    for (field, body) in [
        ("to", json!({ "data": [{ "to": 5 }] })),
        (
            "oldestFirst",
            json!({ "data": [{ "oldestFirst": "true" }] }),
        ),
        ("route", json!({ "data": [{ "route": "sideways" }] })),
        (
            "scanResult",
            json!({ "data": [{ "scanResult": "unsafe" }] }),
        ),
        (
            "pageSize",
            json!({ "meta": { "pagination": { "pageSize": "100" } } }),
        ),
        (
            "pageToken",
            json!({ "meta": { "pagination": { "pageToken": 1 } } }),
        ),
        ("pagination", json!({ "meta": { "pagination": [] } })),
        (
            "from",
            json!({ "data": [{ "from": "2026-03-02T08:00:01Z", "to": "2026-03-02T08:00:00Z" }] }),
        ),
    ] {
        let reply = caller.call(URL_LOGS, &body).await;
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.json()["fail"][0]["errors"][0]["field"],
            field,
            "{body}"
        );
    }
    let unknown =
        json!({ "meta": { "pagination": { "page_size": 7 } }, "data": [{ "colour": 1 }] });
    assert_eq!(
        caller.call(URL_LOGS, &unknown).await.json()["fail"],
        json!([])
    );
}

#[tokio::test]
async fn every_wrong_signature_of_a_known_call_is_refused_and_the_right_one_is_not() {
    let date = "Tue, 24 Nov 2015 12:50:11 UTC";
    let id = "8578FCFC-A305-4D9A-99CB-F4D5ECEFE297";
    let moment = "2015-11-24T12:50:11Z".parse().unwrap();
    let config = Config::new(Arc::new(GivenRecords::default()), SimClock::at(moment));
    let (_simulator, caller) = start(config).await;
    for (signature, status) in [
        ("5ZBi91BfZdoM+dZtcznBU1cy9mA=", 200),
        ("5ZBi91BfZdoM+dZtcznBU1cy9mA", 401),
        ("oAEf0QIXqznZoRgGMAaPwZUuvhk=", 401),
        ("EgPW6Ufgi5rhvUps4f4mEis4OLo=", 401),
        ("KgAEjRQR4xPgRaKUxKKhC5BD1jM=", 401),
        ("FKUdyMWcRvsk95S3COd6AsmpNFM=", 401),
        ("6rn+G3bxEib+sNEc4QOtKKKV9CxAbUs6pQE3KuwqhUk=", 401),
    ] {
        let request = caller
            .http
            .post(format!("{}{URL_LOGS}", caller.base_url))
            .header(
                "authorization",
                format!("MC {}:{signature}", caller.access_key),
            )
            .header("x-mc-app-id", &caller.app_id)
            .header("x-mc-date", date)
            .header("x-mc-req-id", id)
            .body("{}");
        let reply = send(request).await.unwrap();
        assert_eq!(reply.status, status, "{signature}: {}", reply.text);
    }
}

#[tokio::test]
async fn the_clock_may_differ_by_fifteen_minutes_and_the_answer_tells_the_time() {
    let (_simulator, caller) = start(no_records()).await;
    for (time, status) in [
        ("11:46:00", 200),
        ("12:14:00", 200),
        ("11:44:00", 401),
        ("12:16:00", 401),
    ] {
        let date = at(time).format("%a, %d %b %Y %H:%M:%S UTC").to_string();
        let reply = send(caller.signed(URL_LOGS, "{}", &date, "id"))
            .await
            .unwrap();
        assert_eq!(reply.status, status, "{time}");
        let told = reply.header("date");
        assert!(told.starts_with("Mon, 02 Mar 2026 12:00:"), "{told}");
    }
}

#[tokio::test]
async fn the_journal_keeps_what_freshness_can_be_told_by() {
    let (simulator, caller) = start(no_records()).await;
    let body =
        json!({ "data": [{ "from": "2026-03-02T08:00:00Z", "to": "2026-03-02T09:00:00Z" }] });
    caller.call(URL_LOGS, &body).await;
    // A repeat of the very same headers is served.
    let date = "Mon, 02 Mar 2026 12:00:00 UTC";
    for _ in 0..2 {
        let reply = send(caller.signed(URL_LOGS, "{}", date, "same"))
            .await
            .unwrap();
        assert_eq!(reply.status, 200);
    }
    let journal = simulator.journal();
    let sent: Vec<_> = journal
        .iter()
        .map(|call| call.request_id.as_deref().unwrap())
        .collect();
    assert_eq!(
        sent,
        ["00000000-0000-4000-8000-000000000000", "same", "same"]
    );
    assert_eq!(journal[0].from.as_deref(), Some("2026-03-02T08:00:00Z"));
    assert_eq!(journal[0].to.as_deref(), Some("2026-03-02T09:00:00Z"));
    assert_eq!(journal[1].date.as_deref(), Some(date));
    assert_eq!((journal[1].status, journal[1].rows), (Some(200), 0));
    assert_eq!(simulator.calls(URL_LOGS), 3);
}

#[tokio::test]
async fn the_quota_is_told_in_every_answer_and_ends_in_429() {
    let config = Config {
        quota: 3,
        quota_window: Duration::from_millis(1500),
        ..no_records()
    };
    let (_simulator, mut caller) = start(config).await;
    let reply = caller.call(URL_LOGS, &json!({})).await;
    assert_eq!(
        (
            reply.header("x-ratelimit-limit"),
            reply.header("x-ratelimit-remaining")
        ),
        ("3", "2")
    );
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    // A wrong secret costs one too, and the functions share one budget.
    let good = std::mem::replace(&mut caller.secret_key, "AAAA".to_owned());
    let reply = caller.call(Log::Attachment.path(), &json!({})).await;
    assert_eq!(
        (reply.status, reply.header("x-ratelimit-remaining")),
        (401, "1")
    );
    caller.secret_key = good;
    assert_eq!(caller.call(URL_LOGS, &json!({})).await.status, 200);
    let reply = caller.call(URL_LOGS, &json!({})).await;
    assert_eq!(
        (reply.status, reply.header("x-ratelimit-remaining")),
        (429, "0")
    );
    let reset: u64 = reply.header("x-ratelimit-reset").parse().unwrap();
    assert!((1..=1500).contains(&reset), "{reset}");
    tokio::time::sleep(Duration::from_millis(reset)).await;
    assert_eq!(caller.call(URL_LOGS, &json!({})).await.status, 200);
    // Whoever is not known counts elsewhere.
    caller.access_key = "someone-else".to_owned();
    let reply = caller.call(URL_LOGS, &json!({})).await;
    assert_eq!(
        (reply.status, reply.header("x-ratelimit-limit")),
        (401, "5000")
    );
}

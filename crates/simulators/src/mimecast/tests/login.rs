//! Bindings: renewed, replaced, dropped.

use super::*;

const LOGIN: &str = "/api/login/login";

async fn log_in(caller: &Caller, scheme: &str, password: &str, item: Value) -> Reply {
    let user = STANDARD.encode(format!("svc-ttp@example.com:{password}"));
    let request = caller
        .http
        .post(format!("{}{LOGIN}", caller.base_url))
        .header("authorization", format!("{scheme} {user}"))
        .header("x-mc-app-id", &caller.app_id)
        .body(json!({ "data": [item] }).to_string());
    send(request).await.unwrap()
}

async fn refresh(caller: &Caller) -> Reply {
    let item = json!({ "userName": "svc-ttp@example.com", "accessKey": caller.access_key });
    log_in(caller, "Basic-Cloud", "S3cret!Pass", item).await
}

async fn status(caller: &Caller) -> u16 {
    caller.call(URL_LOGS, &json!({})).await.status
}

#[tokio::test]
async fn an_expired_binding_is_renewed_by_a_login_that_names_it() {
    let config = Config {
        binding_ttl: Some(Duration::from_secs(12 * 3600)),
        ..config(GivenRecords::default())
    };
    let clock = config.clock.clone();
    let (simulator, caller) = start(config).await;
    assert_eq!(status(&caller).await, 200);
    clock.advance(Duration::from_secs(12 * 3600)).unwrap();
    assert_eq!(status(&caller).await, 418);
    let renewed = refresh(&caller).await.json();
    assert_eq!(renewed["data"][0]["accessKey"], caller.access_key);
    assert_eq!(renewed["data"][0]["secretKey"], caller.secret_key);
    assert_eq!(renewed["data"][0]["duration"], 43_200_000);
    assert_eq!(status(&caller).await, 200);
    simulator.expire();
    assert_eq!(status(&caller).await, 418);
}

#[tokio::test]
async fn a_refresh_can_hand_out_a_new_pair_and_end_the_old_one() {
    let config = Config {
        refresh_returns_new_keys: true,
        ..config(GivenRecords::default())
    };
    let (_simulator, mut caller) = start(config).await;
    let renewed = refresh(&caller).await.json();
    assert_eq!(status(&caller).await, 418);
    let item = &renewed["data"][0];
    caller.access_key = item["accessKey"].as_str().unwrap().to_owned();
    caller.secret_key = item["secretKey"].as_str().unwrap().to_owned();
    assert_eq!(caller.secret_key.len(), 88);
    assert_eq!(status(&caller).await, 200);
}

#[tokio::test]
async fn a_first_login_makes_a_binding_beside_the_others() {
    let (_simulator, mut caller) = start(config(GivenRecords::default())).await;
    let item = json!({ "userName": "svc-ttp@example.com" });
    let made = log_in(&caller, "Basic-Cloud", "S3cret!Pass", item)
        .await
        .json();
    assert_eq!(status(&caller).await, 200);
    caller.access_key = made["data"][0]["accessKey"].as_str().unwrap().to_owned();
    assert_eq!(status(&caller).await, 401);
    caller.secret_key = made["data"][0]["secretKey"].as_str().unwrap().to_owned();
    assert_eq!(status(&caller).await, 200);
}

#[tokio::test]
async fn a_failed_login_is_401_and_names_the_user() {
    let (_simulator, caller) = start(config(GivenRecords::default())).await;
    let item = json!({ "userName": "svc-ttp@example.com" });
    let stranger = json!({ "userName": "other@example.com" });
    let unknown = json!({ "userName": "svc-ttp@example.com", "accessKey": "unknown" });
    for (scheme, password, item) in [
        ("Basic-Cloud", "wrong", &item),
        ("Basic-AD", "S3cret!Pass", &item),
        ("Basic-Cloud", "S3cret!Pass", &stranger),
        ("Basic-Cloud", "S3cret!Pass", &unknown),
    ] {
        let reply = log_in(&caller, scheme, password, item.clone()).await;
        assert_eq!(reply.status, 401);
        let fail = &reply.json()["fail"][0];
        assert_eq!(fail["key"]["userName"], item["userName"]);
        assert!(fail["errors"][0]["message"].is_string());
        assert!(!reply.text.contains("S3cret"), "{}", reply.text);
    }
}

#[tokio::test]
async fn five_failed_logins_lock_the_account_for_a_quarter_of_an_hour() {
    let config = config(GivenRecords::default());
    let clock = config.clock.clone();
    let (simulator, caller) = start(config).await;
    let item = || json!({ "userName": "svc-ttp@example.com" });
    for _ in 0..4 {
        let _wrong = log_in(&caller, "Basic-Cloud", "wrong", item()).await;
    }
    assert_eq!(refresh(&caller).await.status, 200);
    assert_eq!(simulator.times_locked(), 0);
    for _ in 0..5 {
        let _wrong = log_in(&caller, "Basic-Cloud", "wrong", item()).await;
    }
    assert_eq!(refresh(&caller).await.status, 401);
    assert_eq!(simulator.times_locked(), 1);
    clock.advance(Duration::from_secs(15 * 60)).unwrap();
    assert_eq!(refresh(&caller).await.status, 200);
}

#[tokio::test]
async fn a_logout_drops_the_binding() {
    let (_simulator, caller) = start(config(GivenRecords::default())).await;
    let body = json!({ "data": [{ "accessKey": caller.access_key }] });
    let reply = caller.call("/api/login/logout", &body).await;
    assert_eq!((reply.status, &reply.json()["fail"]), (200, &json!([])));
    assert_eq!(status(&caller).await, 401);
}

#[tokio::test]
async fn the_region_of_a_known_user_is_this_server() {
    let (simulator, caller) = start(config(GivenRecords::default())).await;
    let path = "/api/login/discover-authentication";
    let ask = |address: &str| json!({ "data": [{ "emailAddress": address }] });
    let found = caller.call(path, &ask("svc-ttp@example.com")).await.json();
    assert_eq!(found["data"][0]["region"]["api"], simulator.base_url());
    let unknown = caller.call(path, &ask("other@example.com")).await.json();
    assert_eq!(unknown["data"][0].get("region"), None);
}

//! What the simulated token endpoints of the Logs Ingestion API refuse.

use mimecast_ttp::net::http::Request;
use reqwest::{
    Method,
    header::{self, HeaderName},
};
use serde_json::{Value, json};

use crate::{
    caller::{Caller, send, set},
    logs_ingestion::config,
    support::world::at,
};

#[tokio::test]
async fn entra_refuses_every_incorrect_token_request() {
    let caller = Caller::new(config()).await;
    for (field, value, status, error, code) in [
        ("grant_type", "", 400, "invalid_request", 900_144),
        (
            "grant_type",
            "password",
            400,
            "unsupported_grant_type",
            70_003,
        ),
        ("client_id", "", 400, "invalid_request", 900_144),
        ("client_id", "other", 400, "unauthorized_client", 700_016),
        ("client_secret", "", 401, "invalid_client", 7_000_215),
        (
            "client_secret",
            "Qx8~demo.Entra Secret/0123456789",
            401,
            "invalid_client",
            7_000_215,
        ),
        ("scope", "", 400, "invalid_request", 900_144),
        (
            "scope",
            "https://monitor.azure.com",
            400,
            "invalid_scope",
            1_002_012,
        ),
        (
            "scope",
            "https://monitor.azure.us/.default",
            400,
            "invalid_resource",
            500_011,
        ),
    ] {
        let (answered, body) = caller.entra(&[(field, value)], |_| ()).await;
        assert_eq!((answered, &body["error"]), (status, &json!(error)));
        assert_eq!(body["error_codes"], json!([code]), "{field}={value}");
        let described = body["error_description"].as_str().unwrap();
        assert!(
            described.starts_with(&format!("AADSTS{code}: ")),
            "{described}"
        );
    }
    let json_type = Some("application/json".to_owned());
    let kind = |request: &mut Request| set(request, &header::CONTENT_TYPE, json_type);
    let (_, body) = caller.entra(&[], kind).await;
    assert_eq!(body["error_codes"], json!([900_144]), "a form only");
    let get = |request: &mut Request| request.method = Method::GET;
    let (_, body) = caller.entra(&[], get).await;
    assert_eq!(body["error_codes"], json!([900_561]), "a POST only");
    let (_, body) = caller.entra(&[], |_| ()).await;
    assert_eq!(
        (&body["expires_in"], &body["token_type"]),
        (&json!(3599), &json!("Bearer"))
    );
}

#[tokio::test]
async fn the_identity_endpoint_refuses_every_incorrect_token_request() {
    let caller = Caller::new(config()).await;
    let proof = &caller.config.identity_header;
    let monitor = "resource=https%3A%2F%2Fmonitor.azure.com";
    let version = "api-version=2019-08-01";
    let good = format!("{monitor}&{version}");
    let old = format!("{monitor}&api-version=2017-09-01");
    let scope = format!("{monitor}%2F.default&{version}");
    let other_identity = format!("{good}&client_id=x");
    let (get, proof) = (Method::GET, Some(proof.as_str()));
    for (method, query, header, status) in [
        (&get, good.as_str(), proof, 200),
        (&Method::POST, &good, proof, 400),
        (&get, &good, None, 400),
        (&get, &good, Some("other"), 400),
        (&get, &old, proof, 400),
        (&get, monitor, proof, 400),
        (&get, version, proof, 400),
        (&get, &scope, proof, 400),
        (&get, &other_identity, proof, 400),
    ] {
        let header = header.map(|value| {
            (
                HeaderName::from_static("x-identity-header"),
                value.to_owned(),
            )
        });
        let url = format!("{}?{query}", caller.service.identity_endpoint());
        let answer = send(Request {
            method: method.clone(),
            url: url.parse().unwrap(),
            headers: header.into_iter().collect(),
            body: bytes::Bytes::new(),
        })
        .await;
        assert_eq!(answer.status, status, "{query}");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        if status == 200 {
            let ends: i64 = body["expires_on"].as_str().unwrap().parse().unwrap();
            let lives = ends - at("2026-03-02T08:00:00Z").timestamp();
            assert!((3599..3660).contains(&lives), "{lives}");
        } else {
            assert_eq!(body["statusCode"], 400, "{body}");
        }
    }
}

//! Calls of the simulated Logs Ingestion API without the sink: the sink would not send what is wrong,
//! and a simulator that took it would hide it if it did.

use std::{sync::Arc, time::Duration};

use mimecast_ttp::net::http::{HttpClient, Limits, Request, Response};
use reqwest::{
    Method,
    header::{self, HeaderName},
};
use serde_json::Value;
use simulators::log_analytics::{LogsIngestion, MemoryRows, logs_ingestion::Config};
use url::form_urlencoded;

/// The table of the stream that is posted to.
pub(crate) const TABLE: &str = "MimecastTTPUrl_CL";

/// A caller with a good token.
pub(crate) struct Caller {
    pub(crate) service: LogsIngestion,
    pub(crate) config: Config,
    pub(crate) rows: Arc<MemoryRows>,
    /// A post without rows that is right in every part.
    pub(crate) good: Request,
}

impl Caller {
    pub(crate) async fn new(mut config: Config) -> Self {
        let rows = Arc::new(MemoryRows::default());
        config.sinks.push(rows.clone());
        let service = LogsIngestion::start(config.clone(), 0).await.unwrap();
        let url = format!(
            "{}/dataCollectionRules/{}/streams/Custom-{TABLE}?api-version=2023-01-01",
            service.base_url(),
            config.rule_id
        );
        let good = Request {
            method: Method::POST,
            url: url.parse().unwrap(),
            headers: vec![(header::CONTENT_TYPE, "application/json".to_owned())],
            body: "[]".into(),
        };
        let mut caller = Self {
            service,
            config,
            rows,
            good,
        };
        let token = caller.token("https://monitor.azure.com/.default").await;
        caller.good.headers.push((header::AUTHORIZATION, token));
        caller
    }

    /// The `Authorization` for a scope.
    pub(crate) async fn token(&self, scope: &str) -> String {
        let (status, answer) = self.entra(&[("scope", scope)], |_| ()).await;
        assert_eq!(status, 200, "{answer}");
        format!("Bearer {}", answer["access_token"].as_str().unwrap())
    }

    /// Asks Entra with some fields in the place of the right ones.
    pub(crate) async fn entra(
        &self,
        other: &[(&str, &str)],
        change: impl FnOnce(&mut Request),
    ) -> (u16, Value) {
        let right = [
            ("client_id", self.config.client_id.as_str()),
            ("client_secret", &self.config.client_secret),
            ("scope", "https://monitor.azure.com/.default"),
            ("grant_type", "client_credentials"),
        ];
        let fields = right.map(|(name, value)| {
            let other = other.iter().find(|(other, _)| *other == name);
            (name, other.map_or(value, |(_, value)| value))
        });
        let mut form = form_urlencoded::Serializer::new(String::new());
        let form_type = "application/x-www-form-urlencoded".to_owned();
        let url = format!(
            "{}/{}/oauth2/v2.0/token",
            self.service.base_url(),
            self.config.tenant
        );
        let mut request = Request {
            method: Method::POST,
            url: url.parse().unwrap(),
            headers: vec![(header::CONTENT_TYPE, form_type)],
            body: form.extend_pairs(fields).finish().into(),
        };
        change(&mut request);
        let answer = send(request).await;
        let body = serde_json::from_slice(&answer.body).unwrap();
        (answer.status.as_u16(), body)
    }

    /// The status of a post with something changed, and the code of its error, which is in two places.
    pub(crate) async fn post(&self, change: impl FnOnce(&mut Request)) -> (u16, String) {
        let mut request = self.good.clone();
        change(&mut request);
        let answer = send(request).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = body["error"]["code"].as_str();
        assert_eq!(code, answer.header("x-ms-error-code"), "{body}");
        assert!(code.is_none() || body["error"]["message"].is_string());
        assert!(answer.header("x-ms-request-id").is_some());
        (answer.status.as_u16(), code.unwrap_or_default().to_owned())
    }

    pub(crate) async fn post_body(&self, body: impl Into<Vec<u8>>) -> (u16, String) {
        self.post(|request| request.body = body.into().into()).await
    }

    pub(crate) async fn post_packed(&self, body: impl Into<Vec<u8>>) -> (u16, String) {
        let gzip = (header::CONTENT_ENCODING, "gzip".to_owned());
        self.post(|request| {
            request.headers.push(gzip);
            request.body = body.into().into();
        })
        .await
    }
}

pub(crate) async fn send(request: Request) -> Response {
    let limits = Limits {
        time: Duration::from_secs(10),
        body_bytes: 10_000,
    };
    HttpClient::new()
        .unwrap()
        .send(request, limits)
        .await
        .unwrap()
}

pub(crate) fn set(request: &mut Request, name: &HeaderName, value: Option<String>) {
    request.headers.retain(|(other, _)| other != name);
    request
        .headers
        .extend(value.map(|value| (name.clone(), value)));
}

mod faults;
mod refusals;
mod storing;
pub(super) mod vectors;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

use super::*;
use crate::{
    clock::SimClock,
    log_analytics::{MemoryRows, RowSink},
};

const QUERY: &str = "/api/logs?api-version=2016-04-01";

/// The time at which most tests play.
const NOW: &str = "2026-01-05T09:07:03Z";
const NOW_RFC1123: &str = "Mon, 05 Jan 2026 09:07:03 GMT";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn client() -> reqwest::Client {
    // Only the first test of the process gets to install it.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn config() -> Config {
    Config {
        workspace_id: vectors::WORKSPACE_ID.to_owned(),
        workspace_key: vectors::K1.to_owned(),
        ..Config::new(SimClock::at(at(NOW)))
    }
}

/// The service, and what it stored.
struct Fixture {
    service: DataCollector,
    rows: Arc<MemoryRows>,
    client: reqwest::Client,
}

impl Fixture {
    async fn start(mut config: Config) -> Self {
        let rows = Arc::new(MemoryRows::default());
        config.sinks.push(Arc::clone(&rows) as Arc<dyn RowSink>);
        Self {
            service: DataCollector::start(config, 0).await.unwrap(),
            rows,
            client: client(),
        }
    }

    /// Sends a post as given; `None` where the connection was closed without an answer.
    async fn send(&self, path: &str, headers: HeaderMap, body: Vec<u8>) -> Option<Got> {
        let url = self.service.base_url() + path;
        let request = self.client.post(url).headers(headers).body(body);
        got(request.send().await.ok()?).await
    }

    /// Posts `body` to the log type `Test` as it should be done.
    async fn post(&self, body: &str) -> Option<Got> {
        self.send(QUERY, signed(body.as_bytes()), body.as_bytes().to_vec())
            .await
    }

    fn texts(&self) -> Vec<String> {
        self.rows.texts("Test_CL")
    }
}

/// An answer.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The name of the error, or nothing.
    fn error(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["Error"].as_str().unwrap_or_default().to_owned()
    }
}

async fn got(mut response: reqwest::Response) -> Option<Got> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
    }
    Some(Got {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: String::from_utf8(body).unwrap(),
    })
}

/// The right headers for a body that is posted at [`NOW`].
fn signed(body: &[u8]) -> HeaderMap {
    signed_at(body, NOW_RFC1123)
}

fn signed_at(body: &[u8], date: &str) -> HeaderMap {
    let key = STANDARD.decode(vectors::K1).unwrap();
    let text = format!(
        "POST\n{}\napplication/json\nx-ms-date:{date}\n/api/logs",
        body.len()
    );
    let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let signature = STANDARD.encode(mac.chain_update(text).finalize().into_bytes());
    headers(
        &format!("SharedKey {}:{signature}", vectors::WORKSPACE_ID),
        date,
    )
}

fn headers(authorization: &str, date: &str) -> HeaderMap {
    [
        ("authorization", authorization),
        ("content-type", "application/json"),
        ("log-type", "Test"),
        ("x-ms-date", date),
    ]
    .into_iter()
    .map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )
    })
    .collect()
}

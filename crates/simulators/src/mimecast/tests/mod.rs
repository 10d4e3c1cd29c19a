//! The simulator as a caller sees it.

mod checks;
mod faults;
mod login;
mod paging;
mod quirks;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::{Config, Simulator, signature};
use crate::{
    clock::SimClock,
    log::Log,
    records::{GivenRecords, Moment},
};

const URL_LOGS: &str = "/api/ttp/url/get-logs";

/// A time of day on 2 March 2026.
fn at(time: &str) -> DateTime<Utc> {
    format!("2026-03-02T{time}Z").parse().unwrap()
}

/// A record numbered `id` that happened at `moment` and showed `late` seconds after.
fn add(records: &mut GivenRecords, log: Log, moment: DateTime<Utc>, late: i64, id: u64) {
    let at = moment.timestamp();
    let visible_at = at + late;
    let time = moment.format("%Y-%m-%dT%H:%M:%S+0000").to_string();
    let row = json!({
        "id": id,
        log.time_member(): time,
        "route": if id.is_multiple_of(2) { "inbound" } else { "outbound" },
        "taggedMalicious": id.is_multiple_of(2),
    });
    records.push(log, Moment { at, visible_at }, row.to_string());
}

/// `count` records of each log from 08:00:00 on, seven in each second, numbered from 0.
fn seven_a_second(count: u64) -> GivenRecords {
    let mut records = GivenRecords::default();
    for log in Log::ALL {
        for id in 0..count {
            add(
                &mut records,
                log,
                at("08:00:00") + Duration::from_secs(id / 7),
                0,
                id,
            );
        }
    }
    records
}

/// A configuration whose clock shows 12:00:00.
fn config(records: GivenRecords) -> Config {
    Config::new(Arc::new(records), SimClock::at(at("12:00:00")))
}

/// A caller that signs as Mimecast documents.
struct Caller {
    base_url: String,
    http: reqwest::Client,
    clock: SimClock,
    app_id: String,
    app_key: String,
    access_key: String,
    secret_key: String,
    sent: AtomicU64,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

async fn start(config: Config) -> (Simulator, Caller) {
    // Another test may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let (app_id, app_key) = (config.app_id.clone(), config.app_key.clone());
    let (access_key, secret_key) = (config.access_key.clone(), config.secret_key.clone());
    let clock = config.clock.clone();
    let simulator = Simulator::start(config, 0).await.unwrap();
    let caller = Caller {
        base_url: simulator.base_url(),
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        clock,
        app_id,
        app_key,
        access_key,
        secret_key,
        sent: AtomicU64::new(0),
    };
    (simulator, caller)
}

impl Caller {
    /// A request with all headers as they should be.
    fn request(&self, path: &str, body: &str) -> reqwest::RequestBuilder {
        let date = self.clock.now().format("%a, %d %b %Y %H:%M:%S UTC");
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let id = format!("00000000-0000-4000-8000-{number:012}");
        self.signed(path, body, &date.to_string(), &id)
    }

    fn signed(&self, path: &str, body: &str, date: &str, id: &str) -> reqwest::RequestBuilder {
        let secret = STANDARD.decode(&self.secret_key).unwrap();
        let signature = signature::sign(&secret, date, id, path, &self.app_key);
        self.http
            .post(format!("{}{path}", self.base_url))
            .header(
                "authorization",
                format!("MC {}:{signature}", self.access_key),
            )
            .header("x-mc-app-id", &self.app_id)
            .header("x-mc-date", date)
            .header("x-mc-req-id", id)
            .header("content-type", "application/json")
            .body(body.to_owned())
    }

    async fn call(&self, path: &str, body: &Value) -> Reply {
        send(self.request(path, &body.to_string())).await.unwrap()
    }

    /// A get-logs call for the morning of 2 March 2026.
    async fn page(&self, log: Log, oldest_first: bool, size: u64, token: Option<&str>) -> Value {
        let mut body = json!({
            "meta": { "pagination": { "pageSize": size } },
            "data": [{ "from": "2026-03-02T08:00:00+0000", "to": "2026-03-02T11:59:59+0000",
                       "oldestFirst": oldest_first }],
        });
        if let Some(token) = token {
            body["meta"]["pagination"]["pageToken"] = token.into();
        }
        let reply = self.call(log.path(), &body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }
}

/// Sends and reads the whole answer.
async fn send(request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
    let mut response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Reply {
        status,
        headers,
        text,
    })
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The code of the one failure.
    fn code(&self) -> String {
        self.json()["fail"][0]["errors"][0]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no failure: {}", self.text))
            .to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// The numbers of the records on a page.
fn ids(page: &Value, log: Log) -> Vec<u64> {
    let rows = page["data"][0][log.array()].as_array();
    rows.map_or(Vec::new(), |rows| {
        rows.iter().map(|row| row["id"].as_u64().unwrap()).collect()
    })
}

fn next(page: &Value) -> Option<&str> {
    page["meta"]["pagination"]["next"].as_str()
}

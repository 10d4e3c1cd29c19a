//! Log Analytics in either form, and the adapter that leads there.

use std::{io::Read, sync::Arc};

use mimecast_ttp::{
    azure::identity::ClientCredentials,
    ingest::ports::LogSink,
    log_analytics::{LogsIngestionSink, Rule},
    net::{http::HttpClient, token::Tokens},
};
use simulators::{
    clock::SimClock,
    log_analytics::{self, DataCollector, LogsIngestion, MemoryRows, logs_ingestion},
};

use crate::adapters::{Hasty, NetClock, log_sink};

/// Which API it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    DataCollector,
    LogsIngestion,
}

pub enum LogService {
    DataCollector(DataCollector, log_analytics::Config),
    LogsIngestion(LogsIngestion, logs_ingestion::Config),
}

impl LogService {
    pub async fn start(way: Way, time: SimClock, rows: Arc<MemoryRows>) -> Self {
        match way {
            Way::DataCollector => {
                let mut config = log_analytics::Config::new(time);
                config.sinks = vec![rows];
                let service = DataCollector::start(config.clone(), 0).await.unwrap();
                Self::DataCollector(service, config)
            }
            Way::LogsIngestion => {
                let rule = include_str!("../../deploy/logs-ingestion.json");
                let rule = logs_ingestion::Rule::in_template(rule).unwrap();
                let mut config = logs_ingestion::Config::new(time, rule);
                config.sinks = vec![rows];
                let service = LogsIngestion::start(config.clone(), 0).await.unwrap();
                Self::LogsIngestion(service, config)
            }
        }
    }

    pub fn base_url(&self) -> String {
        match self {
            Self::DataCollector(service, _) => service.base_url(),
            Self::LogsIngestion(service, _) => service.base_url(),
        }
    }

    /// The adapter that posts to `url`. Tokens come straight from the service.
    pub fn sink(&self, url: &str, clock: &Arc<NetClock>) -> Arc<dyn LogSink> {
        match self {
            Self::DataCollector(_, config) => Arc::new(log_sink(url, config, clock)),
            Self::LogsIngestion(service, config) => {
                let issuer = ClientCredentials {
                    http: HttpClient::new().unwrap(),
                    authority: service.base_url().parse().unwrap(),
                    tenant: config.tenant.clone(),
                    client_id: config.client_id.clone(),
                    secret: config.client_secret.clone().into(),
                    audience: config.audience.clone(),
                    clock: clock.clone(),
                };
                let rule = Rule {
                    endpoint: url.parse().unwrap(),
                    id: config.rule_id.clone(),
                    tokens: Tokens::new(Box::new(issuer), clock.clone()),
                };
                let http = HttpClient::new().unwrap();
                Arc::new(LogsIngestionSink::new(
                    http,
                    rule,
                    clock.clone(),
                    Arc::new(Hasty),
                ))
            }
        }
    }

    /// How many posts arrived.
    pub fn posts(&self) -> u64 {
        match self {
            Self::DataCollector(service, _) => service.counts().posts,
            Self::LogsIngestion(service, _) => service.posts().len() as u64,
        }
    }

    pub fn secret(&self) -> &String {
        match self {
            Self::DataCollector(_, config) => &config.workspace_key,
            Self::LogsIngestion(_, config) => &config.client_secret,
        }
    }
}

/// The rows of a post, packed or not.
pub fn rows(body: &[u8]) -> Vec<serde_json::Value> {
    let mut unpacked = Vec::new();
    let is_packed = body.starts_with(&[0x1f, 0x8b]);
    if is_packed {
        let mut reader = flate2::read::GzDecoder::new(body);
        let _bytes = reader.read_to_end(&mut unpacked).unwrap();
    }
    serde_json::from_slice(if is_packed { &unpacked } else { body }).unwrap()
}

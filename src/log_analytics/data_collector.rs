//! The HTTP Data Collector API.

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{
    Method, Url,
    header::{self, HeaderName},
};
use serde::Deserialize;

use super::{
    api::{Answer, ErrorDetails, IngestApi, Rows, Stamp},
    decision::{Decision, data_collector},
    signature::{self, CONTENT_TYPE},
    sink::Sink,
};
use crate::{
    azure::ms_date::header_date,
    ingest::error::{Cause, ServiceError},
    model::{batch::Batch, deadline::Deadline},
    net::{
        http::{Request, Response},
        keys::HmacKey,
        token::TokenError,
    },
};

/// The largest post: Microsoft documents 30 MB, and does not say of which kind.
pub const MAX_POST_BYTES: usize = 30_000_000;

/// The only version the official samples use.
const API_VERSION: &str = "api-version=2016-04-01";

/// Names the member that holds a row's time.
const TIME_MEMBER: &str = "time_generated";

/// A workspace and the right to write to it.
#[derive(Debug)]
pub struct Workspace {
    /// The workspace id, a GUID.
    pub id: String,
    /// Its primary or secondary key.
    pub key: HmacKey,
    /// `https://{id}.ods.opinsights.azure.com`, or that of another cloud or a simulator.
    pub base: Url,
}

/// The Data Collector API as a sink.
pub type DataCollectorSink = Sink<Workspace>;

/// What the service answers to an error.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ErrorBody {
    error: String,
    message: String,
}

#[async_trait]
impl IngestApi for Workspace {
    /// Each post is signed by itself.
    type Authorization = ();

    const MAX_BATCH_BYTES: usize = MAX_POST_BYTES;
    /// The documented limit; the service cuts off the rest without a word. Counted in bytes of UTF-8,
    /// which is safe: the unit is unconfirmed.
    const MAX_VALUE_BYTES: usize = 32 * 1024;
    const MAX_CONCURRENT_POSTS: usize = 1;
    const UNREACHABLE_ADVICE: &'static str =
        "check log_analytics_workspace_id (a wrong one has no host) and outbound network access";

    fn rows(&self, batch: &Batch) -> Result<Rows, ServiceError> {
        Ok(Rows::of(batch))
    }

    fn encode(&self, rows: &Rows) -> Result<Bytes, Cause> {
        Ok(rows.body.clone())
    }

    async fn authorize(&self, _: Deadline) -> Result<(), TokenError> {
        Ok(())
    }

    async fn invalidate(&self, (): ()) {}

    fn request(&self, log_type: &str, body: Bytes, (): &(), stamp: Stamp) -> Request {
        let Self { id, key, base } = self;
        let date = header_date(stamp.now);
        let text = signature::string_to_sign(body.len(), &date);
        let signature = key.sign_sha256(&text);
        let mut url = base.clone();
        url.set_path("/api/logs");
        url.set_query(Some(API_VERSION));
        let named = HeaderName::from_static;
        Request {
            method: Method::POST,
            url,
            headers: vec![
                (header::AUTHORIZATION, format!("SharedKey {id}:{signature}")),
                (header::CONTENT_TYPE, CONTENT_TYPE.to_owned()),
                (named("log-type"), log_type.to_owned()),
                (named("x-ms-date"), date),
                (named("time-generated-field"), TIME_MEMBER.to_owned()),
            ],
            body,
        }
    }

    fn error_details(&self, response: &Response) -> ErrorDetails {
        // An answer of another shape says nothing more than its status.
        let ErrorBody { error, message } =
            serde_json::from_slice(&response.body).unwrap_or_default();
        ErrorDetails {
            code: error,
            message,
        }
    }

    fn decide(&self, answer: Answer<'_>) -> Decision {
        data_collector::decide(answer)
    }

    fn advice(&self, status: u16, code: &str) -> &'static str {
        data_collector::advice(status, code)
    }

    fn may_be_too_large(&self, posted_bytes: usize) -> bool {
        data_collector::may_be_too_large(posted_bytes)
    }
}

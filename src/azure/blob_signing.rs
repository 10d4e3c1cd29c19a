//! Signing requests to blob storage with an account key, which the official crate leaves to its user.
//!
//! Source: "Authorize with Shared Key" in the Storage REST documentation. The policy comes after the
//! crate's retries, so that every attempt gets its own date and signature.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use azure_core::http::{
    Context, Method, Request,
    headers::{HeaderName, HeaderValue},
    policies::{Policy, PolicyResult},
};
use url::Url;

use super::ms_date::header_date;
use crate::{ingest::ports::Clock, net::keys::HmacKey};

/// Dates and signs each attempt.
pub struct SharedKeyPolicy {
    account: String,
    key: HmacKey,
    clock: Arc<dyn Clock>,
}

impl SharedKeyPolicy {
    /// A policy for `account`.
    #[must_use]
    pub fn new(account: String, key: HmacKey, clock: Arc<dyn Clock>) -> Self {
        Self {
            account,
            key,
            clock,
        }
    }
}

impl fmt::Debug for SharedKeyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKeyPolicy")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Policy for SharedKeyPolicy {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        request.insert_header("x-ms-date", header_date(self.clock.now()));
        // The length is signed, so it must stand before the transport adds it.
        let length = request.body().len().unwrap_or(0);
        if length > 0 {
            request.insert_header("content-length", length.to_string());
        }
        let headers: BTreeMap<String, String> = request
            .headers()
            .iter()
            .map(|(name, value): (&HeaderName, &HeaderValue)| {
                (
                    name.as_str().to_ascii_lowercase(),
                    value.as_str().to_owned(),
                )
            })
            .collect();
        let text = string_to_sign(request.method(), request.url(), &headers, &self.account);
        let signature = self.key.sign_sha256(&text);
        request.insert_header(
            "authorization",
            format!("SharedKey {}:{signature}", self.account),
        );
        match next.split_first() {
            Some((policy, rest)) => policy.send(ctx, request, rest).await,
            None => Err(azure_core::Error::with_message(
                azure_core::error::ErrorKind::Other,
                "the signing policy is the last one: there is no transport",
            )),
        }
    }
}

/// `headers` by lower-case name.
fn string_to_sign(
    method: Method,
    url: &Url,
    headers: &BTreeMap<String, String>,
    account: &str,
) -> String {
    let header = |name: &str| headers.get(name).map_or("", String::as_str);
    let mut text = method.as_str().to_owned();
    for name in [
        "content-encoding",
        "content-language",
        "content-length",
        "content-md5",
        "content-type",
        "date",
        "if-modified-since",
        "if-match",
        "if-none-match",
        "if-unmodified-since",
        "range",
    ] {
        text.push('\n');
        // A length of nought is signed as no length.
        let value = header(name);
        text.push_str(if name == "content-length" && value == "0" {
            ""
        } else {
            value
        });
    }
    text.push('\n');
    for (name, value) in headers.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
        text.extend([name, ":", value.trim(), "\n"]);
    }
    text.extend(["/", account, url.path()]);
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        let values = parameters.entry(name.to_ascii_lowercase()).or_default();
        values.push(value.into_owned());
    }
    for (name, mut values) in parameters {
        values.sort_unstable();
        text.extend(["\n", &name, ":", &values.join(",")]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_string_to_sign_is_the_documented_one() {
        let headers = [
            ("content-length", "11"),
            ("content-type", "text/plain"),
            ("if-match", "\"0x1\""),
            ("x-ms-version", "2025-11-05"),
            ("x-ms-date", "Mon, 02 Mar 2026 08:00:00 GMT"),
            ("x-ms-blob-type", "BlockBlob"),
            ("accept", "application/xml"),
        ];
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let url = Url::parse(
            "http://127.0.0.1:10000/acct/box/url-checkpoint.txt?timeout=30&comp=b&comp=a",
        )
        .unwrap();
        assert_eq!(
            string_to_sign(Method::Put, &url, &headers, "acct"),
            "PUT\n\n\n11\n\ntext/plain\n\n\n\"0x1\"\n\n\n\nx-ms-blob-type:BlockBlob\nx-ms-date:Mon, 02 Mar 2026 08:00:00 GMT\nx-ms-version:2025-11-05\n/acct/acct/box/url-checkpoint.txt\ncomp:a,b\ntimeout:30"
        );
    }
}

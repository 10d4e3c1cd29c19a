//! The one HTTP client.
//!
//! Calls to other machines go through the proxy that `HTTPS_PROXY` names, unless `NO_PROXY` excepts
//! them. Calls to this machine never do, and neither do those for the managed identity, wherever its
//! endpoint is: they are plain http, which a proxy could read and answer in its place.
//!
//! Every answer is read whole, within a size and a time. Errors never show an address with its query,
//! nor headers: those may hold signatures.

mod error;
mod response;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{ClientBuilder, Method, Url, header::HeaderName};
use url::Host;

use self::error::transport;
pub use self::{
    error::{Received, TransportError},
    response::Response,
};
use super::{scrub::SentSecrets, trust::Trust};

/// How long connecting may take. A regional service answers in well under a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The client. Clones share its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    /// Through a proxy, where the environment names one.
    proxied: reqwest::Client,
    /// Never through a proxy.
    direct: reqwest::Client,
}

/// The HTTP client could not be made: a fault of the build or the machine.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS library does not offer the protocol versions that are safe.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The client cannot be built.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// A request.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The full address.
    pub url: Url,
    /// Headers, in the order given.
    pub headers: Vec<(HeaderName, String)>,
    /// The body; sent with its length.
    pub body: Bytes,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.url.path())
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What may be spent on an answer.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The whole exchange, from connecting to the last byte.
    pub time: Duration,
    /// The answer's body, in bytes.
    pub body_bytes: usize,
}

impl HttpClient {
    /// A client that trusts whom the machine trusts, see [`trust`](super::trust).
    pub fn new() -> Result<Self, ClientError> {
        let tls = tls()?;
        Ok(Self {
            proxied: client(reqwest::Client::builder(), tls.clone())?,
            direct: client(reqwest::Client::builder().no_proxy(), tls)?,
        })
    }

    /// The same client, which asks no proxy, whatever the environment says.
    #[must_use]
    pub fn without_proxy(&self) -> Self {
        Self {
            proxied: self.direct.clone(),
            direct: self.direct.clone(),
        }
    }

    /// The client underneath that leads to `url`, for the Azure crates, which send through it.
    #[must_use]
    pub fn inner(&self, url: &Url) -> &reqwest::Client {
        if is_loopback(url) {
            &self.direct
        } else {
            &self.proxied
        }
    }

    /// Sends `request` and reads the whole answer, whatever its status.
    pub async fn send(&self, request: Request, limits: Limits) -> Result<Response, TransportError> {
        // What came of an answer is known even where its rest does not come in time.
        let head = Mutex::new(None);
        let exchange = self.exchange(request, limits.body_bytes, &head);
        tokio::time::timeout(limits.time, exchange)
            .await
            .unwrap_or_else(|_| {
                Err(TransportError::TimedOut {
                    received: *lock(&head),
                    time: limits.time,
                })
            })
    }

    async fn exchange(
        &self,
        request: Request,
        limit: usize,
        head: &Mutex<Option<Received>>,
    ) -> Result<Response, TransportError> {
        let Request {
            method,
            url,
            headers,
            body,
        } = request;
        let sent = SentSecrets::of(&headers, &body);
        let mut builder = self.inner(&url).request(method, url).body(body);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        let mut response = builder
            .send()
            .await
            .map_err(|error| transport(error, None))?;
        let status = response.status();
        let promised = response.content_length().unwrap_or_default();
        let received = |has_body| Received {
            status: status.as_u16(),
            has_body: has_body || promised > 0,
        };
        *lock(head) = Some(received(false));
        let headers = response.headers().clone();
        // As much as is promised, where it may be kept: a body that grows is copied again and again.
        let promised = usize::try_from(promised).unwrap_or(limit).min(limit);
        let mut body = Vec::with_capacity(room(promised));
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| transport(error, Some(received(!body.is_empty()))))?
        {
            *lock(head) = Some(received(true));
            if body.len() + chunk.len() > limit {
                // Of an error the status says most, and the beginning the rest.
                if !status.is_success() {
                    body.extend_from_slice(&chunk[..limit - body.len()]);
                    break;
                }
                return Err(TransportError::TooLarge {
                    status: status.as_u16(),
                    limit,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            headers,
            body,
            sent,
        })
    }
}

fn tls() -> Result<rustls::ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trust = Trust::new(Arc::clone(&provider));
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ClientError::Tls)?
        // "Dangerous" is what rustls calls every verifier that is not its own.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    Ok(tls)
}

fn client(
    builder: ClientBuilder,
    tls: rustls::ClientConfig,
) -> Result<reqwest::Client, ClientError> {
    builder
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("mimecast-ttp/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(ClientError::Client)
}

/// Whether an address is this machine's own. Names below `localhost` are too (RFC 6761).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

/// Capacity for a body. Rounding it up to a few sizes lets the allocator reuse the buffers of earlier
/// pages, and keeps memory from fragmenting.
fn room(bytes: usize) -> usize {
    const UNIT: usize = 128 * 1024;
    if bytes < UNIT {
        bytes
    } else {
        bytes.next_multiple_of(UNIT)
    }
}

fn lock<T>(cell: &Mutex<T>) -> MutexGuard<'_, T> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_addresses_of_this_machine_are_loopback() {
        for (url, expected) in [
            ("http://127.0.0.1:8010/", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:80/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://LocalHost/", true),
            ("https://localhost./", true),
            ("https://tokens.localhost/", true),
            ("http://169.254.129.3:8081/msi/token", false),
            ("http://0.0.0.0/", false),
            ("http://[::2]/", false),
            ("https://localhost.example.com/", false),
            ("https://notlocalhost/", false),
            ("data:localhost", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        }
    }
}

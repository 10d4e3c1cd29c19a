//! The host's HTTP client: HTTP/1.1 over loopback, written by hand so that the bytes, their order
//! and the reuse of connections are those of the real one.

mod request;
mod response;

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpStream,
    time::Instant,
};
use url::Url;

pub use self::request::Framing;
pub(super) use self::{request::Request, response::Response};

/// Redirects that are followed (.NET's default).
const REDIRECTS: u32 = 50;

/// The exchange failed, in the words of .NET where they are known.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("HttpRequestException: Connection refused (127.0.0.1:{0})")]
    Refused(u16),
    #[error("HttpRequestException: {0} (127.0.0.1:{1})")]
    Connect(io::Error, u16),
    #[error("HttpRequestException: An error occurred while sending the request.")]
    Sending,
    #[error("HttpRequestException: The response ended prematurely. (ResponseEnded)")]
    EndedEarly,
    #[error(
        "HttpRequestException: The HTTP response headers length exceeded the set limit of {0} bytes."
    )]
    HeadTooLong(u64),
    #[error("HttpRequestException: Received an invalid response: {0}")]
    Invalid(String),
}

impl WireError {
    /// Whether there was no connection at all.
    pub(super) fn is_unconnected(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Connect(..))
    }
}

type Connection = BufReader<TcpStream>;

/// The client of one port.
#[derive(Debug)]
pub(super) struct Client {
    port: u16,
    idle_limit: Duration,
    idle: Mutex<Vec<(Instant, Connection)>>,
}

impl Client {
    pub(super) fn new(port: u16, idle_limit: Duration) -> Self {
        Self {
            port,
            idle_limit,
            idle: Mutex::default(),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The readiness probe: `GET /` with nothing but `Host`.
    pub(super) async fn probe(&self) -> Result<Response, WireError> {
        let head = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port);
        self.exchange(&[head.into_bytes()]).await
    }

    /// Sends the request, once, and follows redirects to the same port.
    pub(super) async fn send(&self, request: &Request) -> Result<Response, WireError> {
        let mut path = request.path.clone();
        let mut post = true;
        let mut response = self
            .exchange(&request.parts(self.port, &path, post))
            .await?;
        for _ in 0..REDIRECTS {
            let Some(target) = self.redirect(&path, &response) else {
                break;
            };
            path = target;
            // 307 and 308 keep the method; .NET turns a POST into a GET for the others.
            post &= response.status >= 307;
            response = self
                .exchange(&request.parts(self.port, &path, post))
                .await?;
        }
        Ok(response)
    }

    /// Forgets idle connections, as when the process at the other end is gone.
    pub(super) fn forget_connections(&self) {
        self.lock().clear();
    }

    fn redirect(&self, path: &str, response: &Response) -> Option<String> {
        if !matches!(response.status, 300..=303 | 307 | 308) {
            return None;
        }
        let base = Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).ok()?;
        let target = base.join(response.header("location")?).ok()?;
        let here = target.origin() == base.origin();
        let query = target.query().map(|query| format!("?{query}"));
        here.then(|| format!("{}{}", target.path(), query.unwrap_or_default()))
    }

    async fn exchange(&self, parts: &[Vec<u8>]) -> Result<Response, WireError> {
        let mut connection = match self.idle_connection() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        for part in parts {
            let stream = connection.get_mut();
            stream
                .write_all(part)
                .await
                .map_err(|_| WireError::Sending)?;
            // Lets the other side see the pieces as pieces.
            tokio::task::yield_now().await;
        }
        let (response, reusable) = response::read(&mut connection).await?;
        if reusable && connection.buffer().is_empty() {
            self.lock().push((Instant::now(), connection));
        }
        Ok(response)
    }

    async fn connect(&self) -> Result<Connection, WireError> {
        let stream =
            TcpStream::connect(("127.0.0.1", self.port))
                .await
                .map_err(|error| match error.kind() {
                    io::ErrorKind::ConnectionRefused => WireError::Refused(self.port),
                    _ => WireError::Connect(error, self.port),
                })?;
        // Nobody listens and the system chose the very port as the source: a connection to itself.
        if stream.local_addr().ok() == stream.peer_addr().ok() {
            return Err(WireError::Refused(self.port));
        }
        stream
            .set_nodelay(true)
            .map_err(|error| WireError::Connect(error, self.port))?;
        Ok(BufReader::new(stream))
    }

    fn idle_connection(&self) -> Option<Connection> {
        let mut idle = self.lock();
        while let Some((since, connection)) = idle.pop() {
            let mut byte = [0];
            let open = connection
                .get_ref()
                .try_read(&mut byte)
                .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
            if open && since.elapsed() < self.idle_limit {
                return Some(connection);
            }
        }
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

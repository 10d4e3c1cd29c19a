//! A server that no TLS client gets along with.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{ServerConfig, ServerConnection, pki_types::PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::support::tls::{self, Certificate};

/// How it answers a client's hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// In plain HTTP, as behind a wrong port.
    Plaintext,
    /// With a reset.
    Cut,
    /// With a certificate that nobody vouches for.
    SelfSigned,
    /// With one of a company's own authority, as a proxy that inspects TLS does.
    OtherAuthority,
    /// With one whose time is over.
    Expired,
    /// Not at all.
    Silence,
}

/// The server, on loopback. It stops when this is dropped.
pub struct TlsServer {
    address: SocketAddr,
    hellos: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl TlsServer {
    pub async fn start(trouble: Trouble) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hellos = Arc::new(AtomicUsize::new(0));
        let (counter, config) = (Arc::clone(&hellos), config(trouble));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (counter, config) = (Arc::clone(&counter), Arc::clone(&config));
                connections.spawn(async move {
                    // What becomes of the client is for the test to see.
                    drop(serve(stream, trouble, &counter, config).await);
                });
            }
        });
        Self {
            address,
            hellos,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many clients began a handshake.
    pub fn hellos(&self) -> usize {
        self.hellos.load(Ordering::SeqCst)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    trouble: Trouble,
    hellos: &AtomicUsize,
    config: Arc<ServerConfig>,
) -> io::Result<()> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    assert_eq!(first, [0x16], "a TLS handshake");
    hellos.fetch_add(1, Ordering::SeqCst);
    match trouble {
        Trouble::Plaintext => {
            let mut hello = vec![0; 4096];
            let _bytes = stream.read(&mut hello).await?;
            let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await
        }
        Trouble::Cut => stream.set_zero_linger(),
        Trouble::SelfSigned | Trouble::OtherAuthority | Trouble::Expired => {
            shake_hands(stream, config).await
        }
        Trouble::Silence => {
            let mut buffer = [0; 4096];
            while stream.read(&mut buffer).await? > 0 {}
            Ok(())
        }
    }
}

/// Carries the handshake to where the client ends it.
async fn shake_hands(mut stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut buffer = [0; 4096];
    loop {
        while tls.wants_write() {
            let mut out = Vec::new();
            tls.write_tls(&mut out)?;
            stream.write_all(&out).await?;
        }
        let bytes = stream.read(&mut buffer).await?;
        if bytes == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..bytes];
        while !rest.is_empty() {
            tls.read_tls(&mut rest)?;
        }
        tls.process_new_packets().map_err(io::Error::other)?;
    }
}

/// A certificate for 127.0.0.1 that signs itself, and its key; both made for this test and used
/// nowhere else.
const CERTIFICATE: &str = "MIIBpzCCAU6gAwIBAgIURMJ2njB8oOB8NC3hQjbjR4Zn0qkwCgYIKoZIzj0EAwIwIDEeMBwGA1UEAwwVU2VsZi1zaW\
    duZWQgZm9yIHRlc3RzMCAXDTI2MTEyNDExNDgxM1oYDzIxMjYxMDMxMTE0ODEzWjAgMR4wHAYDVQQDDBVTZWxmLXNp\
    Z25lZCBmb3IgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQvvV5KdUMjRSRPz81m5VVPAjudHDGX1iufHH\
    zVm7W4PuT0wVWk2HJcEivDPPmSowmfrtDL1vxpDwhsS0Ut9Zw8o2QwYjAdBgNVHQ4EFgQUZZQc6j70E16kQx1If/nT\
    zEAcF6UwHwYDVR0jBBgwFoAUZZQc6j70E16kQx1If/nTzEAcF6UwDwYDVR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhw\
    R/AAABMAoGCCqGSM49BAMCA0cAMEQCIA5N/ofpEZYG/OH3OKoyOGIJyIXbuulJeiASlGtoXYXwAiB6S/UnCgq1emt7\
    ofDXG6PLQyTomN5YJLe8yE4cpcH5bA==";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJzRtucNQe/C4xJryBq1pI0RRDA9vmESaEHjubKqsI3\
    yhRANCAAQvvV5KdUMjRSRPz81m5VVPAjudHDGX1iufHHzVm7W4PuT0wVWk2HJcEivDPPmSowmfrtDL1vxpDwhsS0Ut\
    9Zw8";

fn config(trouble: Trouble) -> Arc<ServerConfig> {
    match trouble {
        Trouble::OtherAuthority => tls::config(Certificate::Good),
        Trouble::Expired => tls::config(Certificate::Expired),
        _ => self_signed(),
    }
}

fn self_signed() -> Arc<ServerConfig> {
    let certificate = STANDARD.decode(CERTIFICATE).unwrap().into();
    let key = PrivatePkcs8KeyDer::from(STANDARD.decode(KEY).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    Arc::new(config)
}

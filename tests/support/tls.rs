//! A server that speaks TLS with a certificate of a company's own authority, as behind a proxy that
//! inspects TLS.
//!
//! The files in `authority` were made for these tests alone. Nobody has the key of the authority any
//! more, so it vouches for nothing else.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// The issuer as an operator reads it.
pub const ISSUER: &str = "`Contoso TLS Inspection CA, Contoso Ltd`";

/// What a server shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// For 127.0.0.1, localhost and mimecast.test.
    Good,
    /// The same, until 2021.
    Expired,
    /// For other.test.
    OtherName,
}

impl Certificate {
    const fn pem(self) -> &'static [u8] {
        match self {
            Self::Good => include_bytes!("authority/server.pem"),
            Self::Expired => include_bytes!("authority/expired.pem"),
            Self::OtherName => include_bytes!("authority/other-name.pem"),
        }
    }
}

/// The file with the certificate of the authority.
pub fn authority() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/support/authority/authority.pem")
}

/// A server's side of TLS.
pub fn config(certificate: Certificate) -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from_pem_slice(certificate.pem()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("authority/server-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// A server on loopback that takes TLS off and leads on to a port. It stops when this is dropped.
pub struct TlsFront {
    pub address: SocketAddr,
    hellos: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl TlsFront {
    pub async fn start(certificate: Certificate, to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hellos = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&hellos);
        let acceptor = TlsAcceptor::from(config(certificate));
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    // A client that refuses the certificate ends the handshake.
                    let Ok(mut outside) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut inside = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    drop(tokio::io::copy_bidirectional(&mut outside, &mut inside).await);
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

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

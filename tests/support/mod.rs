//! What the test binaries share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part"
)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code"
)]

pub mod azurite;
pub mod duckdb;
pub mod kusto;
pub mod npm;
pub mod ports;
pub mod program;
pub mod tls;
pub mod world;

/// An address at which nobody listens; its port stays taken as long as the socket is there.
pub fn unreachable_address() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = format!("http://{}", socket.local_addr().unwrap());
    (socket, address)
}

/// A plain HTTP client for loopback.
pub fn client() -> reqwest::Client {
    // The program's own client brings its TLS; this one needs a process-wide one only to be built.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

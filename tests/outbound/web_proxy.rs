//! A proxy as `HTTPS_PROXY` names one.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// Leads every tunnel to one port, whatever it is for, and answers everything else with a token of its
/// own. It stops when this is dropped.
pub struct WebProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl WebProxy {
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let notes = Arc::clone(&notes);
                connections.spawn(async move {
                    // What becomes of the client is for the test to see.
                    drop(serve(stream, to, &notes).await);
                });
            }
        });
        Self {
            address,
            asked,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first line of each request.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for WebProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, to: u16, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or_default().to_owned();
    let is_tunnel = line.starts_with("CONNECT ");
    asked.lock().unwrap().push(line);
    if is_tunnel {
        let mut service = TcpStream::connect(("127.0.0.1", to)).await?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        let _bytes = tokio::io::copy_bidirectional(&mut client, &mut service).await?;
        return Ok(());
    }
    let token = r#"{"access_token":"forged","expires_on":"9999999999"}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{token}",
        token.len()
    );
    client.write_all(answer.as_bytes()).await
}

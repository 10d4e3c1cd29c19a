//! Serving a router on loopback, with the one thing that axum alone does not offer: dropping a
//! connection instead of answering.

use std::{io, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use hyper::body::Incoming;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{net::TcpListener, task::JoinHandle};

/// Put into the extensions of a response to close the connection without sending it.
#[derive(Debug, Clone, Copy)]
pub struct DropConnection;

/// A server on loopback that stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `router` on `127.0.0.1:port`; port 0 picks a free one.
    pub async fn start(router: Router, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, router));
        Ok(Self { address, task })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address in use.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, router: Router) {
    // Connections live as long as the accept loop: aborting it drops the set and closes them.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let service = TowerToHyperService::new(router.clone());
                connections.spawn(async move {
                    let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
                        let service = service.clone();
                        async move { respond(service, request).await }
                    });
                    // A client that goes away is its own affair.
                    drop(hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn respond(
    service: TowerToHyperService<Router>,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let Ok(response) = hyper::service::Service::call(&service, request).await;
    if response.extensions().get::<DropConnection>().is_some() {
        return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
    }
    Ok(response)
}

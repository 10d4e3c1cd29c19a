//! Serving the routes, with a limit on how long a caller may take.

use std::{convert::Infallible, io, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tracing::debug;

/// How long a caller may take for the head of a request. The host takes milliseconds; a connection that says
/// nothing must not be held for ever.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until the listener fails, and gives why.
pub async fn serve(listener: TcpListener, routes: Router) -> io::Result<Infallible> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    loop {
        let (connection, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            // The caller's fault, and over: the next one may be fine.
            Err(error) if is_of_the_connection(&error) => continue,
            Err(error) => return Err(error),
        };
        let service = TowerToHyperService::new(routes.clone());
        let served = http.serve_connection(TokioIo::new(connection), service);
        tokio::spawn(async move {
            if let Err(error) = served.await {
                debug!(reason = %error, "A connection to the handler ended early.");
            }
        });
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

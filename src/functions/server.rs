//! Serving the routes, with a limit on how long a caller may take.

use std::{convert::Infallible, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tracing::{debug, warn};

/// How long a caller may take for the head of a request. The host takes milliseconds; a connection that says
/// nothing must not be held for ever.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long nothing is accepted after a connection that could not be.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves for ever.
pub async fn serve(listener: TcpListener, routes: Router) -> Infallible {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    loop {
        let (connection, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Of one connection, or too many of them: the next one may be fine. A handler that exits
                // takes the host down in the end.
                warn!(reason = %error, "A connection to the handler could not be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
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

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

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::Instant,
    };

    use super::*;

    /// Begins a request and reads what comes until the connection ends.
    async fn answer_to(begun: &[u8]) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Router::new()));
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(begun).await.unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        answer
    }

    // The clock is paused: it jumps ahead whenever everybody waits.
    #[tokio::test(start_paused = true)]
    async fn a_caller_that_does_not_finish_the_head_of_a_request_is_cut_off() {
        for begun in [
            &b""[..],
            b"POST /TimerTrigger HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        ] {
            let began = Instant::now();
            let answer = answer_to(begun).await;
            assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
            assert!(began.elapsed() >= HEAD_TIMEOUT);
        }
    }

    #[tokio::test]
    async fn a_caller_that_finishes_it_is_answered() {
        let request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        assert!(answer_to(request).await.starts_with(b"HTTP/1.1 404"));
    }
}

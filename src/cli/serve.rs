//! `serve`: the custom handler.

use tokio::net::TcpListener;
use tracing::{error, info};

use super::{AT_FAULT, FAILED, args::Serve, wiring};
use crate::{
    functions::{self, Handler, router},
    settings::schedule,
};

const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// Serves until the process is ended. Never returns success: the host does not restart a handler
/// that exits with 0, nor notice.
pub(super) async fn serve(options: &Serve, environment: &dyn Fn(&str) -> Option<String>) -> u8 {
    let port = match options.port.map_or_else(|| port(environment), Ok) {
        Ok(port) => port,
        Err(message) => {
            error!(reason = message, "The handler has no port to listen on.");
            return AT_FAULT;
        }
    };
    // Listen before anything slow: the host asks at once and gives up after 30 seconds.
    let listener = match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => listener,
        Err(error) => {
            error!(port, reason = %error, "The handler cannot listen on 127.0.0.1.");
            return FAILED;
        }
    };
    let handler = wiring::handler(environment).unwrap_or_else(|error| {
        let message = error.message();
        error!(
            reason = message,
            "The handler cannot be set up; every invocation fails until it is."
        );
        Handler::Faulty(message)
    });
    // With --port 0 the system has chosen.
    let port = listener.local_addr().map_or(port, |address| address.port());
    info!(
        version = env!("CARGO_PKG_VERSION"),
        port, "mimecast-ttp listens for the Functions host."
    );
    // With --port a person has started it, and no host is there to call.
    if options.port.is_none() {
        report_schedule(environment);
    }
    match functions::serve(listener, router(handler)).await {}
}

/// Says what the host keeps to itself: that it never calls by this schedule.
fn report_schedule(environment: &dyn Fn(&str) -> Option<String>) {
    if let Err(fault) = schedule::check(environment(schedule::NAME).as_deref()) {
        error!(
            setting = schedule::NAME,
            reason = %fault,
            example = schedule::EXAMPLE,
            "The Functions host will never call the function by its schedule, and answers a call by hand without \
             running anything. The handler serves all the same."
        );
    }
}

fn port(environment: &dyn Fn(&str) -> Option<String>) -> Result<u16, String> {
    let Some(text) = environment(PORT) else {
        return Err(format!(
            "{PORT} is not set. The Functions host sets it when it starts this program; by hand, give --port, \
             or use `mimecast-ttp run` for one pass, `mimecast-ttp --help` for everything else."
        ));
    };
    text.trim().parse().map_err(|_| {
        format!(
            "{PORT} is `{}`, which is not a port number.",
            text.escape_default()
        )
    })
}

//! `serve`: the custom handler.

use std::time::Duration;

use tokio::net::TcpListener;
use tracing::{error, info, warn};

use super::{AT_FAULT, FAILED, args::Serve, signals::Signals, wiring};
use crate::{
    functions::{self, Handler, Work, router},
    ingest::stop::StopSender,
    settings::schedule,
};

/// How long a pass that was asked to end may take for the answers of its posts.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The answer of the last invocation is on its way for a moment after its pass is done.
const ANSWER_TIME: Duration = Duration::from_millis(200);

/// How often the handler looks whether its host is still there.
const HOST_POLL: Duration = Duration::from_secs(2);

const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// Serves until the process is asked to end, or the host that has started it is gone. Never returns 0 or 200: the host does
/// not restart a handler that exits so, nor notice.
pub(super) async fn serve(options: &Serve, environment: &dyn Fn(&str) -> Option<String>) -> u8 {
    let host = Host::of_this_process();
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
    let mut signals = Signals::catch();
    let stop = StopSender::default();
    let handler = wiring::handler(environment, stop.stop()).unwrap_or_else(|error| {
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
    let (routes, work) = router(handler);
    let host_is_gone = async {
        match options.port {
            None => host.is_gone().await,
            Some(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        never = functions::serve(listener, routes) => match never {},
        signal = signals.next() => {
            warn!("The handler was asked to end: a run at work saves what it has posted.");
            stop.request();
            finish(&work, STOP_TIMEOUT, &mut signals).await;
            signal.exit_code()
        }
        () = host_is_gone => {
            // Another handler may be at work soon: what this one has posted must be saved before.
            warn!("The Functions host is gone: a run at work saves what it has posted, and the handler ends.");
            stop.request();
            finish(&work, STOP_TIMEOUT, &mut signals).await;
            FAILED
        }
    }
}

/// Waits until no pass is at work and its answer is given, or a signal comes.
async fn finish(work: &Work, longest: Duration, signals: &mut Signals) {
    let done = async {
        work.done().await;
        tokio::time::sleep(ANSWER_TIME).await;
    };
    tokio::select! {
        _ended = tokio::time::timeout(longest, done) => {}
        _second = signals.next() => {}
    }
}

/// The process that has started this one. A host that is killed leaves its handler behind.
struct Host {
    #[cfg(unix)]
    id: u32,
}

#[cfg(unix)]
impl Host {
    fn of_this_process() -> Self {
        Self {
            id: std::os::unix::process::parent_id(),
        }
    }

    /// Waits until it is gone.
    async fn is_gone(&self) {
        while std::os::unix::process::parent_id() == self.id {
            tokio::time::sleep(HOST_POLL).await;
        }
    }
}

/// Elsewhere a process does not see whose child it is.
#[cfg(not(unix))]
impl Host {
    fn of_this_process() -> Self {
        Self {}
    }

    async fn is_gone(&self) {
        std::future::pending().await
    }
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

//! The routes: alive, and run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use tokio::sync::{OwnedMutexGuard, OwnedRwLockReadGuard, oneshot};
use tracing::{Instrument, error, info, instrument, warn};

use super::{caller, feed_line, invocation::Invocation};
use crate::{
    ingest::{
        pass::Pass,
        preflight::{CheckResult, Finding},
        report::{FeedReport, Outcome, PassReport},
    },
    model::{feed::Feed, retiring::Retiring},
};

/// What invocations are handled by.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a process has one, for as long as it lives"
)]
pub enum Handler {
    /// A pass over all feeds.
    Pass {
        /// The pass.
        pass: Pass,
        /// What of its settings has no future: told with the first run of each day.
        retiring: Vec<Retiring>,
    },
    /// The settings are at fault, in these words. The handler stays up and says so at every
    /// invocation: one that exits is restarted thrice and takes the host down.
    Faulty(String),
}

#[derive(Clone)]
struct Shared {
    handler: Arc<Handler>,
    /// Held while a pass runs: when the last one began.
    running: Arc<tokio::sync::Mutex<Option<Duration>>>,
    /// Read-locked while there is work.
    work: Arc<tokio::sync::RwLock<()>>,
    /// Whether a preflight was logged since the last run that was neither a first one nor failed.
    preflight: Arc<AtomicBool>,
}

/// The host's payload has about a kilobyte.
const MAX_PAYLOAD_BYTES: usize = 2 * 1024 * 1024;

/// How long a caller may take for its payload.
const PAYLOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How far apart passes begin that are not the host's. Whoever can reach the port must not make the quota
/// of the API keys theirs.
const MIN_INTERVAL_BY_HAND: Duration = Duration::from_secs(5);

/// Whether the handler is at work, on a pass or on what follows one.
#[derive(Debug, Clone)]
pub struct Work(Arc<tokio::sync::RwLock<()>>);

impl Work {
    /// Waits until it is not.
    pub async fn done(&self) {
        drop(self.0.write().await);
    }
}

/// The custom handler's routes, and its work.
pub fn router(handler: Handler) -> (Router, Work) {
    let shared = Shared {
        handler: Arc::new(handler),
        running: Arc::default(),
        work: Arc::default(),
        preflight: Arc::default(),
    };
    let work = Work(Arc::clone(&shared.work));
    let routes = Router::new()
        .route("/", get(alive))
        .route("/TimerTrigger", post(invoke))
        .fallback(unknown)
        .layer(middleware::from_fn(refuse_browsers))
        .with_state(shared);
    (routes, work)
}

/// A page in a browser on this machine can reach the port too, and say nothing to the contrary but by the
/// headers that browsers add. The host sends none of them.
async fn refuse_browsers(request: Request, next: Next) -> Response {
    if caller::is_browser(request.headers()) {
        warn!(
            "A call from a browser was refused: only the Functions host, or a person by hand, runs passes."
        );
        return answer(
            StatusCode::FORBIDDEN,
            &["Calls from browsers are refused.".to_owned()],
        );
    }
    next.run(request).await
}

/// Answered at once, whatever else is going on: the host asks until it is.
async fn alive() -> &'static str {
    concat!("mimecast-ttp ", env!("CARGO_PKG_VERSION"))
}

async fn unknown() -> Response {
    let log = "No such function: this handler has TimerTrigger, invoked by POST.".to_owned();
    answer(StatusCode::NOT_FOUND, &[log])
}

#[instrument(
    name = "invocation",
    skip_all,
    fields(
        invocation = caller::invocation_id(&headers),
        operation = caller::operation_id(&headers)
    )
)]
async fn invoke(State(shared): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    let read = axum::body::to_bytes(body, MAX_PAYLOAD_BYTES);
    let body = match tokio::time::timeout(PAYLOAD_TIMEOUT, read).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => {
            warn!(reason = %error, "The invocation's payload cannot be taken; no pass runs.");
            return answer(StatusCode::PAYLOAD_TOO_LARGE, &[error.to_string()]);
        }
        Err(_) => {
            warn!("The invocation's payload did not come; no pass runs.");
            let log = "The payload did not come.".to_owned();
            return answer(StatusCode::REQUEST_TIMEOUT, &[log]);
        }
    };
    let (pass, retiring) = match &*shared.handler {
        Handler::Pass { pass, retiring } => (pass.clone(), retiring),
        Handler::Faulty(faults) => {
            error!(
                reason = faults,
                "The invocation failed: the handler is not set up."
            );
            return answer(
                StatusCode::INTERNAL_SERVER_ERROR,
                std::slice::from_ref(faults),
            );
        }
    };
    let invocation = Invocation::read(&body);
    if !invocation.understood {
        warn!("The invocation's payload has an unknown shape; the pass runs anyway.");
    }
    if invocation.past_due {
        info!("This run is past due: the app was down at its time.");
    }
    if invocation.first_of_day {
        for api in retiring {
            warn!("{api}");
        }
    }
    let Ok(mut running) = Arc::clone(&shared.running).try_lock_owned() else {
        let log = "A pass is running already; this invocation leaves the work to it.";
        return answer(StatusCode::OK, &[log.to_owned()]);
    };
    let now = pass.elapsed();
    if !caller::is_host(&headers)
        && running.is_some_and(|began| now.saturating_sub(began) < MIN_INTERVAL_BY_HAND)
    {
        let log = format!(
            "A pass began less than {} s ago, and this call is not from the Functions host: no other one runs yet.",
            MIN_INTERVAL_BY_HAND.as_secs()
        );
        warn!("{log}");
        return answer(StatusCode::TOO_MANY_REQUESTS, &[log]);
    }
    *running = Some(now);
    let at_work = Arc::clone(&shared.work).read_owned().await;
    run(pass, (running, at_work), shared.preflight).await
}

/// Runs the pass and answers. In a task of its own: a host that hangs up does not stop the pass half-way nor
/// keep a failure from being logged, and a panic in it is an answer instead of a broken connection.
async fn run(
    pass: Pass,
    (running, at_work): (OwnedMutexGuard<Option<Duration>>, OwnedRwLockReadGuard<()>),
    preflight: Arc<AtomicBool>,
) -> Response {
    let (answer_to, answered) = oneshot::channel();
    let work = async move {
        // A failure is logged at once: the host may stop the process before the other feeds end.
        let report = pass.run_with(&Feed::ALL, log_failure).await;
        if report.any_failed() {
            log_others(&report);
            error!("The invocation failed; the reasons are above.");
        }
        // Before the answer: whoever has it may call again. The next run need not wait for what follows.
        drop(running);
        if answer_to.send(finished(&report)).is_err() && !report.any_failed() {
            log_others(&report);
            warn!("The host hung up before the pass ended.");
        }
        pass.remember(&report).await;
        let is_due = (report.is_first() || report.any_failed()) && !report.is_stopped();
        if !preflight.swap(is_due, Ordering::Relaxed) && is_due {
            log_preflight(&pass).await;
        }
        drop(at_work);
    };
    let work = tokio::spawn(work.in_current_span());
    let Ok(response) = answered.await else {
        let broken = work.await.err();
        let broken = broken.map_or_else(|| "no answer".to_owned(), |error| error.to_string());
        error!(
            reason = broken,
            "The pass crashed. This is a bug in the program."
        );
        return answer(StatusCode::INTERNAL_SERVER_ERROR, &[broken]);
    };
    response
}

/// What works and what does not, after a first run and after the first one that failed.
async fn log_preflight(pass: &Pass) {
    for Finding {
        check,
        result,
        message,
    } in pass.preflight().await
    {
        match result {
            CheckResult::Ok => info!(check, found = message, "Checked."),
            CheckResult::Warn => warn!(check, found = message, "Checked: look at this."),
            CheckResult::Fail => error!(check, found = message, "Checked: this does not work."),
        }
    }
}

fn log_failure(report: &FeedReport) {
    if report.outcome == Outcome::Failed {
        feed_line::log(report);
    }
}

fn log_others(report: &PassReport) {
    let others = report.feeds.iter();
    let others = others.filter(|report| report.outcome != Outcome::Failed);
    others.for_each(feed_line::log);
}

/// The summary is in the answer alone when all went well: the host makes lines of it. When it did not,
/// the host throws the answer away, and all of it is logged.
fn finished(report: &PassReport) -> Response {
    let logs: Vec<_> = report.feeds.iter().map(ToString::to_string).collect();
    if report.any_failed() {
        answer(StatusCode::INTERNAL_SERVER_ERROR, &logs)
    } else {
        answer(StatusCode::OK, &logs)
    }
}

/// The host takes a 2xx only with a JSON object of this content type.
fn answer(status: StatusCode, logs: &[String]) -> Response {
    let body = json!({"Outputs": {}, "Logs": logs, "ReturnValue": null}).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

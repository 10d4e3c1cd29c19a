//! One run: request, answer, time-out, and the lines that the host logs about it.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::{
    FunctionsHost, HOST, Kind, Level, Reason, Run,
    answer::{State, judge},
    app::Function,
    payload::{Content, HOST_VERSION, round_trip},
    settings::print_time_span,
    wire::{Framing, Request, Response},
    worker::Worker,
};

/// Bytes of an answer that an [`Outcome`] keeps.
const KEPT_BODY: usize = 64 * 1024;
/// What a request looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invocation {
    /// The situation that it describes.
    pub kind: Kind,
    /// How its body is framed.
    pub framing: Framing,
    /// Whether it has a `traceparent` header.
    pub traceparent: bool,
    /// Whether its metadata has the `RetryContext` of a first attempt under a retry policy.
    pub retry_context: bool,
}

impl Default for Invocation {
    /// A normal tick as in Azure: chunked, in one piece.
    fn default() -> Self {
        Self {
            kind: Kind::Normal,
            framing: Framing::Chunked { pieces: 1 },
            traceparent: false,
            retry_context: false,
        }
    }
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The invocation id.
    pub id: Uuid,
    /// What the host makes of it.
    pub state: State,
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// The answer's body as text, cut at 64 KiB.
    pub body: String,
    /// From the start of the run to its end, in real time, with the wait for readiness but without
    /// a restart that follows.
    pub duration: Duration,
}

impl Outcome {
    /// Whether the run succeeded.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        matches!(self.state, State::Succeeded { .. })
    }

    pub(super) fn unknown(function: &str) -> Self {
        Self::failed(Uuid::new_v4(), format!("there is no function '{function}'"))
    }

    fn failed(id: Uuid, reason: String) -> Self {
        Self {
            id,
            state: State::Failed { reason },
            status: None,
            body: String::new(),
            duration: Duration::ZERO,
        }
    }

    fn answered(id: Uuid, response: &Response) -> Self {
        let body = response.body.get(..KEPT_BODY).unwrap_or(&response.body);
        Self {
            id,
            state: judge(response),
            status: Some(response.status),
            body: String::from_utf8_lossy(body).into_owned(),
            duration: Duration::ZERO,
        }
    }
}

impl FunctionsHost {
    /// Runs and logs. The time-out covers the wait for readiness too.
    pub(super) async fn run(&self, function: &Function, run: &Run, how: Invocation) -> Outcome {
        let id = Uuid::new_v4();
        let worker = self.worker();
        if let Some(reason) = self.stop_reason() {
            return Outcome::failed(id, format!("the host has stopped: {reason}"));
        }
        let category = format!("Function.{}", function.name);
        self.log_start(&category, &function.name, run, id);
        let begun = Instant::now();
        // The process that this run is sent to, once there is one.
        let launch = AtomicU32::new(worker.launches());
        let call = self.call(&worker, &launch, function, run, how, id);
        tokio::pin!(call);
        let limit = self.function_timeout.unwrap_or(Duration::MAX);
        let printed = self
            .function_timeout
            .map_or("-1".to_owned(), print_time_span);
        let answered = timeout(limit, &mut call).await;
        let is_over = answered.is_err();
        let mut outcome = answered.unwrap_or_else(|_| {
            let reason = format!(
                "FunctionTimeoutException: Timeout value of {printed} was exceeded by function: Functions.{}",
                function.name
            );
            Outcome::failed(id, reason)
        });
        outcome.duration = begun.elapsed();
        if !is_over && outcome.state != State::NoResult {
            self.log_end(&category, &function.name, &outcome);
            return outcome;
        }
        let text = format!(
            "Timeout value of {printed} exceeded by function 'Functions.{}' (Id: '{id}'). Initiating cancellation.",
            function.name
        );
        self.book.add(Level::Error, category.as_str(), text);
        self.log_end(&category, &function.name, &outcome);
        // A run that ends by itself within the grace saves the handler.
        if !is_over || timeout(self.limits.timeout_grace, call).await.is_err() {
            self.restart_handler(&worker, launch.load(Ordering::Acquire), id)
                .await;
        }
        outcome
    }

    /// Kills and starts the handler, unless another run had that done since.
    async fn restart_handler(&self, worker: &Worker, launch: u32, id: Uuid) {
        if worker.launches() != launch {
            return;
        }
        let text = format!(
            "A function timeout has occurred. Restarting worker process executing invocationId '{id}'."
        );
        self.book.add(Level::Warning, HOST, text);
        worker.restart().await;
        let text = "Restart of language worker process(es) completed.";
        self.book.add(Level::Warning, HOST, text);
    }

    async fn call(
        &self,
        worker: &Worker,
        launch: &AtomicU32,
        function: &Function,
        run: &Run,
        how: Invocation,
        id: Uuid,
    ) -> Outcome {
        if worker
            .settled(Some(self.limits.readiness_wait))
            .await
            .is_none()
        {
            let reason = "Final functionDispatcher state: Initializing. Initialization timed out and host is shutting down";
            self.book.add(Level::Error, HOST, reason);
            worker.stop(reason).await;
            return Outcome::failed(id, reason.to_owned());
        }
        launch.store(worker.launches(), Ordering::Release);
        let name = &function.name;
        let category = "Worker.HttpWorkerChannel";
        let text = format!("Sending invocation for function: '{name}' invocationId: '{id}'");
        self.book.add(Level::Debug, category, text);
        let request = request(function, run, how, id, self.clock.now());
        let answered = tokio::select! {
            answered = worker.client.send(&request) => answered.map_err(|error| error.to_string()),
            reason = worker.stopped() => Err(format!("the host stopped during the run: {reason}")),
        };
        match answered {
            Ok(response) => {
                let text = format!(
                    "Received invocation response for function: '{name}' invocationId: '{id}'"
                );
                self.book.add(Level::Debug, category, text);
                Outcome::answered(id, &response)
            }
            Err(reason) => Outcome::failed(id, reason),
        }
    }

    fn log_start(&self, category: &str, name: &str, run: &Run, id: Uuid) {
        let reason = match run.reason {
            Reason::Admin => {
                "This function was programmatically called via the host APIs.".to_owned()
            }
            _ => format!("Timer fired at {}", round_trip(run.started)),
        };
        let text = format!("Executing 'Functions.{name}' (Reason='{reason}', Id={id})");
        self.book.add(Level::Information, category, text);
        let details = match (run.reason, run.status) {
            (Reason::PastDue, Some(status)) => format!(
                "Trigger Details: UnscheduledInvocationReason: IsPastDue, OriginalSchedule: {}",
                round_trip(status.next)
            ),
            (Reason::RunOnStartup, _) => {
                "Trigger Details: UnscheduledInvocationReason: RunOnStartup".to_owned()
            }
            _ => return,
        };
        self.book.add(Level::Information, category, details);
    }

    fn log_end(&self, category: &str, name: &str, outcome: &Outcome) {
        let end = format!(
            "Id={}, Duration={}ms",
            outcome.id,
            outcome.duration.as_millis()
        );
        let reason = match &outcome.state {
            State::Succeeded { logs } => {
                for line in logs {
                    self.book.add(
                        Level::Information,
                        format!("{category}.User"),
                        line.as_str(),
                    );
                }
                let text = format!("Executed 'Functions.{name}' (Succeeded, {end})");
                self.book.add(Level::Information, category, text);
                return;
            }
            State::Failed { reason } => reason,
            State::NoResult => "FunctionTimeoutException: the answer held no result",
        };
        let text = format!(
            "Executed 'Functions.{name}' (Failed, {end})\nFunctionInvocationException: Exception while executing function: Functions.{name}\n---> {reason}"
        );
        self.book.add(Level::Error, category, text);
    }
}

/// The request of a run.
fn request(
    function: &Function,
    run: &Run,
    how: Invocation,
    id: Uuid,
    now: DateTime<Utc>,
) -> Request {
    let content = Content {
        function: &function.name,
        binding: &function.binding,
        adjust_for_dst: function.schedule.adjusts_for_dst(),
        run,
        year_one_without_offset: how.kind == Kind::FirstRunWithoutOffset,
        retry_context: how.retry_context,
        serialized_at: now,
        rand_guid: Uuid::new_v4(),
    };
    let trace = || {
        let parent = Uuid::new_v4().simple().to_string();
        let parent: String = parent.chars().take(16).collect();
        format!("00-{}-{parent}-00", Uuid::new_v4().simple())
    };
    Request {
        path: format!("/{}", function.name),
        headers: vec![
            ("X-Azure-Functions-HostVersion", HOST_VERSION.to_owned()),
            ("X-Azure-Functions-InvocationId", id.to_string()),
            ("User-Agent", format!("Azure-Functions-Host/{HOST_VERSION}")),
        ],
        traceparent: how.traceparent.then(trace),
        body: content.body().into_bytes(),
        framing: how.framing,
    }
}

#[cfg(test)]
mod tests;

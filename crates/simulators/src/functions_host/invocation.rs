//! One run: request, answer, time-out, and the lines that the host logs about it.

mod log;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{
    FunctionsHost, HOST, Kind, Level, Run,
    answer::{State, judge},
    app::Function,
    payload::{Content, HOST_VERSION},
    wire::{Framing, Request, Response},
    worker::Worker,
};

/// Bytes of an answer that an [`Outcome`] keeps.
const KEPT_BODY: usize = 64 * 1024;
/// For how many `initializationTimeout`s a run waits for the handler before the host gives up.
const INITIALIZATIONS: u32 = 4;

/// What a request looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invocation {
    /// The situation that it describes.
    pub kind: Kind,
    /// How its body is framed.
    pub framing: Framing,
    /// Whether it has a `traceparent` header.
    pub traceparent: bool,
    /// Whether an operator's call has an input, the empty text. Others have none.
    pub input: bool,
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
            input: false,
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

    /// That of a run that never began, or of which the host wants to know nothing any more.
    pub(super) fn refused(reason: &str) -> Self {
        Self::failed(Uuid::new_v4(), reason.to_owned())
    }

    /// Whether the answer held no result: the host waits on for one.
    fn holds_no_result(&self) -> bool {
        self.state == State::NoResult
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
        self.log_start(&function.name, run, id);
        let begun = Instant::now();
        let call = self.call(&worker, function, run, how, id);
        tokio::pin!(call);
        let limit = self.function_timeout.unwrap_or(Duration::MAX);
        let mut answered = timeout(limit, &mut call).await.ok();
        let holds_no_result = answered.as_ref().is_some_and(Outcome::holds_no_result);
        if holds_no_result {
            // The host waits on for a result. Only its own end comes before the end of the time.
            let rest = limit.saturating_sub(begun.elapsed());
            if let Ok(reason) = timeout(rest, worker.stopped()).await {
                answered = Some(Outcome::failed(id, stopped_during_the_run(&reason)));
            }
        }
        let is_over = answered.as_ref().is_none_or(Outcome::holds_no_result);
        let mut outcome = answered.unwrap_or_else(|| self.timed_out(&function.name, id));
        outcome.duration = begun.elapsed();
        if is_over {
            self.log_time_out(&function.name, id);
        }
        self.log_end(&function.name, &outcome);
        if is_over {
            // A run that ends by itself within the grace saves the handler.
            let grace = self.limits.timeout_grace;
            let is_saved = if holds_no_result {
                sleep(grace).await;
                false
            } else {
                timeout(grace, call).await.is_ok()
            };
            if !is_saved {
                self.restart_handler(&worker, id).await;
            }
        }
        outcome
    }

    fn timed_out(&self, name: &str, id: Uuid) -> Outcome {
        let limit = self.printed_time_out();
        let reason = format!(
            "FunctionTimeoutException: Timeout value of {limit} was exceeded by function: Functions.{name}"
        );
        Outcome::failed(id, reason)
    }

    /// Kills whichever handler runs now, also one that a crash has brought since, and starts another.
    async fn restart_handler(&self, worker: &Worker, id: Uuid) {
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
        function: &Function,
        run: &Run,
        how: Invocation,
        id: Uuid,
    ) -> Outcome {
        let patience = self.initialization_timeout.saturating_mul(INITIALIZATIONS);
        if worker.settled(Some(patience)).await.is_none() {
            let state = worker.phase().name();
            let reason = format!(
                "Final functionDispatcher state: {state}. Initialization timed out and host is shutting down"
            );
            self.book.add(Level::Error, HOST, reason.as_str());
            worker.stop(&reason).await;
            return Outcome::failed(id, reason);
        }
        let name = &function.name;
        let category = "Worker.HttpWorkerChannel";
        let text = format!("Sending invocation for function: '{name}' invocationId: '{id}'");
        self.book.add(Level::Debug, category, text);
        let request = request(function, run, how, id, self.clock.now());
        let answered = tokio::select! {
            answered = worker.client.send(&request) => answered.map_err(|error| error.to_string()),
            reason = worker.stopped() => Err(stopped_during_the_run(&reason)),
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
}

fn stopped_during_the_run(reason: &str) -> String {
    format!("the host stopped during the run: {reason}")
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
        input: how.input.then_some(""),
        zone: function.schedule.zone(),
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

//! What the host logs about a run.

use uuid::Uuid;

use crate::functions_host::{
    FunctionsHost, Level, Outcome, Reason, Run, State, logbook::RESULTS, payload::round_trip,
    settings::print_time_span,
};

/// Bytes of the stack that follows an exception, about.
const STACK: usize = 3 * 1024;

impl FunctionsHost {
    pub(super) fn log_start(&self, name: &str, run: &Run, id: Uuid) {
        let category = category(name);
        let reason = match run.reason {
            Reason::Admin => {
                "This function was programmatically called via the host APIs.".to_owned()
            }
            _ => format!("Timer fired at {}", round_trip(run.started)),
        };
        let text = format!("Executing 'Functions.{name}' (Reason='{reason}', Id={id})");
        self.book.add(Level::Information, category.as_str(), text);
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

    pub(super) fn log_end(&self, name: &str, outcome: &Outcome) {
        let category = category(name);
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
            "Executed 'Functions.{name}' (Failed, {end})\nFunctionInvocationException: Exception while executing function: Functions.{name}\n---> {reason}\n{}",
            stack()
        );
        self.book.add(Level::Error, category, text.as_str());
        self.book.add(Level::Error, RESULTS, text);
    }

    pub(super) fn log_time_out(&self, name: &str, id: Uuid) {
        let text = format!(
            "Timeout value of {} exceeded by function 'Functions.{name}' (Id: '{id}'). Initiating cancellation.",
            self.printed_time_out()
        );
        self.book.add(Level::Error, category(name), text);
    }

    pub(super) fn printed_time_out(&self) -> String {
        self.function_timeout
            .map_or("-1".to_owned(), print_time_span)
    }
}

fn category(name: &str) -> String {
    format!("Function.{name}")
}

/// A stack as long as that of the real host, whose frames nobody reads.
fn stack() -> String {
    let frame = "   at Microsoft.Azure.WebJobs.Host.Executors.FunctionExecutor\n";
    frame.repeat(STACK.div_ceil(frame.len()))
}

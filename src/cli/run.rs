//! `run`: one pass now.

use std::time::Duration;

use super::{AT_FAULT, DONE, FAILED, args::Run, feeds, say, say_error, signals::Signals, wiring};
use crate::ingest::{report::PassReport, stop::StopSender};

/// How long a run that was asked to end waits for the answers of its posts, and saves them.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs one pass over the chosen feeds and prints the report.
pub(super) async fn run(options: &Run, environment: &dyn Fn(&str) -> Option<String>) -> u8 {
    let stop = StopSender::default();
    let pass = match wiring::pass(environment) {
        Ok(pass) => pass.until(stop.stop()),
        Err(error) => {
            say_error(&error.message());
            return AT_FAULT;
        }
    };
    let mut signals = Signals::catch();
    let feeds = feeds(&options.feeds);
    let work = async {
        let report = pass.run(&feeds).await;
        pass.remember(&report).await;
        report
    };
    tokio::pin!(work);
    let signal = tokio::select! {
        report = &mut work => {
            print(&report, options.json);
            return if report.any_failed() { FAILED } else { DONE };
        }
        signal = signals.next() => signal,
    };
    stop.request();
    say_error(
        "Ending: nothing more is read; what is posted is being saved. A second signal ends it at once.",
    );
    tokio::select! {
        report = &mut work => print(&report, options.json),
        () = tokio::time::sleep(STOP_TIMEOUT) => say_unsaved(),
        second = signals.next() => {
            say_unsaved();
            return second.exit_code();
        }
    }
    signal.exit_code()
}

fn say_unsaved() {
    say_error("Ended at once: what was posted last may be delivered once more.");
}

fn print(report: &PassReport, as_json: bool) {
    if as_json {
        match serde_json::to_string_pretty(report) {
            Ok(text) => say(&text),
            Err(error) => say_error(&format!("The report cannot be written as JSON: {error}")),
        }
    } else {
        for feed in &report.feeds {
            say(&feed.to_string());
        }
    }
}

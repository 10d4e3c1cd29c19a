//! `run`: one pass now.

use std::time::Duration;

use super::{
    AT_FAULT, DONE, FAILED,
    args::Run,
    dry_run::{self, DrySink},
    feeds, say, say_error,
    signals::Signals,
    wiring,
};
use crate::ingest::{report::PassReport, stop::StopSender};

/// How long a run that was asked to end waits for the answers of its posts, and saves them.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs one pass over the chosen feeds and prints the report.
pub(super) async fn run(options: &Run, environment: &dyn Fn(&str) -> Option<String>) -> u8 {
    let stop = StopSender::default();
    let built = if options.is_dry {
        wiring::dry_pass(environment).map(|(pass, sink)| (pass, Some(sink)))
    } else {
        wiring::pass(environment).map(|pass| (pass, None))
    };
    let (pass, dry_sink) = match built {
        Ok((pass, dry_sink)) => (pass.until(stop.stop()), dry_sink),
        Err(error) => {
            say_error(&error.message());
            return AT_FAULT;
        }
    };
    let mut signals = Signals::catch();
    let feeds = feeds(&options.feeds);
    let work = async {
        let report = pass.run(&feeds).await;
        print(&report, dry_sink.as_deref(), options.json);
        pass.remember(&report).await;
        report.any_failed()
    };
    tokio::pin!(work);
    let signal = tokio::select! {
        any_failed = &mut work => return if any_failed { FAILED } else { DONE },
        signal = signals.next() => signal,
    };
    stop.request();
    say_error(
        "Ending: nothing more is read; what is posted is being saved. A second signal ends it at once.",
    );
    tokio::select! {
        _any_failed = &mut work => {}
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

fn print(report: &PassReport, dry_sink: Option<&DrySink>, as_json: bool) {
    if let Some(sink) = dry_sink {
        dry_run::print(report, sink, as_json);
    } else if as_json {
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

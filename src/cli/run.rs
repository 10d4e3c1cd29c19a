//! `run`: one pass now.

use super::{AT_FAULT, DONE, FAILED, args::Run, feeds, say, say_error, wiring};

/// Runs one pass over the chosen feeds and prints the report.
pub(super) async fn run(options: &Run, environment: &dyn Fn(&str) -> Option<String>) -> u8 {
    let pass = match wiring::pass(environment) {
        Ok(pass) => pass,
        Err(error) => {
            say_error(&error.message());
            return AT_FAULT;
        }
    };
    let report = pass.run(&feeds(&options.feeds)).await;
    pass.remember(&report).await;
    if options.json {
        match serde_json::to_string_pretty(&report) {
            Ok(text) => say(&text),
            Err(error) => say_error(&format!("The report cannot be written as JSON: {error}")),
        }
    } else {
        for feed in &report.feeds {
            say(&feed.to_string());
        }
    }
    if report.any_failed() { FAILED } else { DONE }
}

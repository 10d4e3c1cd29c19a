//! `bench`: what a pass costs, measured so that anybody can repeat it.
//!
//! The simulators of Mimecast and Log Analytics run in this process, the real program runs as its
//! child. So the child's processor time and memory are the program's alone. Every run begins at the
//! same simulated time with the same records and an empty folder of checkpoints.

mod arrival;
mod cpu;
mod fetch;
mod handler;
mod measure;
mod options;
mod progress;
mod records;
mod shape;
mod shares;
mod summary;
mod table;
mod templates;

use std::{io, sync::Arc};

pub(super) use self::options::Options;
use self::{
    arrival::Counts,
    options::Case,
    progress::Progress,
    summary::{Line, Report},
};
use super::{DONE, FAILED, say, say_error};
use crate::ingest::error::ServiceError;

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error("The bench cannot be set up: {0}.")]
    Io(#[from] io::Error),
    #[error("The handler does not answer. The last it said:\n{0}")]
    NoAnswer(String),
    #[error("The pass failed: {how}. The last that the handler said:\n{lines}")]
    Pass { how: String, lines: String },
    #[error(
        "Not every record arrived once and as it was, so nothing was measured: {counts}. The last that the handler said:\n{lines}"
    )]
    NotClean { counts: Counts, lines: String },
    #[error("Fetching alone failed: {0}.")]
    Fetch(#[from] ServiceError),
    #[error("Fetching alone gave {fetched} records of {records}, so nothing was measured.")]
    Fetched { fetched: usize, records: usize },
    #[error("The report cannot be written as JSON: {0}.")]
    Json(#[from] serde_json::Error),
}

/// Measures and prints the table: 0 if every record arrived in every run, 1 if not.
pub(super) async fn bench(options: &Options) -> u8 {
    if cfg!(debug_assertions) {
        say_error(
            "This is a debug build, several times slower than what is deployed; use `cargo run --release -- bench`.",
        );
    }
    let progress = Progress::new();
    let printed = table(options, &progress).await.and_then(|lines| {
        progress.end();
        print(options, &lines)
    });
    match printed {
        Ok(()) => DONE,
        Err(error) => {
            progress.end();
            say_error(&error.to_string());
            FAILED
        }
    }
}

fn print(options: &Options, lines: &[Line]) -> Result<(), BenchError> {
    if options.json {
        say(&serde_json::to_string_pretty(&Report::new(options, lines))?);
    } else {
        say(&table::render(lines));
    }
    Ok(())
}

async fn table(options: &Options, progress: &Progress) -> Result<Vec<Line>, BenchError> {
    let mut lines = Vec::new();
    for case in options.cases() {
        let backlog = Arc::new(measure::backlog(options, case));
        let mut runs = Vec::new();
        for run in 1..=options.repeat {
            progress.begin(case.records, words(options, case, run));
            runs.push(measure::measure(options, case, &backlog, progress).await?);
        }
        lines.extend(summary::line(case, &runs));
    }
    Ok(lines)
}

/// What is going on, for the progress line.
fn words(options: &Options, case: Case, run: u16) -> String {
    let mut words = format!("run {run} of {}", options.repeat);
    if let Some(parallel) = case.parallel {
        words = format!("{words}, {parallel} ranges at a time");
    }
    words
}

//! `demo`: everything on this machine, and a check of every row.
//!
//! The simulators of Mimecast and Log Analytics, an emulator of the Functions host, and the real
//! handler as its child process play some days of a company's mail over the host's timer runs, with
//! faults on the way. At the end every row that arrived is compared with the record it was made from.

mod progress;
mod sink;
mod table;
mod timetable;
mod world;

use std::{io, path::PathBuf};

use tracing::debug;

use self::{progress::Progress, timetable::Step, world::World};
use super::{AT_FAULT, DONE, FAILED, args::Demo, memory, say, say_error};
use scenario::{
    Verdict,
    report::{About, Report},
};
use simulators::functions_host::State;

/// Why the demo could not be played.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("The demo cannot be set up: {0}.")]
    Io(#[from] io::Error),
    #[error("The rows cannot be written into {}: {error}. Choose another folder by --out.", .out.display())]
    Out { out: PathBuf, error: io::Error },
    #[error("The report cannot be written into {}: {error}. Choose another file by --report.", .file.display())]
    Report { file: PathBuf, error: io::Error },
    #[error("The Functions host emulator: {0}.")]
    Host(#[from] simulators::functions_host::HostError),
}

/// Plays the demo: 0 if every row arrived once and unchanged, 1 if not.
pub(super) async fn demo(options: &Demo) -> u8 {
    if options.records == 0 {
        say_error("--records must be at least 1.");
        return AT_FAULT;
    }
    match play(options).await {
        Ok(true) => DONE,
        Ok(false) => FAILED,
        Err(error) => {
            say_error(&error.to_string());
            FAILED
        }
    }
}

async fn play(options: &Demo) -> Result<bool, DemoError> {
    let out = options.out.as_path();
    let progress = Progress::new();
    let report = options.report.as_deref().map(|file| {
        let report_error = |error| DemoError::Report {
            file: file.to_owned(),
            error,
        };
        Report::create(file).map_err(report_error)
    });
    let report = report.transpose()?;
    let sink = report.as_ref().map(Report::sink);
    let world = World::start(options, out, sink, &progress).await?;
    say(&format!(
        "Three days of mail, {} records (seed {}), played over {} timer runs of the real handler.",
        options.records,
        options.seed,
        world.steps().len()
    ));
    let mut failures = run_all(&world, &progress).await?;
    let peak = memory::peak_of_children();
    let verdicts = world.verdicts();
    say(&table::render(&world.measured(&verdicts)));
    if let Some(kibibytes) = peak {
        say(&format!(
            "Peak memory of the handler: {:.1} MiB.",
            f64::from(kibibytes) / 1024.0
        ));
    }
    for failure in world.sink_failures() {
        say_error(&failure);
        failures += 1;
    }
    say(&format!(
        "Rows as a query shows them, one file for each table: {}",
        out.display()
    ));
    if let Some(report) = report {
        let about = About {
            records: options.records,
            seed: options.seed,
            now: world.now(),
        };
        report.write(&about).map_err(|error| DemoError::Report {
            file: report.path().to_owned(),
            error,
        })?;
        say(&format!(
            "What the analyst will see of them: {}",
            report.path().display()
        ));
    }
    Ok(conclude(&verdicts, failures))
}

/// Invokes the handler at every step of the timetable; gives how many runs failed.
async fn run_all(world: &World, progress: &Progress) -> Result<usize, DemoError> {
    progress.begin(&world.totals());
    let mut failures = 0;
    for (number, step) in world.steps().iter().enumerate() {
        progress.step(number + 1, step);
        world.prepare(step).await?;
        let outcome = world.invoke(step).await;
        debug!(step = number + 1, state = ?outcome.state, "The function was invoked.");
        let State::Succeeded { .. } = outcome.state else {
            failures += 1;
            progress.note(&format!("run {} failed: {:?}", number + 1, outcome.state));
            for line in world.last_errors() {
                progress.note(&line);
            }
            continue;
        };
    }
    progress.end();
    Ok(failures)
}

/// Says whether every row arrived once and unchanged, and all steps succeeded.
fn conclude(verdicts: &[Verdict; 3], failures: usize) -> bool {
    let clean = verdicts.iter().all(Verdict::is_clean);
    if clean && failures == 0 {
        say("Every record arrived exactly once, unchanged.");
        return true;
    }
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_clean()) {
        say_error(&format!("NOT CLEAN: {verdict}"));
    }
    if failures > 0 {
        say_error(&format!("{failures} steps failed unexpectedly."));
    }
    false
}

/// A step's kind in words, for the progress line.
fn words(step: &Step) -> String {
    format!("{} {}", step.at.format("%a %H:%M"), step.what)
}

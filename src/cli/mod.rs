//! The commands, and the one place that sees both the application and its adapters.

#[cfg(feature = "simulator")]
mod aligned;
mod args;
mod ask;
#[cfg(feature = "simulator")]
mod bench;
mod check;
mod checkpoint;
#[cfg(feature = "simulator")]
mod clock_file;
#[cfg(feature = "simulator")]
mod demo;
mod dry_run;
#[cfg(feature = "simulator")]
mod memory;
mod paint;
mod quarantine;
mod run;
mod serve;
mod settings_file;
mod signals;
#[cfg(feature = "simulator")]
mod simulate;
#[cfg(feature = "simulator")]
mod simulated;
mod status;
mod wiring;
mod words;

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use clap::Parser;
use tracing::warn;

use self::{
    args::{Args, Command},
    paint::Paint,
    settings_file::SettingsFile,
};
use crate::{
    model::{feed::Feed, visible::escape_hidden},
    telemetry::{self, Audience, Format, Lines},
};

/// Where the Functions Core Tools keep settings.
const LOCAL_SETTINGS: &str = "local.settings.json";

/// Whether something could not be printed: what a command says is what it is for.
static OUTPUT_FAILED: AtomicBool = AtomicBool::new(false);

/// Everything is done.
const DONE: u8 = 0;
/// Something failed that a later run may do.
const FAILED: u8 = 1;
/// The settings or the command line are at fault.
const AT_FAULT: u8 = 2;

/// Runs the command that the command line names.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let command = args.command.unwrap_or_default();
    let reader = match command {
        Command::Serve(_) => Audience::Host,
        Command::Run(_)
        | Command::Check(_)
        | Command::Status(_)
        | Command::Checkpoint(_)
        | Command::Quarantine(_) => Audience::Person,
        #[cfg(feature = "simulator")]
        Command::Bench(_) | Command::Demo(_) | Command::Simulate(_) => Audience::Person,
    };
    let reads_settings = command.reads_settings();
    if args.settings.is_some() && !reads_settings {
        let message = "--settings is for run, check, status, checkpoint and quarantine: `serve` gets its settings from the Functions host, and \
                       the simulators need none.";
        return exit(AT_FAULT, message);
    }
    let file = match args.settings.as_deref().map(SettingsFile::read).transpose() {
        Ok(file) => file.unwrap_or_default(),
        Err(error) => return exit(AT_FAULT, &format!("{error}.")),
    };
    let environment = |name: &str| file.get(name).or_else(|| read_environment(name));
    let paint = Paint::for_stdout(args.color, &environment);
    let log_format = environment("LOG_FORMAT").unwrap_or_default();
    let format = Format::named(&log_format);
    telemetry::install(Lines {
        reader,
        format: format.unwrap_or_default(),
        filter: environment("RUST_LOG").as_deref(),
    });
    if format.is_none() {
        warn!(
            found = log_format,
            "LOG_FORMAT is neither `text` nor `json`: log lines are text."
        );
    }
    let mut builder = match reader {
        Audience::Host => tokio::runtime::Builder::new_current_thread(),
        Audience::Person => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit(FAILED, &format!("The runtime cannot be started: {error}")),
    };
    let code = runtime.block_on(async {
        match command {
            Command::Serve(options) => serve::serve(&options, &environment).await,
            Command::Run(options) => run::run(&options, &environment).await,
            Command::Check(options) => {
                let names = file.names().map(str::to_owned).chain(environment_names());
                let source = check::SettingsSource {
                    lookup: &environment,
                    environment: &read_environment,
                    names: names.collect(),
                };
                check::check(&options, &source, paint).await
            }
            Command::Status(options) => status::status(&options, &environment, paint).await,
            Command::Checkpoint(command) => checkpoint::checkpoint(&command, &environment).await,
            Command::Quarantine(command) => quarantine::quarantine(&command, &environment).await,
            #[cfg(feature = "simulator")]
            Command::Bench(options) => interruptible(bench::bench(&options)).await,
            #[cfg(feature = "simulator")]
            Command::Demo(options) => interruptible(demo::demo(&options)).await,
            #[cfg(feature = "simulator")]
            Command::Simulate(options) => simulate::simulate(&options).await,
        }
    });
    if code == AT_FAULT
        && reads_settings
        && args.settings.is_none()
        && Path::new(LOCAL_SETTINGS).exists()
    {
        say_error(&format!(
            "There is a {LOCAL_SETTINGS} here: `--settings {LOCAL_SETTINGS}` reads it."
        ));
    }
    // A thread that waits for a file system that does not answer must not keep the process.
    runtime.shutdown_background();
    if code == DONE && OUTPUT_FAILED.load(Ordering::Relaxed) {
        return ExitCode::from(FAILED);
    }
    ExitCode::from(code)
}

/// Work that ends in good order when it is interrupted: its child processes and folders go with it.
#[cfg(feature = "simulator")]
async fn interruptible(work: impl Future<Output = u8>) -> u8 {
    let mut signals = signals::Signals::catch();
    tokio::select! {
        code = work => code,
        signal = signals.next() => {
            say_error("Interrupted.");
            signal.exit_code()
        }
    }
}

/// The feeds that were asked for, each once and in their order; all where none was.
fn feeds(asked: &[Feed]) -> Vec<Feed> {
    Feed::ALL
        .into_iter()
        .filter(|feed| asked.is_empty() || asked.contains(feed))
        .collect()
}

/// The one place that reads the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "settings are read through this lookup"
)]
fn read_environment(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    // Not "missing": the reader of settings says what is wrong with it.
    Some(value.to_string_lossy().into_owned())
}

/// The names of everything in the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a misspelt setting is found by its name"
)]
fn environment_names() -> impl Iterator<Item = String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())
}

fn exit(code: u8, message: &str) -> ExitCode {
    say_error(message);
    ExitCode::from(code)
}

/// A line for the person at the terminal.
fn say(text: &str) {
    let _is_read = say_painted(&escape_hidden(text));
}

/// The same, where what is hidden in it is escaped already, and colours are put on; `false` where nobody reads any
/// more.
fn say_painted(text: &str) -> bool {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => true,
        // A closed pipe is the reader's choice.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => false,
        Err(error) => {
            if !OUTPUT_FAILED.swap(true, Ordering::Relaxed) {
                say_error(&format!("The output cannot be written: {error}."));
            }
            false
        }
    }
}

/// A line about what went wrong.
fn say_error(text: &str) {
    drop(writeln!(io::stderr(), "{}", escape_hidden(text)));
}

//! The commands, and the one place that sees both the application and its adapters.

#[cfg(feature = "simulator")]
mod aligned;
mod args;
mod ask;
#[cfg(feature = "simulator")]
mod bench;
mod checkpoint;
#[cfg(feature = "simulator")]
mod clock_file;
#[cfg(feature = "simulator")]
mod demo;
#[cfg(feature = "simulator")]
mod memory;
mod quarantine;
mod run;
mod serve;
#[cfg(feature = "simulator")]
mod simulate;
#[cfg(feature = "simulator")]
mod simulated;
mod wiring;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use tracing::warn;

use self::args::{Args, Command};
use crate::{
    model::{feed::Feed, visible::escape_hidden},
    telemetry::{self, Audience, Format, Lines},
};

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
        Command::Run(_) | Command::Checkpoint(_) | Command::Quarantine(_) => Audience::Person,
        #[cfg(feature = "simulator")]
        Command::Bench(_) | Command::Demo(_) | Command::Simulate(_) => Audience::Person,
    };
    let environment = |name: &str| read_environment(name);
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
    // A thread that waits for a file system that does not answer must not keep the process.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// Work that ends in good order when it is interrupted: its child processes and folders go with it.
#[cfg(feature = "simulator")]
async fn interruptible(work: impl Future<Output = u8>) -> u8 {
    tokio::select! {
        code = work => code,
        () = interrupted() => {
            say_error("Interrupted.");
            FAILED
        }
    }
}

/// Waits for an interrupt from the keyboard or a request to end.
#[cfg(feature = "simulator")]
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut ended) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    {
        tokio::select! {
            _ = ended.recv() => return,
            _ = tokio::signal::ctrl_c() => return,
        }
    }
    drop(tokio::signal::ctrl_c().await);
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
    std::env::var(name).ok()
}

fn exit(code: u8, message: &str) -> ExitCode {
    say_error(message);
    ExitCode::from(code)
}

/// A line for the person at the terminal.
fn say(text: &str) {
    match writeln!(io::stdout(), "{}", escape_hidden(text)) {
        // A closed pipe is the reader's choice.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            say_error(&format!("The output cannot be written: {error}."));
        }
        _ => {}
    }
}

/// A line about what went wrong.
fn say_error(text: &str) {
    drop(writeln!(io::stderr(), "{}", escape_hidden(text)));
}

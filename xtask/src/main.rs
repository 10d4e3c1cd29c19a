//! `cargo xtask`: the command line.

use std::{
    error::Error,
    fmt::Display,
    io::{self, Write as _},
    path::Path,
    process::{Command, ExitCode},
};

use clap::{Parser, Subcommand};
use xtask::{
    files::FileError,
    generated::{self, GenerateError, Sources},
    queries::{self, ListError},
    release::{self, Tag},
};

/// Writes the files of this repository that follow from others, and checks them.
#[derive(Debug, Parser)]
#[command(
    bin_name = "cargo xtask",
    after_help = "Exit codes: 0 done, 1 a file is stale, a check failed or a command failed, 2 command line at fault."
)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Write every file that follows from others.
    ///
    /// deploy/sentinel.json and sentinel/Package/ follow from the folder sentinel/. azuredeploy.json holds
    /// the templates of deploy/ as nested templates; all else in it is written by hand.
    /// docs/sentinel-queries.md lists the results of every query: the test that executes them writes it,
    /// which needs Node.js 20 or newer and takes longest. A file that is up to date is not touched.
    Generate,
    /// Check that deploy/sentinel.json, azuredeploy.json and sentinel/Package/ are what `generate` would write.
    ///
    /// Writes nothing, names each file that is stale, and then ends with exit code 1.
    /// docs/sentinel-queries.md is checked by its test: cargo test --test sentinel
    CheckGenerated,
    /// Check what must hold before a release, and list what does not, each with its file and line.
    ///
    /// The tag is the version in Cargo.toml. CHANGELOG.md has a heading of that version with a date. Every
    /// address in README.md, azuredeploy.json, createUiDefinition.json, deploy/, docs/ and sentinel/ that
    /// leads into this repository is of that version. None of these files has the placeholder -OWNER-, for
    /// which README.md, section Deploy, says what to put.
    CheckRelease {
        /// The tag, such as v0.1.0.
        tag: Tag,
    },
}

/// A task that could not be done.
#[derive(Debug, thiserror::Error)]
enum TaskError {
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("cannot make {}", queries::LIST)]
    List(#[from] ListError),
}

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let done = match Args::parse().task {
        Task::Generate => generate(&root).map(|()| true),
        Task::CheckGenerated => check_generated(&root),
        Task::CheckRelease { tag } => check_release(&root, &tag),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say_error(format_args!("error: {}", Chain(&error)));
            ExitCode::FAILURE
        }
    }
}

fn generate(root: &Path) -> Result<(), TaskError> {
    let tell = |path, written| {
        let state = if written { "written" } else { "up to date" };
        say(format_args!("{path}: {state}"));
    };
    for file in generated::all(&Sources::read(root)?)? {
        tell(file.path, file.write(root)?);
    }
    say(format_args!(
        "{}: executing every query with `cargo {}`",
        queries::LIST,
        queries::TEST.join(" ")
    ));
    let list = queries::list(root, cargo())?;
    tell(list.path, list.write(root)?);
    Ok(())
}

/// Returns whether every file is up to date.
fn check_generated(root: &Path) -> Result<bool, TaskError> {
    let mut all = true;
    for file in generated::all(&Sources::read(root)?)? {
        if file.is_up_to_date(root)? {
            say(format_args!("{}: up to date", file.path));
        } else {
            say_error(format_args!("{}: stale", file.path));
            all = false;
        }
    }
    if !all {
        say_error("`cargo xtask generate` writes what is stale.");
    }
    Ok(all)
}

/// Returns whether nothing holds up the release.
fn check_release(root: &Path, tag: &Tag) -> Result<bool, TaskError> {
    let faults = release::faults(tag, env!("CARGO_PKG_VERSION"), &release::read(root)?);
    for fault in &faults {
        say_error(fault);
    }
    if faults.is_empty() {
        say(format_args!("{tag} can be released."));
    } else {
        say_error(format_args!(
            "{tag} cannot be released: {} to correct.",
            faults.len()
        ));
    }
    Ok(faults.is_empty())
}

/// The cargo that runs this program.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo says which it is; this is no setting of the program"
)]
fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Cargo describes this package to its program. Crates whose build scripts look at that, such as ring, would be
    // built anew by a cargo that sees it, and once more by the next that does not.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// An error with its causes.
struct Chain<'a>(&'a dyn Error);

impl Display for Chain<'_> {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}", self.0)?;
        let mut error = self.0;
        while let Some(source) = error.source() {
            write!(to, ": {source}")?;
            error = source;
        }
        Ok(())
    }
}

/// A line of output. A closed pipe is the reader's choice.
fn say(text: impl Display) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// A line about what is wrong.
fn say_error(text: impl Display) {
    drop(writeln!(io::stderr(), "{text}"));
}

//! `docs/sentinel-queries.md`: its rows are results of executing every query, which only a test knows.

use std::{
    io,
    path::Path,
    process::{Command, ExitStatus},
};

use thiserror::Error;

use crate::{
    files::{self, FileError},
    generated::Generated,
};

/// The list, as a path from the root of the repository.
pub const LIST: &str = "docs/sentinel-queries.md";

/// The environment variable that names the file into which the test writes the list. Without it the
/// test compares.
pub const LIST_INTO: &str = "SENTINEL_QUERIES_INTO";

/// The test, as arguments of cargo.
pub const TEST: [&str; 4] = ["test", "--test", "sentinel", "the_list_of_queries"];

/// The list cannot be made.
#[derive(Debug, Error)]
pub enum ListError {
    /// There is no folder for it.
    #[error("cannot make a temporary folder")]
    Folder(#[source] io::Error),
    /// The command does not start.
    #[error("cannot run cargo {}", TEST.join(" "))]
    Run(#[source] io::Error),
    /// The test failed.
    #[error("cargo {} failed ({status})", TEST.join(" "))]
    Failed {
        /// How it ended.
        status: ExitStatus,
    },
    /// The test passed and left no list: it bears another name, or writes elsewhere.
    #[error("cargo {} wrote no list", TEST.join(" "))]
    NoList(#[source] FileError),
}

/// Runs the test in the repository at `root`; `cargo` is the command that takes its arguments. Its output
/// goes where that of this process goes.
pub fn list(root: &Path, mut cargo: Command) -> Result<Generated, ListError> {
    let folder = tempfile::tempdir().map_err(ListError::Folder)?;
    let file = Path::new("sentinel-queries.md");
    let status = cargo
        .args(TEST)
        .env(LIST_INTO, folder.path().join(file))
        .current_dir(root)
        .status()
        .map_err(ListError::Run)?;
    if !status.success() {
        return Err(ListError::Failed { status });
    }
    let text = files::read(folder.path(), file).map_err(ListError::NoList)?;
    Ok(Generated { path: LIST, text })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What comes of a cargo that is this shell script.
    fn with(script: &str) -> Result<Generated, ListError> {
        let mut cargo = Command::new("sh");
        cargo.args(["-c", script, "cargo"]);
        list(Path::new("."), cargo)
    }

    #[test]
    fn the_list_is_what_the_test_writes() {
        let list = with(r#"echo "$@" > "$SENTINEL_QUERIES_INTO""#).unwrap();
        assert_eq!(list.path, "docs/sentinel-queries.md");
        assert_eq!(list.text, "test --test sentinel the_list_of_queries\n");
    }

    #[test]
    fn a_test_that_fails_gives_no_list() {
        let error = with(r#"echo wrong > "$SENTINEL_QUERIES_INTO"; exit 101"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cargo test --test sentinel the_list_of_queries failed (exit status: 101)"
        );
    }

    #[test]
    fn a_test_that_is_not_there_is_noticed() {
        let error = with("exit 0").unwrap_err();
        assert_eq!(
            error.to_string(),
            "cargo test --test sentinel the_list_of_queries wrote no list"
        );
    }
}

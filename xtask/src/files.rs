//! Reads and writes files of the repository. Paths are relative to its root, and errors name them so.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// A file or a folder is not there, or the system refuses it.
#[derive(Debug, Error)]
pub enum FileError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder cannot be listed.
    #[error("cannot list the folder {}", path.display())]
    List {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The text of a file.
pub fn read(root: &Path, path: &Path) -> Result<String, FileError> {
    fs::read_to_string(root.join(path)).map_err(|source| FileError::Read {
        path: path.to_owned(),
        source,
    })
}

/// The text of a file, or `None` where there is no such file.
pub fn read_if_there(root: &Path, path: &Path) -> Result<Option<String>, FileError> {
    match read(root, path) {
        Err(FileError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Writes a file anew.
pub fn write(root: &Path, path: &Path, text: &str) -> Result<(), FileError> {
    fs::write(root.join(path), text).map_err(|source| FileError::Write {
        path: path.to_owned(),
        source,
    })
}

/// What lies in a folder, in order.
pub fn list(root: &Path, folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let listed = || -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(root.join(folder))?;
        let mut paths = entries
            .map(|entry| Ok(folder.join(entry?.file_name())))
            .collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    };
    listed().map_err(|source| FileError::List {
        path: folder.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (root, path) = (folder.path(), Path::new("docs/none.md"));
        for (error, expected) in [
            (read(root, path).unwrap_err(), "cannot read docs/none.md"),
            (
                write(root, path, "").unwrap_err(),
                "cannot write docs/none.md",
            ),
            (
                list(root, path).unwrap_err(),
                "cannot list the folder docs/none.md",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(read_if_there(root, path).unwrap(), None);
    }
}

//! What goes wrong in a folder, and what may have been changed all the same.

use std::{io, path::PathBuf, time::Duration};

use tokio::task::JoinError;

use crate::{
    ingest::error::{StoreError, StoreFailure},
    storage::{MAX_KEYS, MAX_MIB},
};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error("{}", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A link would lead to a file of somebody else, and a pipe has no end.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    #[error("{} is larger than {MAX_MIB} MiB", .0.display())]
    TooLarge(PathBuf),
    #[error("{} holds more than {MAX_KEYS} files", .0.display())]
    TooMany(PathBuf),
    #[error("the folder {} is locked by another process", .0.display())]
    Locked(PathBuf),
    #[error("the folder {} did not answer within {:.1} s", .folder.display(), .time.as_secs_f64())]
    TimedOut { folder: PathBuf, time: Duration },
    #[error("the work on the folder {} broke off", .folder.display())]
    BrokeOff {
        folder: PathBuf,
        #[source]
        source: JoinError,
    },
}

impl FolderError {
    const fn advice(&self) -> &'static str {
        match self {
            Self::Io { .. } | Self::TimedOut { .. } | Self::BrokeOff { .. } => {
                "check checkpoint_dir and the rights to it"
            }
            Self::NotAFile(_) => "look at what is there, and move it away",
            Self::TooLarge(_) => "look at the file; this program writes none so large",
            Self::TooMany(_) => "look at the folder, and remove what nobody needs",
            Self::Locked(_) => {
                "wait for the other run to finish, or end it: the lock goes with its process"
            }
        }
    }

    fn failure(self) -> StoreFailure {
        let advice = self.advice();
        StoreFailure::new(self, Some(advice))
    }

    /// The error of a call that changed nothing.
    pub(super) fn determinate(self) -> StoreError {
        StoreError::Determinate(self.failure())
    }

    /// The error of a call that may have changed something.
    pub(super) fn indeterminate(self) -> StoreError {
        StoreError::Indeterminate(self.failure())
    }
}

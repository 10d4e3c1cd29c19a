//! The embedded store: checkpoints as files in a folder, for local use and the demo.
//!
//! A write goes to a file beside the target, is flushed to the disk, and takes the target's place in
//! one step: a killed process leaves the old text or the new one. Writers take turns by a lock on a
//! file, which the system releases when a process dies; the version of a text is its hash.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{MAX_TEXT_BYTES, name};
use crate::{
    ingest::ports::{CheckpointStore, Saved, StoreError, Version},
    model::feed::Feed,
};

/// A folder of checkpoints.
#[derive(Debug, Clone)]
pub struct FolderStore(PathBuf);

impl FolderStore {
    /// Uses `folder`, which is made when the first checkpoint is saved.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    fn path(&self, feed: Feed) -> PathBuf {
        self.0.join(name(feed))
    }
}

fn read(path: &Path) -> io::Result<Saved> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Saved {
                text: None,
                version: Version::Absent,
            });
        }
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_TEXT_BYTES).read_to_end(&mut bytes)?;
    Ok(Saved {
        version: version(&bytes),
        text: Some(String::from_utf8_lossy(&bytes).into_owned()),
    })
}

fn version(bytes: &[u8]) -> Version {
    Version::Tag(format!("{:x}", Sha256::digest(bytes)))
}

fn write(folder: &Path, name: &str, text: &str, expected: &Version) -> Result<Version, StoreError> {
    let failed = |error: io::Error| StoreError::Failed(error.into());
    fs::create_dir_all(folder).map_err(failed)?;
    let lock = File::create(folder.join(".lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let path = folder.join(name);
    if read(&path).map_err(failed)?.version != *expected {
        return Err(StoreError::RaceLost);
    }
    let beside = folder.join(format!("{name}.new"));
    let mut file = File::create(&beside).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&beside, &path).map_err(failed)?;
    Ok(version(text.as_bytes()))
}

/// How long a read or write may take, the wait for the lock included: a stopped process that holds
/// it must not stop this one.
const TIME: Duration = Duration::from_secs(10);

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::time::timeout(TIME, tokio::task::spawn_blocking(work)).await {
        Ok(done) => done.unwrap_or_else(|error| Err(StoreError::Failed(error.into()))),
        Err(late) => Err(StoreError::Failed(late.into())),
    }
}

#[async_trait]
impl CheckpointStore for FolderStore {
    fn place(&self, feed: Feed) -> String {
        self.path(feed).display().to_string()
    }

    async fn load(&self, feed: Feed) -> Result<Saved, StoreError> {
        let path = self.path(feed);
        blocking(move || read(&path).map_err(|error| StoreError::Failed(error.into()))).await
    }

    async fn save(
        &self,
        feed: Feed,
        text: &str,
        expected: &Version,
    ) -> Result<Version, StoreError> {
        let (folder, text, expected) = (self.0.clone(), text.to_owned(), expected.clone());
        blocking(move || write(&folder, name(feed), &text, &expected)).await
    }
}

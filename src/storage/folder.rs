//! The embedded store: files in a folder, for local use and the demo.
//!
//! A write goes to a file beside the target, is flushed to the disk, and replaces the target in
//! one step: a killed process leaves the old text or the new one. Writers take turns by a lock on a
//! file, which the system releases when a process dies; the version of a text is its hash.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{Effect, MAX_BYTES};
use crate::{
    ingest::{
        error::{Cause, StoreError, StoreFailure},
        ports::{Clock, Saved, Store, Version},
    },
    model::{
        deadline::Deadline,
        store_key::{Folder, StoreKey},
    },
};

/// A folder.
#[derive(Clone)]
pub struct FolderStore {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FolderStore").field(&self.folder).finish()
    }
}

impl FolderStore {
    /// Uses `folder`, which is made when something is first saved.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            folder: folder.into(),
            clock,
        }
    }

    fn path(&self, key: StoreKey) -> PathBuf {
        self.folder.join(key.name())
    }

    async fn in_time<T: Send + 'static>(
        &self,
        deadline: Deadline,
        effect: Effect,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let left = deadline.remaining(self.clock.elapsed()).unwrap_or_default();
        let time = TIME.min(left);
        match tokio::time::timeout(time, tokio::task::spawn_blocking(work)).await {
            Ok(done) => done.unwrap_or_else(|error| Err(unconfirmed(effect, error.into()))),
            // The work goes on.
            Err(_) => Err(unconfirmed(effect, FolderError::TimedOut(time).into())),
        }
    }
}

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
enum FolderError {
    #[error("{}", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the folder of checkpoints did not answer within {:.1} s", .0.as_secs_f64())]
    TimedOut(Duration),
}

const ADVICE: &str = "check checkpoint_dir and the rights to it";

fn unconfirmed(effect: Effect, cause: Cause) -> StoreError {
    effect.unconfirmed(StoreFailure::new(cause, Some(ADVICE)))
}

fn read(path: &Path) -> io::Result<Saved> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Saved {
                content: None,
                version: Version::Absent,
            });
        }
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(Saved {
        version: version(&bytes),
        content: Some(bytes),
    })
}

fn version(bytes: &[u8]) -> Version {
    Version::Tag(format!("{:x}", Sha256::digest(bytes)))
}

/// Takes the turn of the folder's writers.
fn lock(folder: &Path) -> Result<File, StoreError> {
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let lock = File::create(folder.join(".lock")).map_err(failed(folder))?;
    lock.lock().map_err(failed(folder))?;
    Ok(lock)
}

/// Names the path. A file takes its name in one step, so nothing has changed.
fn failed(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| {
        let path = path.to_owned();
        let error = FolderError::Io { path, source };
        StoreError::Determinate(StoreFailure::new(error, Some(ADVICE)))
    }
}

fn write(
    folder: &Path,
    path: &Path,
    content: &[u8],
    expected: &Version,
) -> Result<Version, StoreError> {
    let _lock = lock(folder)?;
    if read(path).map_err(failed(path))?.version != *expected {
        return Err(StoreError::Conflict);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed(path))?;
    }
    // Names are ours: none differs from another in its ending alone.
    let beside = path.with_extension("new");
    let mut file = File::create(&beside).map_err(failed(path))?;
    file.write_all(content).map_err(failed(path))?;
    file.sync_all().map_err(failed(path))?;
    fs::rename(&beside, path).map_err(failed(path))?;
    Ok(version(content))
}

fn remove(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let _lock = lock(folder)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}

fn list(root: &Path, folder: Folder) -> Result<Vec<StoreKey>, StoreError> {
    let prefix = folder.prefix();
    let entries = match fs::read_dir(root.join(&prefix)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(root)(error)),
    };
    let mut keys = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed(root))?.file_name();
        keys.extend(folder.key(&format!("{prefix}{}", name.display())));
    }
    keys.sort_unstable();
    Ok(keys)
}

/// How long a call may take, the wait for the lock included, unless the deadline comes first: a stopped
/// process that holds it must not stop this one.
const TIME: Duration = Duration::from_secs(10);

#[async_trait]
impl Store for FolderStore {
    fn address(&self, key: StoreKey) -> String {
        self.path(key).display().to_string()
    }

    async fn load(&self, key: StoreKey, deadline: Deadline) -> Result<Saved, StoreError> {
        let path = self.path(key);
        self.in_time(deadline, Effect::Reads, move || {
            read(&path).map_err(failed(&path))
        })
        .await
    }

    async fn save(
        &self,
        key: StoreKey,
        content: &[u8],
        expected: &Version,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        let (folder, path) = (self.folder.clone(), self.path(key));
        let (content, expected) = (content.to_vec(), expected.clone());
        self.in_time(deadline, Effect::Writes, move || {
            write(&folder, &path, &content, &expected)
        })
        .await
    }

    async fn remove(&self, key: StoreKey, deadline: Deadline) -> Result<(), StoreError> {
        let (folder, path) = (self.folder.clone(), self.path(key));
        self.in_time(deadline, Effect::Writes, move || remove(&folder, &path))
            .await
    }

    async fn list(&self, folder: Folder, deadline: Deadline) -> Result<Vec<StoreKey>, StoreError> {
        let root = self.folder.clone();
        self.in_time(deadline, Effect::Reads, move || list(&root, folder))
            .await
    }
}

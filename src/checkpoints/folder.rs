//! The embedded store: files in a folder, for local use and the demo.
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

use super::MAX_BYTES;
use crate::{
    ingest::ports::{Saved, Store, StoreError, Version},
    model::{
        deadline::Deadline,
        place::{Folder, Place},
    },
};

/// A folder.
#[derive(Debug, Clone)]
pub struct FolderStore(PathBuf);

impl FolderStore {
    /// Uses `folder`, which is made when something is first saved.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    fn path(&self, place: Place) -> PathBuf {
        self.0.join(place.name())
    }
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
    fs::create_dir_all(folder).map_err(failed)?;
    let lock = File::create(folder.join(".lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    Ok(lock)
}

fn failed(error: io::Error) -> StoreError {
    StoreError::Failed(error.into())
}

fn write(
    folder: &Path,
    path: &Path,
    content: &[u8],
    expected: &Version,
) -> Result<Version, StoreError> {
    let _lock = lock(folder)?;
    if read(path).map_err(failed)?.version != *expected {
        return Err(StoreError::RaceLost);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    // Names are ours: none differs from another in its ending alone.
    let beside = path.with_extension("new");
    let mut file = File::create(&beside).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)?;
    Ok(version(content))
}

fn remove(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let _lock = lock(folder)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

fn list(root: &Path, folder: Folder) -> Result<Vec<Place>, StoreError> {
    let prefix = folder.prefix();
    let entries = match fs::read_dir(root.join(&prefix)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut places = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        places.extend(folder.place(&format!("{prefix}{}", name.display())));
    }
    places.sort_unstable();
    Ok(places)
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
impl Store for FolderStore {
    fn address(&self, place: Place) -> String {
        self.path(place).display().to_string()
    }

    async fn load(&self, place: Place, _: Deadline) -> Result<Saved, StoreError> {
        let path = self.path(place);
        blocking(move || read(&path).map_err(failed)).await
    }

    async fn save(
        &self,
        place: Place,
        content: &[u8],
        expected: &Version,
        _: Deadline,
    ) -> Result<Version, StoreError> {
        let (folder, path) = (self.0.clone(), self.path(place));
        let (content, expected) = (content.to_vec(), expected.clone());
        blocking(move || write(&folder, &path, &content, &expected)).await
    }

    async fn remove(&self, place: Place, _: Deadline) -> Result<(), StoreError> {
        let (folder, path) = (self.0.clone(), self.path(place));
        blocking(move || remove(&folder, &path)).await
    }

    async fn list(&self, folder: Folder, _: Deadline) -> Result<Vec<Place>, StoreError> {
        let root = self.0.clone();
        blocking(move || list(&root, folder)).await
    }
}

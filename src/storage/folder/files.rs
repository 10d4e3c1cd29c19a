//! The files of the folder store: read whole, replaced in one step, and never through a link.
//!
//! Only this user may read them. A new text is on the disk before it takes the name, and so is the
//! name before the save counts.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{
    attempt::{Attempt, Phase},
    error::FolderError,
};
use crate::{
    ingest::{
        error::StoreError,
        ports::{Saved, Version},
    },
    model::store_key::{Folder, StoreKey},
    storage::{MAX_BYTES, MAX_KEYS},
};

/// What writers hold while they write.
pub(super) const LOCK_FILE: &str = ".lock";

/// Names the path. A file takes its name in one step, so nothing has changed.
fn failed(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| io_error(path, source).determinate()
}

fn io_error(path: &Path, source: io::Error) -> FolderError {
    let path = path.to_owned();
    FolderError::Io { path, source }
}

/// Reads a file to its end.
pub(super) fn read(path: &Path) -> Result<Saved, StoreError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(nothing()),
        Err(error) => return Err(failed(path)(error)),
    };
    if !metadata.is_file() {
        return Err(FolderError::NotAFile(path.to_owned()).determinate());
    }
    let too_large = || FolderError::TooLarge(path.to_owned()).determinate();
    if metadata.len() > MAX_BYTES {
        return Err(too_large());
    }
    let file = match File::open(path) {
        Ok(file) => file,
        // Removed meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(nothing()),
        Err(error) => return Err(failed(path)(error)),
    };
    let mut bytes = Vec::new();
    // One byte more tells a file that is too large from one that is just as large as allowed.
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed(path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    Ok(Saved {
        version: version(&bytes),
        content: Some(bytes),
    })
}

const fn nothing() -> Saved {
    Saved {
        content: None,
        version: Version::Absent,
    }
}

fn version(bytes: &[u8]) -> Version {
    Version::Tag(format!("{:x}", Sha256::digest(bytes)))
}

/// Takes the turn of the folder's writers, if nobody has it. Makes the folder.
pub(super) fn try_lock(folder: &Path) -> Result<Option<File>, StoreError> {
    make_folder(folder).map_err(failed(folder))?;
    let path = folder.join(LOCK_FILE);
    let lock = open_lock(&path)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(&path)(error)),
    }
}

/// Opens the lock's file without changing what is in it.
fn open_lock(path: &Path) -> Result<File, StoreError> {
    match private().read(true).create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made.map_err(failed(path)),
    }
    let metadata = fs::symlink_metadata(path).map_err(failed(path))?;
    if !metadata.is_file() {
        return Err(FolderError::NotAFile(path.to_owned()).determinate());
    }
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.map_err(failed(path))
}

/// Options for writing a file that only this user may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder that only this user may enter, and those above it that are missing.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    missing.into_iter().try_for_each(sync_name)
}

/// Has the name of a file or folder on the disk: a file's own flush does not.
#[cfg(unix)]
fn sync_name(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    match File::open(parent)?.sync_all() {
        // Some network file systems flush no folders.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Folders cannot be flushed here.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn sync_name(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Replaces a file that has the version `expected`, once there was room for one longer by `room` bytes.
/// Whoever calls holds the lock.
pub(super) fn write(
    path: &Path,
    content: &[u8],
    expected: &Version,
    room: usize,
    attempt: &Attempt,
) -> Result<Version, StoreError> {
    if read(path)?.version != *expected {
        return Err(StoreError::Conflict);
    }
    if let Some(parent) = path.parent() {
        make_folder(parent).map_err(failed(parent))?;
    }
    // Names are ours: none differs from another in its ending alone.
    let beside = path.with_extension("new");
    let replaced = create(&beside, content, room).and_then(|()| {
        change(path, attempt)?;
        fs::rename(&beside, path)
    });
    if let Err(error) = replaced {
        drop(fs::remove_file(&beside));
        return Err(failed(path)(error));
    }
    // The text has its name, but may lose it if the power fails.
    sync_name(path).map_err(|error| io_error(path, error).indeterminate())?;
    Ok(version(content))
}

/// Makes a file that nobody else has made, and has it on the disk. For a moment it is longer by `room`
/// bytes.
fn create(path: &Path, content: &[u8], room: usize) -> io::Result<()> {
    // What a killed process left; of a link only the link.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).open(path)?;
    file.write_all(content)?;
    if room > 0 {
        file.write_all(&vec![b' '; room])?;
        file.sync_all()?;
        file.set_len(content.len() as u64)?;
    }
    file.sync_all()
}

/// Removes a file. Whoever calls holds the lock.
pub(super) fn remove(path: &Path, attempt: &Attempt) -> Result<(), StoreError> {
    change(path, attempt).map_err(failed(path))?;
    match fs::remove_file(path) {
        Ok(()) => sync_name(path).map_err(|error| io_error(path, error).indeterminate()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(path)(error)),
    }
}

/// From here on something changes, if somebody still waits for it.
fn change(path: &Path, attempt: &Attempt) -> io::Result<()> {
    if attempt.enter(Phase::Changing) {
        return Ok(());
    }
    let text = format!("nobody waits for {} any more", path.display());
    Err(io::Error::new(io::ErrorKind::TimedOut, text))
}

/// The keys in a folder, in the order of names.
pub(super) fn list(root: &Path, folder: Folder) -> Result<Vec<StoreKey>, StoreError> {
    let prefix = folder.prefix();
    let path = root.join(&prefix);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&path)(error)),
    };
    let mut keys = Vec::new();
    for (number, entry) in entries.enumerate() {
        if number == MAX_KEYS {
            return Err(FolderError::TooMany(path).determinate());
        }
        let name = entry.map_err(failed(&path))?.file_name();
        keys.extend(folder.key(&format!("{prefix}{}", name.display())));
    }
    keys.sort_unstable();
    Ok(keys)
}

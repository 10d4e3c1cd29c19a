//! A folder that others use too: what is reported as failed never happens, and nothing is written or
//! read through a link.

use std::{fs, path::Path, sync::mpsc};

use super::{files::LOCK_FILE, *};
use crate::{ingest::error::Explain, model::feed::Feed, system::SystemClock};

const URL: StoreKey = StoreKey::Checkpoint(Feed::Url);
const OLD: &[u8] = b"old";
/// Above the limit.
const TOO_LARGE: usize = 64 * 1024 * 1024 + 1;

fn store_in(folder: &Path) -> FolderStore {
    FolderStore::new(folder, Arc::new(SystemClock::start()))
}

fn within(store: &FolderStore, milliseconds: u64) -> Deadline {
    let budget = Duration::from_millis(milliseconds);
    Deadline::after(store.clock.elapsed(), budget)
}

async fn save(
    store: &FolderStore,
    content: &[u8],
    expected: &Version,
) -> Result<Version, StoreError> {
    let deadline = within(store, 10_000);
    store.save(URL, content, expected, deadline).await
}

async fn content(store: &FolderStore) -> Option<Vec<u8>> {
    let saved = store.load(URL, within(store, 10_000)).await.unwrap();
    saved.content
}

/// The text of a failure that changed nothing.
fn determinate<T: fmt::Debug>(done: Result<T, StoreError>) -> String {
    let error = done.unwrap_err();
    assert!(matches!(error, StoreError::Determinate(_)), "{error:?}");
    error.explain()
}

#[tokio::test]
async fn a_locked_folder_is_named_and_nothing_happens_once_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let version = save(&store, OLD, &Version::Absent).await.unwrap();
    let lock = File::open(folder.path().join(LOCK_FILE)).unwrap();
    lock.lock().unwrap();
    let removed = store.remove(URL, within(&store, 100)).await;
    let saved = store
        .save(URL, b"new", &version, within(&store, 100))
        .await
        .map(|_| ());
    for done in [removed, saved] {
        let text = determinate(done);
        let said = format!(
            "the folder {} is locked by another process. What to do: ",
            folder.path().display()
        );
        assert!(text.contains(&said), "{text}");
    }
    lock.unlock().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(content(&store).await.as_deref(), Some(OLD));
}

#[tokio::test]
async fn a_lock_that_is_released_in_time_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let version = save(&store, OLD, &Version::Absent).await.unwrap();
    let lock = File::open(folder.path().join(LOCK_FILE)).unwrap();
    lock.lock().unwrap();
    let release = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        lock.unlock().unwrap();
    };
    let (saved, ()) = tokio::join!(save(&store, b"new", &version), release);
    saved.unwrap();
    assert_eq!(content(&store).await.as_deref(), Some(b"new".as_slice()));
}

#[tokio::test]
async fn a_write_that_is_reported_as_failed_changes_nothing_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let (go_on, wait) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let deadline = within(&store, 200);
    let done = store
        .change(deadline, move |attempt| {
            wait.recv().unwrap_err();
            tell.send(attempt.enter(Phase::Changing)).unwrap();
            Ok(())
        })
        .await;
    assert!(determinate(done).contains("did not answer within"));
    drop(go_on);
    assert!(!told.recv().unwrap(), "it may still change something");
}

#[tokio::test]
async fn a_write_that_may_yet_succeed_is_not_reported_as_failed() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let (go_on, wait) = mpsc::channel::<()>();
    let deadline = within(&store, 200);
    let done = store
        .change(deadline, move |attempt| {
            assert!(attempt.enter(Phase::Changing));
            wait.recv().unwrap_err();
            Ok(())
        })
        .await;
    drop(go_on);
    assert!(
        matches!(done, Err(StoreError::Indeterminate(_))),
        "{done:?}"
    );
}

#[tokio::test]
async fn a_file_above_the_limit_is_neither_read_nor_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let path = folder.path().join(URL.name());
    let size = u64::try_from(TOO_LARGE).unwrap();
    File::create(&path).unwrap().set_len(size).unwrap();
    let loaded = store.load(URL, within(&store, 10_000)).await;
    assert!(determinate(loaded).contains("is larger than 64 MiB"));
    let saved = save(&store, b"new", &Version::Absent).await;
    assert!(determinate(saved).contains("is larger than 64 MiB"));
    assert_eq!(fs::metadata(&path).unwrap().len(), size);
}

#[tokio::test]
async fn content_above_the_limit_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let saved = save(&store, &vec![b'x'; TOO_LARGE], &Version::Absent).await;
    assert!(determinate(saved).contains("larger than 64 MiB"));
    assert_eq!(content(&store).await, None);
}

#[tokio::test]
async fn what_a_killed_process_left_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let left = folder.path().join(URL.name()).with_extension("new");
    fs::write(&left, "half a te").unwrap();
    save(&store, OLD, &Version::Absent).await.unwrap();
    assert_eq!(content(&store).await.as_deref(), Some(OLD));
    assert!(!left.exists());
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn only_this_user_may_read_what_is_saved() {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("made/when/needed");
        let store = store_in(&made);
        save(&store, OLD, &Version::Absent).await.unwrap();
        for name in [URL.name(), LOCK_FILE.to_owned()] {
            assert_eq!(mode(&made.join(&name)), 0o600, "{name}");
        }
        for path in [&*made, made.parent().unwrap()] {
            assert_eq!(mode(path), 0o700, "{}", path.display());
        }
    }

    #[tokio::test]
    async fn a_link_in_place_of_a_file_leads_nowhere() {
        for name in [LOCK_FILE, "url-checkpoint.new", "url-checkpoint.txt"] {
            let folder = tempfile::tempdir().unwrap();
            let store = store_in(&folder.path().join("checkpoints"));
            let victim = folder.path().join("victim");
            fs::write(&victim, "untouched").unwrap();
            fs::create_dir(folder.path().join("checkpoints")).unwrap();
            symlink(&victim, folder.path().join("checkpoints").join(name)).unwrap();
            let saved = save(&store, OLD, &Version::Absent).await;
            assert_eq!(fs::read(&victim).unwrap(), b"untouched", "{name}");
            if name == "url-checkpoint.new" {
                saved.unwrap();
                assert_eq!(content(&store).await.as_deref(), Some(OLD));
            } else {
                let text = determinate(saved);
                assert!(text.contains("is not a regular file"), "{name}: {text}");
            }
        }
    }

    #[tokio::test]
    async fn a_lock_that_leads_to_nothing_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = store_in(&folder.path().join("checkpoints"));
        let victim = folder.path().join("victim");
        fs::create_dir(folder.path().join("checkpoints")).unwrap();
        symlink(&victim, folder.path().join("checkpoints").join(LOCK_FILE)).unwrap();
        determinate(save(&store, OLD, &Version::Absent).await);
        assert!(!victim.exists());
    }
}

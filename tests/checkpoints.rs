//! The checkpoint stores keep one promise, whichever is used: the folder, and blob storage as real
//! Azurite serves it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::{sync::Arc, time::Duration};

use mimecast_ttp::{
    azure,
    ingest::{
        error::{Explain, StoreError},
        ports::{Store, Version},
    },
    model::{
        deadline::Deadline,
        feed::Feed,
        fingerprint::Fingerprinter,
        ledger::Hour,
        store_key::{Folder, StoreKey},
    },
    net::http::HttpClient,
    storage::{
        blob::{Access, BlobStore},
        folder::FolderStore,
    },
    system::SystemClock,
};
use support::{
    azurite::{Azurite, connection_string},
    unreachable_address,
};

fn blob_store(connection_string: &str, container: &str) -> BlobStore {
    let access =
        Access::ConnectionString(azure::connection_string::parse(connection_string).unwrap());
    let http = HttpClient::new().unwrap();
    BlobStore::new(&http, access, container, Arc::new(SystemClock::start())).unwrap()
}

const URL: StoreKey = StoreKey::Checkpoint(Feed::Url);

/// Long enough for anything here.
fn soon() -> Deadline {
    Deadline::after(Duration::ZERO, Duration::from_secs(60))
}

async fn save(
    store: &dyn Store,
    key: StoreKey,
    text: &str,
    expected: &Version,
) -> Result<Version, StoreError> {
    store.save(key, text.as_bytes(), expected, soon()).await
}

async fn text(store: &dyn Store, key: StoreKey) -> Option<String> {
    let saved = store.load(key, soon()).await.unwrap();
    saved
        .content
        .map(|content| String::from_utf8(content).unwrap())
}

/// What every store promises.
async fn keeps_the_promises(store: &dyn Store) {
    saves_whole_and_one_at_a_time(store).await;
    takes_empty_and_large_texts(store).await;
    lists_folders(store).await;
}

async fn saves_whole_and_one_at_a_time(store: &dyn Store) {
    // Nothing saved.
    let saved = store.load(URL, soon()).await.unwrap();
    assert_eq!((saved.content, &saved.version), (None, &Version::Absent));
    let ledgers = Folder::Ledger(Feed::Url);
    assert_eq!(store.list(ledgers, soon()).await.unwrap(), []);
    store.remove(URL, soon()).await.unwrap();

    // The first save makes what it needs; what is saved is read back to the byte.
    let content = "{\"é\":\"日本\"}";
    let first = save(store, URL, content, &Version::Absent).await.unwrap();
    let saved = store.load(URL, soon()).await.unwrap();
    assert_eq!(
        (saved.content.as_deref(), &saved.version),
        (Some(content.as_bytes()), &first)
    );

    // Of two who both read nothing, one loses.
    let late = save(store, URL, "other", &Version::Absent).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");

    // Of two who read the same, one loses, and its text is nowhere.
    let second = save(store, URL, "second", &first).await.unwrap();
    let late = save(store, URL, "late", &first).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    assert_eq!(text(store, URL).await.as_deref(), Some("second"));
    let third = save(store, URL, "third", &second).await.unwrap();
    assert_ne!(second, third);

    // Places do not share.
    let attachment = StoreKey::Checkpoint(Feed::Attachment);
    assert_eq!(text(store, attachment).await, None);
    save(store, attachment, "its own", &Version::Absent)
        .await
        .unwrap();
    assert_eq!(text(store, URL).await.as_deref(), Some("third"));
}

async fn takes_empty_and_large_texts(store: &dyn Store) {
    let large = StoreKey::Checkpoint(Feed::Impersonation);
    let empty = save(store, large, "", &Version::Absent).await.unwrap();
    let saved = store.load(large, soon()).await.unwrap();
    assert_eq!((saved.content, &saved.version), (Some(vec![]), &empty));

    // Large texts survive: fifty thousand fingerprints are over a megabyte.
    let long = "0123456789".repeat(600_000);
    save(store, large, &long, &empty).await.unwrap();
    assert!(text(store, large).await == Some(long));
}

/// What lies in a folder is listed, in order, and what was removed is not.
async fn lists_folders(store: &dyn Store) {
    let ledgers = Folder::Ledger(Feed::Url);
    let hours: Vec<_> = ["2026-11-24T07", "2026-11-24T05", "2026-11-24T06"]
        .map(|hour| StoreKey::Ledger(Feed::Url, Hour::from_text(hour).unwrap()))
        .into();
    let bytes: Vec<_> = (0..=255).collect();
    for key in &hours {
        store
            .save(*key, &bytes, &Version::Absent, soon())
            .await
            .unwrap();
    }
    let fingerprint = Fingerprinter::default().take("{}");
    let held = StoreKey::Quarantine(Feed::Url, fingerprint);
    save(store, held, "held", &Version::Absent).await.unwrap();
    assert_eq!(
        store.load(hours[0], soon()).await.unwrap().content,
        Some(bytes)
    );
    store.remove(hours[1], soon()).await.unwrap();
    store.remove(hours[1], soon()).await.unwrap();
    assert_eq!(
        store.list(ledgers, soon()).await.unwrap(),
        [hours[2], hours[0]]
    );
    let quarantine = Folder::Quarantine(Feed::Url);
    assert_eq!(store.list(quarantine, soon()).await.unwrap(), [held]);
}

#[tokio::test]
async fn the_folder_keeps_the_promises_of_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made/when/needed");
    keeps_the_promises(&FolderStore::new(made, Arc::new(SystemClock::start()))).await;
}

#[tokio::test]
async fn blob_storage_keeps_the_promises_of_a_store() {
    let azurite = Azurite::start();
    keeps_the_promises(&blob_store(&azurite.connection_string(), "ttp-checkpoints")).await;
}

#[tokio::test]
async fn concurrent_writers_of_the_folder_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::new(folder.path(), Arc::new(SystemClock::start()));
    let (one, other) = (store.clone(), store.clone());
    let (one, other) = tokio::join!(
        save(&one, URL, "one", &Version::Absent),
        save(&other, URL, "other", &Version::Absent)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn a_repeated_write_is_recognised_as_our_own() {
    let azurite = Azurite::start();
    let store = blob_store(&azurite.connection_string(), "ttp-checkpoints");
    let first = save(&store, URL, "first", &Version::Absent).await.unwrap();
    let second = save(&store, URL, "second", &first).await.unwrap();
    // The retry of the same write, with the version that it has itself replaced.
    assert_eq!(save(&store, URL, "second", &first).await.unwrap(), second);
}

#[tokio::test]
async fn a_wrong_key_is_reported_with_advice() {
    let azurite = Azurite::start();
    let wrong = azurite.connection_string().replace("Eby8vdM0", "AAAAAAAA");
    let error = blob_store(&wrong, "ttp-checkpoints")
        .load(URL, soon())
        .await
        .unwrap_err()
        .explain();
    assert!(error.contains("403"), "{error}");
    assert!(
        error.contains("check the key in AzureWebJobsStorage"),
        "{error}"
    );
    assert!(!error.contains("AAAAAAAA"), "{error}");
}

#[tokio::test]
async fn a_shared_access_signature_is_never_shown() {
    let text =
        "BlobEndpoint=http://127.0.0.1:0/acct;SharedAccessSignature=sv=2024-11-04&sig=t0ps3cr3t%3D";
    let store = blob_store(text, "ttp-checkpoints");
    let error = store.load(URL, soon()).await.unwrap_err().explain();
    assert!(error.contains("cannot be reached"), "{error}");
    for text in [error, store.address(URL), format!("{store:?}")] {
        assert!(!text.contains("t0ps3cr3t"), "{text}");
    }
}

#[tokio::test]
async fn unreachable_storage_is_an_error_and_not_an_empty_checkpoint() {
    let (_socket, address) = unreachable_address();
    let error = blob_store(&connection_string(&address), "ttp-checkpoints")
        .load(URL, soon())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Determinate(_)), "{error:?}");
}

//! The checkpoint stores keep one promise, whichever is used: the folder, and blob storage as real
//! Azurite serves it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::sync::Arc;

use mimecast_ttp::{
    azure::connection_string,
    checkpoints::{
        blob::{Access, BlobStore},
        folder::FolderStore,
    },
    http::HttpClient,
    ingest::ports::{CheckpointStore, StoreError, Version},
    model::feed::Feed,
    system::SystemClock,
};
use support::azurite::Azurite;

fn blob_store(connection_string: &str, container: &str) -> BlobStore {
    let access = Access::ConnectionString(connection_string::parse(connection_string).unwrap());
    let http = HttpClient::new().unwrap();
    BlobStore::new(&http, access, container, Arc::new(SystemClock::start())).unwrap()
}

/// What every store promises.
async fn keeps_the_promises(store: &dyn CheckpointStore) {
    // Nothing saved.
    let saved = store.load(Feed::Url).await.unwrap();
    assert_eq!((saved.text, &saved.version), (None, &Version::Absent));

    // The first save makes what it needs; what is saved is read back to the byte.
    let text = "{\"é\":\"日本\"}";
    let first = store.save(Feed::Url, text, &Version::Absent).await.unwrap();
    let saved = store.load(Feed::Url).await.unwrap();
    assert_eq!(
        (saved.text.as_deref(), &saved.version),
        (Some(text), &first)
    );

    // Of two who both read nothing, one loses.
    let late = store.save(Feed::Url, "other", &Version::Absent).await;
    assert!(matches!(late, Err(StoreError::RaceLost)), "{late:?}");

    // Of two who read the same, one loses, and its text is nowhere.
    let second = store.save(Feed::Url, "second", &first).await.unwrap();
    let late = store.save(Feed::Url, "late", &first).await;
    assert!(matches!(late, Err(StoreError::RaceLost)), "{late:?}");
    assert_eq!(
        store.load(Feed::Url).await.unwrap().text.as_deref(),
        Some("second")
    );
    let third = store.save(Feed::Url, "third", &second).await.unwrap();
    assert_ne!(second, third);

    // Feeds do not share.
    assert_eq!(store.load(Feed::Attachment).await.unwrap().text, None);
    store
        .save(Feed::Attachment, "its own", &Version::Absent)
        .await
        .unwrap();
    assert_eq!(
        store.load(Feed::Url).await.unwrap().text.as_deref(),
        Some("third")
    );

    // A save that repeats what lies there, as after a lost answer, is no lost race.
    let empty = store
        .save(Feed::Impersonation, "", &Version::Absent)
        .await
        .unwrap();
    let saved = store.load(Feed::Impersonation).await.unwrap();
    assert_eq!((saved.text.as_deref(), &saved.version), (Some(""), &empty));

    // Large texts survive: fifty thousand fingerprints are over a megabyte.
    let large = "0123456789".repeat(600_000);
    store
        .save(Feed::Impersonation, &large, &empty)
        .await
        .unwrap();
    assert!(
        store
            .load(Feed::Impersonation)
            .await
            .unwrap()
            .text
            .as_deref()
            == Some(large.as_str())
    );
}

#[tokio::test]
async fn the_folder_keeps_the_promises_of_a_store() {
    let folder = tempfile::tempdir().unwrap();
    keeps_the_promises(&FolderStore::new(folder.path().join("made/when/needed"))).await;
}

#[tokio::test]
async fn blob_storage_keeps_the_promises_of_a_store() {
    let azurite = Azurite::start();
    keeps_the_promises(&blob_store(&azurite.connection_string(), "ttp-checkpoints")).await;
}

#[tokio::test]
async fn the_folders_writers_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::new(folder.path());
    let (one, other) = (store.clone(), store.clone());
    let (one, other) = tokio::join!(
        one.save(Feed::Url, "one", &Version::Absent),
        other.save(Feed::Url, "other", &Version::Absent)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_recognised_as_our_own() {
    let azurite = Azurite::start();
    let store = blob_store(&azurite.connection_string(), "ttp-checkpoints");
    let first = store
        .save(Feed::Url, "first", &Version::Absent)
        .await
        .unwrap();
    let second = store.save(Feed::Url, "second", &first).await.unwrap();
    // The retry of the same write, with the version that it has itself replaced.
    assert_eq!(
        store.save(Feed::Url, "second", &first).await.unwrap(),
        second
    );
}

#[tokio::test]
async fn a_wrong_key_is_answered_with_what_to_do() {
    let azurite = Azurite::start();
    let wrong = azurite.connection_string().replace("Eby8vdM0", "AAAAAAAA");
    let error = blob_store(&wrong, "ttp-checkpoints")
        .load(Feed::Url)
        .await
        .unwrap_err()
        .to_string();
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
        "BlobEndpoint=http://127.0.0.1:1/acct;SharedAccessSignature=sv=2024-11-04&sig=t0ps3cr3t%3D";
    let store = blob_store(text, "ttp-checkpoints");
    let error = store.load(Feed::Url).await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached"), "{error}");
    for text in [error, store.place(Feed::Url), format!("{store:?}")] {
        assert!(!text.contains("t0ps3cr3t"), "{text}");
    }
}

#[tokio::test]
async fn storage_that_is_away_is_an_error_and_not_an_empty_checkpoint() {
    let azurite = Azurite::start();
    let gone = azurite.connection_string();
    drop(azurite);
    let error = blob_store(&gone, "ttp-checkpoints")
        .load(Feed::Url)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
}

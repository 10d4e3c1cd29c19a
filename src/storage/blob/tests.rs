//! A blob service that answers what the real one never would: nothing of it is taken for content, and
//! nothing of it lasts.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::stream;

use super::*;
use crate::{
    azure::connection_string, ingest::error::Explain, model::feed::Feed, system::SystemClock,
};

const URL: StoreKey = StoreKey::Checkpoint(Feed::Url);
const ETAG: (&str, &str) = ("etag", "\"0x1\"");

fn soon() -> Deadline {
    Deadline::after(Duration::ZERO, Duration::from_secs(60))
}

/// A store at a service that always answers so, and how often that was asked.
async fn store_with(
    answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
) -> (BlobStore, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let router = Router::new().fallback(move |_: Request| {
        count.fetch_add(1, Ordering::SeqCst);
        let answer = answer();
        async move { answer }
    });
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    let text = format!(
        "AccountName=devstoreaccount1;AccountKey=YWJj;BlobEndpoint=http://{address}/devstoreaccount1"
    );
    let access = Access::ConnectionString(connection_string::parse(&text).unwrap());
    let http = HttpClient::new().unwrap();
    let clock = Arc::new(SystemClock::start());
    let store = BlobStore::new(&http, access, "ttp-checkpoints", clock).unwrap();
    (store, asked)
}

/// A part of a blob.
fn part(range: &'static str, body: impl Into<Body>) -> Response {
    let status = axum::http::StatusCode::PARTIAL_CONTENT;
    let body: Body = body.into();
    (status, [ETAG, ("content-range", range)], body).into_response()
}

fn megabytes(count: usize) -> Body {
    let chunk = Bytes::from(vec![b'x'; 1024 * 1024]);
    Body::from_stream(stream::iter(
        (0..count).map(move |_| Ok::<_, Infallible>(chunk.clone())),
    ))
}

/// The load fails after one request, for that reason.
async fn fails_at_once(case: &str, reason: &str, answer: fn() -> Response) {
    let (store, asked) = store_with(answer).await;
    let error = store.load(URL, soon()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Determinate(_)),
        "{case}: {error:?}"
    );
    let text = error.explain();
    assert!(
        text.contains(reason) && text.contains("What to do: "),
        "{case}: {text}"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1, "{case}");
}

#[tokio::test]
async fn a_blob_above_the_limit_is_an_error_and_never_a_part_of_it() {
    let reason = "the blob is larger than 64 MiB";
    fails_at_once("2^63 bytes", reason, || {
        part("bytes 0-9/9223372036854775808", "0123456789")
    })
    .await;
    fails_at_once("one byte too many", reason, || {
        part("bytes 0-4194303/67108865", vec![b'x'; 4_194_304])
    })
    .await;
    fails_at_once("whole, with its length", reason, || {
        ([ETAG], vec![b'x'; 67_108_865]).into_response()
    })
    .await;
    fails_at_once("whole, without a length", reason, || {
        ([ETAG], megabytes(65)).into_response()
    })
    .await;
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_is_an_error_and_no_content() {
    let reason = "another part of the blob";
    fails_at_once("shorter than it says", reason, || {
        part("bytes 0-9/10", "01234")
    })
    .await;
    fails_at_once("shorter than asked for", reason, || {
        part("bytes 0-4/10", "01234")
    })
    .await;
    fails_at_once("from elsewhere", reason, || part("bytes 5-9/10", "56789")).await;
    fails_at_once("without a range", reason, || part("bytes */10", "01234")).await;
}

#[tokio::test]
async fn a_blob_comes_whole_whether_the_service_knows_ranges_or_not() {
    for answer in [
        (|| part("bytes 0-9/10", "0123456789")) as fn() -> Response,
        || ([ETAG], "0123456789").into_response(),
    ] {
        let (store, _) = store_with(answer).await;
        let saved = store.load(URL, soon()).await.unwrap();
        assert_eq!(saved.content.as_deref(), Some(b"0123456789".as_slice()));
    }
}

#[tokio::test]
async fn a_list_without_an_end_is_an_error() {
    const PAGE: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ContainerName=\"c\"><Blobs><Blob><Name>ledger/url/2026-11-24T05.bin</Name></Blob></Blobs><NextMarker>again</NextMarker></EnumerationResults>";
    let (store, asked) =
        store_with(|| ([("content-type", "application/xml")], PAGE).into_response()).await;
    let error = store.list(Folder::Ledger(Feed::Url), soon()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, StoreError::Determinate(_)), "{error:?}");
    let text = error.explain();
    assert!(text.contains("the list of blobs does not end"), "{text}");
    assert_eq!(asked.load(Ordering::SeqCst), MAX_LIST_PAGES + 1);
}

#[tokio::test]
async fn content_above_the_limit_is_not_written() {
    let (store, asked) = store_with(|| "".into_response()).await;
    let content = vec![b'x'; 67_108_865];
    let saved = store.save(URL, &content, &Version::Absent, soon()).await;
    let error = saved.unwrap_err();
    assert!(matches!(error, StoreError::Determinate(_)), "{error:?}");
    assert!(error.explain().contains("larger than 64 MiB"), "{error:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

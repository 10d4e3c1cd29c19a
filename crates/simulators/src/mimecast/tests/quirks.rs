//! Paging habits that can be switched on.

use super::*;
use crate::mimecast::Quirk;

async fn with(count: u64, quirks: &[Quirk]) -> (Simulator, Caller) {
    let config = Config {
        quirks: quirks.to_vec(),
        ..config(seven_a_second(count))
    };
    start(config).await
}

#[tokio::test]
async fn the_total_can_be_kept_back() {
    let (_simulator, caller) = with(5, &[Quirk::OmitTotalCount]).await;
    let page = caller.page(Log::Impersonation, true, 9, None).await;
    assert_eq!(page["meta"]["pagination"], json!({ "pageSize": 5 }));
    assert_eq!(page["data"][0].get("resultCount"), None);
}

#[tokio::test]
async fn a_single_page_can_come_without_pagination() {
    let (_simulator, caller) = with(5, &[Quirk::OmitPaginationWhenOnePage]).await;
    let page = caller.page(Log::Url, true, 5, None).await;
    assert_eq!(page["meta"], json!({ "status": 200 }));
    assert_eq!(ids(&page, Log::Url).len(), 5);
    let page = caller.page(Log::Url, true, 4, None).await;
    assert!(next(&page).is_some());
}

#[tokio::test]
async fn an_empty_page_with_a_further_token_can_follow_the_last() {
    let (_simulator, caller) = with(3, &[Quirk::TrailingEmptyPageWithNext]).await;
    let last = caller.page(Log::Url, true, 3, None).await;
    assert_eq!(ids(&last, Log::Url).len(), 3);
    let empty = caller.page(Log::Url, true, 3, next(&last)).await;
    assert_eq!(empty["data"], json!([]));
    let further = caller.page(Log::Url, true, 3, next(&empty)).await;
    assert_eq!(further["data"], json!([]));
    assert_ne!(next(&empty), next(&last));
    assert_ne!(next(&empty), next(&further));
}

#[tokio::test]
async fn the_last_page_can_name_itself_as_next() {
    let (_simulator, caller) = with(5, &[Quirk::RepeatToken]).await;
    let first = caller.page(Log::Url, true, 3, None).await;
    let last = caller.page(Log::Url, true, 3, next(&first)).await;
    assert_eq!(ids(&last, Log::Url), [3, 4]);
    assert_eq!(next(&last), next(&first));
}

#[tokio::test]
async fn rows_can_be_mixed_inside_a_page_but_not_across_pages() {
    let (_simulator, caller) = with(40, &[Quirk::ShuffleRows]).await;
    let first = caller.page(Log::Url, true, 20, None).await;
    let mut found = ids(&first, Log::Url);
    assert_ne!(found, (0..20).collect::<Vec<_>>());
    found.sort_unstable();
    assert_eq!(found, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_empty_result_can_be_bare() {
    let (_simulator, caller) = with(0, &[Quirk::BareEmptyData]).await;
    let page = caller.page(Log::Url, true, 20, None).await;
    assert_eq!(page["data"], json!([]));
}

//! Listings, page by page.

use super::*;

/// Every record of the morning, by following `next` to its end.
async fn walk(caller: &Caller, log: Log, oldest_first: bool, size: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut page = caller.page(log, oldest_first, size, None).await;
    loop {
        let rows = ids(&page, log);
        assert_eq!(page["meta"]["pagination"]["pageSize"], rows.len());
        let first = found.is_empty();
        assert_eq!(page["meta"]["pagination"].get("previous").is_none(), first);
        found.extend(rows);
        let Some(token) = next(&page).map(str::to_owned) else {
            assert_eq!(page["meta"]["pagination"]["totalCount"], found.len());
            return found;
        };
        page = caller.page(log, oldest_first, size, Some(&token)).await;
    }
}

#[tokio::test]
async fn paging_tells_each_record_once_in_either_order() {
    let config = Config {
        quota: 10_000,
        ..config(seven_a_second(100))
    };
    let (simulator, caller) = start(config).await;
    for log in Log::ALL {
        for size in [1, 3, 7, 50, 100, 500] {
            let mut expected: Vec<u64> = (0..100).collect();
            assert_eq!(
                walk(&caller, log, true, size).await,
                expected,
                "{log:?} {size}"
            );
            expected.reverse();
            assert_eq!(
                walk(&caller, log, false, size).await,
                expected,
                "{log:?} {size}"
            );
        }
    }
    assert_eq!(simulator.calls(URL_LOGS), 2 * (100 + 34 + 15 + 2 + 1 + 1));
}

#[tokio::test]
async fn previous_leads_back_to_the_very_same_rows() {
    let (_simulator, caller) = start(config(seven_a_second(30))).await;
    let first = caller.page(Log::Url, true, 8, None).await;
    let second = caller.page(Log::Url, true, 8, next(&first)).await;
    let third = caller.page(Log::Url, true, 8, next(&second)).await;
    let previous = |page: &Value| {
        page["meta"]["pagination"]["previous"]
            .as_str()
            .map(str::to_owned)
    };
    let back = caller
        .page(Log::Url, true, 8, previous(&third).as_deref())
        .await;
    assert_eq!(ids(&back, Log::Url), ids(&second, Log::Url));
    let back = caller
        .page(Log::Url, true, 8, previous(&back).as_deref())
        .await;
    assert_eq!(ids(&back, Log::Url), ids(&first, Log::Url));
    assert_eq!(previous(&back), None);
}

#[tokio::test]
async fn a_page_holds_a_hundred_rows_unless_asked_and_five_hundred_at_most() {
    let (_simulator, caller) = start(config(seven_a_second(600))).await;
    let range = json!([{ "from": "2026-03-02T08:00:00Z", "to": "2026-03-02T09:00:00+00:00" }]);
    let page = caller
        .call(URL_LOGS, &json!({ "data": range }))
        .await
        .json();
    assert_eq!(ids(&page, Log::Url).len(), 100);
    for (asked, got) in [(0, 1), (500, 500), (501, 500), (100_000, 500)] {
        let page = caller.page(Log::Url, true, asked, None).await;
        assert_eq!(ids(&page, Log::Url).len(), got, "{asked}");
    }
}

#[tokio::test]
async fn the_token_carries_the_question_and_an_empty_one_is_none() {
    let (_simulator, caller) = start(config(seven_a_second(20))).await;
    let first = caller.page(Log::Url, true, 6, Some("")).await;
    assert_eq!(ids(&first, Log::Url), [0, 1, 2, 3, 4, 5]);
    let body = json!({ "meta": { "pagination": { "pageToken": next(&first) } } });
    let second = caller.call(URL_LOGS, &body).await.json();
    assert_eq!(ids(&second, Log::Url), [6, 7, 8, 9, 10, 11]);
}

#[tokio::test]
async fn a_foreign_or_changed_token_is_refused() {
    let (_simulator, caller) = start(config(seven_a_second(20))).await;
    let first = caller.page(Log::Url, true, 6, None).await;
    let good = next(&first).unwrap();
    let body = |token: &str| json!({ "meta": { "pagination": { "pageToken": token } } });
    for (path, token) in [
        (URL_LOGS, format!("{good}A")),
        (URL_LOGS, "bm90IGEgdG9rZW4".to_owned()),
        (Log::Attachment.path(), good.to_owned()),
    ] {
        let reply = caller.call(path, &body(&token)).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.code(), "err_validation_invalid_page_token");
    }
}

#[tokio::test]
async fn both_ends_of_a_range_belong_to_it() {
    let (_simulator, caller) = start(config(seven_a_second(35))).await;
    let body = json!({ "data": [{ "from": "2026-03-02T08:00:01+0000",
                                  "to": "2026-03-02T08:00:02+0000", "oldestFirst": true }] });
    let page = caller.call(URL_LOGS, &body).await.json();
    assert_eq!(ids(&page, Log::Url), (7..21).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_a_range_the_day_so_far_is_told_newest_first() {
    let mut records = GivenRecords::default();
    let yesterday = at("00:00:00") - Duration::from_secs(1);
    for (id, moment) in [yesterday, at("00:00:00"), at("11:59:59"), at("13:00:00")]
        .into_iter()
        .enumerate()
    {
        add(&mut records, Log::Impersonation, moment, 0, id as u64);
    }
    let (_simulator, caller) = start(config(records)).await;
    let page = caller
        .call(Log::Impersonation.path(), &json!({}))
        .await
        .json();
    assert_eq!(ids(&page, Log::Impersonation), [2, 1]);
    assert_eq!(page["data"][0]["resultCount"], 2);
}

#[tokio::test]
async fn an_empty_range_is_an_empty_array_in_the_first_item() {
    let (_simulator, caller) = start(config(GivenRecords::default())).await;
    let page = caller.page(Log::Attachment, true, 9, None).await;
    assert_eq!(
        page,
        json!({ "meta": { "status": 200, "pagination": { "pageSize": 0, "totalCount": 0 } },
                "data": [{ "attachmentLogs": [] }], "fail": [] })
    );
}

#[tokio::test]
async fn a_late_record_shows_in_its_time_and_never_inside_a_listing_begun_before() {
    let mut records = GivenRecords::default();
    for id in 0..6 {
        // 1 and 4 are shown at 12:05 only.
        let late = if id % 3 == 1 { 4 * 3600 + 300 } else { 0 };
        add(&mut records, Log::Url, at("08:00:00"), late, id);
    }
    let config = config(records);
    let clock = config.clock.clone();
    let (_simulator, caller) = start(config).await;
    let first = caller.page(Log::Url, true, 2, None).await;
    assert_eq!(ids(&first, Log::Url), [0, 2]);
    assert_eq!(first["meta"]["pagination"]["totalCount"], 4);
    clock.set(at("12:06:00")).unwrap();
    let second = caller.page(Log::Url, true, 2, next(&first)).await;
    assert_eq!(ids(&second, Log::Url), [3, 5]);
    assert_eq!(next(&second), None);
    assert_eq!(walk(&caller, Log::Url, true, 2).await, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn filters_narrow_the_listing_and_all_does_not() {
    let (_simulator, caller) = start(config(seven_a_second(6))).await;
    let ask = |item: Value| json!({ "data": [item] });
    let (from, to) = ("2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z");
    let all = ask(json!({ "from": from, "to": to, "route": "all", "scanResult": "all" }));
    assert_eq!(
        caller.call(URL_LOGS, &all).await.json()["meta"]["pagination"]["totalCount"],
        6
    );
    let inbound = ask(json!({ "from": from, "to": to, "route": "inbound" }));
    let page = caller.call(URL_LOGS, &inbound).await.json();
    assert_eq!(ids(&page, Log::Url), [4, 2, 0]);
    let tagged = ask(json!({ "from": from, "to": to, "taggedMalicious": false }));
    let page = caller.call(Log::Impersonation.path(), &tagged).await.json();
    assert_eq!(ids(&page, Log::Impersonation), [5, 3, 1]);
}

//! The way from a page to a batch, in ours and in the obvious manner, for the bench and for the count of
//! their allocations.

#![allow(
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    reason = "this is test code"
)]

use chrono::{DateTime, TimeDelta, Utc};
use mimecast_ttp::{
    mimecast::wire,
    model::{
        batch::{BatchBuilder, Push, Sizes},
        date_range::DateRange,
        event_time,
        feed::Feed,
        record::RecordScanner,
    },
};
use scenario::{Plan, Scenario};
use sha2::{Digest, Sha256};
use simulators::{log::Log, records::RecordSet};

const RECORDS_A_PAGE: usize = 500;
pub const SIZES: Sizes = Sizes {
    batch: 1_000_000,
    value: 32_768,
};

fn began() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

pub fn range() -> DateRange {
    let end = began() + TimeDelta::days(1);
    DateRange::new(began(), end, end).expect("a day in order")
}

/// The body of a page of each feed, as Mimecast would answer it.
pub fn bodies() -> Vec<(Feed, String)> {
    let plan = Plan::new(1, 4000, began(), began() + TimeDelta::days(1));
    let scenario = Scenario::new(plan);
    let feeds = [
        (Feed::Url, Log::Url, "clickLogs"),
        (Feed::Attachment, Log::Attachment, "attachmentLogs"),
        (Feed::Impersonation, Log::Impersonation, "impersonationLogs"),
    ];
    feeds
        .into_iter()
        .map(|(feed, log, array)| {
            let records: Vec<_> = (0..RECORDS_A_PAGE)
                .map(|index| scenario.json(log, index))
                .collect();
            let body = format!(
                r#"{{"meta":{{"status":200,"pagination":{{"pageSize":500,"totalCount":4000,"next":"eNotoken"}}}},"data":[{{"{array}":[{}]}}],"fail":[]}}"#,
                records.join(",")
            );
            (feed, body)
        })
        .collect()
}

pub fn ours(feed: Feed, body: Vec<u8>, scanner: &mut RecordScanner) -> usize {
    let page = wire::page(scanner, body).expect("a page");
    let mut batches = BatchBuilder::new(feed, SIZES);
    let mut bytes = 0;
    for (record, look) in page.records_with_meta() {
        if batches.push(record, look, range()) == Push::Full {
            bytes += batches.take().map_or(0, |batch| batch.body().len());
            let _added = batches.push(record, look, range());
        }
    }
    bytes + batches.take().map_or(0, |batch| batch.body().len())
}

/// The same work through a tree: parse all, find the time, hash a form without order (the tree's maps
/// are sorted), add four members, write.
pub fn through_values(feed: Feed, body: &[u8]) -> usize {
    let array = match feed {
        Feed::Url => "clickLogs",
        Feed::Attachment => "attachmentLogs",
        Feed::Impersonation => "impersonationLogs",
    };
    let mut answer: serde_json::Value = serde_json::from_slice(body).expect("a page");
    let records = answer["data"][0][array].as_array_mut().expect("records");
    for record in records.iter_mut() {
        let canonical = serde_json::to_vec(record).expect("a tree is JSON");
        let digest = Sha256::digest(&canonical);
        let fingerprint: [u8; 16] = digest[..16].try_into().expect("sixteen bytes");
        let member = match feed {
            Feed::Impersonation => "eventTime",
            Feed::Url | Feed::Attachment => "date",
        };
        let time = record[member]
            .as_str()
            .and_then(event_time::parse)
            .unwrap_or_default();
        record["mimecastEventId"] = feed.event_id().into();
        record["mimecastEventCategory"] = feed.event_id().into();
        record["time_generated"] = event_time::to_utc_text(time).into();
        record["mimecastFingerprint"] =
            format!("ttp1-{:032x}", u128::from_be_bytes(fingerprint)).into();
    }
    serde_json::to_vec(records).expect("a tree is JSON").len()
}

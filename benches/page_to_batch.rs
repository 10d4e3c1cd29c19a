//! The way of a record from a page to a batch, and each part of it alone.
//!
//! `page_to_batch` holds two ways of the same work in one group: ours, which looks at the bytes of a
//! page, and one through `serde_json::Value`, which builds a tree of every record and writes it anew.
//! Both end with a batch that is ready to be posted.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a bench may end where it stands"
)]

use std::hint::black_box;

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mimecast_ttp::{
    keys::HmacKey,
    mimecast::{hmac, wire},
    model::{
        batch::{BatchBuilder, Push, Sizes},
        date_range::DateRange,
        feed::Feed,
        record::Examiner,
    },
    simulator::{
        log::Log,
        records::RecordSet,
        scenario::{Plan, Scenario},
    },
};
use sha2::{Digest, Sha256};

const RECORDS_A_PAGE: usize = 500;
const SIZES: Sizes = Sizes {
    batch: 1_000_000,
    value: 32_768,
};

fn began() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn range() -> DateRange {
    let end = began() + TimeDelta::days(1);
    DateRange::new(began(), end, end).expect("a day in order")
}

/// The body of a page of each feed, as Mimecast would answer it.
fn bodies() -> Vec<(Feed, String)> {
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

fn ours(feed: Feed, body: Vec<u8>, examiner: &mut Examiner) -> usize {
    let page = wire::page(examiner, body).expect("a page");
    let mut batches = BatchBuilder::new(feed, SIZES);
    let mut bytes = 0;
    for (record, look) in page.looked_at() {
        if batches.push(record, look, range()) == Push::Full {
            bytes += batches.take().map_or(0, |batch| batch.body().len());
            let _added = batches.push(record, look, range());
        }
    }
    bytes + batches.take().map_or(0, |batch| batch.body().len())
}

/// The same work through a tree: parse all, find the time, hash a form without order (the tree's maps
/// are sorted), add four members, write.
fn through_values(feed: Feed, array: &str, body: &[u8]) -> usize {
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
            .and_then(mimecast_ttp::model::event_time::parse)
            .unwrap_or_default();
        record["mimecastEventId"] = feed.event_id().into();
        record["mimecastEventCategory"] = feed.event_id().into();
        record["time_generated"] = mimecast_ttp::model::event_time::to_utc_text(time).into();
        record["mimecastFingerprint"] =
            format!("ttp1-{:032x}", u128::from_be_bytes(fingerprint)).into();
    }
    serde_json::to_vec(records).expect("a tree is JSON").len()
}

fn page_to_batch(criterion: &mut Criterion) {
    for (feed, body) in bodies() {
        let mut group = criterion.benchmark_group(format!("page_to_batch/{feed}"));
        group.throughput(Throughput::Bytes(body.len() as u64));
        let mut examiner = Examiner::new(feed);
        group.bench_function("ours", |bencher| {
            // The body is handed over, as a client does that has just read it.
            bencher.iter_batched(
                || body.clone().into_bytes(),
                |body| ours(feed, black_box(body), &mut examiner),
                BatchSize::SmallInput,
            );
        });
        let array = match feed {
            Feed::Url => "clickLogs",
            Feed::Attachment => "attachmentLogs",
            Feed::Impersonation => "impersonationLogs",
        };
        group.bench_function("value", |bencher| {
            bencher.iter(|| through_values(feed, array, black_box(body.as_bytes())));
        });
        group.finish();
    }
}

fn parts(criterion: &mut Criterion) {
    let (feed, body) = bodies().swap_remove(0);
    let mut examiner = Examiner::new(feed);
    let page = wire::page(&mut examiner, body.clone().into_bytes()).expect("a page");
    let bytes: usize = page.records().map(str::len).sum();
    let mut group = criterion.benchmark_group("parts");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("page", |bencher| {
        bencher.iter_batched(
            || body.clone().into_bytes(),
            |body| wire::page(&mut examiner, black_box(body)).map_or(0, |page| page.len()),
            BatchSize::SmallInput,
        );
    });
    let mut examiner = Examiner::new(feed);
    group.bench_function("fingerprint", |bencher| {
        bencher.iter(|| {
            for record in page.records() {
                let _look = black_box(examiner.look(record));
            }
        });
    });
    group.bench_function("fingerprint, the plain way", |bencher| {
        bencher.iter(|| {
            for record in page.records() {
                let _look = black_box(examiner.look_plainly(record));
            }
        });
    });
    group.bench_function("batch", |bencher| {
        bencher.iter(|| {
            let mut batches = BatchBuilder::new(feed, SIZES);
            for (record, look) in page.looked_at() {
                let _added = batches.push(record, look, range());
            }
            batches.take().map_or(0, |batch| batch.body().len())
        });
    });
    group.finish();
}

fn signature(criterion: &mut Criterion) {
    let key = HmacKey::decode(
        &"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
            .into(),
    )
    .expect("base64");
    let app_key = "b7a1f0e2-5c3d-4e6f-9a8b-0c1d2e3f4a5b".into();
    criterion.bench_function("signature", |bencher| {
        bencher.iter(|| {
            hmac::sign(
                &key,
                black_box("Tue, 24 Nov 2015 12:50:11 UTC"),
                "8578FCFC-A305-4D9A-99CB-F4D5ECEFE297",
                "/api/ttp/url/get-logs",
                &app_key,
            )
        });
    });
}

criterion_group!(benches, page_to_batch, parts, signature);
criterion_main!(benches);

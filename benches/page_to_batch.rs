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

#[path = "../tests/support/page_to_batch.rs"]
mod ways;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use mimecast_ttp::{
    mimecast::{hmac, wire},
    model::{batch::BatchBuilder, record::RecordScanner},
    net::keys::HmacKey,
};
use ways::{SIZES, bodies, ours, range, through_values};

fn page_to_batch(criterion: &mut Criterion) {
    for (feed, body) in bodies() {
        let mut group = criterion.benchmark_group(format!("page_to_batch/{feed}"));
        group.throughput(Throughput::Bytes(body.len() as u64));
        let mut scanner = RecordScanner::new(feed);
        group.bench_function("ours", |bencher| {
            // The body is handed over, as a client does that has just read it.
            bencher.iter_batched(
                || body.clone().into_bytes(),
                |body| ours(feed, black_box(body), &mut scanner),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("value", |bencher| {
            bencher.iter(|| through_values(feed, black_box(body.as_bytes())));
        });
        group.finish();
    }
}

fn parts(criterion: &mut Criterion) {
    let (feed, body) = bodies().swap_remove(0);
    let mut scanner = RecordScanner::new(feed);
    let page = wire::page(&mut scanner, body.clone().into_bytes()).expect("a page");
    let bytes: usize = page.records().map(str::len).sum();
    let mut group = criterion.benchmark_group("parts");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("page", |bencher| {
        bencher.iter_batched(
            || body.clone().into_bytes(),
            |body| wire::page(&mut scanner, black_box(body)).map_or(0, |page| page.len()),
            BatchSize::SmallInput,
        );
    });
    let mut scanner = RecordScanner::new(feed);
    group.bench_function("fingerprint", |bencher| {
        bencher.iter(|| {
            for record in page.records() {
                let _look = black_box(scanner.scan(record));
            }
        });
    });
    group.bench_function("fingerprint, the plain way", |bencher| {
        bencher.iter(|| {
            for record in page.records() {
                let _look = black_box(scanner.scan_fully(record));
            }
        });
    });
    group.bench_function("batch", |bencher| {
        bencher.iter(|| {
            let mut batches = BatchBuilder::new(feed, SIZES);
            for (record, look) in page.records_with_meta() {
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

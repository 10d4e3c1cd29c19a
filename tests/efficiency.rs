//! Where the program would become dear, as counts and ratios: how long anything takes is not asserted,
//! so that a busy machine fails nothing and a lost shortcut does.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

#[path = "support/page_to_batch.rs"]
mod ways;

use std::{
    hint::black_box,
    process::Command,
    time::{Duration, Instant},
};

use mimecast_ttp::model::record::RecordScanner;
use ways::{bodies, ours, through_values};

const RECORDS: u64 = 500;

#[test]
fn a_record_costs_no_allocation_of_its_own() {
    for (feed, body) in bodies() {
        let mut scanner = RecordScanner::new(feed);
        let mut way = |body: Vec<u8>| black_box(ours(feed, body, &mut scanner));
        // The first page teaches the scanner its names.
        let _bytes = way(body.clone().into_bytes());
        let page = body.clone().into_bytes();
        let counted = allocation_counter::measure(|| {
            let _bytes = way(page);
        });
        // The list of records, the batch and its list of rows, and what is around the records: each of
        // them a few times at most, however many records there are.
        assert!(
            counted.count_total < RECORDS / 10,
            "{feed}: {} allocations for {RECORDS} records",
            counted.count_total
        );
        let bytes = u64::try_from(body.len()).unwrap();
        assert!(
            counted.bytes_total < 5 * bytes,
            "{feed}: {} bytes allocated for a page of {bytes}",
            counted.bytes_total
        );
    }
}

#[test]
fn a_page_becomes_a_batch_in_a_fraction_of_the_work_of_a_tree() {
    for (feed, body) in bodies() {
        let mut scanner = RecordScanner::new(feed);
        let (mut ours_best, mut tree_best) = (Duration::MAX, Duration::MAX);
        // In turns, and the best of many: what else the machine does hits both alike.
        for _ in 0..40 {
            let page = body.clone().into_bytes();
            let took = timed(|| ours(feed, black_box(page), &mut scanner));
            ours_best = ours_best.min(took);
            let took = timed(|| through_values(feed, black_box(body.as_bytes())));
            tree_best = tree_best.min(took);
        }
        let ratio = tree_best.as_secs_f64() / ours_best.as_secs_f64();
        println!("{feed}: {ratio:.2} times as fast as a tree");
        // Tests are built to be built fast: the release build reaches four and more.
        assert!(ratio > LEAST_RATIO, "{feed}: only {ratio:.2} times as fast");
    }
}

/// Below this the scan has lost its shortcuts: the plain way reaches 1.8, the scan 3.7 to 4.2.
const LEAST_RATIO: f64 = 2.6;

#[expect(
    clippy::disallowed_methods,
    reason = "two times are compared, in one run"
)]
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let begin = Instant::now();
    let _result = black_box(work());
    begin.elapsed()
}

fn bench(records: &str) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_mimecast-ttp"))
        .args(["bench", "--json", "--records", records])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let mut report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    report["lines"][0].take()
}

#[test]
fn memory_does_not_grow_with_the_backlog_and_writes_go_by_batches() {
    let (small, large) = (bench("30000"), bench("300000"));
    for line in [&small, &large] {
        let number = |name: &str| line[name].as_u64().unwrap();
        // One before the first batch, one behind each, and one at the end, for each feed.
        assert!(
            number("saves") <= number("posts") + 3 * 2,
            "{} saves for {} posts",
            number("saves"),
            number("posts")
        );
        assert!(number("posts") < number("calls"), "{line}");
    }
    if cfg!(target_os = "linux") {
        let [small, large] = [small, large].map(|line| line["peak_mib"].as_f64().unwrap());
        println!("{small:.1} MiB, {large:.1} MiB");
        // Ten times the backlog is 220 MB more.
        assert!(large < 1.4 * small, "{small} MiB, then {large} MiB");
        assert!(large < 48.0, "{large} MiB");
    }
}

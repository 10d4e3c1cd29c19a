//! Where the program would become expensive: allocations, bytes and calls are counted, no time is
//! measured, so that a busy machine fails nothing and a lost shortcut does.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

#[path = "support/page_to_batch.rs"]
mod ways;

use std::{hint::black_box, process::Command};

use mimecast_ttp::model::record::RecordScanner;
use ways::{bodies, ours, through_values};

const RECORDS: u64 = 500;

#[test]
fn scanning_a_page_allocates_nothing_for_each_record() {
    for (feed, body) in bodies() {
        let mut scanner = RecordScanner::new(feed);
        let mut allocated = |text: &str| {
            let page = text.as_bytes().to_vec();
            allocation_counter::measure(|| {
                let _bytes = black_box(ours(feed, page, &mut scanner));
            })
        };
        // The first page teaches the scanner its names.
        let _first = allocated(&body);
        let one_page = allocated(&body);
        let count = one_page.count_total;
        // The list of records, the batch and its list of rows, and what is around the records: each of
        // them a few times at most, however many records there are.
        assert!(
            count < RECORDS / 10,
            "{feed}: {count} allocations for {RECORDS} records"
        );
        let bytes = u64::try_from(body.len()).unwrap();
        assert!(
            one_page.bytes_total < 5 * bytes,
            "{feed}: {} bytes allocated for a page of {bytes}",
            one_page.bytes_total
        );

        // The limit tells the scan from the plain way, which is taken where there is white space, and
        // from a tree.
        let plain = allocated(&body.replace("\":", "\": ")).count_total;
        assert!(plain > RECORDS, "{feed}: {plain} allocations");
        let tree = allocation_counter::measure(|| {
            let _bytes = black_box(through_values(feed, body.as_bytes()));
        });
        assert!(tree.count_total > 100 * count, "{feed}: {tree:?}");
    }
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
fn memory_is_independent_of_the_backlog_and_saves_follow_batches() {
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

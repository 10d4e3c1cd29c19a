//! What Mimecast counts and does not show.

use mimecast_ttp::ingest::report::Outcome;

use crate::support::world::{SourceFault, World};

#[tokio::test]
async fn a_counted_but_unlisted_record_is_requested_again_and_delivered() {
    let world = World::builder().records(12).hidden_until(5, 4).build();
    let report = world.pass().await;
    assert_eq!(
        (
            report.outcome,
            report.counts.restarts,
            report.counts.missing
        ),
        (Outcome::Complete, 1, 0)
    );
    assert_eq!(world.sorted_serials(), (0..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_record_that_is_never_listed_is_reported_missing() {
    let world = World::builder()
        .records(12)
        .hidden_until(5, u64::MAX)
        .build();
    let report = world.pass().await;
    // Once in passing, and once more because the counts differ.
    assert_eq!((report.counts.restarts, report.counts.missing), (2, 1));
    assert!(
        report
            .to_string()
            .contains("1 counted by Mimecast but not shown"),
        "{report}"
    );
    assert_eq!(world.serials().len(), 11);
}

#[tokio::test]
async fn an_interrupted_second_reading_still_reports_missing_records() {
    let world = World::builder()
        .records(12)
        .hidden_until(5, 4)
        .fetch_fault(5, SourceFault::Fail("status 500"))
        .build();
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.missing),
        (Outcome::Failed, 1)
    );
}

#[tokio::test]
async fn a_count_independent_of_the_range_does_not_multiply_calls() {
    let world = World::builder()
        .records(30)
        .page_size(500)
        .same_total_everywhere(6000)
        .build();
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete);
    let fetches = world.fetches();
    assert!(fetches < 100, "{fetches}");
    let counts = world.counts();
    assert!(counts < 10, "{counts}");
    assert_eq!(world.serials(), (0..30).collect::<Vec<_>>());
}

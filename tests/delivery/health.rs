//! What a pass says of itself to the workspace.

use std::time::Duration;

use mimecast_ttp::ingest::report::Outcome;
use serde_json::json;

use crate::support::world::{SourceFault, World};

#[tokio::test]
async fn each_pass_reports_one_health_row_per_feed() {
    let world = World::builder()
        .records(4)
        .page_time(Duration::from_secs(2))
        .build();
    world.pass_of_all().await;
    let told = world.told();
    let feeds: Vec<_> = told.iter().map(|row| &row["feed"]).collect();
    assert_eq!(feeds, ["url", "attachment", "impersonation"]);
    let row = &told[0];
    let now = row["time_generated"].as_str().unwrap();
    assert!(
        now.starts_with("2026-03-02T08:00:") && now.ends_with('Z'),
        "{row}"
    );
    for (member, value) in [
        ("outcome", json!("complete")),
        ("delivered", json!(4)),
        ("duplicates", json!(0)),
        ("quarantined", json!(0)),
        ("missing", json!(0)),
        ("batches", json!(1)),
        ("retries", json!(0)),
        ("watermark", json!("2026-03-02T07:59:45Z")),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(row[member], value, "{member}: {row}");
    }
    assert!(row["lagSeconds"].as_u64() >= Some(15), "{row}");
    assert!(row["durationSeconds"].as_f64() >= Some(2.0), "{row}");
    // Two pages, and a count to compare.
    assert_eq!(row["calls"], 3, "{row}");
    assert!(row.get("message").is_none(), "{row}");
}

#[tokio::test]
async fn a_failed_feed_reports_its_cause_and_omits_an_unknown_lag() {
    let world = World::builder()
        .records(4)
        .checkpoint("garbage")
        .fetch_fault(1, SourceFault::Fail("status 403"))
        .build();
    world.pass_of_all().await;
    let told = world.told();
    assert_eq!(told[0]["outcome"], "failed");
    assert!(
        told[0]["message"].as_str().unwrap().contains("`garbage`"),
        "{}",
        told[0]
    );
    assert!(told[0].get("lagSeconds").is_none() && told[0].get("watermark").is_none());
    let other = told[1..]
        .iter()
        .find(|row| row["outcome"] == "failed")
        .unwrap();
    assert!(
        other["message"].as_str().unwrap().contains("status 403"),
        "{other}"
    );
}

#[tokio::test]
async fn refused_health_rows_do_not_stop_delivery() {
    let world = World::builder().records(4).health_refused().build();
    let report = world.pass().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report}");
    assert_eq!(world.serials(), [0, 1, 2, 3]);
}

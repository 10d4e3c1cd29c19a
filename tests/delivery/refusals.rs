//! What the sink does not take.

use mimecast_ttp::{
    ingest::{report::Outcome, state::quarantine::Quarantine},
    model::{deadline::Deadline, feed::Feed},
};

use crate::support::world::{SinkFault, World, at};

fn quarantine(world: &World) -> Quarantine<'_> {
    Quarantine::new(
        world,
        Deadline::after(std::time::Duration::ZERO, std::time::Duration::MAX),
    )
}

#[tokio::test]
async fn a_refused_record_is_quarantined_and_the_others_are_delivered() {
    let world = World::builder()
        .records(100)
        .page_size(500)
        .refused_rows([17, 18, 99])
        .build();
    let report = world.pass().await;
    assert_eq!(
        (
            report.outcome,
            report.counts.delivered,
            report.counts.quarantined
        ),
        (Outcome::Complete, 97, 3),
        "{report}"
    );
    assert!(report.to_string().contains("3 set aside in quarantine"));
    let all: Vec<_> = (0..100).filter(|n| ![17, 18, 99].contains(n)).collect();
    assert_eq!(world.serials(), all);
    assert_eq!(world.watermark(), at("2026-03-02T07:59:45Z"));

    let held = quarantine(&world);
    let fingerprints = held.list(Feed::Url).await.unwrap();
    assert_eq!(fingerprints.len(), 3);
    let first = held.get(Feed::Url, fingerprints[0]).await.unwrap();
    assert_eq!(
        (first.status, first.reason.as_str()),
        (Some(400), "answered 400")
    );
    assert_eq!(first.request_id.as_deref(), Some("request-1"));
    let row: serde_json::Value = serde_json::from_str(&first.row).unwrap();
    assert_eq!(row["mimecastFingerprint"], fingerprints[0].to_string());

    // Whoever reads them again knows that they were dealt with.
    world.advance(std::time::Duration::from_secs(300));
    let report = world.pass().await;
    assert_eq!((report.counts.delivered, report.counts.quarantined), (0, 0));

    // Once the sink takes them they are replayed, and only then removed.
    assert!(held.post(&first, &*world).await.is_err());
    world.accept_rows();
    held.post(&first, &*world).await.unwrap();
    held.remove(Feed::Url, first.fingerprint).await.unwrap();
    assert_eq!(held.list(Feed::Url).await.unwrap().len(), 2);
    assert!(world.delivered().contains(&row));
}

#[tokio::test]
async fn an_oversized_record_is_quarantined() {
    let world = World::builder().records(4).page_size(500).build();
    world.break_posts([
        Some(SinkFault::TooLarge),
        None,
        Some(SinkFault::TooLarge),
        Some(SinkFault::TooLarge),
    ]);
    let report = world.pass().await;
    assert_eq!(
        (
            report.outcome,
            report.counts.delivered,
            report.counts.quarantined
        ),
        (Outcome::Complete, 3, 1)
    );
    assert_eq!(world.serials(), [0, 1, 3]);
}

#[tokio::test]
async fn a_single_refused_record_is_quarantined_if_the_sink_accepts_an_empty_post() {
    let world = World::builder().records(1).refused_rows([0]).build();
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.quarantined),
        (Outcome::Complete, 1)
    );
}

#[tokio::test]
async fn a_sink_that_refuses_everything_fails_the_pass_and_quarantines_nothing() {
    let world = World::builder().records(20).build();
    world.refuse_all(true);
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.quarantined),
        (Outcome::Failed, 0)
    );
    let message = report.message.unwrap();
    assert!(
        message.contains("a post without rows is refused too"),
        "{message}"
    );
    world.refuse_all(false);
    world.pass().await;
    assert_eq!(world.serials(), (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_pass_fails_after_ten_refused_records_without_a_delivery() {
    let world = World::builder()
        .records(25)
        .page_size(500)
        .refused_rows(0..25)
        .build();
    for held in [10, 20] {
        let report = world.pass().await;
        assert_eq!(
            (report.outcome, report.counts.quarantined),
            (Outcome::Failed, 10),
            "{report}"
        );
        let message = report.message.unwrap();
        assert!(message.contains("none was taken"), "{message}");
        assert_eq!(
            quarantine(&world).list(Feed::Url).await.unwrap().len(),
            held
        );
    }
    // It goes on all the same: nobody can hold a feed up with bad records.
    let report = world.pass().await;
    assert_eq!(
        (report.outcome, report.counts.quarantined),
        (Outcome::Complete, 5)
    );
}

#[tokio::test]
async fn a_forbidden_post_fails_the_feed_without_splitting_the_batch() {
    let world = World::builder().records(20).build();
    let fault = SinkFault::Fail("403 InvalidAuthorization");
    world.break_posts([Some(fault)]);
    let report = world.pass().await;
    assert_eq!((report.outcome, report.counts.splits), (Outcome::Failed, 0));
    assert_eq!(world.posts(), 1);
}

#[tokio::test]
async fn values_over_the_column_limit_are_delivered_and_counted() {
    let world = World::builder().build();
    let time = at("2026-03-02T07:50:00Z");
    let long = "x".repeat(1001);
    let text = format!(r#"{{"n":0,"date":"2026-03-02T07:50:00Z","subject":"{long}"}}"#);
    world.add_text(time, time, text);
    let report = world.pass().await;
    assert_eq!((report.counts.delivered, report.counts.truncated), (1, 1));
    assert!(
        report
            .to_string()
            .contains("1 values cut off by the service")
    );
    assert_eq!(world.delivered()[0]["subject"], long);
}

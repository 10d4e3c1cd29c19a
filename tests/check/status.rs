//! `status` tells what came of each illness.

use serde_json::Value;

use crate::{Bench, Illness};

/// Two commands tell why a feed is late, whatever the illness.
#[tokio::test]
async fn status_says_how_each_feed_does_and_what_to_do() {
    let mut bench = Bench::start(Illness::default()).await;
    let (code, out) = bench.status(&[]).await;
    assert_eq!(code, 0, "{out}");
    assert_eq!(out.matches("nothing is saved").count(), 3, "{out}");

    assert_eq!(bench.run().await, 0);
    let (code, out) = bench.status(&["--feed", "url"]).await;
    assert!(
        code == 0 && out.starts_with("well       url: delivered up to "),
        "{out}"
    );
    for part in [
        " s ago: complete, 4 delivered in ",
        "1 run, 0 failed",
        "reads from ",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }

    let secret = bench.set("mimecast_client_secret", "wrong");
    assert_eq!(bench.run().await, 1);
    let (code, out) = bench.status(&[]).await;
    assert_eq!(code, 1, "{out}");
    assert_eq!(out.matches("failing").count(), 3, "{out}");
    assert!(
        out.contains("check mimecast_client_id and mimecast_client_secret"),
        "{out}"
    );

    bench.set("mimecast_client_secret", &secret);
    assert_eq!(bench.run().await, 0);
    let (code, out) = bench.status(&["--json"]).await;
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0, "{out}");
    let url = &found["feeds"][0];
    assert_eq!(
        (&url["health"], &url["runs"]["failed"]),
        (&"well".into(), &1.into())
    );
    assert_eq!(url["runs"]["last_failure"]["outcome"], "failed");
    assert_eq!(url["runs"]["last"]["outcome"], "complete");

    // No run for hours.
    let history = bench.folder.path().join("runs.json");
    std::fs::write(
        &history,
        r#"[{"at":"2026-11-24T05:00:00Z","feeds":[{"feed":"url","outcome":"complete","delivered":1,"seconds":1.0}]}]"#,
    )
    .unwrap();
    let checkpoint = bench.folder.path().join("url-checkpoint.txt");
    let (code, out) = bench.status(&["--feed", "url"]).await;
    assert!(
        code == 0 && out.contains(" d "),
        "a fresh watermark is not silent: {out}"
    );
    std::fs::write(&checkpoint, "2026-11-24T05:00:00Z").unwrap();
    let (code, out) = bench.status(&["--feed", "url"]).await;
    assert!(code == 1 && out.starts_with("silent     url"), "{out}");
    std::fs::write(&history, "garbage").unwrap();
    let (code, out) = bench.status(&["--feed", "url"]).await;
    assert!(code == 1 && out.starts_with("late       url"), "{out}");
    std::fs::write(&checkpoint, "garbage").unwrap();
    let (code, out) = bench.status(&["--feed", "url"]).await;
    assert!(
        code == 1 && out.starts_with("unreadable url") && out.contains("What to do"),
        "{out}"
    );
}

#[tokio::test]
async fn a_wait_that_mimecast_asked_for_is_told_with_its_end() {
    let illness = Illness {
        is_throttled: true,
        ..Illness::default()
    };
    let bench = Bench::start(illness).await;
    bench.run().await;
    let (_, out) = bench.status(&[]).await;
    let waiting: Vec<_> = out
        .lines()
        .filter(|line| line.starts_with("waiting"))
        .collect();
    assert!(!waiting.is_empty(), "{out}");
    assert!(out.contains("Mimecast asked for no calls before "), "{out}");
    assert!(out.contains("makes no calls before "), "{out}");
}

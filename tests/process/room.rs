//! What must be found out before a post: a folder that is full, and a clock that is ahead.

use simulators::{clock::SimClock, records::GivenRecords};

use crate::{
    run_command,
    support::program::{Services, run},
    with,
};

/// A run in a folder in which no file may be longer than so many blocks of 512 bytes.
#[cfg(unix)]
fn run_limited(blocks: u32, settings: &[(String, String)]) -> std::process::Command {
    let mut limited = std::process::Command::new("/bin/sh");
    // Without the trap the process would be killed.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" run");
    limited.args(["-c", &script, env!("CARGO_BIN_EXE_mimecast-ttp")]);
    limited.env_clear().envs(settings.iter().cloned());
    limited
}

/// Were only the small text before a post tried, each run would post and not remember.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_without_room_for_what_a_post_adds_is_found_out_before_it() {
    // One batch for each feed, and many: then the room ends at one of the later ones.
    for (batch, blocks) in [("1000000", 16), ("20000", 40)] {
        let services = Services::start(1200, 0).await;
        let folder = tempfile::tempdir().unwrap();
        let kept = [
            ("checkpoint_dir", folder.path().to_str().unwrap()),
            ("batch_max_bytes", batch),
        ];
        let settings = with(&services, &kept);
        for _ in 0..3 {
            let (code, out, err) = run(run_limited(blocks, &settings)).await;
            assert_eq!(code, 1, "{out}{err}");
            assert!(!out.contains("may be delivered once more"), "{out}");
        }
        assert!(services.counts().iter().all(|rows| *rows < 1200));
        let (code, out, err) = run(run_command(&settings)).await;
        assert_eq!(code, 0, "{out}{err}");
        assert_eq!(services.counts(), [1200; 3], "each record once");
    }
}

#[tokio::test]
async fn a_clock_that_is_ahead_is_told_and_saves_no_watermark_beyond_mimecasts() {
    let behind = chrono::TimeDelta::minutes(12);
    let mimecasts = SimClock::at(SimClock::real().now() - behind);
    let services = Services::with(GivenRecords::default(), mimecasts.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = with(
        &services,
        &[("checkpoint_dir", folder.path().to_str().unwrap())],
    );
    let (code, out, err) = run(run_command(&settings)).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("s ahead of Mimecast's"), "{out}");
    let saved = std::fs::read_to_string(folder.path().join("url-checkpoint.txt")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&saved).unwrap();
    let watermark: chrono::DateTime<chrono::Utc> =
        saved["watermark"].as_str().unwrap().parse().unwrap();
    assert!(watermark < mimecasts.now(), "{watermark}");
}

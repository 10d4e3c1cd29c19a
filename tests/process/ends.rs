//! How runs and handlers end before their work is done.

use std::time::Duration;

use simulators::clock::SimClock;

use crate::{
    run_command,
    support::program::{Handler, Services, run, until},
    with,
};

/// Sends a signal, by its name, to a process.
#[cfg(unix)]
fn signal(name: &str, process: u32) {
    let mut kill = std::process::Command::new("/bin/sh");
    let sent = kill
        .args(["-c", &format!("kill -{name} {process}")])
        .status();
    assert!(sent.unwrap().success());
}

/// Services that take their time: a run of all records takes seconds.
#[cfg(unix)]
async fn slow_services() -> Services {
    let clock = SimClock::real();
    let records = Services::records(1500, 0, &clock);
    Services::slow(records, clock, Duration::from_millis(150)).await
}

#[cfg(unix)]
#[tokio::test]
async fn a_run_that_is_interrupted_saves_what_it_posted_and_the_next_goes_on() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let services = slow_services().await;
        let folder = tempfile::tempdir().unwrap();
        let small = [
            ("checkpoint_dir", folder.path().to_str().unwrap()),
            ("batch_max_bytes", "30000"),
        ];
        let settings = with(&services, &small);
        let mut child = run_command(&settings);
        child
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let child = child.spawn().unwrap();
        until(|| services.counts().iter().sum::<usize>() > 0).await;
        signal(name, child.id());
        let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
        let output = output.await.unwrap();
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert_eq!(output.status.code(), Some(code), "{out}{err}");
        assert!(err.contains("Ending: nothing more is read"), "{err}");
        assert!(
            out.contains("asked to end, the next run continues"),
            "{out}"
        );
        let before: usize = services.counts().iter().sum();
        assert!(before < 4500, "{before}");
        let (code, out, err) = run(run_command(&settings)).await;
        assert_eq!(code, 0, "{out}{err}");
        assert_eq!(services.counts(), [1500; 3], "each record once");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_handler_that_is_asked_to_end_answers_first_and_never_ends_with_0() {
    let services = slow_services().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = with(
        &services,
        &[("checkpoint_dir", folder.path().to_str().unwrap())],
    );
    let mut handler = Handler::start(&settings).await;
    let (id, posted) = (handler.id(), async {
        until(|| services.counts().iter().sum::<usize>() > 0).await;
    });
    let ending = async {
        posted.await;
        signal("TERM", id);
    };
    let ((status, answer), ()) = tokio::join!(handler.invoke(), ending);
    assert!(
        status == 200 && answer.contains("asked to end"),
        "{status} {answer}"
    );
    assert_eq!(handler.ended().await, Some(143));
    let handler = Handler::start(&settings).await;
    assert_eq!(handler.invoke().await.0, 200);
    assert_eq!(services.counts(), [1500; 3], "each record once");
}

/// A host that is killed leaves its handler behind.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_handler_whose_host_is_killed_ends_by_itself() {
    use std::io::BufRead as _;
    let services = Services::start(3, 0).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = with(
        &services,
        &[
            ("checkpoint_dir", folder.path().to_str().unwrap()),
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "0"),
        ],
    );
    let mut host = std::process::Command::new("/bin/sh");
    host.args([
        "-c",
        "\"$0\" >/dev/null 2>&1 & echo $!; wait",
        env!("CARGO_BIN_EXE_mimecast-ttp"),
    ]);
    host.env_clear().envs(settings);
    let mut host = host.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut handler = String::new();
    let out = host.stdout.take().unwrap();
    std::io::BufReader::new(out)
        .read_line(&mut handler)
        .unwrap();
    let handler = std::path::Path::new("/proc").join(handler.trim());
    assert!(handler.exists());
    // It has to have seen its host.
    tokio::time::sleep(Duration::from_millis(500)).await;
    host.kill().unwrap();
    host.wait().unwrap();
    // What has ended may stay in the table until it is reaped.
    let runs = || {
        let status = std::fs::read_to_string(handler.join("status"));
        status.is_ok_and(|status| !status.contains("State:\tZ"))
    };
    until(|| !runs()).await;
}

//! The bench, as whoever doubts docs/performance.md runs it. How long anything takes is not
//! asserted: that is for a quiet machine and a release build.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::process::Output;

use serde_json::Value;
use support::program::command;

fn bench(arguments: &[&str]) -> Output {
    command(&[]).arg("bench").args(arguments).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["lines"].as_array().unwrap().clone()
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-6 * expected.abs()
}

#[test]
fn the_bench_needs_no_settings_and_its_numbers_are_consistent() {
    let lines = lines(&bench(&["--records", "600", "--json"]));
    let [line] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(line["records"], 600, "{line}");
    assert_eq!(line["stored"], 600, "{line}");
    assert_eq!(line["parallel"], Value::Null, "{line}");
    let number = |name: &str| line[name].as_f64().unwrap();
    // One for each feed, at the least.
    for name in ["calls", "posts", "saves"] {
        assert!(number(name) >= 3.0, "{name}: {line}");
    }
    // 600 records of 0.8 KB, and none much longer or read over and over.
    assert!((0.4..1.0).contains(&number("megabytes_read")), "{line}");
    assert!(number("start_ms") > 0.0, "{line}");
    let wall = number("wall_seconds");
    assert!(near(number("records_per_second"), 600.0 / wall), "{line}");
    let ratio = wall / number("fetch_alone_seconds");
    assert!(near(number("ratio"), ratio), "{line}");
    if cfg!(unix) {
        let cpu = &line["cpu_us_per_record"];
        let part = |name: &str| cpu[name].as_f64().unwrap();
        assert!(near(part("total"), part("user") + part("system")), "{line}");
        assert!(part("total") > 0.0, "{line}");
        assert!(number("simulators_us_per_record") > 0.0, "{line}");
    }
    if cfg!(target_os = "linux") {
        assert!(number("peak_mib") > 1.0, "{line}");
    }
}

#[test]
fn the_bench_prints_a_line_for_each_combination() {
    let arguments = "--records 30,700 --parallel 1,2 --feed attachment --repeat 2 --json";
    let arguments: Vec<_> = arguments.split(' ').collect();
    let lines = lines(&bench(&arguments));
    let stored: Vec<_> = lines
        .iter()
        .map(|line| (line["stored"].as_u64(), line["parallel"].as_u64()))
        .collect();
    let expected = [(30, 1), (30, 2), (700, 1), (700, 2)];
    assert_eq!(stored, expected.map(|(n, p)| (Some(n), Some(p))));
}

#[test]
fn the_bench_measures_the_logs_ingestion_api() {
    let arguments = ["--records", "600", "--sink", "logs-ingestion", "--json"];
    let output = bench(&arguments);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["sink"], "logs-ingestion");
    assert_eq!(lines(&output)[0]["stored"], 600);
}

#[test]
fn concurrent_ranges_stay_within_the_rate_limit() {
    let calls = |quota: &str| {
        let arguments = [
            "--records",
            "6000",
            "--parallel",
            "8",
            "--quota",
            quota,
            "--json",
        ];
        lines(&bench(&arguments))[0]["calls"].as_u64().unwrap()
    };
    let free = calls("1000000");
    assert!(free > 24, "{free} calls need two windows");
    assert_eq!(calls("24"), free, "a refused call is one more");
}

#[test]
fn stdout_holds_only_the_table() {
    let output = bench(&["--records", "20"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("records"), "{text}");
    assert!(lines[1].starts_with("20 "), "{text}");
}

#[test]
fn invalid_arguments_are_refused_with_a_reason() {
    for (arguments, said) in [
        (["--records", "0"], "0 is not in 1..="),
        (["--feed", "mail"], "unknown feed `mail`"),
    ] {
        let output = bench(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(said), "{text}");
    }
}

#[cfg(unix)]
#[test]
#[expect(clippy::disallowed_methods, reason = "a test may wait for a process")]
fn an_interrupted_bench_leaves_no_files() {
    use std::{fs, process::Stdio, thread, time::Duration};

    let folder = tempfile::tempdir().unwrap();
    let left = || fs::read_dir(folder.path()).unwrap().count();
    let args = ["bench", "--records", "20000", "--page-latency-ms", "300"];
    let mut bench = command(&[])
        .args(args)
        .env("TMPDIR", folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let at_work = || {
        let mut runs = fs::read_dir(folder.path()).unwrap();
        runs.any(|run| run.unwrap().path().join("checkpoints").exists())
    };
    while !at_work() {
        thread::sleep(Duration::from_millis(5));
        assert!(bench.try_wait().unwrap().is_none(), "it has begun");
    }
    let killed = std::process::Command::new("kill")
        .args(["-TERM", &bench.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(bench.wait().unwrap().code(), Some(143));
    assert_eq!(left(), 0);
}

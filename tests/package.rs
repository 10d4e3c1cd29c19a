//! The package in `dist`, as it lies there: what is in it, and that it runs where only it is.
//!
//! `./package.sh --check` builds it and runs these tests; without it there is nothing to test.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use chrono::TimeDelta;
use memchr::memmem;
use serde_json::Value;
use sha2::{Digest, Sha256};
use simulators::{
    clock::SimClock,
    functions_host::{Config, FunctionsHost, State},
};
use support::program::Services;
use zip::{CompressionMethod, ZipArchive};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn dist(name: &str) -> PathBuf {
    root().join("dist").join(name)
}

fn package() -> ZipArchive<File> {
    ZipArchive::new(File::open(dist("mimecast-ttp.zip")).unwrap()).unwrap()
}

/// The package in an empty folder.
fn unpacked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    package().extract(folder.path()).unwrap();
    folder
}

fn materials() -> Value {
    serde_json::from_slice(&fs::read(dist("mimecast-ttp.cdx.json")).unwrap()).unwrap()
}

fn sha256_of_the_package() -> String {
    use std::fmt::Write;
    let hash = Sha256::digest(fs::read(dist("mimecast-ttp.zip")).unwrap());
    hash.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
#[ignore = "needs the package: run ./package.sh --check"]
fn the_package_holds_the_hosts_files_and_one_executable() {
    let mut package = package();
    let mut modes = BTreeMap::new();
    for number in 0..package.len() {
        let entry = package.by_index(number).unwrap();
        assert_eq!(entry.compression(), CompressionMethod::Deflated);
        modes.insert(
            entry.name().unwrap().into_owned(),
            entry.unix_mode().unwrap(),
        );
    }
    let expected = [
        ("LICENSE", 0o100_644),
        ("THIRD-PARTY-LICENSES.txt", 0o100_644),
        ("TimerTrigger/function.json", 0o100_644),
        ("host.json", 0o100_644),
        ("mimecast-ttp", 0o100_755),
    ];
    assert_eq!(
        modes,
        expected.map(|(name, mode)| (name.to_owned(), mode)).into()
    );
}

#[tokio::test]
#[ignore = "needs the package: run ./package.sh --check"]
async fn the_unpacked_program_delivers_when_started_as_host_json_says() {
    let services = Services::start(1200, 0).await;
    let (app, checkpoints) = (unpacked(), tempfile::tempdir().unwrap());
    // The timer is due as soon as the clock shows the real time again.
    let clock = SimClock::real();
    clock.set(clock.now() - TimeDelta::minutes(5)).unwrap();
    let mut config = Config::new(app.path(), clock.clone());
    // No proxy of this machine between the program and the simulators.
    config
        .environment
        .retain(|name, _| ["PATH", "HOME", "TMPDIR"].contains(&name.as_str()));
    config.app_settings = services.settings().into_iter().collect();
    let more = [
        ("checkpoint_dir", checkpoints.path().to_str().unwrap()),
        ("timer_schedule", "0 */5 * * * *"),
    ];
    config
        .app_settings
        .extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let host = FunctionsHost::start(config).await.unwrap();
    assert_eq!(host.functions(), ["TimerTrigger"]);

    clock.advance(Duration::from_secs(5 * 60)).unwrap();
    let outcome = host.tick("TimerTrigger").await;
    assert!(
        matches!(outcome.state, State::Succeeded { .. }),
        "{outcome:?}: {:?}",
        host.logs()
    );
    assert_eq!(services.counts(), [1200; 3]);
}

#[test]
#[ignore = "needs the package: run ./package.sh --check"]
fn the_package_contains_no_simulators() {
    let app = unpacked();
    let run = |argument: &str| -> Output {
        let mut program = Command::new(app.path().join("mimecast-ttp"));
        program.env_clear().arg(argument).output().unwrap()
    };
    let version = String::from_utf8(run("--version").stdout).unwrap();
    assert_eq!(
        version.trim(),
        concat!("mimecast-ttp ", env!("CARGO_PKG_VERSION"))
    );
    for command in ["demo", "simulate", "bench"] {
        let output = run(command);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("unrecognized subcommand"), "{text}");
    }
}

#[test]
#[ignore = "needs the package: run ./package.sh --check"]
fn the_check_of_the_glibc_refuses_a_newer_one() {
    let app = unpacked();
    let check = |oldest: &str| -> Output {
        Command::new(root().join("target/package/tools/bin/python"))
            .arg(root().join("packaging/glibc.py"))
            .arg(app.path().join("mimecast-ttp"))
            .arg(oldest)
            .output()
            .unwrap()
    };
    assert!(check("2.28").status.success());
    let refused = check("2.9");
    assert!(!refused.status.success());
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("but has to run on 2.9"), "{text}");
}

#[test]
#[ignore = "needs the package: run ./package.sh --check"]
fn the_hash_and_the_bill_of_materials_match_the_package() {
    let hash = sha256_of_the_package();
    let file = fs::read_to_string(dist("mimecast-ttp.zip.sha256")).unwrap();
    assert_eq!(file, format!("{hash}  mimecast-ttp.zip\n"));
    let program = &materials()["metadata"]["component"];
    assert_eq!(program["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(program["hashes"][0]["content"], hash);
}

#[test]
#[ignore = "needs the package: run ./package.sh --check"]
fn the_bill_of_materials_lists_every_compiled_crate() {
    let app = unpacked();
    let licences = fs::read_to_string(app.path().join("THIRD-PARTY-LICENSES.txt")).unwrap();
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let materials = materials();
    let (mut names, mut listed) = (BTreeSet::new(), BTreeSet::new());
    for part in materials["components"].as_array().unwrap() {
        let [name, version, purl] = ["name", "version", "purl"].map(|m| part[m].as_str().unwrap());
        let licence = part["licenses"][0]["expression"].as_str().unwrap();
        let line = format!("  {name} {version}: {licence}\n");
        assert!(licences.contains(&line), "{line}");
        if purl.starts_with("pkg:cargo/") {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            let (_, entry) = lock.split_once(&entry).unwrap();
            let (_, checksum) = entry.split_once("checksum = \"").unwrap();
            let hash = part["hashes"][0]["content"].as_str().unwrap();
            assert!(checksum.starts_with(hash), "{part}");
        }
        names.insert(name);
        listed.insert(format!("{name}-{version}"));
    }

    // Crates that can panic name their sources in the program.
    let program = fs::read(app.path().join("mimecast-ttp")).unwrap();
    let found: BTreeSet<_> = memmem::find_iter(&program, "/crates/")
        .filter_map(|at| {
            let path = program.get(at + "/crates/".len()..)?;
            let name = path.split(|byte| *byte == b'/').next()?;
            Some(String::from_utf8_lossy(name).into_owned())
        })
        .collect();
    assert!(found.len() > 20, "{found:?}");
    let missing: Vec<_> = found.difference(&listed).collect();
    assert!(missing.is_empty(), "{missing:?}");

    // Its roots of trust are in it. What only tests, builds and simulators use is not.
    for inside in ["ring", "rust-std", "rustls", "webpki-roots", "ziglang"] {
        assert!(names.contains(inside), "{inside}");
    }
    for outside in [
        "criterion",
        "indicatif",
        "nix",
        "openssl-sys",
        "serde_derive",
        "tempfile",
        "zip",
    ] {
        assert!(!names.contains(outside), "{outside}");
    }
}

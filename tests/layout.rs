//! The direction of imports, kept by reading the sources: the design says who may know whom, and
//! nothing else does.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Which modules of this crate each module may name.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    [
        ("model", &[] as &[_]),
        ("ingest", &["model"]),
        ("net", &["ingest", "model"]),
        ("system", &["ingest"]),
        ("telemetry", &["model"]),
        ("azure", &["ingest", "net"]),
        ("mimecast", &["ingest", "model", "net"]),
        ("log_analytics", &["azure", "ingest", "model", "net"]),
        ("storage", &["azure", "ingest", "model", "net"]),
        (
            "settings",
            &["azure", "log_analytics", "mimecast", "model", "net"],
        ),
        ("functions", &["ingest", "model"]),
        (
            "cli",
            &[
                "azure",
                "functions",
                "ingest",
                "log_analytics",
                "mimecast",
                "model",
                "net",
                "settings",
                "storage",
                "system",
                "telemetry",
            ],
        ),
    ]
    .into()
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// What a source names of this crate: the first words behind `crate::`, also inside braces. Unit
/// tests at the end of a file may reach further.
fn named(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let (_, rest) = code.split_at(at + "crate::".len());
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for character in list.chars() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' | ':' if depth == 0 => {
                        found.insert(std::mem::take(&mut word));
                    }
                    _ if depth == 0 && (character.is_alphanumeric() || character == '_') => {
                        word.push(character);
                    }
                    _ => {}
                }
                if character == ':' && depth == 0 {
                    // Skip the rest of this path up to the comma.
                    word.clear();
                }
            }
            found.insert(word);
        } else {
            found.insert(
                rest.chars()
                    .take_while(|character| character.is_alphanumeric() || *character == '_')
                    .collect(),
            );
        }
    }
    found.retain(|word| allowed().contains_key(word.as_str()));
    found
}

#[test]
fn imports_point_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed = allowed();
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for path in files {
        let relative = path.strip_prefix(&root).unwrap();
        let first = relative.iter().next().unwrap().to_str().unwrap();
        let module = first.strip_suffix(".rs").unwrap_or(first);
        if matches!(module, "lib" | "main") || relative.ends_with("tests.rs") {
            continue;
        }
        let may = allowed.get(module).unwrap_or_else(|| {
            panic!("{module} is not in the layout: add it to the table and to the map in lib.rs")
        });
        seen.insert(module.to_owned());
        for word in named(&fs::read_to_string(&path).unwrap()) {
            if word != module && !may.contains(&word.as_str()) {
                faults.push(format!("{} names {word}", relative.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    let listed: BTreeSet<_> = allowed.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(seen, listed);
}

#[test]
fn the_import_check_recognises_every_form_of_import() {
    let source = "use crate::{\n    azure::{self, Identity},\n    ingest::ports::Clock,\n    model,\n};\nlet x = crate::net::retry::Policy::STANDARD;";
    let found: Vec<_> = named(source).into_iter().collect();
    assert_eq!(found, ["azure", "ingest", "model", "net"]);
}

#[test]
fn the_model_does_no_input_or_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for path in files {
        let source = fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        for forbidden in [
            "tokio",
            "reqwest",
            "axum",
            "std::fs",
            "std::env",
            "std::net",
            "Utc::now",
            "Instant::now",
            "async ",
        ] {
            assert!(
                !code.contains(forbidden),
                "{} uses {forbidden}",
                path.display()
            );
        }
    }
}

#[test]
fn the_sample_settings_name_exactly_what_is_read() {
    let sample = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("local.settings.json.example"),
    )
    .unwrap();
    let sample: serde_json::Value = serde_json::from_str(&sample).unwrap();
    assert_eq!(sample["IsEncrypted"], false);
    let values = sample["Values"].as_object().unwrap();
    assert!(
        values.values().all(serde_json::Value::is_string),
        "values are flat strings"
    );
    let sampled: BTreeSet<_> = values.keys().map(String::as_str).collect();
    let hosts = ["FUNCTIONS_WORKER_RUNTIME", "timer_schedule"];
    // The three identity settings replace AzureWebJobsStorage and must be absent beside it.
    let read: BTreeSet<_> = mimecast_ttp::settings::NAMES
        .iter()
        .copied()
        .filter(|name| !name.contains("__"))
        .chain(hosts)
        .collect();
    assert_eq!(sampled, read);
}

#[test]
fn the_readme_explains_every_setting() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for name in mimecast_ttp::settings::NAMES
        .iter()
        .chain(&["timer_schedule"])
    {
        assert!(
            readme.contains(&format!("`{name}`")),
            "{name} is not in README.md"
        );
    }
}

#[test]
fn the_host_files_fit_the_host() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let host: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root.join("host.json")).unwrap()).unwrap();
    assert_eq!(host["version"], "2.0");
    assert_eq!(
        host["customHandler"]["description"]["defaultExecutablePath"],
        "mimecast-ttp"
    );
    assert!(
        host.get("extensionBundle").is_none(),
        "a timer needs no bundle, and it would slow every start"
    );
    let function: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root.join("TimerTrigger/function.json")).unwrap())
            .unwrap();
    let bindings = function["bindings"].as_array().unwrap();
    assert_eq!(bindings.len(), 1);
    assert_eq!(bindings[0]["type"], "timerTrigger");
    assert_eq!(bindings[0]["schedule"], "%timer_schedule%");
    let name = bindings[0]["name"].as_str().unwrap();
    assert!(
        !name.to_ascii_lowercase().ends_with("trigger"),
        "the host drops such a key from admin calls"
    );
}

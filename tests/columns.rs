//! Both ways into Log Analytics make the same tables: the same records are played through both
//! simulators, and the rows are compared column by column. What differs is what
//! `docs/logs-ingestion.md` and `docs/migration.md` say.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::{Map, Value};
use support::program::command;

type Row = Map<String, Value>;

/// The longest name that a new table may have.
const LONGEST_NAME: usize = 45;

/// Columns of url rows that only the Data Collector API fills: their names are too long.
const LONG: [&str; 11] = [
    "advancedPhishingResult_CredentialTheftBrands_s",
    "advancedPhishingResult_CredentialTheftEvidence_s",
    "tagMap_AdvancedPhishing_CredentialTheftBrands_s",
    "tagMap_AdvancedPhishing_CredentialTheftEvidence_s",
    "tagMap_AvScanning_ContentCheck_AvSignatureFileExts_s",
    "tagMap_AvScanning_ContentCheck_AvSignatureName_s",
    "tagMap_AvScanning_ContentCheck_UrlFileDownloadFilename_s",
    "tagMap_AvScanning_ScannerInfo_CategoryTrigger_s",
    "tagMap_DangerousFileExt_ContentCheck_ContentScannersBlocked_s",
    "tagMap_DangerousFileExt_ContentCheck_DangerousExtsUrlFileDownload_s",
    "tagMap_DangerousFileExt_ContentCheck_DangerousMimetypesUrlFileDownload_s",
];

/// The same, because their keys hold a colon.
const COLONS: [&str; 2] = [
    "tagMap_DangerousFileExt_Inspect_FileExts_s",
    "tagMap_DangerousFileExt_Inspect_MimeTypes_s",
];

/// Columns of url rows that only the Logs Ingestion API fills: the objects.
const MORE: [&str; 2] = ["advancedPhishingResult_s", "tagMap_s"];

/// The rows of the same demo, played once through each API.
struct Played {
    collected: Tables,
    ingested: Tables,
}

/// The rows of each table, one a line.
type Tables = BTreeMap<String, String>;

/// Plays both at the same time: most of its time a demo waits.
fn played() -> &'static Played {
    static PLAYED: OnceLock<Played> = OnceLock::new();
    PLAYED.get_or_init(|| {
        std::thread::scope(|scope| {
            let collected = scope.spawn(|| play("data-collector"));
            Played {
                ingested: play("logs-ingestion"),
                collected: collected.join().unwrap(),
            }
        })
    })
}

/// Plays the demo.
fn play(sink: &str) -> Tables {
    let out = tempfile::tempdir().unwrap();
    let output = command(&[])
        .args(["demo", "--records", "6000", "--sink", sink, "--out"])
        .arg(out.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let files = std::fs::read_dir(out.path()).unwrap();
    let table = |file: PathBuf| {
        let name = file.file_name()?.to_str()?.strip_suffix(".ndjson")?;
        Some((name.to_owned(), std::fs::read_to_string(&file).unwrap()))
    };
    files
        .filter_map(|file| table(file.unwrap().path()))
        .collect()
}

/// The rows of a table by their fingerprints.
fn table(tables: &Tables, name: &str) -> BTreeMap<String, Row> {
    let rows = tables[name]
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let fingerprint = |row: &Row| row["mimecastFingerprint_s"].as_str().unwrap().to_owned();
    rows.map(|row: Row| (fingerprint(&row), row)).collect()
}

/// Where a column's value lies in a row of the Logs Ingestion API, if not under its own name.
fn elsewhere(column: &str, row: &Row) -> Option<(String, Value)> {
    let (object, path) = column.split_once('_')?;
    let whole = format!("{object}_s");
    let whole: Value = serde_json::from_str(row.get(&whole)?.as_str()?).ok()?;
    let path = path.strip_suffix("_s")?;
    // A member's name may hold what no column name does.
    let (outer, inner) = path.split_once('_').unwrap_or((path, ""));
    let like = |name: &str, wanted: &str| {
        let plain = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        plain == wanted
    };
    let member = |of: &Value, wanted: &str| {
        let members = of.as_object()?.iter();
        let mut found = members.filter(|(name, _)| like(name, wanted));
        found.next().map(|(_, value)| value.clone())
    };
    let value = member(&whole, path).or_else(|| member(&member(&whole, outer)?, inner))?;
    let why = if column.len() > LONGEST_NAME {
        "name too long, kept in its object"
    } else {
        "name not declared, kept in its object"
    };
    Some((why.to_owned(), value))
}

/// Equal, or the same JSON spelled in another way.
fn same(one: &Value, other: &Value) -> bool {
    let parsed = |value: &Value| serde_json::from_str::<Value>(value.as_str()?).ok();
    one == other
        || parsed(one).is_some_and(|one| Some(&one) == parsed(other).as_ref() || one == *other)
}

/// How the rows differ: column and how.
fn differences(collected: &Row, ingested: &Row) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (column, value) in collected {
        let guid = column
            .strip_suffix("_g")
            .map(|name| format!("{name}_s"))
            .and_then(|name| ingested.get(&name));
        match (ingested.get(column), guid) {
            (Some(other), _) => assert!(same(value, other), "{column}: {value} and {other}"),
            (None, Some(other)) => {
                assert!(same(value, other), "{column}: {value} and {other}");
                found.insert(format!("{column}: in _s"));
            }
            (None, None) => {
                let (why, other) = elsewhere(column, ingested)
                    .unwrap_or_else(|| panic!("{column} of {collected:?} is lost in {ingested:?}"));
                assert!(same(value, &other), "{column}: {value} and {other}");
                found.insert(format!("{column}: {why}"));
            }
        }
    }
    for (column, value) in ingested {
        if !collected.contains_key(column) && value != "" {
            found.insert(format!("{column}: more"));
        }
    }
    found
}

#[test]
fn both_apis_make_the_same_columns_except_those_documented() {
    let Played {
        collected,
        ingested,
    } = played();
    let compare = |name: &str| {
        let [collected, ingested] = [collected, ingested].map(|tables| table(tables, name));
        assert!(collected.keys().eq(ingested.keys()), "the same rows");
        assert!(collected.len() > 500, "{}", collected.len());
        let pairs = collected.values().zip(ingested.values());
        let found = pairs.flat_map(|(one, other)| differences(one, other));
        found.collect::<BTreeSet<_>>()
    };
    assert_eq!(compare("MimecastTTPAttachment_CL"), BTreeSet::new());
    assert_eq!(compare("MimecastTTPImpersonation_CL"), BTreeSet::new());
    let long = LONG.map(|name| format!("{name}: name too long, kept in its object"));
    let colons = COLONS.map(|name| format!("{name}: name not declared, kept in its object"));
    let more = MORE.map(|name| format!("{name}: more"));
    let expected = long.into_iter().chain(colons).chain(more);
    assert_eq!(compare("MimecastTTPUrl_CL"), expected.collect());
}

#[test]
fn health_rows_have_the_same_columns_through_both_apis() {
    let columns = |tables: &Tables| {
        let rows = tables["MimecastTTPHealth_CL"]
            .lines()
            .map(|line| serde_json::from_str::<Row>(line).unwrap());
        let kind = |value: &Value| match value {
            Value::Null => None,
            // A text column of a rule is never null.
            Value::String(text) if text.is_empty() => None,
            Value::Number(_) => Some("number"),
            _ => Some("text"),
        };
        rows.flatten()
            .filter_map(|(name, value)| Some((name, kind(&value)?)))
            .collect::<BTreeSet<_>>()
    };
    let mut made = columns(&played().collected);
    // Only a rule can say where it puts clean clicks.
    made.insert(("cleanClicks_s".to_owned(), "text"));
    assert_eq!(made, columns(&played().ingested));
    let names: Vec<_> = made.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "feed_s",
        "outcome_s",
        "delivered_d",
        "lagSeconds_d",
        "watermark_t",
        "version_s",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
}

#[test]
fn the_docs_name_every_column_that_differs() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migration.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let named = |block: &str| {
        let names = block
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        names.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let listed = docs.split("```text\n").nth(1).unwrap();
    let (listed, _) = listed.split_once("```").unwrap();
    assert_eq!(named(listed), [&LONG[..], &COLONS].concat());
    for name in MORE {
        assert!(docs.contains(&format!("`{name}`")), "{name}");
    }
}

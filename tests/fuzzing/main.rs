//! A short, seeded run of what `fuzz/` runs for hours: the same functions, over damaged copies of the
//! same seeds, and over records made up from their grammar.
//!
//! `FUZZING_SEED` and `FUZZING_CASES` make another or a longer run. A failure names seed, case and
//! input; the input is also left in a file, for what ends the whole process. Put it into
//! `fuzz/corpus/<parser>/<words>.seed`, and it is tried in every run from then on.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "this is test code"
)]

mod entry;
mod mutate;

use std::{
    fs,
    io::{Seek, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use mimecast_ttp::model::feed::Feed;
use mutate::{Dice, mutated};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

const SEED: u64 = 20_260_302;

#[allow(
    clippy::disallowed_methods,
    reason = "a test has no settings to read it from"
)]
fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is no whole number: {text}")),
        Err(_) => default,
    }
}

/// The seeds of a parser by file name. What cargo-fuzz adds beside them has other names.
fn seeds(parser: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(parser);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "seed"))
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs `entry` over the seeds as they are and over `cases` damaged ones, of which at least `sound`
/// per cent must still be accepted: a run in which the parser refuses nearly everything shows little.
fn run(parser: &str, entry: fn(&[u8]) -> bool, cases: u64, sound: u64) {
    let (seed, cases) = (number("FUZZING_SEED", SEED), number("FUZZING_CASES", cases));
    let seeds = seeds(parser);
    let last = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzzing-{parser}.input"));
    // One open file: opening it for every case would take longer than the cases do.
    let mut file = fs::File::create(&last).unwrap();
    let mut attempt = |case: &str, input: &[u8]| {
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(input).unwrap();
        catch_unwind(|| entry(input)).unwrap_or_else(|_| {
            panic!(
                "{parser}, FUZZING_SEED={seed}, {case}; the input, also in {}:\n{}",
                last.display(),
                input.escape_ascii()
            )
        })
    };
    let whole = seeds
        .iter()
        .enumerate()
        .filter(|(n, input)| attempt(&format!("seed file {n}"), input))
        .count();
    assert!(whole * 2 > seeds.len(), "{whole} of {} seeds", seeds.len());
    let accepted = (0..cases)
        .filter(|case| {
            let input = mutated(&seeds, &mut Dice::new(seed, *case));
            attempt(&format!("case {case}"), &input)
        })
        .count() as u64;
    assert!(
        accepted * 100 >= cases * sound && accepted < cases,
        "{accepted} of {cases} damaged inputs of {parser} were accepted"
    );
}

#[test]
fn damaged_pages_keep_every_promise() {
    run("page", entry::page, 12_000, 15);
}

#[test]
fn damaged_records_keep_every_promise() {
    run("record", entry::record, 15_000, 25);
}

#[test]
fn damaged_checkpoints_keep_every_promise() {
    run("checkpoint", entry::checkpoint, 20_000, 10);
}

#[test]
fn damaged_connection_strings_keep_every_promise() {
    run("connection_string", entry::connection_string, 20_000, 15);
}

#[test]
fn damaged_timer_payloads_keep_every_promise() {
    run("timer_payload", entry::timer_payload, 20_000, 15);
}

/// Runs `entry` over inputs made by `strategy`, all of which it must accept.
fn run_made<S: Strategy>(
    strategy: S,
    cases: u32,
    entry: fn(&[u8]) -> bool,
    text: impl Fn(S::Value) -> String,
) {
    let seed = number("FUZZING_SEED", SEED);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: u32::try_from(number("FUZZING_CASES", cases.into())).unwrap(),
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let outcome = TestRunner::new_with_rng(config, rng).run(&strategy, |value| {
        let text = text(value);
        let accepted = catch_unwind(AssertUnwindSafe(|| entry(text.as_bytes())));
        prop_assert!(
            matches!(accepted, Ok(true)),
            "{}: {}",
            if accepted.is_ok() {
                "refused"
            } else {
                "broken"
            },
            text.escape_default()
        );
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("FUZZING_SEED={seed}: {error}");
    }
}

/// A string literal, in every spelling that JSON has.
fn any_string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9 {}\\[\\],:/é🔒\u{7f}\u{2028}]{0,6}",
        1 => "\\\\[\"\\\\/bfnrt]",
        1 => "\\\\u[0-9a-fA-F]{4}",
        1 => "\\\\ud[89ab][0-9a-f]{2}\\\\ud[c-f][0-9a-f]{2}",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn any_space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\r\n\t ")]
}

fn any_time() -> impl Strategy<Value = String> {
    let zone = prop_oneof![
        Just(""),
        Just("Z"),
        Just("+0000"),
        Just("+00:00"),
        Just("-0930")
    ];
    // A second of 60 too: Mimecast never showed one, but a leap second is a valid time.
    let time = "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]{1,9})?";
    (time, zone).prop_map(|(time, zone)| format!("{time}{zone}"))
}

fn any_name() -> impl Strategy<Value = String> {
    let known = [
        r#""date""#,
        r#""eventTime""#,
        r#""d\u0061te""#,
        r#""time_generated""#,
        r#""mimecastFingerprint""#,
        r#""url""#,
    ];
    prop_oneof![
        3 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        2 => any_string(),
    ]
}

/// An object or, inside of one, any value.
fn any_object() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any_time().prop_map(|time| format!("\"{time}\"")),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?",
        any_string(),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|values| format!("[{}]", values.join(" ,"))),
            object_of(inner),
        ]
    });
    object_of(value)
}

fn object_of(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (any_space(), any_name(), any_space(), value, any_space())
        .prop_map(|(a, name, b, value, c)| format!("{a}{name}{b}:{b}{value}{c}"));
    prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")))
}

#[test]
fn every_json_object_is_accepted_as_a_record() {
    run_made(any_object(), 1000, entry::record, |record| record);
}

#[test]
fn every_list_of_objects_is_accepted_as_a_page() {
    let pages = (
        0..3_usize,
        prop::collection::vec(any_object(), 1..6),
        any_object(),
        any_space(),
    );
    run_made(pages, 300, entry::page, |(feed, records, other, space)| {
        let list = ["clickLogs", "attachmentLogs", "impersonationLogs"][feed];
        let (first, rest) = records.split_at(records.len() / 2);
        let [first, rest] = [first, rest].map(|part| part.join(&format!(",{space}")));
        format!(
            "{space}{{\"x\":{other},\"meta\":{{\"status\":200,\"y\":{other}}},\"fail\":[],{space}\"data\":[{{\"{list}\":[{space}{first}]}},{{\"n\":{other},\"{list}\":[{rest}{space}]}}]}}{space}"
        )
    });
}

#[test]
fn every_well_formed_checkpoint_is_read() {
    let second = prop::collection::vec("[A-Za-z0-9_-]{21}[AQgw]", 0..4);
    let delivered = prop::collection::btree_map(any_time(), second, 0..5);
    let checkpoints = (0..3_usize, any_time(), delivered, any_space());
    run_made(
        checkpoints,
        400,
        entry::checkpoint,
        |(feed, time, delivered, space)| {
            let feed = Feed::ALL[feed].name();
            let delivered = serde_json::to_string(&delivered).unwrap();
            format!(
                "{space}{{\"read_again_from\":\"{time}\",{space}\"kind\":\"mimecast-ttp checkpoint\",\"version\":1,\"feed\":\"{feed}\",\"watermark\":\"{time}\",\"delivered\":{delivered}}}{space}"
            )
        },
    );
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let seeds = seeds("record");
    let make = |seed, case| mutated(&seeds, &mut Dice::new(seed, case));
    assert!((0..200).all(|case| make(SEED, case) == make(SEED, case)));
    let different = (0..200).filter(|case| make(SEED, *case) != make(SEED + 1, *case));
    assert!(different.count() > 150);
}

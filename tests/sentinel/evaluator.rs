//! The evaluator does what the documentation of the query language says, and refuses what it does not know.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    support::kusto::{Kusto, Seen},
    workspace::Workspace,
};

#[derive(Deserialize)]
struct Example {
    says: String,
    query: String,
    rows: Value,
}

fn loaded() -> Kusto {
    Workspace::default().open()
}

fn run(kusto: &mut Kusto, query: &str) -> Result<Value, String> {
    let answer = kusto.run(query, &["2026-03-05T00:00:00Z".to_owned()], &Seen::All)?;
    Ok(Value::from(answer.results[0].clone()))
}

/// Numbers are equal whether or not they are written with a fraction.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => one == other || one.is_number() && one.as_f64() == other.as_f64(),
    }
}

#[test]
fn operators_and_functions_do_what_is_documented() {
    let text = include_str!("kusto/examples.json");
    let examples: Vec<Example> = serde_json::from_str(text).unwrap();
    let mut kusto = loaded();
    for example in examples {
        let rows =
            run(&mut kusto, &example.query).unwrap_or_else(|why| panic!("{}: {why}", example.says));
        assert!(
            same(&rows, &example.rows),
            "{}: {rows}, and not {}",
            example.says,
            example.rows
        );
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let mut kusto = loaded();
    for query in [
        "print geo_info_from_ip_address(\"192.0.2.1\")",
        "print a = 1 | evaluate bag_unpack(dynamic({}))",
        "print a = 1 | sample 1",
        "print a = 1 | summarize variance(a)",
        "union (print a = 1), Nowhere_CL",
        "print a = 1 | where b == 1",
        "print a = 1 | project ingestion_time()",
        "print a = \"x\" | where a > 1",
    ] {
        assert!(run(&mut kusto, query).is_err(), "{query}");
    }
}

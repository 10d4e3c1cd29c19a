//! What a contribution to the Sentinel repository needs beside the solution: tables and functions for its KQL tests, and sample data.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    content::Kind,
    execution::{World, report},
    workspace::{self, HEALTH},
};

const FOLDER: &str = "sentinel/Repository";

fn read(path: &str) -> Value {
    let path = Path::new(FOLDER).join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// A column as the repository's tests declare it.
fn declared(name: &str, kind: &str) -> Value {
    json!({"Name": name, "Type": kind})
}

/// The repository knows the three other tables already.
#[test]
fn the_table_of_health_is_declared_as_it_is_deployed() {
    let columns = &workspace::deployed()[HEALTH];
    let expected: Vec<_> = columns
        .iter()
        .map(|(name, kind)| declared(name, kind))
        .collect();
    let table = read("CustomTables/MimecastTTPHealth_CL.json");
    assert_eq!(table, json!({"Name": HEALTH, "Properties": expected}));
}

#[test]
fn every_function_is_declared_with_its_parameters_and_columns() {
    let parsers = crate::content::read().parsers;
    let files = fs::read_dir(Path::new(FOLDER).join("CustomFunctions")).unwrap();
    assert_eq!(files.count(), parsers.len());
    for parser in parsers {
        let mut found = report(World::Deployed).iter();
        let found =
            found.find(|one| one.query.kind == Kind::Parser && one.query.name == parser.key);
        let columns = found.unwrap().bound.columns.iter();
        let columns: Vec<_> = columns
            .map(|column| declared(&column.name, &column.kind))
            .collect();
        let parameters: Vec<_> = parser
            .function_params
            .iter()
            .map(|one| json!({"Name": one.name, "Type": one.kind, "Default": one.default}))
            .collect();
        let expected = json!({
            "FunctionName": parser.key, "FunctionParameters": parameters, "FunctionResultColumns": columns,
        });
        let file = format!("CustomFunctions/{}.json", parser.key);
        let there = read(&file);
        assert_eq!(there, expected, "{file} must hold {expected:#}");
    }
}

#[test]
fn sample_data_holds_rows_of_every_table_and_no_address_of_anybody() {
    for (table, columns) in workspace::deployed() {
        let rows = read(&format!("Sample Data/{table}.json"));
        let rows = rows.as_array().unwrap();
        assert!(!rows.is_empty(), "{table}");
        for row in rows {
            for (name, value) in row.as_object().unwrap() {
                assert!(columns.contains_key(name), "{table}: {name}");
                let text = value.to_string();
                let words = text
                    .split(|letter: char| !(letter.is_alphanumeric() || "@.-_".contains(letter)));
                for word in words.filter(|word| word.contains('@')) {
                    assert_eq!(word, "sanitized@sanitized.com", "{table}: {name}");
                }
            }
        }
    }
}

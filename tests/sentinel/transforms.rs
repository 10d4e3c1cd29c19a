//! The transforms of the data collection rule, read by the official language service as the service for
//! rules reads them: `source` is the stream with its declared columns.

use serde_json::{Map, Value, json};

use crate::{
    deployment,
    support::kusto::{Bound, Kusto},
};

/// What the service says of a transform over the columns of a stream.
fn bound(kusto: &mut Kusto, columns: &Value, transform: &str) -> Bound {
    let columns = columns.as_array().unwrap().iter();
    let columns = columns.map(|column| {
        let name = column["name"].as_str().unwrap().to_owned();
        let kind = match column["type"].as_str().unwrap() {
            "boolean" => "bool",
            other => other,
        };
        (name, kind.into())
    });
    let columns: Map<String, Value> = columns.collect();
    let tables = json!({ "source": { "columns": columns, "rows": [] } });
    kusto.load(&tables, &[] as &[Value]);
    kusto.bind(&[transform]).remove(0)
}

#[test]
fn the_service_has_nothing_against_any_transform() {
    let mut kusto = Kusto::start();
    for clean_clicks in deployment::CLEAN_CLICKS {
        let rule = deployment::rule(clean_clicks);
        let flows = rule["dataFlows"].as_array().unwrap();
        assert_eq!(flows.len(), 4 + usize::from(clean_clicks == "Basic"));
        for flow in flows {
            let stream = flow["streams"][0].as_str().unwrap();
            let columns = &rule["streamDeclarations"][stream]["columns"];
            let transform = flow["transformKql"].as_str().unwrap();
            let bound = bound(&mut kusto, columns, transform);
            assert!(bound.faults.is_empty(), "{stream}: {:?}", bound.faults);
            assert!(!bound.columns.is_empty(), "{stream}");
            for column in bound.columns {
                assert_ne!(column.kind, "unknown", "{stream}: {}", column.name);
            }
        }
    }
}

/// As the transform of the health rows was written once.
#[test]
fn a_keyword_without_brackets_is_noticed() {
    let columns = json!([{ "name": "missing", "type": "real" }]);
    let mut kusto = Kusto::start();
    let mut project = |name: &str| {
        let transform = format!("source | project missing_d = {name}");
        bound(&mut kusto, &columns, &transform)
    };
    assert!(!project("missing").faults.is_empty());
    assert!(project("['missing']").faults.is_empty());
}

#[test]
fn the_analyzers_of_the_service_are_on() {
    let columns = json!([{ "name": "subject", "type": "string" }]);
    let bound = bound(
        &mut Kusto::start(),
        &columns,
        "source | where isnull(subject)",
    );
    let codes: Vec<_> = bound.faults.iter().map(|fault| &fault.code).collect();
    assert!(
        codes.iter().any(|code| code.starts_with("KS5")),
        "{codes:?}"
    );
}

#[test]
fn the_simulator_refuses_the_words_that_the_service_refuses() {
    let words = Kusto::start().keywords();
    assert_eq!(words, simulators::log_analytics::logs_ingestion::KEYWORDS);
}

//! The files of the content are whole: each says what it is, follows the habits, and fits the others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use xtask::content::Workbook as WorkbookFile;

use crate::{
    content,
    workbook::Workbook,
    workspace::{self, Generation, Workspace},
};

/// Raw text whose case Mimecast varies, compared by a sign that takes notice of case.
#[test]
fn no_word_of_mimecasts_is_compared_by_its_case() {
    let words = [
        "action_s",
        "scanResult_s",
        "result_s",
        "adminOverride_s",
        "userOverride_s",
        "userAwarenessAction_s",
        "route_s",
        "actionTriggered_s",
    ];
    let lowered = [
        "Verdict",
        "Action",
        "ScanResult",
        "Result",
        "Route",
        "AdminOverride",
        "UserOverride",
        "UserAwarenessAction",
        "Outcome",
        "Feed",
    ];
    for query in content::queries() {
        let tokens: Vec<&str> = query.text.split_whitespace().collect();
        for part in tokens.windows(3) {
            let [left, sign, right] = part else {
                unreachable!()
            };
            let exact = [
                "==",
                "!=",
                "in",
                "!in",
                "has_cs",
                "contains_cs",
                "startswith_cs",
            ]
            .contains(sign);
            let left = left.trim_start_matches('(');
            assert!(
                !(exact && words.contains(&left)),
                "{query}: {left} {sign} {right}"
            );
            let capital = right.contains('"') && right.chars().any(char::is_uppercase);
            assert!(
                !(exact && lowered.contains(&left) && capital),
                "{query}: {left} {sign} {right}"
            );
        }
    }
}

/// The items that both workbooks begin with.
const HEAD: [&str; 5] = ["title", "parameters", "links", "tabs", "clean-clicks"];

/// The parameter that holds the resource id of the other workbook.
const OTHER: &str = "OtherWorkbook";

#[test]
fn the_workbooks_are_whole_and_follow_their_time_range() {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for file in content::read().workbooks {
        assert_eq!(file.json["version"], "Notebook/1.0");
        let workbook = Workbook::read(&file.json);
        let head = workbook.items().iter().take(HEAD.len());
        assert!(head.map(|item| &item["name"]).eq(HEAD), "{}", file.key);
        for item in workbook.items() {
            let name = item["name"].as_str().unwrap();
            *names.entry(name.to_owned()).or_default() += 1;
            if item["type"] != 3 {
                continue;
            }
            let inner = &item["content"];
            assert_eq!(inner["queryType"], 0, "{name}");
            assert_eq!(
                inner["resourceType"], "microsoft.operationalinsights/workspaces",
                "{name}"
            );
            let query = inner["query"].as_str().unwrap();
            let follows =
                query.contains("{TimeRange") || inner["timeContextFromParameter"] == "TimeRange";
            assert!(
                follows && !query.contains("ago(") && !query.contains("now("),
                "{name} does not follow the time range"
            );
        }
    }
    for (name, count) in names {
        let expected = if HEAD.contains(&name.as_str()) { 2 } else { 1 };
        assert_eq!(count, expected, "how often {name} is there");
    }
}

#[test]
fn every_tab_of_a_workbook_shows_a_group() {
    for file in content::read().workbooks {
        let tabs = item(&file, "tabs");
        let tabs = tabs["content"]["links"].as_array().unwrap().iter();
        let groups = file.json["items"].as_array().unwrap().iter();
        let groups = groups.filter(|item| item["type"] == 12);
        assert!(
            tabs.map(|tab| (&tab["cellValue"], &tab["subTarget"]))
                .eq(groups
                    .map(|group| &group["conditionalVisibility"])
                    .map(|shown| (&shown["parameterName"], &shown["value"]))),
            "{}",
            file.key
        );
    }
}

/// Bicep refuses a longer literal, and Azure's template engine a longer result of `replace()`.
const LONGEST_TEXT: usize = 131_072;

#[test]
fn every_workbook_can_be_deployed_as_one_text() {
    for WorkbookFile { key, json, .. } in content::read().workbooks {
        let text = serde_json::to_string(&json).unwrap();
        let length = text.encode_utf16().count();
        assert!(length <= LONGEST_TEXT, "{key} has {length} characters");
        assert_eq!(json["fallbackResourceIds"], json!([]), "{key}");
        assert_eq!(unwanted(&json, &key), Vec::<String>::new());
    }
}

/// Where a value is null, which the schema of workbooks forbids for most members, and where a text
/// begins like an expression of a deployment template.
fn unwanted(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Null => vec![format!("{at} is null")],
        Value::String(text) if text.starts_with('[') => vec![format!("{at} begins with a bracket")],
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(index, item)| unwanted(item, &format!("{at}/{index}")))
                .collect()
        }
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| unwanted(member, &format!("{at}/{name}")))
            .collect(),
        _ => Vec::new(),
    }
}

fn item(file: &WorkbookFile, name: &str) -> Value {
    let workbook = Workbook::read(&file.json);
    let found = workbook.items().iter().find(|item| item["name"] == name);
    found.unwrap().clone()
}

/// The filters of a workbook, and the parameter that leads to the other.
fn parameters(file: &WorkbookFile) -> (Vec<Value>, Value) {
    let workbook = Workbook::read(&file.json);
    // What is hidden is no filter.
    let (hidden, filters): (Vec<_>, Vec<_>) = workbook
        .parameters()
        .iter()
        .cloned()
        .partition(|one| one["isHiddenWhenLocked"] == true);
    let other = hidden.into_iter().filter(|one| one["name"] == OTHER);
    let mut other: Vec<_> = other.collect();
    assert_eq!(other.len(), 1, "{}", file.key);
    (filters, other.remove(0))
}

#[test]
fn both_workbooks_have_the_same_filters() {
    let files = content::read().workbooks;
    let (filters, _) = parameters(&files[0]);
    for file in &files {
        assert_eq!(parameters(file).0, filters, "{}", file.key);
    }
    for filter in filters {
        assert!(filter["query"].is_null() || filter["queryType"] == 0);
    }
}

#[test]
fn each_workbook_links_to_the_other_and_takes_the_filters_along() {
    let files = content::read().workbooks;
    for (file, other) in files.iter().zip(files.iter().rev()) {
        let (filters, parameter) = parameters(file);
        assert_eq!(parameter["type"], 1);
        assert_eq!(parameter["isHiddenWhenLocked"], true);
        assert_eq!(parameter["queryType"], 1);
        assert_eq!(
            parameter["resourceType"],
            "microsoft.resourcegraph/resources"
        );
        let query = parameter["query"].as_str().unwrap();
        let named = format!("properties.displayName == \"{}\"\n", other.metadata.title);
        assert!(query.contains(&named), "{query}");

        let links = item(file, "links");
        assert_eq!(links["conditionalVisibility"]["parameterName"], OTHER);
        let [link] = links["content"]["links"].as_array().unwrap().as_slice() else {
            panic!("{} has more links than one", file.key);
        };
        assert_eq!(link["linkTarget"], "WorkbookTemplate");
        assert_eq!(link["linkLabel"], format!("Open {}", other.metadata.title));
        let context = &link["workbookContext"];
        assert_eq!(context["templateIdSource"], "parameter");
        assert_eq!(context["templateId"], OTHER);
        // Not the tab, nor the resource id: they mean something else in the other workbook.
        assert_eq!(context["passSpecificParams"], true);
        let passed: Vec<Value> = filters
            .iter()
            .map(|one| json!({"name": one["name"], "source": "parameter", "value": one["name"]}))
            .collect();
        assert_eq!(context["templateParameters"], json!(passed));

        let title = item(file, "title");
        let title = title["content"]["json"].as_str().unwrap();
        assert!(title.starts_with(&format!("## {}\n", file.metadata.title)));
        assert!(title.contains(&format!("**{}**", other.metadata.title)));
    }
}

#[test]
fn the_connector_page_tells_of_the_tables_that_are_filled() {
    let page = content::read().connector;
    let tables: BTreeSet<String> = workspace::deployed().into_keys().collect();
    let named = |list: &str, member: &str| -> BTreeSet<String> {
        let all = page[list].as_array().unwrap().iter();
        all.map(|one| one[member].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(named("dataTypes", "name"), tables);
    assert_eq!(named("graphQueries", "legend"), tables);
    for log in simulators::log::Log::ALL {
        assert!(tables.contains(log.table()));
    }
}

/// Addresses in the content are examples.
#[test]
fn no_address_of_a_real_domain_is_in_the_content() {
    for query in content::queries() {
        for word in query
            .text
            .split(|letter: char| !(letter.is_alphanumeric() || "@.-_".contains(letter)))
        {
            let domain = word
                .split_once('@')
                .filter(|(name, domain)| !name.is_empty() && domain.contains('.'));
            assert!(
                domain.is_none_or(|(_, domain)| domain.ends_with(".example")),
                "{query}: {word}"
            );
        }
    }
}

/// The queries of the documentation are for tables that are there.
#[test]
fn queries_in_the_documentation_bind() {
    let mut kusto = Workspace::new(Generation::Deployed, &[]).open();
    let mut found = 0;
    for file in [
        "README.md",
        "docs/logs-ingestion.md",
        "docs/migration.md",
        "docs/deploy.md",
        "sentinel/README.md",
    ] {
        let text = std::fs::read_to_string(file).unwrap();
        // The service does not know this function of Log Analytics.
        let other = "workspace(\"00000000-0000-0000-0000-000000000000\").";
        let text = text.replace(other, "");
        let blocks = text.split("```kusto\n").skip(1);
        let queries: Vec<_> = blocks
            .map(|block| block.split_once("```").unwrap().0)
            .collect();
        for (query, bound) in queries.iter().zip(kusto.bind(&queries)) {
            assert!(bound.faults.is_empty(), "{file}: {query}{:?}", bound.faults);
        }
        found += queries.len();
    }
    assert!(found > 0);
}

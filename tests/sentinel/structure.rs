//! The files of the content are whole: each says what it is, follows the habits, and fits the others.

use std::collections::BTreeSet;

use crate::{
    content,
    workbook::Workbook,
    workspace::{self, Generation, Workspace},
};

#[test]
fn every_query_file_begins_by_saying_what_it_finds() {
    let rules = content::rules()
        .into_iter()
        .chain(content::hunting())
        .map(|one| (one.key, one.query));
    let parsers = content::functions()
        .into_iter()
        .map(|one| (one.name, one.body));
    for (key, query) in rules.chain(parsers) {
        assert!(query.starts_with("// "), "{key}");
    }
}

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

#[test]
fn the_workbook_is_whole_and_follows_its_time_range() {
    let workbook = Workbook::read();
    assert_eq!(content::workbook()["version"], "Notebook/1.0");
    let mut names = BTreeSet::new();
    for item in workbook.items() {
        let name = item["name"].as_str().unwrap();
        assert!(names.insert(name), "{name} is there twice");
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

#[test]
fn the_connector_page_tells_of_the_tables_that_are_filled() {
    let page = content::connector();
    let tables: BTreeSet<String> = workspace::deployed().into_keys().collect();
    let ui = &page["connectorUiConfig"];
    let named = |list: &str, member: &str| -> BTreeSet<String> {
        let all = ui[list].as_array().unwrap().iter();
        all.map(|one| one[member].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(named("dataTypes", "name"), tables);
    assert_eq!(named("graphQueries", "legend"), tables);
    for log in mimecast_ttp::simulator::log::Log::ALL {
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

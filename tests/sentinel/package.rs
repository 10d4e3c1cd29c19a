//! The package for the Content Hub: it deploys, holds all of the content, and is as the repository's validators take it.
//!
//! The rules are those that the validators of the repository, and the toolkit for templates which it runs, publish.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Map, Value};
use template_check::evaluate::{Deployed, Known, Target, deploy};

use crate::content;

const TEMPLATE: &str = include_str!("../../sentinel/Package/mainTemplate.json");
const FORM: &str = include_str!("../../sentinel/Package/createUiDefinition.json");

const TEMPLATES: &str = "Microsoft.OperationalInsights/workspaces/providers/contentTemplates";
const PACKAGES: &str = "Microsoft.OperationalInsights/workspaces/providers/contentPackages";

fn template() -> Value {
    serde_json::from_str(TEMPLATE).unwrap()
}

/// What comes of the package in a workspace.
fn deployed() -> Deployed {
    let given = serde_json::json!({"workspace": "soc", "workspace-location": "francecentral"});
    let target = Target::of_group("siem");
    let given: Map<String, Value> = given.as_object().unwrap().clone();
    deploy(&template(), &given, &target, &Known::new()).unwrap()
}

#[test]
fn the_package_holds_all_of_the_content() {
    let deployed = deployed();
    let held = |kind: &str| -> BTreeSet<String> {
        let templates = deployed.of(TEMPLATES).map(|one| &one.body["properties"]);
        let of_kind = templates.filter(|one| one["contentKind"] == kind);
        of_kind
            .map(|one| one["displayName"].as_str().unwrap().to_owned())
            .collect()
    };
    let content = content::read();
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(
        held("AnalyticsRule"),
        names(content.rules.iter().map(|one| &one.name).collect())
    );
    assert_eq!(
        held("HuntingQuery"),
        names(content.hunting.iter().map(|one| &one.name).collect())
    );
    let of_solution = content
        .parsers
        .iter()
        .filter(|one| !one.key.contains("EmailEvent"));
    assert_eq!(
        held("Parser"),
        names(of_solution.map(|one| &one.function.title).collect())
    );
    assert_eq!(
        held("Workbook"),
        names(
            content
                .workbooks
                .iter()
                .map(|one| &one.metadata.title)
                .collect()
        )
    );
    assert_eq!(held("DataConnector").len(), 1);
    let searches = deployed.of("Microsoft.OperationalInsights/workspaces/savedSearches");
    assert_eq!(searches.count(), content.solution.data.parsers.len());
}

#[test]
fn the_package_depends_on_each_piece_that_it_holds_by_id_and_version() {
    let deployed = deployed();
    let pieces = |body: &Value, id: &str| {
        (
            body["kind"].to_string(),
            body[id].to_string(),
            body["version"].to_string(),
        )
    };
    let package = deployed.of(PACKAGES).next().unwrap();
    let criteria = package.body["properties"]["dependencies"]["criteria"]
        .as_array()
        .unwrap();
    let wanted: BTreeSet<_> = criteria
        .iter()
        .filter(|one| one["kind"] != "Watchlist")
        .map(|one| pieces(one, "contentId"))
        .collect();
    let there: BTreeSet<_> = deployed
        .of(TEMPLATES)
        .map(|one| {
            let of = &one.body["properties"];
            (
                of["contentKind"].to_string(),
                of["contentId"].to_string(),
                of["version"].to_string(),
            )
        })
        .collect();
    assert_eq!(wanted, there);
    let lists = content::read().watchlists.len();
    assert_eq!(criteria.len(), there.len() + lists);
}

/// Each piece keeps a resource and the metadata that ties it to the solution.
#[test]
fn every_piece_is_tied_to_the_solution() {
    for one in deployed().of(TEMPLATES) {
        let of = &one.body["properties"];
        let [resource, metadata] = of["mainTemplate"]["resources"]
            .as_array()
            .unwrap()
            .as_slice()
        else {
            panic!("{}", one.name);
        };
        assert_eq!(
            metadata["properties"]["kind"], of["contentKind"],
            "{}",
            one.name
        );
        assert_eq!(
            metadata["properties"]["contentId"], of["contentId"],
            "{}",
            one.name
        );
        let parent = metadata["properties"]["parentId"].as_str().unwrap();
        let name = resource["name"].as_str().unwrap();
        assert_eq!(
            parent.rsplit('/').next(),
            name.rsplit('/').next(),
            "{}",
            one.name
        );
    }
}

#[test]
fn rules_of_the_package_are_off_until_somebody_makes_them() {
    let deployed = deployed();
    let templates = deployed.of(TEMPLATES).map(|one| &one.body["properties"]);
    let rules = templates.filter(|one| one["contentKind"] == "AnalyticsRule");
    for rule in rules {
        let properties = &rule["mainTemplate"]["resources"][0]["properties"];
        assert_eq!(properties["enabled"], false);
        assert_eq!(properties["suppressionEnabled"], false);
        assert_eq!(properties["status"], "Available");
    }
}

#[test]
fn the_files_list_what_is_in_the_folders() {
    let content = content::read();
    let data = &content.solution.data;
    let yaml = |folder: &str, keys: Vec<&String>| -> Vec<String> {
        keys.into_iter()
            .map(|key| format!("{folder}/{key}.yaml"))
            .collect()
    };
    assert_eq!(
        data.rules,
        yaml(
            "Analytic Rules",
            content.rules.iter().map(|one| &one.key).collect()
        )
    );
    assert_eq!(
        data.hunting,
        yaml(
            "Hunting Queries",
            content.hunting.iter().map(|one| &one.key).collect()
        )
    );
    let of_solution = content
        .parsers
        .iter()
        .filter(|one| !one.key.contains("EmailEvent"));
    assert_eq!(
        data.parsers,
        yaml("Parsers", of_solution.map(|one| &one.key).collect())
    );
    let listed = [&data.workbooks, &data.watchlists, &data.connectors];
    for path in listed.into_iter().flatten() {
        assert!(
            std::path::Path::new("sentinel").join(path).exists(),
            "{path}"
        );
    }
    assert_eq!(data.watchlists.len(), content.watchlists.len());
    let notes = std::fs::read_to_string("sentinel/ReleaseNotes.md").unwrap();
    let newest = notes.lines().nth(2).unwrap();
    assert!(newest.contains(&format!("| {} ", data.version)), "{newest}");
}

#[test]
fn the_solution_is_named_as_the_marketplace_wants_it() {
    let id = template()["variables"]["solutionId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        Regex::new("^[a-z][a-z0-9]{0,49}\\.[a-z0-9-]{1,50}$")
            .unwrap()
            .is_match(&id),
        "{id}"
    );
    assert!(id.contains("sentinel"), "{id}");
}

/// "Sentinel" is written out, but for names such as `SentinelHealth`.
#[test]
fn microsoft_sentinel_is_written_out() {
    let word = Regex::new(r"\bSentinel\b").unwrap();
    for (file, text) in [
        ("mainTemplate.json", TEMPLATE),
        ("createUiDefinition.json", FORM),
    ] {
        let wrong: Vec<_> = word
            .find_iter(text)
            .filter(|found| {
                let before = text.get(..found.start()).unwrap();
                !(before.ends_with("Microsoft ") || before.ends_with('-'))
            })
            .map(|found| {
                text.get(found.start().saturating_sub(60)..found.end())
                    .unwrap_or_default()
            })
            .collect();
        assert_eq!(wrong, Vec::<&str>::new(), "{file}");
    }
}

/// Hosts that the toolkit wants taken from `environment()`.
const HOSTS: [&str; 10] = [
    "management.azure.com",
    "management.core.windows.net",
    "login.microsoftonline.com",
    "graph.microsoft.com",
    "portal.azure.com",
    "vault.azure.net",
    "go.microsoft.com",
    "api.loganalytics.io",
    "batch.core.windows.net",
    "managedhsm.azure.net",
];

#[test]
fn the_toolkit_finds_neither_blanks_nor_hosts_of_a_cloud() {
    let text = TEMPLATE.replace("https://schema.management.azure.com", "");
    for host in HOSTS {
        assert!(!text.contains(host), "{host}");
    }
    let blank = Regex::new(r#""(\w+)"\s*:\s*(\{\s*\}|\[\s*\]|""|null)"#).unwrap();
    let allowed = [
        "parameters",
        "variables",
        "outputs",
        "resources",
        "value",
        "defaultValue",
        "properties",
        "functions",
    ];
    let found: BTreeSet<_> = blank
        .captures_iter(&text)
        .map(|found| found[1].to_owned())
        .filter(|name| !allowed.contains(&name.as_str()))
        .collect();
    assert_eq!(found, BTreeSet::new());
    // In texts that hold JSON themselves, too.
    assert!(
        !Regex::new(r":\s*(\{\s*\}|\[\s*\])").unwrap().is_match(
            &text
                .replace("\"parameters\": {}", "")
                .replace("\"variables\": {}", "")
                .replace("\"outputs\": {}", "")
        )
    );
}

#[test]
fn every_parameter_and_variable_is_used_and_every_output_of_the_form_is_a_parameter() {
    let template = template();
    for (what, function) in [("parameters", "parameters"), ("variables", "variables")] {
        for name in template[what].as_object().unwrap().keys() {
            assert!(
                TEMPLATE.contains(&format!("{function}('{name}')")),
                "{what}: {name}"
            );
        }
    }
    let form: Value = serde_json::from_str(FORM).unwrap();
    let outputs = form["parameters"]["outputs"].as_object().unwrap();
    for name in outputs.keys() {
        assert!(template["parameters"].get(name).is_some(), "{name}");
    }
    for (name, parameter) in template["parameters"].as_object().unwrap() {
        assert!(
            parameter.get("defaultValue").is_some() || outputs.contains_key(name),
            "{name}"
        );
    }
}

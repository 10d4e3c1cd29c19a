//! Rules and hunting queries are as the validators of the Sentinel repository and Azure take them.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::Value;
use xtask::content::{Hunt, Parser, Rule, TriggerOperator};

use crate::content;

/// The techniques that the content names, with the tactics that MITRE ATT&CK (enterprise, v16) files them under, in the
/// words of Sentinel.
const TECHNIQUES: [(&str, &[&str]); 11] = [
    ("T1036", &["DefenseEvasion"]),
    ("T1056", &["CredentialAccess", "Collection"]),
    (
        "T1078",
        &[
            "InitialAccess",
            "Persistence",
            "PrivilegeEscalation",
            "DefenseEvasion",
        ],
    ),
    ("T1204", &["Execution"]),
    ("T1497", &["DefenseEvasion", "Discovery"]),
    ("T1534", &["LateralMovement"]),
    ("T1562", &["DefenseEvasion"]),
    ("T1566", &["InitialAccess"]),
    ("T1583", &["ResourceDevelopment"]),
    ("T1598", &["Reconnaissance"]),
    ("T1656", &["DefenseEvasion"]),
];

/// Every run reads its period anew: the repository lets a rule read each day at most this often.
const MOST_READS: i32 = 168;

/// Collects what does not hold, as lines that name the file.
struct Faults<'a> {
    key: &'a str,
    found: Vec<String>,
}

impl<'a> Faults<'a> {
    fn of(key: &'a str) -> Self {
        Self {
            key,
            found: Vec::new(),
        }
    }

    fn must(&mut self, holds: bool, what: impl AsRef<str>) {
        if !holds {
            self.found.push(format!("{}: {}", self.key, what.as_ref()));
        }
    }

    fn id_and_version(&mut self, id: &str, version: &str) {
        self.must(id.parse::<uuid::Uuid>().is_ok(), "the id is no GUID");
        let numbers: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
        self.must(
            numbers.len() == 3 && numbers.iter().all(Result::is_ok),
            "the version has not three numbers",
        );
    }

    fn texts(&mut self, name: &str, description: &str) {
        self.must(
            name.starts_with("Mimecast TTP: ") && name.len() <= 50 && !name.ends_with('.'),
            "name",
        );
        self.must(
            description.starts_with("Identifies ") && description.len() <= 255,
            "description",
        );
    }

    fn query(&mut self, query: &str) {
        self.must(
            query.len() <= 10_000,
            "a query of more than 10,000 characters",
        );
        self.function(query);
    }

    /// A function may be longer.
    fn function(&mut self, query: &str) {
        self.must(query.is_ascii(), "a query that is not ASCII");
        self.must(
            query.starts_with("// "),
            "the query does not begin by saying what it finds",
        );
        self.brand(query);
    }

    /// "Sentinel" is written out, but for names such as `SentinelHealth`.
    fn brand(&mut self, text: &str) {
        let parts: Vec<_> = text.split("Sentinel").collect();
        for (before, behind) in parts.iter().zip(parts.iter().skip(1)) {
            let word = behind.starts_with(|letter: char| letter.is_alphanumeric());
            self.must(
                word || before.ends_with("Microsoft "),
                "Sentinel without Microsoft before it",
            );
        }
    }

    fn attack(&mut self, tactics: &[String], techniques: &[String]) {
        self.must(
            tactics.len() <= 5 && techniques.len() <= 10,
            "too many tactics or techniques",
        );
        self.must(
            tactics.is_empty() == techniques.is_empty(),
            "tactics without techniques, or the other way round",
        );
        let known = |technique: &str| {
            let parent = technique.split('.').next().unwrap();
            let found = TECHNIQUES.iter().find(|(name, _)| *name == parent);
            found.map_or(&[][..], |(_, tactics)| *tactics)
        };
        for technique in techniques {
            let sub = technique.split_once('.').map_or("000", |(_, sub)| sub);
            self.must(
                sub.len() == 3 && sub.bytes().all(|byte| byte.is_ascii_digit()),
                format!("the technique {technique}"),
            );
            self.must(
                known(technique)
                    .iter()
                    .any(|one| tactics.iter().any(|tactic| tactic == one)),
                format!("{technique} is of none of the tactics"),
            );
        }
        for tactic in tactics {
            self.must(
                techniques
                    .iter()
                    .any(|one| known(one).contains(&tactic.as_str())),
                format!("no technique is of {tactic}"),
            );
        }
    }
}

/// Faults of a rule; each as a line.
fn faults(rule: &Rule) -> Vec<String> {
    let mut faults = Faults::of(&rule.key);
    faults.id_and_version(&rule.id, &rule.version);
    faults.texts(&rule.name, &rule.description);
    faults.query(&rule.query);
    faults.attack(&rule.tactics, &rule.relevant_techniques);
    schedule(&mut faults, rule);
    faults.must(rule.kind == "Scheduled", "kind");
    faults.must(rule.status == "Available", "status");
    faults.must(
        rule.trigger_operator == TriggerOperator::Gt && rule.trigger_threshold == 0,
        "trigger",
    );
    let texts = &rule.alert_details_override;
    for text in [
        &texts.alert_display_name_format,
        &texts.alert_description_format,
    ] {
        faults.must(
            text.matches("{{").count() <= 3,
            format!("more than three columns in {text}"),
        );
    }
    let grouping = &rule.event_grouping_settings["aggregationKind"];
    faults.must(
        *grouping == "AlertPerResult" || *grouping == "SingleAlert",
        "aggregationKind",
    );
    let incidents = &rule.incident_configuration;
    let lookback = incidents["groupingConfiguration"]["lookbackDuration"].as_str();
    faults.must(
        lookback.is_some_and(|text| text.starts_with('P') && text.len() > 2),
        "lookbackDuration",
    );
    faults.must(
        !has_empty_list(incidents),
        "an empty list in incidentConfiguration",
    );
    faults.found
}

fn has_empty_list(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty() || items.iter().any(has_empty_list),
        Value::Object(members) => members.values().any(has_empty_list),
        _ => false,
    }
}

fn schedule(faults: &mut Faults<'_>, rule: &Rule) {
    let (frequency, period) = (rule.query_frequency.length(), rule.query_period.length());
    let allowed = TimeDelta::minutes(5)..=TimeDelta::days(14);
    faults.must(allowed.contains(&frequency), "queryFrequency");
    faults.must(allowed.contains(&period), "queryPeriod");
    faults.must(
        period >= frequency,
        "queryPeriod is shorter than queryFrequency",
    );
    faults.must(
        period < TimeDelta::days(2) || frequency >= TimeDelta::hours(1),
        "looks back two days, so it may run hourly at most",
    );
    faults.must(
        period <= frequency * MOST_READS,
        format!("reads each day more than {MOST_READS} times"),
    );
    // What the query itself counts on is what the rule is run with.
    let frequency = format!("let frequency = {};", rule.query_frequency);
    faults.must(
        rule.query.contains(&frequency) || !rule.query.contains("let frequency"),
        "`let frequency` is not queryFrequency",
    );
}

#[test]
fn rules_are_as_the_repository_takes_them() {
    let found: Vec<_> = content::read().rules.iter().flat_map(faults).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn hunting_queries_are_as_the_repository_takes_them() {
    let faults = |hunt: &Hunt| {
        let mut faults = Faults::of(&hunt.key);
        faults.id_and_version(&hunt.id, &hunt.version);
        faults.texts(&hunt.name, &hunt.description);
        faults.query(&hunt.query);
        faults.attack(&hunt.tactics, &hunt.relevant_techniques);
        faults.must(!hunt.tactics.is_empty(), "no tactics");
        faults.must(!hunt.entity_mappings.is_empty(), "no entities");
        faults.found
    };
    let found: Vec<_> = content::read().hunting.iter().flat_map(faults).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn parsers_are_as_the_repository_takes_them() {
    let faults = |parser: &Parser| {
        let mut faults = Faults::of(&parser.key);
        faults.id_and_version(&parser.id, &parser.function.version);
        faults.function(&parser.function_query);
        faults.must(parser.category == "Microsoft Sentinel Parser", "category");
        faults.must(
            parser.function_name == parser.function_alias && parser.function_name == parser.key,
            "the names differ",
        );
        let updated = parser.function.last_updated.parse::<chrono::NaiveDate>();
        faults.must(updated.is_ok(), "LastUpdated is no day");
        faults.found
    };
    let found: Vec<_> = content::read().parsers.iter().flat_map(faults).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn ids_and_names_are_given_once() {
    let content = content::read();
    let rules = content.rules.iter().map(|one| (&one.id, &one.name));
    let hunts = content.hunting.iter().map(|one| (&one.id, &one.name));
    let parsers = content
        .parsers
        .iter()
        .map(|one| (&one.id, &one.function.title));
    let all: Vec<_> = rules.chain(hunts).chain(parsers).collect();
    let ids: BTreeSet<_> = all.iter().map(|(id, _)| id).collect();
    let names: BTreeSet<_> = all.iter().map(|(_, name)| name).collect();
    assert_eq!((ids.len(), names.len()), (all.len(), all.len()));
}

//! What is said about the rules is as Azure takes it, and names only what their queries give.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde_json::Value;
use xtask::content::Described;

use crate::{
    content::{self, Kind},
    duration,
    execution::{World, report},
    support::kusto::Column,
};

const TACTICS: [&str; 14] = [
    "Reconnaissance",
    "ResourceDevelopment",
    "InitialAccess",
    "Execution",
    "Persistence",
    "PrivilegeEscalation",
    "DefenseEvasion",
    "CredentialAccess",
    "Discovery",
    "LateralMovement",
    "Collection",
    "CommandAndControl",
    "Exfiltration",
    "Impact",
];

/// The identifiers that an entity may have, and the sets of which it must have at least one complete:
/// without it the service refuses the rule. The sets are those of the validators of the Sentinel
/// repository, which copy the model of the service.
fn entity(name: &str) -> Option<(&'static [&'static str], &'static [&'static [&'static str]])> {
    Some(match name {
        "Account" => (
            &["Name", "FullName", "UPNSuffix", "AadUserId", "DisplayName"],
            &[&["FullName"], &["Name"], &["AadUserId"]],
        ),
        "Mailbox" => (
            &["MailboxPrimaryAddress", "DisplayName", "Upn"],
            &[&["MailboxPrimaryAddress"]],
        ),
        "IP" => (&["Address"], &[&["Address"]]),
        "URL" => (&["Url"], &[&["Url"]]),
        "File" => (&["Name", "Directory"], &[&["Name"]]),
        "FileHash" => (&["Algorithm", "Value"], &[&["Algorithm", "Value"]]),
        "DNS" => (&["DomainName"], &[&["DomainName"]]),
        "MailMessage" => (
            &[
                "NetworkMessageId",
                "Recipient",
                "Sender",
                "SenderIP",
                "Subject",
                "InternetMessageId",
                "Urls",
                "Threats",
                "AntispamDirection",
                "DeliveryAction",
            ],
            &[&["NetworkMessageId"], &["Recipient"]],
        ),
        _ => return None,
    })
}

/// Whether these identifiers are enough for an entity.
fn is_identified(name: &str, identifiers: &[&str]) -> bool {
    let required = entity(name).map_or(&[][..], |(_, required)| required);
    let mut sets = required.iter();
    sets.any(|set| set.iter().all(|one| identifiers.contains(one)))
}

/// The columns that a query gives.
fn columns(kind: Kind, key: &str) -> &'static [Column] {
    let found = report(World::Deployed)
        .iter()
        .find(|checked| checked.query.kind == kind && checked.query.name == key);
    &found.unwrap().bound.columns
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| one.as_str().unwrap())
        .collect()
}

/// Faults of what every rule says; each as a line.
fn faults(rule: &Described) -> Vec<String> {
    let about = &rule.about;
    let mut found = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            found.push(format!("{}: {what}", rule.key));
        }
    };
    let span = |name: &str| duration::parse(about[name].as_str().unwrap_or_default());
    let (frequency, period) = (span("queryFrequency"), span("queryPeriod"));
    let allowed = TimeDelta::minutes(5)..=TimeDelta::days(14);
    must(
        frequency.is_some_and(|of| allowed.contains(&of)),
        "queryFrequency",
    );
    must(
        period.is_some_and(|of| allowed.contains(&of)),
        "queryPeriod",
    );
    must(
        period >= frequency,
        "queryPeriod is shorter than queryFrequency",
    );
    let far = period >= Some(TimeDelta::days(2));
    must(
        !far || frequency >= Some(TimeDelta::hours(1)),
        "looks back two days, so it may run hourly at most",
    );
    must(
        span("suppressionDuration")
            .is_some_and(|of| (TimeDelta::minutes(5)..=TimeDelta::days(1)).contains(&of)),
        "suppressionDuration",
    );
    must(
        about["suppressionEnabled"].is_boolean() && about["enabled"].is_boolean(),
        "enabled and suppressionEnabled",
    );
    must(
        ["High", "Medium", "Low", "Informational"]
            .iter()
            .any(|one| about["severity"] == *one),
        "severity",
    );
    must(
        about["triggerOperator"] == "GreaterThan" && about["triggerThreshold"] == 0,
        "trigger",
    );
    must(
        about["displayName"]
            .as_str()
            .is_some_and(|name| name.starts_with("Mimecast TTP: ")),
        "displayName",
    );
    must(
        about["description"]
            .as_str()
            .is_some_and(|text| (20..5000).contains(&text.len())),
        "description",
    );
    must(
        rule.query.len() <= 10_000,
        "a query of more than 10,000 characters",
    );
    let aggregation = &about["eventGroupingSettings"]["aggregationKind"];
    must(
        aggregation == "AlertPerResult" || aggregation == "SingleAlert",
        "aggregationKind",
    );
    let grouping = &about["incidentConfiguration"]["groupingConfiguration"];
    must(
        duration::parse(grouping["lookbackDuration"].as_str().unwrap_or_default()).is_some(),
        "lookbackDuration",
    );
    // What the query itself counts on is what the rule is run with.
    let said = rule
        .query
        .lines()
        .find_map(|line| line.strip_prefix("let frequency = ")?.split_once(';'));
    if let (Some((said, _)), Some(frequency)) = (said, frequency) {
        let iso = said
            .strip_suffix('m')
            .map(|n| format!("PT{n}M"))
            .or_else(|| said.strip_suffix('h').map(|n| format!("PT{n}H")));
        must(
            iso.and_then(|iso| duration::parse(&iso)) == Some(frequency),
            "`let frequency` is not queryFrequency",
        );
    }
    found.extend(wrong_names(rule));
    found
}

/// Columns that a rule names and its query does not give, and entities that are none.
fn wrong_names(rule: &Described) -> Vec<String> {
    let about = &rule.about;
    let given: BTreeMap<&str, &str> = columns(Kind::Rule, &rule.key)
        .iter()
        .map(|one| (one.name.as_str(), one.kind.as_str()))
        .collect();
    let mut found = Vec::new();
    let mut column = |name: &str, place: &str| {
        if !given.contains_key(name) {
            found.push(format!("{}: {place} names the column {name}", rule.key));
        }
    };
    column("TimeGenerated", "Sentinel");
    let mappings = about["entityMappings"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let details = about["customDetails"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    for (name, of) in &details {
        column(of.as_str().unwrap(), name);
    }
    let texts = about["alertDetailsOverride"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    for (name, text) in &texts {
        let text = text.as_str().unwrap();
        if name.ends_with("ColumnName") {
            column(text, name);
        }
        for part in text.split("{{").skip(1) {
            column(part.split_once("}}").unwrap().0, name);
        }
    }
    for mapping in mappings {
        for field in mapping["fieldMappings"].as_array().unwrap() {
            column(field["columnName"].as_str().unwrap(), "an entity");
        }
    }
    let mut must = |holds: bool, what: String| {
        if !holds {
            found.push(format!("{}: {what}", rule.key));
        }
    };
    must(mappings.len() <= 10, "more than 10 entities".into());
    must(details.len() <= 20, "more than 20 custom details".into());
    for name in details.keys() {
        must(
            name.len() <= 20 && name.chars().all(char::is_alphanumeric),
            format!("the custom detail's name {name}"),
        );
    }
    for mapping in mappings {
        let entity = mapping["entityType"].as_str().unwrap();
        let fields = mapping["fieldMappings"].as_array().unwrap();
        must(
            (1..=3).contains(&fields.len()),
            format!("{entity} has {} identifiers", fields.len()),
        );
        let given_identifiers: Vec<_> = fields
            .iter()
            .map(|field| field["identifier"].as_str().unwrap())
            .collect();
        must(
            is_identified(entity, &given_identifiers),
            format!("{entity} is not identified by {given_identifiers:?} alone"),
        );
        for field in fields {
            let identifier = field["identifier"].as_str().unwrap();
            must(
                self::entity(entity).is_some_and(|(allowed, _)| allowed.contains(&identifier)),
                format!("{entity} has no identifier {identifier}"),
            );
            let kind = given.get(field["columnName"].as_str().unwrap());
            must(
                kind.is_none_or(|kind| *kind == "string"),
                format!("{entity} {identifier} is no text"),
            );
        }
    }
    let entities: Vec<_> = mappings
        .iter()
        .map(|mapping| mapping["entityType"].as_str().unwrap())
        .collect();
    let grouping = &about["incidentConfiguration"]["groupingConfiguration"];
    for entity in strings(&grouping["groupByEntities"]) {
        must(
            entities.contains(&entity),
            format!("groups by {entity}, which it does not map"),
        );
    }
    for detail in strings(&grouping["groupByCustomDetails"]) {
        must(
            details.contains_key(detail),
            format!("groups by {detail}, which is no custom detail"),
        );
    }
    found
}

/// Tactics and techniques of the enterprise matrix.
fn wrong_attack(of: &Described) -> Vec<String> {
    let number = |text: &str, digits: usize| {
        text.len() == digits && text.chars().all(|c| c.is_ascii_digit())
    };
    let technique = |text: &str| {
        text.strip_prefix('T')
            .is_some_and(|rest| number(rest, 4) && !rest.starts_with("08"))
    };
    let sub = |text: &str| {
        text.split_once('.')
            .is_some_and(|(parent, rest)| technique(parent) && number(rest, 3))
    };
    let (tactics, techniques) = (
        strings(&of.about["tactics"]),
        strings(&of.about["techniques"]),
    );
    let mut found: Vec<_> = tactics
        .into_iter()
        .filter(|tactic| !TACTICS.contains(tactic))
        .map(ToOwned::to_owned)
        .collect();
    found.extend(
        techniques
            .iter()
            .filter(|one| !technique(one))
            .map(|one| (*one).to_owned()),
    );
    for one in strings(&of.about["subTechniques"]) {
        let parent = one.split_once('.').map_or(one, |(parent, _)| parent);
        if !sub(one) || !techniques.contains(&parent) {
            found.push(one.to_owned());
        }
    }
    found
        .into_iter()
        .map(|one| format!("{}: {one}", of.key))
        .collect()
}

#[test]
fn rules_are_as_azure_takes_them_and_name_only_their_own_columns() {
    let found: Vec<_> = content::read().rules.iter().flat_map(faults).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn an_entity_needs_the_identifiers_that_tell_it_from_others() {
    for (entity, identifiers, enough) in [
        ("MailMessage", &["Sender", "Subject"][..], false),
        ("MailMessage", &["Recipient", "Sender"], true),
        ("FileHash", &["Value"], false),
        ("FileHash", &["Algorithm", "Value"], true),
        ("File", &["Directory"], false),
        ("Account", &["UPNSuffix", "DisplayName"], false),
        ("Registry", &["Key"], false),
    ] {
        assert_eq!(
            is_identified(entity, identifiers),
            enough,
            "{entity} {identifiers:?}"
        );
    }
}

#[test]
fn tactics_and_techniques_are_those_of_the_enterprise_matrix() {
    let all = content::read()
        .rules
        .into_iter()
        .chain(content::read().hunting);
    let found: Vec<_> = all.flat_map(|one| wrong_attack(&one)).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn ids_and_names_are_given_once() {
    let rules = content::read().rules;
    let ids: BTreeSet<_> = rules
        .iter()
        .map(|rule| {
            rule.about["id"]
                .as_str()
                .unwrap()
                .parse::<uuid::Uuid>()
                .unwrap()
        })
        .collect();
    assert_eq!(ids.len(), rules.len());
    let all: Vec<_> = rules
        .into_iter()
        .chain(content::read().hunting)
        .map(|one| one.about["displayName"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

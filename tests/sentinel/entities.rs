//! What rules and hunting queries name, their queries give: entities, details and texts of alerts.

use std::collections::BTreeMap;

use xtask::content::{EntityMapping, Rule};

use crate::{
    content::{self, Kind},
    execution::{World, report},
    support::kusto::Column,
};

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

/// The columns that a query gives, by name.
fn columns(kind: Kind, key: &str) -> BTreeMap<&'static str, &'static str> {
    let found = report(World::Deployed)
        .iter()
        .find(|checked| checked.query.kind == kind && checked.query.name == key);
    let columns: &[Column] = &found.unwrap().bound.columns;
    columns
        .iter()
        .map(|one| (one.name.as_str(), one.kind.as_str()))
        .collect()
}

/// Entities that are none, or whose columns the query does not give as texts.
fn wrong_entities(kind: Kind, key: &str, mappings: &[EntityMapping]) -> Vec<String> {
    let given = columns(kind, key);
    let mut found = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            found.push(format!("{key}: {what}"));
        }
    };
    must(mappings.len() <= 10, "more than 10 entities".into());
    for mapping in mappings {
        let entity = mapping.entity_type.as_str();
        let fields = &mapping.field_mappings;
        must(
            (1..=3).contains(&fields.len()),
            format!("{entity} has {} identifiers", fields.len()),
        );
        let identifiers: Vec<_> = fields
            .iter()
            .map(|field| field.identifier.as_str())
            .collect();
        must(
            is_identified(entity, &identifiers),
            format!("{entity} is not identified by {identifiers:?} alone"),
        );
        for field in fields {
            let (identifier, column) = (field.identifier.as_str(), field.column_name.as_str());
            must(
                self::entity(entity).is_some_and(|(allowed, _)| allowed.contains(&identifier)),
                format!("{entity} has no identifier {identifier}"),
            );
            must(
                given.get(column) == Some(&"string"),
                format!("{entity} {identifier}: the query gives no text {column}"),
            );
        }
    }
    found
}

/// The columns that the texts of an alert name.
pub fn named_in_texts(rule: &Rule) -> Vec<&str> {
    let texts = &rule.alert_details_override;
    let texts = [
        &texts.alert_display_name_format,
        &texts.alert_description_format,
    ];
    let parts = texts.into_iter().flat_map(|text| text.split("{{").skip(1));
    parts.map(|part| part.split_once("}}").unwrap().0).collect()
}

/// What else a rule names that its query does not give.
fn wrong_names(rule: &Rule) -> Vec<String> {
    let given = columns(Kind::Rule, &rule.key);
    let details = &rule.custom_details;
    let severity = &rule.alert_details_override.alert_severity_column_name;
    let named = ["TimeGenerated"]
        .into_iter()
        .chain(details.values().map(String::as_str))
        .chain(named_in_texts(rule))
        .chain(severity.as_deref());
    let mut found: Vec<_> = named
        .filter(|name| !given.contains_key(name))
        .map(|name| format!("{}: names the column {name}", rule.key))
        .collect();
    let mut must = |holds: bool, what: String| {
        if !holds {
            found.push(format!("{}: {what}", rule.key));
        }
    };
    must(details.len() <= 20, "more than 20 custom details".into());
    for name in details.keys() {
        must(
            name.len() <= 20 && name.chars().all(char::is_alphanumeric),
            format!("the custom detail's name {name}"),
        );
    }
    let entities: Vec<_> = rule
        .entity_mappings
        .iter()
        .map(|mapping| mapping.entity_type.as_str())
        .collect();
    let grouping = &rule.incident_configuration["groupingConfiguration"];
    let strings = |name: &str| {
        let list = grouping[name].as_array().into_iter().flatten();
        list.map(|one| one.as_str().unwrap()).collect::<Vec<_>>()
    };
    for entity in strings("groupByEntities") {
        must(
            entities.contains(&entity),
            format!("groups by {entity}, which it does not map"),
        );
    }
    for detail in strings("groupByCustomDetails") {
        must(
            details.contains_key(detail),
            format!("groups by {detail}, which is no custom detail"),
        );
    }
    found
}

#[test]
fn rules_name_only_their_own_columns() {
    let found: Vec<_> = content::read()
        .rules
        .iter()
        .flat_map(|rule| {
            let entities = wrong_entities(Kind::Rule, &rule.key, &rule.entity_mappings);
            [entities, wrong_names(rule)].concat()
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn hunting_queries_name_only_their_own_columns() {
    let found: Vec<_> = content::read()
        .hunting
        .iter()
        .flat_map(|hunt| wrong_entities(Kind::Hunting, &hunt.key, &hunt.entity_mappings))
        .collect();
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

//! What is put into the workspace, and what comes back from the deployment.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;
use simulators::log_analytics::logs_ingestion::Rule;

use super::{order::in_each, roles};
use template_check::{evaluate::Deployed, look::Look};

use crate::{
    bundle::Bundle,
    choices::{APP, Choice, Sink},
    platform,
};

const TABLE: &str = "Microsoft.OperationalInsights/workspaces/tables";
const RULE: &str = "Microsoft.Insights/dataCollectionRules";
/// The table of clicks.
const URL: &str = "MimecastTTPUrl_CL";
/// The table of clean clicks, where they have one of their own.
const CLEAN: &str = "MimecastTTPUrlClean_CL";

/// The content for Sentinel, with whether it reads tables.
const CONTENT: [(&str, bool); 4] = [
    (
        "Microsoft.OperationalInsights/workspaces/savedSearches",
        true,
    ),
    ("Microsoft.SecurityInsights/alertRules", true),
    ("Microsoft.Insights/workbooks", false),
    ("Microsoft.SecurityInsights/dataConnectorDefinitions", false),
];

/// What a rule makes and its table lacks is dropped, silently; what it does not make stays empty.
pub(super) fn tables_keep_what_their_rule_makes(bundle: &Bundle) -> Vec<String> {
    let made = Regex::new(r"(?:\| project|,) (\w+) = ").unwrap();
    in_each(bundle, |_, deployed, faults| {
        let flows = deployed.of(RULE);
        let flows = flows.flat_map(|rule| rule.body["properties"]["dataFlows"].items());
        let flows: BTreeMap<_, BTreeSet<_>> = flows
            .map(|flow| {
                let found = made.captures_iter(flow["transformKql"].text());
                let names = found.filter_map(|found| Some(found.get(1)?.as_str()));
                (flow["outputStream"].text(), names.collect())
            })
            .collect();
        for table in deployed.of(TABLE) {
            let schema = &table.body["properties"]["schema"];
            let columns = schema["columns"].items();
            let columns = columns.map(|column| column["name"].text()).collect();
            let stream = format!("Custom-{}", schema["name"].text());
            let made = flows.get(stream.as_str()).cloned().unwrap_or_default();
            let differences = made.symmetric_difference(&columns);
            faults.extend(differences.map(|name| {
                format!("{name} is a column of {stream} or made by the rule, not both")
            }));
        }
    })
}

/// Types of columns, streams and transforms fit each other, as the simulator of the service has it.
pub(super) fn the_service_takes_the_rule(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        if choice.sink == Sink::LogsIngestion {
            faults.extend(Rule::made_by(deployed).err());
        }
    })
}

/// Analytic rules read tables of the plan Analytics only.
pub(super) fn alerts_can_read_the_tables(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        for table in deployed.of(TABLE) {
            let plan = table.body["properties"]["plan"].text();
            let is_clean = table.name.ends_with(CLEAN);
            if plan != if is_clean { "Basic" } else { "Analytics" } {
                faults.push(format!("{} has the plan {plan}", table.name));
            }
        }
    })
}

/// A record is stored once, where it was wanted, and the health rows say which way that is.
pub(super) fn clean_clicks_go_where_they_are_wanted(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let wanted = choice.clean_clicks();
        let has_table = deployed.of(TABLE).any(|table| table.name.ends_with(CLEAN));
        if has_table != (wanted == "Basic") {
            faults.push(format!("{CLEAN} is there: {has_table}"));
        }
        for rule in deployed.of(RULE) {
            let flows = rule.body["properties"]["dataFlows"].items();
            let conditions = flows.filter(|flow| flow["streams"][0] == "Custom-MimecastTTPUrl_CL");
            let conditions: Vec<_> = conditions
                .map(|flow| {
                    let transform = flow["transformKql"].text();
                    let condition = transform.split(" | project ").next().unwrap_or_default();
                    let table = flow["outputStream"].text().trim_start_matches("Custom-");
                    (table, condition)
                })
                .collect();
            let is_told_apart = match (wanted, conditions.as_slice()) {
                ("Analytics", [(URL, "source")]) => true,
                ("Drop", [(URL, others)]) => others.ends_with(" == 'no'"),
                ("Basic", [(URL, others), (CLEAN, clean)]) => {
                    clean.ends_with(" == 'yes'")
                        && clean.replace(" == 'yes'", " == 'no'") == *others
                }
                _ => false,
            };
            if !is_told_apart {
                faults.push(format!("the flows of clicks are {conditions:?}"));
            }
            let said = format!("cleanClicks_s = '{wanted}'");
            let mut flows = rule.body["properties"]["dataFlows"].items();
            if !flows.any(|flow| flow["transformKql"].text().contains(&said)) {
                faults.push(format!("no flow says {said}"));
            }
        }
    })
}

pub(super) fn content_comes_where_it_is_wanted(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        for (of, _) in CONTENT {
            let is_there = deployed.of(of).next().is_some();
            if is_there != choice.has_content() {
                faults.push(format!("{of} is there: {is_there}"));
            }
        }
    })
}

/// Where they are made here, so that queries find them.
pub(super) fn content_comes_behind_the_tables(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        let readers = CONTENT.iter().filter(|(_, reads)| *reads);
        for reader in readers.flat_map(|(of, _)| deployed.of(of)) {
            let mut tables = deployed.of(TABLE);
            if let Some(table) = tables.find(|table| !reader.waits_for.contains(&table.id)) {
                faults.push(format!("{} must wait for {}", reader.id, table.id));
            }
        }
    })
}

/// The outputs, by name.
fn outputs(bundle: &Bundle, choice: &Choice, deployed: &Deployed) -> BTreeMap<&'static str, Value> {
    let given = choice.parameters();
    let full = |of: &str, at: &str| {
        let made = deployed.of(of).next();
        made.and_then(|made| made.full.pointer(at)).cloned()
    };
    let all = [
        ("functionAppName", Some(APP.into())),
        ("principalId", Some(roles::identity(deployed).into())),
        (
            "storageAccountName",
            platform::account_with(deployed, platform::CHECKPOINTS)
                .map(|account| account.name.as_str().into()),
        ),
        (
            "packageStorageAccountName",
            platform::account_with(deployed, platform::PACKAGE)
                .map(|account| account.name.as_str().into()),
        ),
        (
            "vaultUri",
            full("Microsoft.KeyVault/vaults", "/properties/vaultUri"),
        ),
        ("packageUri", Some(bundle.value(&given, "packageUri"))),
        ("packageSha256", Some(bundle.value(&given, "packageSha256"))),
        (
            "logsIngestionEndpoint",
            full(
                "Microsoft.Insights/dataCollectionEndpoints",
                "/properties/logsIngestion/endpoint",
            )
            .or_else(|| full(RULE, "/properties/endpoints/logsIngestion")),
        ),
        (
            "outboundAddress",
            full(
                "Microsoft.Network/publicIPAddresses",
                "/properties/ipAddress",
            ),
        ),
        ("logsIngestionRuleId", full(RULE, "/properties/immutableId")),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

pub(super) fn outputs_say_what_was_made(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let found = deployed.outputs.iter();
        let found: BTreeMap<_, _> = found
            .map(|(name, output)| (name.as_str(), output["value"].clone()))
            .collect();
        let expected = outputs(bundle, choice, deployed);
        if found != expected {
            faults.push(format!("the outputs are {found:?}, not {expected:?}"));
        }
    })
}

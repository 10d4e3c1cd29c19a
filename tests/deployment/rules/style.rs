//! How the template is written. Numbers in brackets are those of the checks of Azure's template test
//! kit (arm-ttk) that a rule stands for.

use regex::Regex;
use serde_json::Value;

use super::walk;
use template_check::{expression::Expression, look::Look};

use crate::bundle::Bundle;

/// No version from before this day, unless it is the newest: 730 days before these rules were written.
const OLDEST_VERSION: &str = "2024-11-27";

/// Types whose newest stable version is older than that.
const NEWEST: [&str; 9] = [
    "Microsoft.Insights/components 2020-02-02",
    "Microsoft.Authorization/roleAssignments 2022-04-01",
    "Microsoft.Insights/dataCollectionRules 2024-03-11",
    "Microsoft.Insights/dataCollectionEndpoints 2024-03-11",
    "Microsoft.Insights/workbooks 2023-06-01",
    "Microsoft.Insights/privateLinkScopes 2021-09-01",
    "Microsoft.Insights/privateLinkScopes/scopedResources 2021-09-01",
    "Microsoft.Network/privateDnsZones 2024-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks 2024-06-01",
];

/// Types whose only stable version, of 2016, is of no use.
const PREVIEWS: [&str; 1] = ["Microsoft.Insights/diagnosticSettings 2021-05-01-preview"];

/// Older ones are retired for vaults in February 2027.
const OLDEST_VAULT_VERSION: &str = "2026-02-01";

/// Hosts that differ from cloud to cloud.
const CLOUD_HOSTS: &str = "management.azure.com management.core.windows.net core.windows.net \
    core.usgovcloudapi.net core.chinacloudapi.cn vault.azure.net vault.usgovcloudapi.net vault.azure.cn \
    login.microsoftonline.com login.microsoftonline.us login.chinacloudapi.cn graph.windows.net \
    api.loganalytics.io database.windows.net portal.azure.com";

/// Members that may be empty.
const MAY_BE_EMPTY: &str = "resources outputs variables parameters functions properties template \
    defaultValue accessPolicies value inputs clientId";

/// Functions by which an id may be made, and members that only look like ids.
const MAKES_IDS: &str = r"^\[(resourceId|subscriptionResourceId|tenantResourceId|extensionResourceId|parameters|variables|reference|if|guid|subscription)\(";
const NO_IDS: &str = "appid clientid objectid tenantid subscriptionid";

/// Whether a word is in a list of words.
fn among(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|each| each == word)
}

/// [3]
pub(super) fn locations_come_from_parameters(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    let location = &bundle.template["parameters"]["location"];
    if location["type"] != "string" || location["defaultValue"] != "[resourceGroup().location]" {
        faults.push("parameters.location is not [resourceGroup().location] by default".to_owned());
    }
    walk::each(&bundle.template, "", &mut |at, name, value| {
        if at.contains(".parameters.") {
            return;
        }
        let text = value.text();
        if text.contains("resourceGroup().location") {
            faults.push(format!(
                "{at}: take the parameter location, which can be chosen"
            ));
        }
        if name == "location" && !text.starts_with('[') && text != "global" {
            faults.push(format!("{at} is fixed: {value}"));
        }
    });
    faults
}

/// [4]
pub(super) fn api_versions_are_recent(bundle: &Bundle) -> Vec<String> {
    let date = Regex::new(r"^\d{4}-\d{2}-\d{2}$").unwrap();
    let mut faults = Vec::new();
    let mut check = |at: &str, of: &str, version: &str| {
        let is_newest = NEWEST
            .iter()
            .any(|newest| newest.ends_with(&format!("{of} {version}")));
        let is_vault = of.starts_with("Microsoft.KeyVault/");
        let oldest = if is_vault {
            OLDEST_VAULT_VERSION
        } else {
            OLDEST_VERSION
        };
        if PREVIEWS.contains(&format!("{of} {version}").as_str()) {
            return;
        }
        if !date.is_match(version) {
            faults.push(format!("{at}: {version} is no stable version"));
        } else if version < oldest && !is_newest {
            faults.push(format!("{at}: {version} is out of date"));
        }
    };
    walk::each(&bundle.template, "", &mut |at, name, value| {
        if let (Some(of), Some(version)) = (value["type"].as_str(), value.get("apiVersion")) {
            check(at, of, version.text());
        }
        if name == "apiVersions" {
            check(at, "", "what is looked up");
        }
    });
    for (at, expression) in walk::expressions(&bundle.template) {
        expression.each_call(&mut |function, arguments| match (function, arguments) {
            ("reference" | "listKeys", [_, Expression::Text(version), ..]) => {
                check(&at, "", version);
            }
            ("reference" | "listKeys", [_, _, ..]) | ("providers", _) => {
                check(&at, "", "what is looked up");
            }
            _ => {}
        });
    }
    faults
}

/// The paths of all that is empty.
pub(super) fn blanks(value: &Value, allowed: &str) -> Vec<String> {
    let mut faults = Vec::new();
    walk::each(value, "", &mut |at, name, value| {
        let is_blank = match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        if is_blank && !name.is_empty() && !among(allowed, name) {
            faults.push(format!("{at} is {value}; leave it out"));
        }
    });
    faults
}

/// [8]
pub(super) fn nothing_is_blank(bundle: &Bundle) -> Vec<String> {
    blanks(&bundle.template, MAY_BE_EMPTY)
}

/// [9]
pub(super) fn ids_are_made_by_functions(bundle: &Bundle) -> Vec<String> {
    let made = Regex::new(MAKES_IDS).unwrap();
    let mut faults = Vec::new();
    walk::each(
        &bundle.template["resources"],
        "resources",
        &mut |at, name, value| {
            let name = name.to_lowercase();
            let is_id = name.ends_with("id") && !among(NO_IDS, &name);
            let text = value.as_str().or_else(|| value["value"].as_str());
            if is_id && !at.contains(".outputs.") && text.is_some_and(|text| !made.is_match(text)) {
                faults.push(format!(
                    "{at} must be made by resourceId() or the like, not be {value}"
                ));
            }
        },
    );
    faults
}

/// [10]
pub(super) fn ids_are_not_glued(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, expression) in walk::expressions(&bundle.template) {
        expression.each_call(&mut |function, arguments| {
            let first = match arguments.first() {
                Some(Expression::Member(of, _)) => Some(of.as_ref()),
                first => first,
            };
            let Some(Expression::Call(inner, _)) = first else {
                return;
            };
            let is_id = function.to_lowercase().ends_with("resourceid");
            let is_wrong = match inner.as_str() {
                "concat" | "format" => is_id || function == "reference" || function == "listKeys",
                "resourceGroup" | "subscription" => is_id,
                _ => false,
            };
            if is_wrong {
                faults.push(format!("{at}: {function}() must not begin with {inner}()"));
            }
        });
    }
    faults
}

/// [11]
pub(super) fn addresses_are_not_glued(bundle: &Bundle) -> Vec<String> {
    let glued = Regex::new(r"^\[.*(concat|format)\(").unwrap();
    let address = Regex::new("(?i)ur[il]$").unwrap();
    let mut faults = Vec::new();
    walk::each(&bundle.template, "", &mut |at, name, value| {
        if address.is_match(name) && glued.is_match(value.text()) {
            faults.push(format!(
                "{at} must be made by uri(), not by concat() or format()"
            ));
        }
    });
    faults
}

/// [12], in descriptions too.
pub(super) fn no_cloud_is_named(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, text) in walk::texts(&bundle.template) {
        // What a person reads there, and the hosts on a watchlist, are the same in every cloud.
        if at.contains(".connectorUiConfig.") || at.ends_with(".rawContent") {
            continue;
        }
        let text = text.replace("https://schema.management.azure.com", "");
        let named = CLOUD_HOSTS
            .split_whitespace()
            .filter(|host| text.contains(*host));
        faults.extend(named.map(|host| format!("{at} names {host}; take environment()")));
    }
    faults
}

/// [13]
pub(super) fn dependencies_are_plain(bundle: &Bundle) -> Vec<String> {
    let glued = Regex::new(r"^\[(if|concat)\(").unwrap();
    let texts = walk::texts(&bundle.template).into_iter();
    let wrong = texts.filter(|(at, text)| at.contains(".dependsOn[") && glued.is_match(text));
    wrong
        .map(|(at, _)| format!("{at}: name the resource; if it is not made, nobody waits"))
        .collect()
}

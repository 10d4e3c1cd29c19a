//! How the template is written. Numbers in brackets are those of the checks of Azure's template test
//! kit (arm-ttk) that a rule stands for.

use regex::Regex;
use serde_json::Value;

use super::walk;
use crate::{bundle::Bundle, expression::Expression};

/// No version from before this day, unless it is the newest: 730 days before these rules were written.
const OLDEST_VERSION: &str = "2024-11-27";

/// Types whose newest stable version is older than that.
const NEWEST: [(&str, &str); 4] = [
    ("Microsoft.Insights/components", "2020-02-02"),
    ("Microsoft.Authorization/roleAssignments", "2022-04-01"),
    ("Microsoft.Insights/dataCollectionRules", "2023-03-11"),
    ("Microsoft.Insights/workbooks", "2023-06-01"),
];

/// Older ones are retired for vaults in February 2027.
const OLDEST_VAULT_VERSION: &str = "2026-02-01";

/// Hosts that differ from cloud to cloud.
const CLOUD_HOSTS: [&str; 15] = [
    "management.azure.com",
    "management.core.windows.net",
    "core.windows.net",
    "core.usgovcloudapi.net",
    "core.chinacloudapi.cn",
    "vault.azure.net",
    "vault.usgovcloudapi.net",
    "vault.azure.cn",
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.chinacloudapi.cn",
    "graph.windows.net",
    "api.loganalytics.io",
    "database.windows.net",
    "portal.azure.com",
];

/// [3]
pub(super) fn locations_come_from_parameters(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    let location = &bundle.parameters()["location"];
    if location["type"] != "string" || location["defaultValue"] != "[resourceGroup().location]" {
        faults.push("parameters.location is not [resourceGroup().location] by default".to_owned());
    }
    walk::each(&bundle.template, "", &mut |at, name, value| {
        let text = value.as_str().unwrap_or_default();
        if text.contains("resourceGroup().location") && !at.contains(".parameters.") {
            faults.push(format!(
                "{at}: take the parameter location, which can be chosen"
            ));
        }
        let is_resource = name == "location" && !at.contains(".parameters.");
        if is_resource && !text.starts_with('[') && text != "global" {
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
        let is_newest =
            |newest: &(&str, &str)| newest.1 == version && (of.is_empty() || newest.0 == of);
        let newest = NEWEST.iter().any(is_newest);
        let is_vault = of.starts_with("Microsoft.KeyVault/");
        let oldest = if is_vault {
            OLDEST_VAULT_VERSION
        } else {
            OLDEST_VERSION
        };
        if !date.is_match(version) {
            faults.push(format!("{at}: {version} is no stable version"));
        } else if version < oldest && !newest {
            faults.push(format!("{at}: {version} is out of date"));
        }
    };
    walk::each(&bundle.template, "", &mut |at, name, value| {
        if let (Some(of), Some(version)) = (value["type"].as_str(), value.get("apiVersion")) {
            check(at, of, version.as_str().unwrap_or_default());
        }
        if name == "apiVersions" {
            check(at, "", "it");
        }
    });
    for (at, expression) in walk::expressions(&bundle.template) {
        expression.each_call(&mut |function, arguments| match (function, arguments) {
            ("reference" | "listKeys", [_, Expression::Text(version), ..]) => {
                check(&at, "", version);
            }
            // Not a text that stands there, so nobody can see what it is.
            ("reference" | "listKeys", [_, _, ..]) | ("providers", _) => check(&at, "", "it"),
            _ => {}
        });
    }
    faults
}

/// Names under which nothing may stand.
const MAY_BE_EMPTY: [&str; 13] = [
    "resources",
    "outputs",
    "variables",
    "parameters",
    "functions",
    "properties",
    "template",
    "defaultValue",
    "accessPolicies",
    "value",
    "inputs",
    "clientId",
    "allowedCallerIpAddresses",
];

/// The paths of all that is empty.
pub(super) fn blanks(value: &Value, allowed: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    walk::each(value, "", &mut |at, name, value| {
        let is_blank = match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        if is_blank && !name.is_empty() && !allowed.contains(&name) {
            faults.push(format!("{at} is {value}; leave it out"));
        }
    });
    faults
}

/// [8]
pub(super) fn nothing_is_blank(bundle: &Bundle) -> Vec<String> {
    blanks(&bundle.template, &MAY_BE_EMPTY)
}

/// [9]
pub(super) fn ids_are_made_by_functions(bundle: &Bundle) -> Vec<String> {
    let made = Regex::new(r"^\[(resourceId|subscriptionResourceId|tenantResourceId|extensionResourceId|parameters|variables|reference|if|guid|subscription)\(").unwrap();
    let exempt = [
        "appid",
        "clientid",
        "objectid",
        "tenantid",
        "subscriptionid",
    ];
    let mut faults = Vec::new();
    walk::each(
        &bundle.template["resources"],
        "resources",
        &mut |at, name, value| {
            let name = name.to_lowercase();
            let text = value.as_str().or_else(|| value["value"].as_str());
            if let Some(text) = text
                && name.ends_with("id")
                && !exempt.contains(&name.as_str())
                && !at.contains(".metadata.")
                && !at.contains(".outputs.")
                && !made.is_match(text)
            {
                faults.push(format!(
                    "{at} must be made by resourceId() or the like, not be {text}"
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
            let is_id = function.to_lowercase().ends_with("resourceid");
            if !is_id && function != "reference" && !function.starts_with("list") {
                return;
            }
            let first = match arguments.first() {
                Some(Expression::Member(of, _)) => Some(of.as_ref()),
                first => first,
            };
            if let Some(Expression::Call(inner, _)) = first
                && (matches!(inner.as_str(), "concat" | "format")
                    || (is_id && matches!(inner.as_str(), "resourceGroup" | "subscription")))
            {
                faults.push(format!("{at}: {function}() must not begin with {inner}()"));
            }
        });
    }
    faults
}

/// [11]
pub(super) fn addresses_are_not_glued(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    walk::each(&bundle.template, "", &mut |at, name, value| {
        let name = name.to_lowercase();
        let text = value.as_str().unwrap_or_default();
        let is_glued =
            text.starts_with('[') && (text.contains("concat(") || text.contains("format("));
        if (name.ends_with("uri") || name.ends_with("url")) && is_glued {
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
        // What a person reads there is the same in every cloud.
        if at.contains(".connectorUiConfig.") {
            continue;
        }
        let text = text.replace("https://schema.management.azure.com", "");
        let named = CLOUD_HOSTS.iter().filter(|host| text.contains(**host));
        faults.extend(named.map(|host| format!("{at} names {host}; take environment()")));
    }
    faults
}

/// [13]
pub(super) fn dependencies_are_plain(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, text) in walk::texts(&bundle.template) {
        if at.contains(".dependsOn[") && (text.starts_with("[if(") || text.starts_with("[concat("))
        {
            faults.push(format!(
                "{at}: name the resource; what is not made is not waited for"
            ));
        }
    }
    faults
}

//! What the template declares. Numbers in brackets are those of the checks of Azure's template test
//! kit (arm-ttk) that a rule stands for.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Map, Value};

use super::walk;
use crate::{
    bundle::Bundle,
    evaluate::{NESTED, is_secure},
    expression::Expression,
};

/// Members of each part of a template, of which those with a star must be there.
const TOP: &str = "$schema* contentVersion* metadata parameters variables resources* outputs";
const PARAMETER: &str =
    "type* defaultValue allowedValues minLength maxLength minValue maxValue metadata";
const RESOURCE: &str = "type* apiVersion* name* comments condition copy dependsOn identity kind location properties scope sku tags subscriptionId resourceGroup";
const OUTPUT: &str = "type* value* condition metadata";
const TYPES: [&str; 7] = [
    "string",
    "secureString",
    "int",
    "bool",
    "array",
    "object",
    "secureObject",
];

const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

/// What the documentation page of the existing connector asks for, and what of it is secret.
const CONNECTORS: [(&str, &str); 15] = [
    ("appName", "string"),
    ("objectId", "string"),
    ("appInsightsLocation", "string"),
    ("mimecastEmail", "string"),
    ("mimecastPassword", "secureString"),
    ("mimecastAppId", "string"),
    ("mimecastAppKey", "secureString"),
    ("mimecastAccessKey", "secureString"),
    ("mimecastSecretKey", "secureString"),
    ("mimecastBaseURL", "string"),
    ("activeDirectoryAppId", "string"),
    ("activeDirectoryAppSecret", "secureString"),
    ("workspaceId", "string"),
    ("workspaceKey", "secureString"),
    ("AppInsightsWorkspaceResourceID", "string"),
];

/// The parameters or outputs of a template.
fn declared<'a>(template: &'a Value, what: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    template[what].as_object().into_iter().flatten()
}

fn check_members(at: &str, found: Option<&Map<String, Value>>, allowed: &str) -> Vec<String> {
    let Some(found) = found else {
        return vec![format!("{at} is no object")];
    };
    let mut faults = Vec::new();
    let names: BTreeMap<&str, bool> = allowed
        .split(' ')
        .map(|name| (name.trim_end_matches('*'), name.ends_with('*')))
        .collect();
    for (name, must) in &names {
        if *must && !found.contains_key(*name) {
            faults.push(format!("{at} has no {name}"));
        }
    }
    let unknown = found
        .keys()
        .filter(|name| !names.contains_key(name.as_str()));
    faults.extend(unknown.map(|name| format!("{at}.{name} is not known")));
    faults
}

/// [1], and names that are no expressions.
pub(super) fn it_is_a_deployment_template(bundle: &Bundle) -> Vec<String> {
    let version = Regex::new(r"^\d+\.\d+\.\d+\.\d+$").unwrap();
    let name = Regex::new("^[A-Za-z][A-Za-z0-9_]*$").unwrap();
    let mut faults = Vec::new();
    for (at, template) in walk::templates(&bundle.template) {
        faults.extend(check_members(&at, template.as_object(), TOP));
        if template["$schema"] != SCHEMA {
            faults.push(format!("{at}.$schema is not {SCHEMA}"));
        }
        if !template["contentVersion"]
            .as_str()
            .is_some_and(|text| version.is_match(text))
        {
            faults.push(format!("{at}.contentVersion is not four numbers"));
        }
        for (what, allowed) in [("parameters", PARAMETER), ("outputs", OUTPUT)] {
            for (entry, value) in declared(&template, what) {
                let at = format!("{at}.{what}.{entry}");
                faults.extend(check_members(&at, value.as_object(), allowed));
                if !TYPES.iter().any(|of| value["type"] == **of) {
                    faults.push(format!("{at} has the type {}", value["type"]));
                }
            }
        }
        for what in ["parameters", "variables", "outputs"] {
            let wrong = declared(&template, what).filter(|(entry, _)| !name.is_match(entry));
            faults.extend(wrong.map(|(entry, _)| format!("{at}.{what}.{entry} is no plain name")));
        }
        for (index, resource) in template["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let at = format!("{at}.resources[{index}]");
            faults.extend(check_members(&at, resource.as_object(), RESOURCE));
        }
    }
    faults
}

pub(super) fn everything_is_described(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, template) in walk::templates(&bundle.template) {
        for what in ["parameters", "outputs"] {
            for (name, value) in declared(&template, what) {
                let text = value["metadata"]["description"]
                    .as_str()
                    .unwrap_or_default();
                if !text.ends_with('.') || text.len() < 12 {
                    faults.push(format!(
                        "{at}.{what}.{name} has no sentence that describes it"
                    ));
                }
            }
        }
    }
    faults
}

/// [2], of each template by itself.
pub(super) fn parameters_and_variables_are_used(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, template) in walk::templates(&bundle.template) {
        let mut used = BTreeSet::new();
        let expressions = walk::expressions(&template);
        for (_, expression) in &expressions {
            expression.each_call(&mut |function, arguments| {
                if let ("parameters" | "variables", [Expression::Text(name)]) =
                    (function, arguments)
                {
                    used.insert((function, name.as_str()));
                }
            });
        }
        for what in ["parameters", "variables"] {
            let unused =
                declared(&template, what).filter(|(name, _)| !used.contains(&(what, name)));
            faults.extend(unused.map(|(name, _)| format!("{at}.{what}.{name} is not used")));
        }
    }
    faults
}

/// So that the instructions of that page go on working.
pub(super) fn the_connectors_parameters_are_kept(bundle: &Bundle) -> Vec<String> {
    let parameters = bundle.parameters();
    let mut faults = Vec::new();
    for (name, of) in CONNECTORS {
        match parameters.get(name) {
            Some(found) if found["type"] == of => {}
            Some(found) => faults.push(format!("parameters.{name} is {}, not {of}", found["type"])),
            None => faults.push(format!("parameters.{name} is missing")),
        }
    }
    if parameters["appInsightsLocation"]["defaultValue"] != "westeurope" {
        faults.push("parameters.appInsightsLocation is not westeurope by default".to_owned());
    }
    faults
}

pub(super) fn new_parameters_have_defaults(bundle: &Bundle) -> Vec<String> {
    let is_old = |name: &str| CONNECTORS.iter().any(|(old, _)| *old == name);
    let needed = bundle
        .parameters()
        .iter()
        .filter(|(_, of)| of.get("defaultValue").is_none());
    needed
        .filter(|(name, _)| !is_old(name))
        .map(|(name, _)| format!("parameters.{name} is new and has no default"))
        .collect()
}

/// [14]
pub(super) fn bounds_come_in_pairs(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, template) in walk::templates(&bundle.template) {
        for (name, value) in declared(&template, "parameters") {
            let bounds = [value["minValue"].as_i64(), value["maxValue"].as_i64()];
            let of = value["type"].as_str().unwrap_or_default();
            let is_bounded = value.get("allowedValues").is_some();
            match bounds {
                [Some(least), Some(most)] if least <= most => {}
                [None, None] if of != "int" || is_bounded => {}
                _ => faults.push(format!(
                    "{at}.parameters.{name} needs minValue and maxValue"
                )),
            }
        }
    }
    faults
}

/// [5]
pub(super) fn secret_names_are_secure(bundle: &Bundle) -> Vec<String> {
    let secret =
        Regex::new("(?i)password|secret|accountkey|accesskey|appkey|workspacekey").unwrap();
    let harmless = Regex::new("(?i)secret(name|url|uri|version|permissions)").unwrap();
    let mut faults = Vec::new();
    for (at, template) in walk::templates(&bundle.template) {
        for (name, value) in declared(&template, "parameters") {
            if secret.is_match(name) && !harmless.is_match(name) && !is_secure(value) {
                faults.push(format!("{at}.parameters.{name} must be a secureString"));
            }
        }
    }
    faults
}

/// [6]
pub(super) fn secrets_have_no_literal_default(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, template) in walk::templates(&bundle.template) {
        for (name, value) in declared(&template, "parameters") {
            let default = value.get("defaultValue");
            if is_secure(value) && default.is_some_and(|default| *default != "") {
                faults.push(format!(
                    "{at}.parameters.{name} has a default; take an empty one"
                ));
            }
        }
    }
    faults
}

/// [7]; `secrets` has the same for what comes out.
pub(super) fn outputs_name_no_secret(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, template) in walk::templates(&bundle.template) {
        for (name, value) in declared(&template, "outputs") {
            let at = format!("{at}.outputs.{name}");
            if name.to_lowercase().contains("password") || is_secure(value) {
                faults.push(format!(
                    "{at}: histories show outputs, so none may be secret"
                ));
            }
            for (_, expression) in walk::expressions(value) {
                expression.each_call(&mut |function, arguments| {
                    let is_secret = match (function, arguments) {
                        ("parameters", [Expression::Text(name)]) => {
                            is_secure(&template["parameters"][name])
                        }
                        _ => function.starts_with("list"),
                    };
                    if is_secret {
                        faults.push(format!("{at} calls {function}() for a secret"));
                    }
                });
            }
        }
    }
    faults
}

/// [15]
pub(super) fn nested_deployments_look_inward(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    walk::each(&bundle.template, "", &mut |at, _, value| {
        let properties = &value["properties"];
        if value["type"] == NESTED {
            if properties["expressionEvaluationOptions"]["scope"] != "inner" {
                faults.push(format!(
                    "{at}: secrets of an outer scope show in histories; choose inner"
                ));
            }
            if properties["mode"] != "Incremental" {
                faults.push(format!(
                    "{at}: {} deletes what it does not name",
                    properties["mode"]
                ));
            }
        }
    });
    faults
}

pub(super) fn nested_templates_are_those_in_deploy(bundle: &Bundle) -> Vec<String> {
    let of_deploy = [
        ("deploy/logs-ingestion.json", &bundle.logs_ingestion),
        ("deploy/sentinel.json", &bundle.sentinel),
    ];
    let mut faults = Vec::new();
    for (file, template) in of_deploy {
        let mut found = 0;
        walk::each(&bundle.template, "", &mut |_, name, value| {
            found += usize::from(name == "template" && value == template);
        });
        if found != 1 {
            faults.push(format!("no nested template equals {file}: copy it over"));
        }
    }
    faults
}

/// [16]
pub(super) fn nothing_is_debugged_or_run_by_hand(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    walk::each(&bundle.template, "", &mut |at, name, value| {
        if matches!(
            name,
            "debugSetting" | "commandToExecute" | "_artifactsLocation"
        ) || value["type"] == "Microsoft.Resources/deploymentScripts"
        {
            faults.push(format!("{at} shows or runs more than a deployment should"));
        }
    });
    faults
}

//! What the template declares. Numbers in brackets are those of the checks of Azure's template test
//! kit (arm-ttk) that a rule stands for.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use super::walk;
use template_check::{
    evaluate::{NESTED, is_secure},
    expression::Expression,
    look::Look,
};

use crate::bundle::Bundle;

/// Members of each part of a template, of which those with a star must be there.
const TOP: &str = "$schema* contentVersion* metadata parameters variables resources* outputs";
const PARAMETER: &str =
    "type* defaultValue allowedValues minLength maxLength minValue maxValue metadata";
const RESOURCE: &str = "type* apiVersion* name* comments condition copy dependsOn identity kind location properties scope sku tags subscriptionId resourceGroup";
const OUTPUT: &str = "type* value* condition metadata";
const TYPES: [&str; 7] = [
    "string",
    "securestring",
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
    ("mimecastPassword", "securestring"),
    ("mimecastAppId", "string"),
    ("mimecastAppKey", "securestring"),
    ("mimecastAccessKey", "securestring"),
    ("mimecastSecretKey", "securestring"),
    ("mimecastBaseURL", "string"),
    ("activeDirectoryAppId", "string"),
    ("activeDirectoryAppSecret", "securestring"),
    ("workspaceId", "string"),
    ("workspaceKey", "securestring"),
    ("AppInsightsWorkspaceResourceID", "string"),
];

/// A parameter or an output, of the template or of one nested in it.
struct Declared {
    at: String,
    name: String,
    body: Value,
}

fn declared(bundle: &Bundle, what: &str) -> Vec<Declared> {
    let templates = walk::templates(&bundle.template).into_iter();
    let all = templates.flat_map(|(at, template)| {
        let members = template[what].members().map(|(name, body)| Declared {
            at: format!("{at}.{what}.{name}"),
            name: name.clone(),
            body: body.clone(),
        });
        members.collect::<Vec<_>>()
    });
    all.collect()
}

fn check_members(at: &str, found: &Value, allowed: &str, faults: &mut Vec<String>) {
    let names = || allowed.split(' ').map(|name| name.trim_end_matches('*'));
    let needed = allowed.split(' ').filter_map(|name| name.strip_suffix('*'));
    let missing = needed.filter(|name| found.get(name).is_none());
    faults.extend(missing.map(|name| format!("{at} has no {name}")));
    let unknown = found
        .members()
        .filter(|(name, _)| names().all(|known| known != *name));
    faults.extend(unknown.map(|(name, _)| format!("{at}.{name} is not known")));
}

/// [1], and names that are no expressions.
pub(super) fn it_is_a_deployment_template(bundle: &Bundle) -> Vec<String> {
    let version = Regex::new(r"^\d+\.\d+\.\d+\.\d+$").unwrap();
    let name = Regex::new("^[A-Za-z][A-Za-z0-9_]*$").unwrap();
    let mut faults = Vec::new();
    for (at, template) in walk::templates(&bundle.template) {
        check_members(&at, &template, TOP, &mut faults);
        if template["$schema"] != SCHEMA {
            faults.push(format!("{at}.$schema is not {SCHEMA}"));
        }
        if !version.is_match(template["contentVersion"].text()) {
            faults.push(format!("{at}.contentVersion is not four numbers"));
        }
        for (index, resource) in template["resources"].items().enumerate() {
            check_members(
                &format!("{at}.resources[{index}]"),
                resource,
                RESOURCE,
                &mut faults,
            );
        }
    }
    for (what, allowed) in [("parameters", PARAMETER), ("outputs", OUTPUT)] {
        for Declared { at, body, .. } in declared(bundle, what) {
            check_members(&at, &body, allowed, &mut faults);
            if !TYPES.contains(&body["type"].text()) {
                faults.push(format!("{at} has the type {}", body["type"]));
            }
        }
    }
    let all = ["parameters", "variables", "outputs"].map(|what| declared(bundle, what));
    let wrong = all
        .iter()
        .flatten()
        .filter(|each| !name.is_match(&each.name));
    faults.extend(wrong.map(|each| format!("{} is no plain name", each.at)));
    faults
}

pub(super) fn everything_is_described(bundle: &Bundle) -> Vec<String> {
    let is_sentence = |text: &str| text.ends_with('.') && text.len() > 11;
    let all = ["parameters", "outputs"].map(|what| declared(bundle, what));
    let silent = |each: &&Declared| !is_sentence(each.body["metadata"]["description"].text());
    let silent = all.iter().flatten().filter(silent);
    silent
        .map(|each| format!("{} has no sentence that describes it", each.at))
        .collect()
}

/// [2, 16], of each template by itself.
pub(super) fn parameters_and_variables_are_used(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, template) in walk::templates(&bundle.template) {
        let mut used = BTreeSet::new();
        for (path, expression) in walk::expressions(&template) {
            expression.each_call(&mut |function, arguments| match (function, arguments) {
                (_, [Expression::Text(name)]) => {
                    used.insert(format!("{function}.{name}"));
                }
                ("parameters" | "variables", _) => {
                    faults.push(format!("{at}{path}: {function}() of a name put together"));
                }
                _ => {}
            });
        }
        for what in ["parameters", "variables"] {
            let names = template[what]
                .members()
                .map(|(name, _)| format!("{what}.{name}"));
            let unused = names.filter(|name| !used.contains(name));
            faults.extend(unused.map(|name| format!("{at}.{name} is not used")));
        }
    }
    faults
}

/// So that the instructions of that page go on working.
pub(super) fn the_connectors_parameters_are_kept(bundle: &Bundle) -> Vec<String> {
    let parameters = &bundle.template["parameters"];
    let changed = CONNECTORS
        .iter()
        .filter(|(name, of)| parameters[name]["type"] != **of);
    let mut faults: Vec<_> = changed
        .map(|(name, of)| format!("parameters.{name} is missing, or no {of}"))
        .collect();
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
    let needed = needed.filter(|(name, _)| !is_old(name));
    needed
        .map(|(name, _)| format!("parameters.{name} is new and has no default"))
        .collect()
}

/// [14]
pub(super) fn bounds_come_in_pairs(bundle: &Bundle) -> Vec<String> {
    let is_bounded = |Declared { body, .. }: &Declared| match (
        body["minValue"].as_i64(),
        body["maxValue"].as_i64(),
    ) {
        (Some(least), Some(most)) => least <= most,
        (None, None) => body["type"] != "int" || body.get("allowedValues").is_some(),
        _ => false,
    };
    let all = declared(bundle, "parameters").into_iter();
    let unbounded = all.filter(|each| !is_bounded(each));
    unbounded
        .map(|each| format!("{} needs minValue and maxValue", each.at))
        .collect()
}

/// The shortest text that makes sense, by parameter.
const SHORTEST: [(&str, &str); 6] = [
    ("appName", "ttp"),
    ("objectId", "00000000-0000-0000-0000-000000000000"),
    ("mimecastBaseURL", "https://a.bc"),
    (
        "AppInsightsWorkspaceResourceID",
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/logs",
    ),
    ("packageUri", "https://a.bc"),
    ("timerSchedule", "* * * * * *"),
];

/// The most characters: of a storage account's name, of a GUID, and of a hash in hex digits.
const LONGEST: [(&str, usize); 3] = [("appName", 24), ("objectId", 36), ("packageSha256", 64)];

pub(super) fn lengths_are_bounded_where_they_must_be(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, declared) in bundle.parameters() {
        let shortest = SHORTEST.iter().find(|(of, _)| of == name);
        let longest = LONGEST.iter().find(|(of, _)| of == name);
        for (bound, expected) in [
            ("minLength", shortest.map(|(_, text)| text.len())),
            ("maxLength", longest.map(|(_, length)| *length)),
        ] {
            let found = declared.get(bound);
            if found.and_then(Value::as_u64) != expected.map(|length| length as u64) {
                faults.push(format!(
                    "parameters.{name}.{bound} is {found:?}, not {expected:?}"
                ));
            }
        }
    }
    faults
}

/// [5]
pub(super) fn secret_names_are_secure(bundle: &Bundle) -> Vec<String> {
    let secret = Regex::new("(?i)password|secret|(account|access|app|workspace)key").unwrap();
    let harmless = Regex::new("(?i)secret(name|url|uri|version|permissions)").unwrap();
    let is_secret = |name: &str| secret.is_match(name) && !harmless.is_match(name);
    let all = declared(bundle, "parameters").into_iter();
    let shown = all.filter(|each| is_secret(&each.name) && !is_secure(&each.body));
    shown
        .map(|each| format!("{} must be a securestring", each.at))
        .collect()
}

/// [6]
pub(super) fn secrets_have_no_literal_default(bundle: &Bundle) -> Vec<String> {
    let has_default = |body: &Value| body.get("defaultValue").is_some_and(|value| *value != "");
    let all = declared(bundle, "parameters").into_iter();
    let known = all.filter(|each| is_secure(&each.body) && has_default(&each.body));
    known
        .map(|each| format!("{} has a default; take an empty one", each.at))
        .collect()
}

/// [7]; `secrets` has the same for what comes out.
pub(super) fn outputs_name_no_secret(bundle: &Bundle) -> Vec<String> {
    let parameters = declared(bundle, "parameters");
    let secret = |name: &str| {
        parameters
            .iter()
            .any(|each| each.name == name && is_secure(&each.body))
    };
    let mut faults = Vec::new();
    for Declared { at, name, body } in declared(bundle, "outputs") {
        if name.to_lowercase().contains("password") || is_secure(&body) {
            faults.push(format!(
                "{at}: histories show outputs, so none may be secret"
            ));
        }
        for (_, expression) in walk::expressions(&body) {
            expression.each_call(&mut |function, arguments| {
                let is_secret = match (function, arguments) {
                    ("parameters", [Expression::Text(name)]) => secret(name),
                    _ => function.starts_with("list"),
                };
                if is_secret {
                    faults.push(format!("{at} calls {function}() for a secret"));
                }
            });
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
    let mut faults = Vec::new();
    for (name, template) in &bundle.nested {
        let called = format!("[variables('{name}')]");
        let mut all = bundle.template["resources"].items();
        let found = all.find(|resource| resource["name"] == *called);
        if found.is_none_or(|found| found["properties"]["template"] != *template) {
            faults.push(format!(
                "{name} is not as in deploy/: cargo xtask generate puts it there"
            ));
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

//! `deploy/sentinel.json`: a template of Azure Resource Manager that deploys what `sentinel/` holds.

use serde_json::{Value, json};
use thiserror::Error;

use crate::content::{CONNECTOR, Content, Hunt, Parser, Rule, Watchlist, Workbook};

/// One version of the provider serves tables, functions and saved queries.
const SEARCHES: &str = "2025-07-01";
const SENTINEL: &str = "2025-09-01";
const WORKBOOKS: &str = "2023-06-01";
const DEPLOYMENTS: &str = "2025-04-01";

const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

/// Rules that take the place of those of the solution `MimecastTTP`: deployed under its ids, they replace what they find, so that
/// nothing alerts twice. In the Sentinel repository ids are unique, so the files have their own.
const REPLACED: [(&str, &str); 3] = [
    (
        "malicious-url-stopped",
        "9d5545bd-1450-4086-935c-62f15fc4a4c9",
    ),
    (
        "malicious-attachment-stopped",
        "aa75944c-a663-4901-969e-7b55bfa49a73",
    ),
    (
        "impersonation-delivered",
        "d8e7eca6-4b59-4069-a31e-a022b2a12ea4",
    ),
];

/// The deployment of the functions: of its own, so that it has ended before anything is saved that calls them.
const FUNCTIONS: &str = "format('{0}-functions', deployment().name)";

/// The template cannot be made.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// The connector page lacks a member, or has one of another type.
    #[error("{CONNECTOR}: `{member}` must be {expected}")]
    Connector {
        /// The name of the member.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The result cannot be written as JSON.
    #[error("cannot write the template as JSON")]
    Json(#[from] serde_json::Error),
}

/// The text of the template.
pub fn text(content: &Content) -> Result<String, TemplateError> {
    Ok(serde_json::to_string_pretty(&template(content)?)? + "\n")
}

/// The template.
fn template(content: &Content) -> Result<Value, TemplateError> {
    let parsers = &content.parsers;
    let functions = [functions_id()];
    let mut resources = vec![functions_deployment(parsers, &content.peer_functions)];
    resources.extend(content.hunting.iter().map(|one| hunt(one, &functions)));
    resources.extend(content.rules.iter().map(|one| rule(one, &functions)));
    for one in &content.watchlists {
        resources.push(watchlist(one)?);
    }
    for one in &content.workbooks {
        resources.push(workbook(one)?);
    }
    resources.push(connector(&content.connector)?);
    Ok(json!({
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "metadata": {
            "description": "The content of sentinel/ for a workspace with Microsoft Sentinel. Written from that folder, see sentinel/README.md."
        },
        "parameters": {
            "workspaceName": workspace_name(),
            "peerFunctions": peer_functions(),
            "location": {
                "type": "string",
                "defaultValue": "[resourceGroup().location]",
                "metadata": { "description": "The region of the workspace; the workbooks are kept there." },
            },
        },
        "variables": {
            "workspaceId": "[resourceId('Microsoft.OperationalInsights/workspaces', parameters('workspaceName'))]",
        },
        "resources": resources,
    }))
}

fn workspace_name() -> Value {
    json!({
        "type": "string",
        "metadata": { "description": "The workspace that has Microsoft Sentinel, in the resource group of this deployment." },
    })
}

fn peer_functions() -> Value {
    json!({
        "type": "bool",
        "defaultValue": false,
        "metadata": { "description": "Whether to install functions with the names and columns of those of the solution Mimecast, version 3. Only where that solution is not installed: a name can be given once." },
    })
}

fn functions_id() -> String {
    format!("[resourceId('Microsoft.Resources/deployments', {FUNCTIONS})]")
}

/// The functions, in a deployment of their own.
fn functions_deployment(parsers: &[Parser], peers: &[Parser]) -> Value {
    let own = parsers.iter().map(|one| parser(one, parsers));
    let peers = peers.iter().map(|one| {
        let mut function = parser(one, parsers);
        function["condition"] = "[parameters('peerFunctions')]".into();
        function
    });
    let functions = own.chain(peers);
    json!({
        "type": "Microsoft.Resources/deployments",
        "apiVersion": DEPLOYMENTS,
        "name": format!("[{FUNCTIONS}]"),
        "properties": {
            "mode": "Incremental",
            "expressionEvaluationOptions": { "scope": "inner" },
            "parameters": {
                "workspaceName": { "value": "[parameters('workspaceName')]" },
                "peerFunctions": { "value": "[parameters('peerFunctions')]" },
            },
            "template": {
                "$schema": SCHEMA,
                "contentVersion": "1.0.0.0",
                "parameters": { "workspaceName": workspace_name(), "peerFunctions": peer_functions() },
                "resources": functions.collect::<Vec<_>>(),
            },
        },
    })
}

/// A text in brackets would be taken for an expression, and an empty list or object says nothing.
pub(crate) fn literal(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('[') && text.ends_with(']') => {
            Value::String(format!("[{text}"))
        }
        Value::Array(items) => items.into_iter().map(literal).collect(),
        Value::Object(members) => {
            let members = members
                .into_iter()
                .filter(|(_, value)| *value != json!([]) && *value != json!({}));
            Value::Object(
                members
                    .map(|(name, value)| (name, literal(value)))
                    .collect(),
            )
        }
        other => other,
    }
}

/// A function or a query in the workspace.
fn search(name: &str, properties: Value, depends_on: &[String]) -> Value {
    let mut properties = literal(properties);
    // Without it a second deployment ends in a conflict. The documentation has it beside `properties`, where it is refused.
    properties["etag"] = json!("*");
    let mut search = json!({
        "type": "Microsoft.OperationalInsights/workspaces/savedSearches",
        "apiVersion": SEARCHES,
        "name": format!("[format('{{0}}/{name}', parameters('workspaceName'))]"),
        "properties": properties,
    });
    if !depends_on.is_empty() {
        search["dependsOn"] = depends_on.into();
    }
    search
}

fn search_id(name: &str) -> String {
    format!(
        "[resourceId('Microsoft.OperationalInsights/workspaces/savedSearches', parameters('workspaceName'), '{name}')]"
    )
}

/// The parsers that one calls. A function is checked when it is saved, and so comes after them.
pub(crate) fn called<'a>(one: &'a Parser, parsers: &'a [Parser]) -> impl Iterator<Item = &'a str> {
    let names = parsers.iter().map(|other| other.function_name.as_str());
    names.filter(|name| *name != one.function_name && calls(&one.function_query, name))
}

/// Whether a query calls a function. Comments may name it all the same, and tables may begin as it does.
fn calls(query: &str, name: &str) -> bool {
    let mut lines = query.lines().map(str::trim_start);
    lines.any(|line| {
        !line.starts_with("//")
            && line
                .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
                .any(|word| word == name)
    })
}

fn parser(parser: &Parser, all: &[Parser]) -> Value {
    let mut properties = function_properties(parser);
    properties["category"] = "Mimecast TTP".into();
    let calls: Vec<_> = called(parser, all).map(search_id).collect();
    search(&parser.function_name, properties, &calls)
}

/// The properties of a function, wherever it is deployed.
pub(crate) fn function_properties(parser: &Parser) -> Value {
    let mut properties = json!({
        "category": parser.category,
        "displayName": parser.function.title,
        "functionAlias": parser.function_alias,
        "query": parser.function_query,
        "version": 2,
    });
    if let Some(parameters) = parser.parameters() {
        properties["functionParameters"] = parameters.into();
    }
    properties
}

fn hunt(hunt: &Hunt, functions: &[String]) -> Value {
    search(&hunt_name(hunt), hunt_properties(hunt), functions)
}

/// The name of a hunting query's resource.
pub(crate) fn hunt_name(hunt: &Hunt) -> String {
    format!("mimecast-ttp-{}", hunt.key)
}

/// The properties of a hunting query, wherever it is deployed.
pub(crate) fn hunt_properties(hunt: &Hunt) -> Value {
    json!({
        "category": "Hunting Queries",
        "displayName": hunt.name,
        "query": hunt.query,
        "version": 2,
        "tags": [
            { "name": "description", "value": hunt.description },
            { "name": "tactics", "value": hunt.tactics.join(",") },
            { "name": "techniques", "value": hunt.relevant_techniques.join(",") },
        ],
    })
}

/// The properties of a rule's resource that do not depend on where it is deployed.
pub(crate) fn rule_properties(rule: &Rule) -> Value {
    json!({
        "displayName": rule.name,
        "description": rule.description,
        "severity": rule.severity,
        "queryFrequency": rule.query_frequency.iso(),
        "queryPeriod": rule.query_period.iso(),
        "triggerOperator": rule.trigger_operator.arm(),
        "triggerThreshold": rule.trigger_threshold,
        // Packaging writes it so, whatever a rule says: the queries themselves do not repeat what they told.
        "suppressionEnabled": false,
        "suppressionDuration": "PT1H",
        "tactics": rule.tactics,
        "techniques": techniques(rule),
        "query": rule.query,
        "entityMappings": rule.entity_mappings,
        "customDetails": rule.custom_details,
        "alertDetailsOverride": rule.alert_details_override,
        "eventGroupingSettings": rule.event_grouping_settings,
        "incidentConfiguration": rule.incident_configuration,
    })
}

/// The techniques of a rule, those of its sub-techniques among them: the stable version of the API has no place for the latter.
fn techniques(rule: &Rule) -> Vec<&str> {
    let mut techniques = Vec::new();
    for one in &rule.relevant_techniques {
        let technique = one
            .split_once('.')
            .map_or(one.as_str(), |(parent, _)| parent);
        if !techniques.contains(&technique) {
            techniques.push(technique);
        }
    }
    techniques
}

fn rule(rule: &Rule, functions: &[String]) -> Value {
    let replaced = REPLACED.iter().find(|(key, _)| *key == rule.key);
    let id = replaced.map_or(rule.id.as_str(), |(_, id)| *id);
    let mut properties = rule_properties(rule);
    properties["enabled"] = true.into();
    json!({
        "type": "Microsoft.SecurityInsights/alertRules",
        "apiVersion": SENTINEL,
        "scope": "[variables('workspaceId')]",
        "name": id,
        "kind": rule.kind,
        "dependsOn": functions,
        "properties": literal(properties),
    })
}

fn watchlist(watchlist: &Watchlist) -> Result<Value, TemplateError> {
    let mut properties = serde_json::to_value(watchlist)?;
    properties["sourceType"] = "Local".into();
    Ok(json!({
        "type": "Microsoft.SecurityInsights/watchlists",
        "apiVersion": SENTINEL,
        "scope": "[variables('workspaceId')]",
        "name": watchlist.watchlist_alias,
        "properties": literal(properties),
    }))
}

fn workbook(file: &Workbook) -> Result<Value, TemplateError> {
    let key = &file.key;
    let text = serde_json::to_string(&file.json)?;
    Ok(json!({
        "type": "Microsoft.Insights/workbooks",
        "apiVersion": WORKBOOKS,
        "name": format!("[guid(variables('workspaceId'), 'mimecast-ttp-{key}')]"),
        "location": "[parameters('location')]",
        "kind": "shared",
        "properties": {
            "displayName": file.metadata.title,
            "category": "sentinel",
            "version": "1.0",
            "sourceId": "[variables('workspaceId')]",
            "serializedData": literal(text.into()),
        },
    }))
}

/// An example of a query, to be copied from a step.
fn copyable(sample: &Value) -> Value {
    let lines = sample["query"].as_str().unwrap_or_default().lines().count();
    json!({
        "type": "CopyableLabel",
        "parameters": {
            "label": sample["description"],
            "value": sample["query"],
            "rows": lines,
            "wideLabel": true,
        },
    })
}

/// The page of the connector. The repository's form and that of the resource name the criteria differently.
fn connector(page: &Value) -> Result<Value, TemplateError> {
    let wrong = |member, expected| TemplateError::Connector { member, expected };
    let mut config = page.as_object().cloned().unwrap_or_default();
    config.remove("metadata");
    // The resource's own name is its id.
    let Some(Value::String(id)) = config.remove("id") else {
        return Err(wrong("id", "a text"));
    };
    let Some(criteria) = config.remove("connectivityCriterias") else {
        return Err(wrong("connectivityCriterias", "a list"));
    };
    config.insert("connectivityCriteria".to_owned(), criteria);
    // The resource has no place for examples of queries but the steps.
    if let Some(Value::Array(samples)) = config.remove("sampleQueries") {
        let labels: Vec<_> = samples.iter().map(copyable).collect();
        let steps = config.get_mut("instructionSteps");
        if let Some(last) = steps.and_then(|steps| steps.as_array_mut()?.last_mut()) {
            last["instructions"] = labels.into();
        }
    }
    Ok(json!({
        "type": "Microsoft.SecurityInsights/dataConnectorDefinitions",
        "apiVersion": SENTINEL,
        "scope": "[variables('workspaceId')]",
        "name": id,
        "kind": "Customizable",
        "properties": literal(json!({ "connectorUiConfig": config })),
    }))
}

#[cfg(test)]
mod tests;

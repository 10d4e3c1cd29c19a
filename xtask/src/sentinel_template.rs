//! `deploy/sentinel.json`: a template of Azure Resource Manager that deploys what `sentinel/` holds.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::content::{CONNECTOR, Content, Described, WorkbookFile};

/// One version of the provider serves tables, functions and saved queries.
const SEARCHES: &str = "2025-07-01";
const SENTINEL: &str = "2025-09-01";
const WORKBOOKS: &str = "2023-06-01";
const DEPLOYMENTS: &str = "2025-04-01";

const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

/// The deployment of the functions: of its own, so that it has ended before anything is saved that calls them.
const FUNCTIONS: &str = "format('{0}-functions', deployment().name)";

/// The content does not say what the template needs.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// A member is missing, or of another type.
    #[error("{}: `{member}` must be {expected}", path.display())]
    Member {
        /// The file of the content.
        path: PathBuf,
        /// The name of the member.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A file holds no object.
    #[error("{} must hold an object", path.display())]
    NoObject {
        /// The file of the content.
        path: PathBuf,
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
    let mut resources = vec![functions_deployment(parsers)?];
    for one in &content.hunting {
        resources.push(hunt(one, &functions)?);
    }
    for one in &content.rules {
        resources.push(rule(one, &functions)?);
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

fn functions_id() -> String {
    format!("[resourceId('Microsoft.Resources/deployments', {FUNCTIONS})]")
}

/// The functions, in a deployment of their own.
fn functions_deployment(parsers: &[Described]) -> Result<Value, TemplateError> {
    let functions = parsers.iter().map(|one| parser(one, &called(one, parsers)));
    Ok(json!({
        "type": "Microsoft.Resources/deployments",
        "apiVersion": DEPLOYMENTS,
        "name": format!("[{FUNCTIONS}]"),
        "properties": {
            "mode": "Incremental",
            "expressionEvaluationOptions": { "scope": "inner" },
            "parameters": { "workspaceName": { "value": "[parameters('workspaceName')]" } },
            "template": {
                "$schema": SCHEMA,
                "contentVersion": "1.0.0.0",
                "parameters": { "workspaceName": workspace_name() },
                "resources": functions.collect::<Result<Vec<_>, _>>()?,
            },
        },
    }))
}

/// A text that begins with a bracket would be taken for an expression, and an empty list says nothing.
fn literal(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('[') => Value::String(format!("[{text}")),
        Value::Array(items) => items.into_iter().map(literal).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| *value != json!([]));
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

/// The parsers that one calls. A function is checked when it is saved, and so comes behind them.
fn called(one: &Described, parsers: &[Described]) -> Vec<String> {
    let names = parsers.iter().map(|other| other.key.as_str());
    let called = names.filter(|name| *name != one.key && one.query.contains(name));
    called.map(search_id).collect()
}

fn parser(parser: &Described, calls: &[String]) -> Result<Value, TemplateError> {
    let mut properties = json!({
        "category": "Mimecast TTP",
        "displayName": member(parser, "displayName")?,
        "functionAlias": member(parser, "functionAlias")?,
        "query": parser.query,
        "version": 2,
    });
    if parser.about.get("functionParameters").is_some() {
        properties["functionParameters"] = member(parser, "functionParameters")?.into();
    }
    Ok(search(&parser.key, properties, calls))
}

fn hunt(hunt: &Described, functions: &[String]) -> Result<Value, TemplateError> {
    let properties = json!({
        "category": "Hunting Queries",
        "displayName": member(hunt, "displayName")?,
        "query": hunt.query,
        "version": 2,
        "tags": [
            { "name": "description", "value": member(hunt, "description")? },
            { "name": "tactics", "value": words(hunt, "tactics")? },
            { "name": "techniques", "value": words(hunt, "techniques")? },
        ],
    });
    let name = format!("mimecast-ttp-{}", hunt.key);
    Ok(search(&name, properties, functions))
}

fn rule(rule: &Described, functions: &[String]) -> Result<Value, TemplateError> {
    let id = member(rule, "id")?;
    let mut members = object(&rule.about, &rule.path)?.clone();
    members.remove("id");
    // Not in the stable version of the API.
    members.remove("subTechniques");
    members.insert("query".to_owned(), rule.query.clone().into());
    Ok(json!({
        "type": "Microsoft.SecurityInsights/alertRules",
        "apiVersion": SENTINEL,
        "scope": "[variables('workspaceId')]",
        "name": id,
        "kind": "Scheduled",
        "dependsOn": functions,
        "properties": literal(members.into()),
    }))
}

fn workbook(file: &WorkbookFile) -> Result<Value, TemplateError> {
    let key = file.key;
    let text = serde_json::to_string(&file.json)?;
    Ok(json!({
        "type": "Microsoft.Insights/workbooks",
        "apiVersion": WORKBOOKS,
        "name": format!("[guid(variables('workspaceId'), 'mimecast-ttp-{key}')]"),
        "location": "[parameters('location')]",
        "kind": "shared",
        "properties": {
            "displayName": file.display_name,
            "category": "sentinel",
            "version": "1.0",
            "sourceId": "[variables('workspaceId')]",
            "serializedData": literal(text.into()),
        },
    }))
}

fn connector(file: &Value) -> Result<Value, TemplateError> {
    let wrong = |member, expected| TemplateError::Member {
        path: CONNECTOR.into(),
        member,
        expected,
    };
    let page = file["connectorUiConfig"].as_object();
    let mut page = page
        .ok_or_else(|| wrong("connectorUiConfig", "an object"))?
        .clone();
    // The resource's own name is its id.
    let Some(Value::String(id)) = page.remove("id") else {
        return Err(wrong("connectorUiConfig.id", "a text"));
    };
    Ok(json!({
        "type": "Microsoft.SecurityInsights/dataConnectorDefinitions",
        "apiVersion": SENTINEL,
        "scope": "[variables('workspaceId')]",
        "name": id,
        "kind": "Customizable",
        "properties": literal(json!({ "connectorUiConfig": page })),
    }))
}

fn object<'a>(value: &'a Value, path: &Path) -> Result<&'a Map<String, Value>, TemplateError> {
    value.as_object().ok_or_else(|| TemplateError::NoObject {
        path: path.to_owned(),
    })
}

/// A text that a description must have.
fn member<'a>(of: &'a Described, member: &'static str) -> Result<&'a str, TemplateError> {
    of.about[member]
        .as_str()
        .ok_or_else(|| TemplateError::Member {
            path: of.path.clone(),
            member,
            expected: "a text",
        })
}

/// A list of words that a description must have, as one text.
fn words(of: &Described, member: &'static str) -> Result<String, TemplateError> {
    let words = of.about[member].as_array().and_then(|words| {
        let words = words.iter().map(Value::as_str);
        words.collect::<Option<Vec<_>>>()
    });
    let words = words.ok_or_else(|| TemplateError::Member {
        path: of.path.clone(),
        member,
        expected: "a list of texts",
    })?;
    Ok(words.join(","))
}

#[cfg(test)]
mod tests;

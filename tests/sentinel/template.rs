//! `deploy/sentinel.json` deploys what the folder `sentinel/` holds.

use serde_json::{Value, json};

use crate::{
    content::{self, Described, WorkbookFile},
    follows,
};

const FILE: &str = "deploy/sentinel.json";

/// One version of the provider serves tables, functions and saved queries.
const SEARCHES: &str = "2025-07-01";
const SENTINEL: &str = "2025-09-01";
const WORKBOOKS: &str = "2023-06-01";

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

fn parser(parser: &Described, calls: &[String]) -> Value {
    let about = &parser.about;
    let mut properties = json!({
        "category": "Mimecast TTP",
        "displayName": about["displayName"],
        "functionAlias": about["functionAlias"],
        "query": parser.query,
        "version": 2,
    });
    if let Some(parameters) = about.get("functionParameters") {
        properties["functionParameters"] = parameters.clone();
    }
    search(&parser.key, properties, calls)
}

fn hunt(hunt: &Described, functions: &[String]) -> Value {
    let words = |name: &str| {
        let words = hunt.about[name].as_array().unwrap().iter();
        words
            .map(|word| word.as_str().unwrap())
            .collect::<Vec<_>>()
            .join(",")
    };
    let properties = json!({
        "category": "Hunting Queries",
        "displayName": hunt.about["displayName"],
        "query": hunt.query,
        "version": 2,
        "tags": [
            { "name": "description", "value": hunt.about["description"] },
            { "name": "tactics", "value": words("tactics") },
            { "name": "techniques", "value": words("techniques") },
        ],
    });
    search(&format!("mimecast-ttp-{}", hunt.key), properties, functions)
}

fn rule(rule: &Described, functions: &[String]) -> Value {
    let mut properties = rule.about.clone();
    let members = properties.as_object_mut().unwrap();
    let id = members.remove("id").unwrap();
    // Not in the stable version of the API.
    members.remove("subTechniques");
    members.insert("query".to_owned(), rule.query.clone().into());
    json!({
        "type": "Microsoft.SecurityInsights/alertRules",
        "apiVersion": SENTINEL,
        "scope": "[variables('workspaceId')]",
        "name": id,
        "kind": "Scheduled",
        "dependsOn": functions,
        "properties": literal(properties),
    })
}

fn workbook(file: &WorkbookFile) -> Value {
    let key = file.key;
    let text = serde_json::to_string(&file.json).unwrap();
    json!({
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
    })
}

/// The whole template.
fn template() -> Value {
    let parsers = content::parsers();
    let functions: Vec<_> = parsers
        .iter()
        .map(|parser| search_id(&parser.key))
        .collect();
    // A function is checked when it is saved, and so comes behind those that it calls.
    let called = |one: &Described| {
        let names = parsers.iter().map(|other| other.key.as_str());
        let called = names.filter(|name| *name != one.key && one.query.contains(name));
        called.map(search_id).collect::<Vec<_>>()
    };
    let mut resources: Vec<_> = parsers
        .iter()
        .map(|one| parser(one, &called(one)))
        .collect();
    resources.extend(content::hunting().iter().map(|one| hunt(one, &functions)));
    resources.extend(content::rules().iter().map(|one| rule(one, &functions)));
    resources.extend(content::workbooks().iter().map(workbook));
    let mut page = content::connector()["connectorUiConfig"].clone();
    // The resource's own name is its id.
    let id = page.as_object_mut().unwrap().remove("id");
    resources.push(json!({
        "type": "Microsoft.SecurityInsights/dataConnectorDefinitions",
        "apiVersion": SENTINEL,
        "scope": "[variables('workspaceId')]",
        "name": id,
        "kind": "Customizable",
        "properties": literal(json!({ "connectorUiConfig": page })),
    }));
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "metadata": {
            "description": "The content of sentinel/ for a workspace with Microsoft Sentinel. Written from that folder, see sentinel/README.md."
        },
        "parameters": {
            "workspaceName": {
                "type": "string",
                "metadata": { "description": "The workspace that has Microsoft Sentinel, in the resource group of this deployment." },
            },
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
    })
}

#[test]
fn the_template_holds_what_the_folder_holds() {
    let text = serde_json::to_string_pretty(&template()).unwrap() + "\n";
    follows::holds(FILE, &text);
}

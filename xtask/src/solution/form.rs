//! `Package/createUiDefinition.json`: what the portal shows before it installs a solution.

use serde_json::{Value, json};

use super::Solution;
use crate::content::Content;

/// The form, as text.
pub fn form(content: &Content, solution: &Solution) -> Result<String, serde_json::Error> {
    let counts = solution.counts();
    let counts: Vec<_> = counts
        .map(|(name, count)| format!("**{name}:** {count}"))
        .collect();
    let data = &solution.data;
    let form = json!({
        "$schema": "https://schema.management.azure.com/schemas/0.1.2-preview/CreateUIDefinition.MultiVm.json#",
        "handler": "Microsoft.Azure.CreateUIDef",
        "version": "0.1.2-preview",
        "parameters": {
            "config": {
                "isWizard": false,
                "basics": {
                    "description": format!("{}\n\n{}\n\n{}", data.logo, data.description, counts.join(", ")),
                    "subscription": {
                        "resourceProviders": [
                            "Microsoft.OperationsManagement/solutions",
                            "Microsoft.OperationalInsights/workspaces/providers/alertRules",
                            "Microsoft.Insights/workbooks",
                        ],
                    },
                    "location": {
                        "metadata": { "hidden": "The region is that of the workspace" },
                        "visible": false,
                    },
                    "resourceGroup": { "allowExisting": true },
                },
            },
            "basics": basics(),
            "steps": steps(content),
            "outputs": {
                "workspace-location": "[first(map(filter(basics('getLAWorkspace').value, (filter) => and(contains(toLower(filter.id), toLower(resourceGroup().name)),equals(filter.name,basics('workspace')))), (item) => item.location))]",
                "location": "[location()]",
                "workspace": "[basics('workspace')]",
            },
        },
    });
    Ok(serde_json::to_string_pretty(&form)? + "\n")
}

/// What picks the workspace.
fn basics() -> Value {
    json!([
        {
            "name": "getLAWorkspace",
            "type": "Microsoft.Solutions.ArmApiControl",
            "toolTip": "The workspaces of the resource group",
            "condition": "[greater(length(resourceGroup().name),0)]",
            "request": {
                "method": "GET",
                "path": "[concat(subscription().id,'/providers/Microsoft.OperationalInsights/workspaces?api-version=2020-08-01')]",
            },
        },
        {
            "name": "workspace",
            "type": "Microsoft.Common.DropDown",
            "label": "Workspace",
            "placeholder": "Select a workspace",
            "toolTip": "The workspaces of the resource group",
            "constraints": {
                "allowedValues": "[map(filter(basics('getLAWorkspace').value, (filter) => contains(toLower(filter.id), toLower(resourceGroup().name))), (item) => parse(concat('{\"label\":\"', item.name, '\",\"value\":\"', item.name, '\"}')))]",
                "required": true,
            },
            "visible": true,
        },
    ])
}

fn steps(content: &Content) -> Vec<Value> {
    let named = |name: &str, description: &str| (name.to_owned(), description.to_owned());
    let connector = |member: &str| content.connector[member].as_str().unwrap_or_default();
    let workbooks = content
        .workbooks
        .iter()
        .map(|one| named(&one.metadata.title, &one.metadata.description));
    let rules = content
        .rules
        .iter()
        .map(|one| named(&one.name, &one.description));
    let hunts = content
        .hunting
        .iter()
        .map(|one| named(&one.name, &one.description));
    let watchlists = content
        .watchlists
        .iter()
        .map(|one| named(&one.display_name, &one.description));
    vec![
        step(
            "dataconnectors",
            "Data Connectors",
            "The page of the connector, and the functions that all else here calls. The connector itself, an Azure Function, is deployed as its page says.",
            "dataconnector",
            vec![named(
                connector("title"),
                "What it reads, whether it is connected, and how it is deployed.",
            )],
        ),
        step(
            "workbooks",
            "Workbooks",
            "After the installation, save the workbooks from their templates.",
            "workbook",
            workbooks.collect(),
        ),
        step(
            "analytics",
            "Analytics",
            "After the installation, create and enable the rules from their templates.",
            "analytic",
            rules.collect(),
        ),
        step(
            "huntingqueries",
            "Hunting Queries",
            "After the installation, create the queries from their templates.",
            "huntingquery",
            hunts.collect(),
        ),
        step(
            "watchlists",
            "Watchlists",
            "The watchlists are there after the installation. Add to them, and take from them, as you need.",
            "watchlist",
            watchlists.collect(),
        ),
    ]
}

/// A step, with a section for each piece of content.
fn step(name: &str, label: &str, text: &str, one: &str, sections: Vec<(String, String)>) -> Value {
    let block = |name: String, text: &str| json!({ "name": name, "type": "Microsoft.Common.TextBlock", "options": { "text": text } });
    let mut elements = vec![block(format!("{name}-text"), text)];
    elements.extend((1..).zip(sections).map(|(number, (label, text))| {
        json!({
            "name": format!("{one}{number}"),
            "type": "Microsoft.Common.Section",
            "label": label,
            "elements": [block(format!("{one}{number}-text"), &text)],
        })
    }));
    json!({
        "name": name,
        "label": label,
        "subLabel": { "preValidation": format!("What is installed: {label}"), "postValidation": "Done" },
        "bladeTitle": label,
        "elements": elements,
    })
}

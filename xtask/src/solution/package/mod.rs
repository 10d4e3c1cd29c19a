//! `Package/mainTemplate.json`: the template that installs a solution.

mod pieces;

use serde_json::{Map, Value, json};

use super::Solution;
use crate::content::Content;

const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
const TEMPLATES: &str = "2023-04-01-preview";
const METADATA: &str = "2022-01-01-preview";

const LOCATION: &str = "[parameters('workspace-location')]";
const PACKAGE: &str = "[extensionResourceId(resourceId('Microsoft.OperationalInsights/workspaces', parameters('workspace')), 'Microsoft.SecurityInsights/contentPackages', variables('_solutionId'))]";

/// A kind of content, with its letters in the names of resources.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    letters: &'static str,
}

/// What is kept of one piece of content in the workspace, from which a user makes the resource itself.
struct Piece<'a> {
    kind: Kind,
    /// The id of the content, and its version.
    id: &'a str,
    version: &'a str,
    display_name: &'a str,
    description: String,
    /// The resource, and the id by which metadata names it.
    resource: Value,
    resource_id: String,
    /// The last part of that id.
    resource_name: String,
    /// What else the metadata says.
    more: Map<String, Value>,
}

/// The template, as text.
pub fn package(content: &Content, solution: &Solution) -> Result<String, serde_json::Error> {
    let mut build = Build {
        solution,
        resources: Vec::new(),
        criteria: Vec::new(),
        connector: &content.connector["id"],
    };
    for one in content.parsers.iter().filter(|one| solution.holds(one)) {
        build.parser(one, &content.parsers);
    }
    for one in &content.hunting {
        build.hunt(one);
    }
    for one in &content.rules {
        build.rule(one);
    }
    for one in &content.workbooks {
        build.workbook(one)?;
    }
    build.connector(&content.connector);
    for one in &content.watchlists {
        build.watchlist(one)?;
    }
    build.package();
    let template = build.template();
    Ok(serde_json::to_string_pretty(&template)? + "\n")
}

struct Build<'a> {
    solution: &'a Solution,
    resources: Vec<Value>,
    /// What the package depends on.
    criteria: Vec<Value>,
    /// The id of the connector page.
    connector: &'a Value,
}

impl Build<'_> {
    fn source(&self) -> Value {
        json!({
            "kind": "Solution",
            "name": self.solution.data.name,
            "sourceId": "[variables('_solutionId')]",
        })
    }

    fn author(&self) -> Value {
        json!({ "name": self.solution.data.author })
    }

    /// The metadata that ties a resource to the solution.
    fn metadata(&self, piece: &Piece<'_>) -> Value {
        let mut properties = json!({
            "parentId": piece.resource_id,
            "contentId": piece.id,
            "kind": piece.kind.name,
            "version": piece.version,
            "source": self.source(),
            "author": self.author(),
            "support": self.solution.metadata.support,
        });
        if let Some(properties) = properties.as_object_mut() {
            properties.extend(piece.more.clone());
        }
        json!({
            "type": "Microsoft.OperationalInsights/workspaces/providers/metadata",
            "apiVersion": METADATA,
            "name": format!(
                "[concat(parameters('workspace'),'/Microsoft.SecurityInsights/','{}-{}')]",
                piece.kind.name, piece.resource_name
            ),
            "properties": properties,
        })
    }

    /// Adds the template of a piece, and what the package says of it.
    fn add(&mut self, piece: &Piece<'_>) {
        let Piece {
            kind: Kind { name, letters },
            id,
            version,
            ..
        } = *piece;
        let product = format!(
            "[concat(take(variables('_solutionId'),50),'-','{letters}','-', uniqueString(concat(variables('_solutionId'),'-','{name}','-','{id}','-', '{version}')))]"
        );
        self.resources.push(json!({
            "type": "Microsoft.OperationalInsights/workspaces/providers/contentTemplates",
            "apiVersion": TEMPLATES,
            "name": format!(
                "[concat(parameters('workspace'),'/Microsoft.SecurityInsights/',concat(parameters('workspace'),'-{letters}-',uniqueString('{id}')))]"
            ),
            "location": LOCATION,
            "dependsOn": [PACKAGE],
            "properties": {
                "description": format!("{} with template version {}", piece.description, self.solution.data.version),
                "mainTemplate": {
                    "$schema": SCHEMA,
                    "contentVersion": version,
                    "parameters": {},
                    "variables": {},
                    "resources": [piece.resource, self.metadata(piece)],
                },
                "packageKind": "Solution",
                "packageVersion": "[variables('_solutionVersion')]",
                "packageName": "[variables('_solutionName')]",
                "packageId": "[variables('_solutionId')]",
                "contentSchemaVersion": "3.0.0",
                "contentId": id,
                "contentKind": name,
                "displayName": piece.display_name,
                "contentProductId": product,
                "id": product,
                "version": version,
            },
        }));
        self.criteria
            .push(json!({ "kind": name, "contentId": id, "version": version }));
    }

    /// The solution itself, which depends on all that was added before.
    fn package(&mut self) {
        let Solution { data, metadata } = self.solution;
        let counts = self.solution.counts();
        let counts: Vec<_> = counts
            .map(|(name, count)| format!("<strong>{name}:</strong> {count}"))
            .collect();
        self.resources.push(json!({
            "type": "Microsoft.OperationalInsights/workspaces/providers/contentPackages",
            "apiVersion": TEMPLATES,
            "location": LOCATION,
            "properties": {
                "version": data.version,
                "kind": "Solution",
                "contentSchemaVersion": "3.0.0",
                "displayName": data.name,
                "publisherDisplayName": metadata.support.name,
                "descriptionHtml": format!("<p>{}</p>\n<p>{}</p>\n", data.description, counts.join(", ")),
                "contentKind": "Solution",
                "contentProductId": "[variables('_solutioncontentProductId')]",
                "id": "[variables('_solutioncontentProductId')]",
                "icon": data.logo,
                "contentId": "[variables('_solutionId')]",
                "parentId": "[variables('_solutionId')]",
                "source": self.source(),
                "author": self.author(),
                "support": metadata.support,
                "dependencies": { "operator": "AND", "criteria": self.criteria },
                "firstPublishDate": metadata.first_publish_date,
                "providers": metadata.providers,
                "categories": metadata.categories,
            },
            "name": "[concat(parameters('workspace'),'/Microsoft.SecurityInsights/', variables('_solutionId'))]",
        }));
    }

    fn template(self) -> Value {
        let Solution { data, .. } = self.solution;
        json!({
            "$schema": SCHEMA,
            "contentVersion": "1.0.0.0",
            "metadata": {
                "author": data.author,
                "comments": format!("Solution template for {}", data.name),
            },
            "parameters": {
                "location": {
                    "type": "string",
                    "minLength": 1,
                    "defaultValue": "[resourceGroup().location]",
                    "metadata": { "description": "Not used, but expected by the form of the portal: `workspace-location` is what counts." },
                },
                "workspace-location": {
                    "type": "string",
                    "defaultValue": "[parameters('location')]",
                    "metadata": { "description": "The region of the workspace" },
                },
                "workspace": {
                    "type": "string",
                    "metadata": { "description": "The name of the workspace that has Microsoft Sentinel" },
                },
            },
            "variables": {
                "_solutionName": data.name,
                "_solutionVersion": data.version,
                "solutionId": self.solution.id(),
                "_solutionId": "[variables('solutionId')]",
                "uiConfigId1": self.connector,
                "_uiConfigId1": "[variables('uiConfigId1')]",
                "workspaceResourceId": "[resourceId('microsoft.OperationalInsights/Workspaces', parameters('workspace'))]",
                "_solutioncontentProductId": "[concat(take(variables('_solutionId'),50),'-','sl','-', uniqueString(concat(variables('_solutionId'),'-','Solution','-',variables('_solutionId'),'-', variables('_solutionVersion'))))]",
                "TemplateEmptyArray": "[json('[]')]",
            },
            "resources": self.resources,
            "outputs": {},
        })
    }
}

//! Each kind of content, as the package keeps it.

use serde_json::{Map, Value, json};

use super::{Build, Kind, LOCATION, Piece};
use crate::{
    content::{Hunt, Parser, Rule, Watchlist, Workbook},
    sentinel_template::{
        called, function_properties, hunt_name, hunt_properties, literal, rule_properties,
    },
};

const RULE_TEMPLATES: &str = "2023-02-01-preview";
const SEARCHES: &str = "2025-07-01";
const WORKBOOKS: &str = "2021-08-01";
const CONNECTORS: &str = "2021-03-01-preview";
const WATCHLISTS: &str = "2023-02-01";

const RULE: Kind = Kind {
    name: "AnalyticsRule",
    letters: "ar",
};

const HUNT: Kind = Kind {
    name: "HuntingQuery",
    letters: "hq",
};

const PARSER: Kind = Kind {
    name: "Parser",
    letters: "pr",
};

const WORKBOOK: Kind = Kind {
    name: "Workbook",
    letters: "wb",
};

const CONNECTOR: Kind = Kind {
    name: "DataConnector",
    letters: "dc",
};

impl Build<'_> {
    pub(super) fn rule(&mut self, rule: &Rule) {
        let mut properties = rule_properties(rule);
        let subs: Vec<_> = rule
            .relevant_techniques
            .iter()
            .filter(|one| one.contains('.'))
            .collect();
        properties["subTechniques"] = json!(subs);
        properties["enabled"] = false.into();
        properties["status"] = rule.status.as_str().into();
        properties["requiredDataConnectors"] = json!(rule.required_data_connectors);
        let mut properties = literal(properties);
        if rule.required_data_connectors.is_empty() {
            properties["requiredDataConnectors"] = "[variables('TemplateEmptyArray')]".into();
        }
        self.add(&Piece {
            kind: RULE,
            id: &rule.id,
            version: &rule.version,
            display_name: &rule.name,
            description: format!("{}_AnalyticalRules Analytics Rule", rule.key),
            resource: json!({
                "type": "Microsoft.SecurityInsights/AlertRuleTemplates",
                "name": rule.id,
                "apiVersion": RULE_TEMPLATES,
                "kind": rule.kind,
                "location": LOCATION,
                "properties": properties,
            }),
            resource_id: format!(
                "[resourceId('Microsoft.SecurityInsights/AlertRuleTemplates', '{}')]",
                rule.id
            ),
            resource_name: rule.id.clone(),
            more: Map::new(),
        });
    }

    pub(super) fn hunt(&mut self, hunt: &Hunt) {
        let name = hunt_name(hunt);
        let mut properties = hunt_properties(hunt);
        properties["eTag"] = "*".into();
        self.add(&Piece {
            kind: HUNT,
            id: &hunt.id,
            version: &hunt.version,
            display_name: &hunt.name,
            description: format!("{}_HuntingQueries Hunting Query", hunt.key),
            resource: json!({
                "type": "Microsoft.OperationalInsights/savedSearches",
                "apiVersion": SEARCHES,
                "name": name,
                "location": LOCATION,
                "properties": literal(properties),
            }),
            resource_id: format!(
                "[resourceId('Microsoft.OperationalInsights/savedSearches', '{name}')]"
            ),
            resource_name: name,
            more: Map::new(),
        });
    }

    /// A function exists as soon as the solution is installed.
    pub(super) fn parser(&mut self, parser: &Parser, all: &[Parser]) {
        let name = &parser.function_name;
        let id = format!("{name}-Parser");
        let mut properties = function_properties(parser);
        properties["eTag"] = "*".into();
        properties["tags"] = json!([{ "name": "description", "value": parser.function.title }]);
        let search = json!({
            "type": "Microsoft.OperationalInsights/workspaces/savedSearches",
            "apiVersion": SEARCHES,
            "name": format!("[concat(parameters('workspace'),'/','{name}')]"),
            "location": LOCATION,
            "properties": literal(properties),
        });
        let resource_id = |name: &str| {
            format!(
                "[resourceId('Microsoft.OperationalInsights/workspaces/savedSearches', parameters('workspace'), '{name}')]"
            )
        };
        let piece = Piece {
            kind: PARSER,
            id: &id,
            version: &parser.function.version,
            display_name: &parser.function.title,
            description: format!("{} Data Parser", parser.key),
            resource: search.clone(),
            resource_id: resource_id(name),
            resource_name: name.clone(),
            more: Map::new(),
        };
        self.add(&piece);
        // A function is checked when it is saved, and so comes after those that it calls.
        let mut search = search;
        let called: Vec<_> = called(parser, all).map(resource_id).collect();
        if !called.is_empty() {
            search["dependsOn"] = called.into();
        }
        self.resources.push(search);
        self.beside(&piece);
    }

    /// The metadata of a resource that is there as soon as the solution is installed.
    fn beside(&mut self, piece: &Piece<'_>) {
        let mut metadata = self.metadata(piece);
        metadata["location"] = LOCATION.into();
        metadata["dependsOn"] = json!([piece.resource_id]);
        self.resources.push(metadata);
    }

    pub(super) fn workbook(&mut self, workbook: &Workbook) -> Result<(), serde_json::Error> {
        let metadata = &workbook.metadata;
        let id = &metadata.workbook_key;
        let data_types = metadata.data_types_dependencies.iter();
        let data_types = data_types.map(|one| json!({ "contentId": one, "kind": "DataType" }));
        let connectors = metadata.data_connectors_dependencies.iter();
        let connectors = connectors.map(|one| json!({ "contentId": one, "kind": "DataConnector" }));
        let criteria: Vec<_> = data_types.chain(connectors).collect();
        let mut json = workbook.json.clone();
        json["fromTemplateId"] = format!("sentinel-{id}").into();
        let more = json!({
            "description": metadata.description,
            "dependencies": { "operator": "AND", "criteria": criteria },
        });
        self.add(&Piece {
            kind: WORKBOOK,
            id,
            version: &metadata.version,
            display_name: &metadata.title,
            description: format!("{} Workbook", workbook.key),
            resource: json!({
                "type": "Microsoft.Insights/workbooks",
                "name": id,
                "location": LOCATION,
                "kind": "shared",
                "apiVersion": WORKBOOKS,
                "metadata": { "description": metadata.description },
                "properties": {
                    "displayName": metadata.title,
                    "serializedData": serde_json::to_string(&without_blanks(json))?,
                    "version": "1.0",
                    "sourceId": "[variables('workspaceResourceId')]",
                    "category": "sentinel",
                },
            }),
            resource_id: format!("[resourceId('Microsoft.Insights/workbooks', '{id}')]"),
            resource_name: id.clone(),
            more: more.as_object().cloned().unwrap_or_default(),
        });
        Ok(())
    }

    /// The page of the connector is there as soon as the solution is installed.
    pub(super) fn connector(&mut self, page: &Value) {
        let text = |member: &str| page[member].as_str().unwrap_or_default().to_owned();
        let (id, title) = (text("id"), text("title"));
        let version = page["metadata"]["version"]
            .as_str()
            .unwrap_or("1.0.0")
            .to_owned();
        let mut config = page.clone();
        if let Some(config) = config.as_object_mut() {
            config.remove("metadata");
        }
        let mut config = literal(config);
        config["id"] = "[variables('_uiConfigId1')]".into();
        let resource = json!({
            "name": format!("[concat(parameters('workspace'),'/Microsoft.SecurityInsights/','{id}')]"),
            "apiVersion": CONNECTORS,
            "type": "Microsoft.OperationalInsights/workspaces/providers/dataConnectors",
            "location": LOCATION,
            "kind": "GenericUI",
            "properties": { "connectorUiConfig": config },
        });
        let piece = Piece {
            kind: CONNECTOR,
            id: &id,
            version: &version,
            display_name: &title,
            description: format!("{} data connector", self.solution.data.name),
            resource: resource.clone(),
            resource_id: format!(
                "[extensionResourceId(resourceId('Microsoft.OperationalInsights/workspaces', parameters('workspace')), 'Microsoft.SecurityInsights/dataConnectors', '{id}')]"
            ),
            resource_name: id.clone(),
            more: Map::new(),
        };
        self.add(&piece);
        self.resources.push(resource);
        self.beside(&piece);
    }

    /// A watchlist is a resource of its own, without a template.
    pub(super) fn watchlist(&mut self, watchlist: &Watchlist) -> Result<(), serde_json::Error> {
        let alias = &watchlist.watchlist_alias;
        let properties = literal(serde_json::to_value(watchlist)?);
        self.resources.push(json!({
            "type": "Microsoft.OperationalInsights/workspaces/providers/Watchlists",
            "apiVersion": WATCHLISTS,
            "name": format!("[concat(parameters('workspace'),'/Microsoft.SecurityInsights/','{alias}')]"),
            "properties": properties,
        }));
        self.criteria.push(json!({
            "kind": "Watchlist",
            "contentId": alias,
            "version": self.solution.data.version,
        }));
        Ok(())
    }
}

/// Without members that say nothing, which the toolkit of templates refuses wherever they stand.
fn without_blanks(value: Value) -> Value {
    let is_blank = |value: &Value| value.is_null() || *value == json!([]) || *value == json!({});
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(without_blanks)
            .filter(|one| !is_blank(one))
            .collect(),
        Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, one)| (name, without_blanks(one)));
            Value::Object(members.filter(|(_, one)| !is_blank(one)).collect())
        }
        other => other,
    }
}

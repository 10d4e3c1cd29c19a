//! Rules, hunting queries and parsers, in the YAML that the Sentinel repository asks of contributors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Span;

/// The tables that a query reads, and the connector that fills them.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequiredConnector {
    /// The connector's id, in the list of the repository.
    pub connector_id: String,
    /// The tables.
    pub data_types: Vec<String>,
}

/// An entity of an alert, and the columns that identify it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntityMapping {
    /// Its type, such as `Account`.
    pub entity_type: String,
    /// One to three identifiers.
    pub field_mappings: Vec<FieldMapping>,
}

/// An identifier of an entity.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldMapping {
    /// Its name in the entity, such as `FullName`.
    pub identifier: String,
    /// The column of the query that holds it.
    pub column_name: String,
}

/// How severe an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum Severity {
    /// Look at once.
    High,
    /// Look soon.
    Medium,
    /// Look when there is time.
    Low,
    /// Nothing to do.
    Informational,
}

/// How the number of results is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerOperator {
    /// More results.
    Gt,
    /// Fewer results.
    Lt,
    /// As many.
    Eq,
    /// More or fewer.
    Ne,
}

impl TriggerOperator {
    /// Its name in the resource of a rule.
    #[must_use]
    pub const fn arm(self) -> &'static str {
        match self {
            Self::Gt => "GreaterThan",
            Self::Lt => "LessThan",
            Self::Eq => "Equal",
            Self::Ne => "NotEqual",
        }
    }
}

/// What an alert says instead of the rule's own name, description and severity. Where a column named in a text is empty,
/// Sentinel drops the whole text.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlertDetails {
    /// At most 256 bytes once its `{{Column}}`s are filled in.
    pub alert_display_name_format: String,
    /// At most 5,000 bytes.
    pub alert_description_format: String,
    /// The column that holds the severity, where it varies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_severity_column_name: Option<String>,
}

/// An analytics rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// The name of its file, without the extension.
    #[serde(skip)]
    pub key: String,
    /// A GUID, which never changes: it names the resource.
    pub id: String,
    /// `Scheduled`.
    pub kind: String,
    /// What Sentinel lists it as.
    pub name: String,
    /// What it identifies.
    pub description: String,
    /// Its severity, unless the alert says another.
    pub severity: Severity,
    /// `Available`.
    pub status: String,
    /// Of three numbers.
    pub version: String,
    /// What it reads.
    pub required_data_connectors: Vec<RequiredConnector>,
    /// How often it runs.
    pub query_frequency: Span,
    /// How far it looks back.
    pub query_period: Span,
    /// With the threshold: when a run alerts.
    pub trigger_operator: TriggerOperator,
    /// The number that results are compared with.
    pub trigger_threshold: u32,
    /// Of MITRE ATT&CK.
    #[serde(default)]
    pub tactics: Vec<String>,
    /// Techniques and sub-techniques of these tactics.
    #[serde(default)]
    pub relevant_techniques: Vec<String>,
    /// The query.
    pub query: String,
    /// At most ten.
    #[serde(default)]
    pub entity_mappings: Vec<EntityMapping>,
    /// What an alert carries along, by name: at most 20, and 2 KB together.
    #[serde(default)]
    pub custom_details: BTreeMap<String, String>,
    /// What an alert says.
    pub alert_details_override: AlertDetails,
    /// Whether each result is an alert. As the resource has it.
    pub event_grouping_settings: Value,
    /// How alerts become incidents. As the resource has it.
    pub incident_configuration: Value,
}

/// A hunting query.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hunt {
    /// The name of its file, without the extension.
    #[serde(skip)]
    pub key: String,
    /// A GUID.
    pub id: String,
    /// What Sentinel lists it as.
    pub name: String,
    /// What it identifies.
    pub description: String,
    /// What it reads.
    pub required_data_connectors: Vec<RequiredConnector>,
    /// Of MITRE ATT&CK.
    pub tactics: Vec<String>,
    /// Techniques of these tactics.
    pub relevant_techniques: Vec<String>,
    /// The query.
    pub query: String,
    /// What a bookmark of a result shows.
    pub entity_mappings: Vec<EntityMapping>,
    /// Of three numbers.
    pub version: String,
}

/// A function of the workspace.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Parser {
    /// The name of its file, without the extension.
    #[serde(skip)]
    pub key: String,
    /// A GUID.
    #[serde(rename = "id")]
    pub id: String,
    /// What it is.
    pub function: FunctionDetails,
    /// `Microsoft Sentinel Parser`.
    pub category: String,
    /// The name of the resource.
    pub function_name: String,
    /// What queries call it; the same.
    pub function_alias: String,
    /// What may be passed to it.
    #[serde(default)]
    pub function_params: Vec<FunctionParameter>,
    /// The query.
    pub function_query: String,
}

/// What is said of a function.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FunctionDetails {
    /// What Log Analytics lists it as.
    pub title: String,
    /// Of three numbers.
    pub version: String,
    /// A day.
    pub last_updated: String,
}

/// A parameter of a function. Each has a default, so that the function can be called without it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FunctionParameter {
    /// Its name.
    pub name: String,
    /// A scalar type of the query language.
    #[serde(rename = "Type")]
    pub kind: String,
    /// A literal of the query language.
    pub default: String,
}

impl Parser {
    /// The parameters as Log Analytics keeps them, `name:type=default`; `None` where there are none.
    #[must_use]
    pub fn parameters(&self) -> Option<String> {
        let parameters = self.function_params.iter();
        let parameters = parameters.map(|one| format!("{}:{}={}", one.name, one.kind, one.default));
        let parameters = parameters.collect::<Vec<_>>().join(", ");
        Some(parameters).filter(|parameters| !parameters.is_empty())
    }
}

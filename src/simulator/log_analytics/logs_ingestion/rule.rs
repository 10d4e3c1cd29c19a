//! A data collection rule: what it makes of the rows of a stream.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use super::{
    transform::Transform,
    value::{Type, Value},
};
use crate::simulator::log_analytics::ColumnRow;

/// A rule, as its template describes it.
#[derive(Debug, Clone)]
pub struct Rule(BTreeMap<String, Stream>);

#[derive(Debug, Clone)]
pub(super) struct Stream {
    columns: Vec<(String, Type)>,
    transform: Transform,
    /// The table that it fills.
    pub(super) table: String,
}

impl Rule {
    /// Reads the rule in a deployment template: the one resource that is a data collection rule.
    pub fn in_template(template: &str) -> Result<Self, String> {
        let template: Json = serde_json::from_str(template).map_err(|error| error.to_string())?;
        let resources = template["resources"].as_array();
        let rule = resources
            .into_iter()
            .flatten()
            .find(|resource| resource["type"] == "Microsoft.Insights/dataCollectionRules");
        let properties = &rule.ok_or("the template has no data collection rule")?["properties"];
        let flows = properties["dataFlows"].as_array();
        let streams = flows.into_iter().flatten().map(|flow| {
            let name = text(&flow["streams"][0])?;
            let stream = Stream::read(&properties["streamDeclarations"][name], flow);
            let stream = stream.map_err(|error| format!("{name}: {error}"))?;
            Ok((name.to_owned(), stream))
        });
        streams.collect::<Result<_, String>>().map(Self)
    }

    pub(super) fn stream(&self, name: &str) -> Option<&Stream> {
        self.0.get(name)
    }
}

impl Stream {
    fn read(declaration: &Json, flow: &Json) -> Result<Self, String> {
        let declared = declaration["columns"].as_array();
        let columns = declared.into_iter().flatten().map(|column| {
            let (name, kind) = (text(&column["name"])?, text(&column["type"])?);
            let kind = Type::named(kind).ok_or_else(|| format!("no type is called {kind}"))?;
            Ok((name.to_owned(), kind))
        });
        let columns = columns.collect::<Result<Vec<_>, String>>()?;
        let names: Vec<_> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let output = text(&flow["outputStream"])?;
        Ok(Self {
            transform: Transform::read(text(&flow["transformKql"])?, &names)?,
            table: output
                .strip_prefix("Custom-")
                .ok_or("an output stream begins with Custom-")?
                .to_owned(),
            columns,
        })
    }

    /// The row that the table gets at `now`, and its time. Members that the stream does not declare are
    /// dropped.
    pub(super) fn apply(
        &self,
        mut members: Map<String, Json>,
        now: DateTime<Utc>,
    ) -> (DateTime<Utc>, ColumnRow<'static>) {
        let row = self.columns.iter().map(|(name, kind)| {
            let value = members.remove(name).unwrap_or(Json::Null);
            (name.as_str(), kind.read(value))
        });
        let (mut time, mut columns) = (now, ColumnRow::default());
        for (name, value) in self.transform.apply(&row.collect(), now) {
            match value {
                Value::Time(own) if name == "TimeGenerated" => time = own,
                value => columns.extend(value.into_cell().map(|cell| (name, cell))),
            }
        }
        (time, columns)
    }
}

fn text(json: &Json) -> Result<&str, String> {
    json.as_str()
        .ok_or_else(|| format!("a text was expected and not {json}"))
}

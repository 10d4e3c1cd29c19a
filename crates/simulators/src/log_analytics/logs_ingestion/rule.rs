//! A data collection rule: what it does with the rows of a stream.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use super::{
    table::{self, Table, text},
    transform::Transform,
    value::{Type, Value},
};
use crate::log_analytics::{ColumnRow, times};

/// The most streams of a rule, and the most flows, as documented.
const MAX_STREAMS: usize = 10;

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
    /// Fails, with the code where one is known, for what the service refuses to deploy.
    pub fn in_template(template: &str) -> Result<Self, String> {
        let template: Json = serde_json::from_str(template).map_err(|error| error.to_string())?;
        let resources = template["resources"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let tables = Table::all(resources)?;
        let rule = resources
            .iter()
            .find(|resource| resource["type"] == "Microsoft.Insights/dataCollectionRules");
        let rule = rule.ok_or("the template has no data collection rule")?;
        if rule["kind"] != "Direct" {
            return Err("only a rule of kind Direct has an endpoint of its own".to_owned());
        }
        let properties = &rule["properties"];
        let declared = properties["streamDeclarations"].as_object();
        let flows = properties["dataFlows"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        if declared.map_or(0, Map::len).max(flows.len()) > MAX_STREAMS {
            return Err(format!(
                "a rule has at most {MAX_STREAMS} streams and flows"
            ));
        }
        let streams = flows.iter().map(|flow| {
            let name = text(&flow["streams"][0])?;
            let stream = Stream::read(name, rule, flow, &tables);
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
    fn read(
        name: &str,
        rule: &Json,
        flow: &Json,
        tables: &BTreeMap<String, Table>,
    ) -> Result<Self, String> {
        let properties = &rule["properties"];
        let listed = |list: &Json| list.as_array().cloned().unwrap_or_default();
        if !name.starts_with("Custom-") || listed(&flow["streams"]).len() != 1 {
            return Err("a flow with a transform has one stream, called Custom-".to_owned());
        }
        let known = listed(&properties["destinations"]["logAnalytics"]);
        let known = |name: &Json| known.iter().any(|destination| destination["name"] == *name);
        let destinations = listed(&flow["destinations"]);
        if destinations.is_empty() || !destinations.iter().all(known) {
            return Err("the flow leads to no destination of the rule".to_owned());
        }
        let columns = table::columns(
            &properties["streamDeclarations"][name]["columns"],
            Type::in_stream,
        )?;
        let output = text(&flow["outputStream"])?;
        let output = output.strip_prefix("Custom-");
        let output = output.ok_or("an output stream begins with Custom-")?;
        // Resources that do not wait for one another are made side by side.
        let waits = listed(&rule["dependsOn"]);
        let mut waits = waits.iter().filter_map(Json::as_str);
        let table = tables
            .get(output)
            .filter(|_| waits.any(|resource| resource.contains(output)));
        let table = table.ok_or_else(|| {
            format!("InvalidOutputTable: the table {output} is not there before the rule")
        })?;
        let transform = Transform::read(text(&flow["transformKql"])?, &columns)?;
        Ok(Self {
            transform: transform.into_table(table)?,
            table: output.to_owned(),
            columns,
        })
    }

    /// The row that the table gets at `now`, and its time. Members that the stream does not declare are
    /// dropped. A row without a time is not stored: whether the service drops it despite its 204 or gives
    /// it the time of receipt is unconfirmed, and a sender must not count on the latter.
    pub(super) fn apply(
        &self,
        mut members: Map<String, Json>,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, ColumnRow<'static>)> {
        let row = self.columns.iter().map(|(name, kind)| {
            let value = members.remove(name).unwrap_or(Json::Null);
            (name.as_str(), kind.read(value))
        });
        let (mut time, mut columns) = (None, ColumnRow::default());
        for (name, value) in self.transform.apply(&row.collect(), now) {
            match value {
                Value::Time(own) if name == "TimeGenerated" => time = Some(own),
                value => columns.extend(value.into_cell().map(|cell| (name, cell))),
            }
        }
        Some((times::kept(time?, now), columns))
    }
}

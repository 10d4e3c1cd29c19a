//! A data collection rule: what it does with the rows of a stream.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};
use template_check::evaluate::{self, Deployed, Known, Resource, Target};

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
    flows: Vec<Flow>,
}

/// The way from a stream into a table. A stream may have several, and each gets every row.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    transform: Transform,
    /// The table that it fills.
    pub(super) table: String,
}

impl Rule {
    /// The rule that a deployment template makes where its defaults are taken.
    pub fn in_template(template: &str) -> Result<Self, String> {
        Self::with_parameters(template, &Map::new())
    }

    /// The rule that a deployment template makes with these parameters; the name of the workspace is put
    /// in. Fails, with the code where one is known, for what the service refuses to deploy.
    pub fn with_parameters(template: &str, given: &Map<String, Json>) -> Result<Self, String> {
        let template: Json = serde_json::from_str(template).map_err(|error| error.to_string())?;
        let mut given = given.clone();
        given.insert("workspaceName".to_owned(), "workspace".into());
        Self::made_by(&evaluate::deploy(
            &template,
            &given,
            &Target::of_group("logs"),
            &Known::new(),
        )?)
    }

    /// The rule among what a template has made.
    pub fn made_by(deployed: &Deployed) -> Result<Self, String> {
        let tables = Table::all(deployed)?;
        let rule = deployed.of("Microsoft.Insights/dataCollectionRules").next();
        let rule = rule.ok_or("the template has no data collection rule")?;
        if rule.body["kind"] != "Direct" {
            return Err("only a rule of kind Direct has an endpoint of its own".to_owned());
        }
        let properties = &rule.body["properties"];
        let declared = properties["streamDeclarations"].as_object();
        let flows = listed(&properties["dataFlows"]);
        if declared.map_or(0, Map::len).max(flows.len()) > MAX_STREAMS {
            return Err(format!(
                "a rule has at most {MAX_STREAMS} streams and flows"
            ));
        }
        let mut streams = BTreeMap::new();
        for (name, stream) in declared.into_iter().flatten() {
            let columns = table::columns(&stream["columns"], Type::in_stream);
            let columns = columns.map_err(|error| format!("{name}: {error}"))?;
            let flows = Vec::new();
            streams.insert(name.clone(), Stream { columns, flows });
        }
        for flow in flows {
            let [Json::String(name)] = listed(&flow["streams"]) else {
                return Err("a flow with a transform has one stream".to_owned());
            };
            let stream = streams
                .get_mut(name)
                .filter(|_| name.starts_with("Custom-"));
            let stream = stream.ok_or_else(|| format!("no stream Custom- is called {name}"))?;
            let flow = Flow::read(rule, flow, &stream.columns, &tables);
            stream
                .flows
                .push(flow.map_err(|error| format!("{name}: {error}"))?);
        }
        Ok(Self(streams))
    }

    pub(super) fn stream(&self, name: &str) -> Option<&Stream> {
        self.0.get(name)
    }
}

impl Stream {
    pub(super) fn flows(&self) -> &[Flow] {
        &self.flows
    }

    /// What the members of a row are to the rule. Members that the stream does not declare are dropped.
    pub(super) fn read(&self, mut members: Map<String, Json>) -> BTreeMap<&str, Value> {
        let row = self.columns.iter().map(|(name, kind)| {
            let value = members.remove(name).unwrap_or(Json::Null);
            (name.as_str(), kind.read(value))
        });
        row.collect()
    }
}

impl Flow {
    fn read(
        rule: &Resource,
        flow: &Json,
        columns: &[(String, Type)],
        tables: &BTreeMap<String, Table>,
    ) -> Result<Self, String> {
        let known = listed(&rule.body["properties"]["destinations"]["logAnalytics"]);
        let known = |name: &Json| known.iter().any(|destination| destination["name"] == *name);
        let destinations = listed(&flow["destinations"]);
        if destinations.is_empty() || !destinations.iter().all(known) {
            return Err("the flow leads to no destination of the rule".to_owned());
        }
        let output = text(&flow["outputStream"])?;
        let output = output.strip_prefix("Custom-");
        let output = output.ok_or("an output stream begins with Custom-")?;
        // Resources that do not wait for one another are made side by side.
        let end = format!("/{output}");
        let mut waits = rule.waits_for.iter();
        let table = tables
            .get(output)
            .filter(|_| waits.any(|resource| resource.ends_with(&end)));
        let table = table.ok_or_else(|| {
            format!("InvalidOutputTable: the table {output} is not there before the rule")
        })?;
        let transform = Transform::read(text(&flow["transformKql"])?, columns)?;
        Ok(Self {
            transform: transform.into_table(table)?,
            table: output.to_owned(),
        })
    }

    /// The row that the table gets at `now`, and its time; none where the transform leaves it out. A row
    /// without a time is not stored: whether the service drops it despite its 204 or gives it the time of
    /// receipt is unconfirmed, and a sender must not count on the latter.
    pub(super) fn apply(
        &self,
        row: &BTreeMap<&str, Value>,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, ColumnRow<'static>)> {
        let (mut time, mut columns) = (None, ColumnRow::default());
        for (name, value) in self.transform.apply(row, now)? {
            match value {
                Value::Time(own) if name == "TimeGenerated" => time = Some(own),
                value => columns.extend(value.into_cell().map(|cell| (name, cell))),
            }
        }
        Some((times::kept(time?, now), columns))
    }
}

fn listed(list: &Json) -> &[Json] {
    list.as_array().map_or(&[], Vec::as_slice)
}

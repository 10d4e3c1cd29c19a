//! This evaluator against Azure's own engine: what that engine predicts for the templates of commit
//! `c16bf23` is in `engine/`, with the templates (`engine/README.md`).

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};

use super::{Deployed, Known, Target, deploy, resolve};
use crate::{clouds::CLOUDS, look::Look};

/// Members that say how a resource is made: the engine has acted on them, or does not care, and leaves
/// them out.
const LEFT_OUT: [&str; 6] = [
    "comments",
    "condition",
    "dependsOn",
    "scope",
    "resourceGroup",
    "subscriptionId",
];

/// Where the engine shows an expression in place of a secure parameter of a nested deployment.
const HIDDEN: &str = "/config/appsettings.properties";

fn unpacked(packed: &[u8]) -> Value {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn main_template() -> Value {
    unpacked(include_bytes!("../../engine/azuredeploy.json.gz"))
}

/// What the engine was given, and what it predicted.
struct Snapshot {
    name: String,
    /// Whether it is of `deploy/logs-ingestion.json` alone.
    is_rule_alone: bool,
    template: Value,
    given: Map<String, Value>,
    predicted: Value,
}

fn snapshots() -> Vec<Snapshot> {
    let main = main_template();
    let rule = unpacked(include_bytes!("../../engine/logs-ingestion.json.gz"));
    let all = unpacked(include_bytes!("../../engine/snapshots.json.gz"));
    let snapshot = |(name, of): (&String, &Value)| {
        let is_rule_alone = name.starts_with("rule");
        Snapshot {
            name: name.clone(),
            is_rule_alone,
            template: if is_rule_alone { &rule } else { &main }.clone(),
            given: of["parameters"].as_object().unwrap().clone(),
            predicted: of.clone(),
        }
    };
    all.members().map(snapshot).collect()
}

fn target() -> Target {
    let [cloud, ..] = &CLOUDS;
    Target {
        cloud,
        subscription: "00000000-0000-0000-0000-000000000001".to_owned(),
        group: "rg-test".to_owned(),
        location: "westeurope",
    }
}

/// The workspace to which the deployment belongs.
fn existing(given: &Map<String, Value>) -> Known {
    let id = given.get("AppInsightsWorkspaceResourceID").map(Value::text);
    let workspace = json!({
        "type": "Microsoft.OperationalInsights/workspaces",
        "location": "northeurope",
        "properties": { "customerId": "00000000-0000-0000-0000-00000000000c" }
    });
    let of = id.map(|id| (id.to_owned(), workspace.into()));
    of.into_iter().collect()
}

impl Snapshot {
    fn deployed(&self) -> Deployed {
        deploy(
            &self.template,
            &self.given,
            &target(),
            &existing(&self.given),
        )
        .unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Where the evaluator and the engine differ. What the engine left as an expression, because only a
    /// deployment can determine its value, is evaluated here: the result must be what the evaluator made.
    fn differences(&self) -> Vec<String> {
        let deployed = self.deployed();
        let mut known = existing(&self.given);
        let made = deployed.resources.iter();
        known.extend(made.map(|made| (made.id.clone(), made.full.clone())));
        let settled = |value: &Value| {
            resolve(&self.template, &self.given, &target(), &known, value)
                .unwrap_or_else(|error| panic!("{}: {error}", self.name))
        };
        let mut faults = Vec::new();
        let mut ids = Vec::new();
        for predicted in self.predicted["predictedResources"].items() {
            let id = settled(&predicted["id"]);
            match deployed.resources.iter().find(|made| made.id == id.text()) {
                Some(made) => {
                    let mut found = made.body.clone();
                    found["id"] = id.clone();
                    let mut predicted = predicted.clone();
                    if let Some(condition) = predicted.get("condition") {
                        assert_eq!(settled(condition), true, "{id}");
                    }
                    for body in [&mut found, &mut predicted] {
                        let members = body.as_object_mut().unwrap();
                        members.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
                    }
                    self.compare(&predicted, &found, &settled, id.text(), &mut faults);
                }
                None => faults.push(format!("{id} is not made")),
            }
            ids.push(id);
        }
        let more = deployed
            .resources
            .iter()
            .filter(|made| made.of != super::NESTED);
        let more = more.filter(|made| !ids.contains(&made.id.as_str().into()));
        faults.extend(more.map(|made| format!("{} is made, but was not predicted", made.id)));
        let outputs = deployed.outputs.iter();
        let outputs = outputs.map(|(name, output)| (name.clone(), output["value"].clone()));
        let outputs = Value::Object(outputs.collect());
        self.compare(
            &self.predicted["outputs"],
            &outputs,
            &settled,
            "outputs",
            &mut faults,
        );
        faults
    }

    fn compare(
        &self,
        predicted: &Value,
        found: &Value,
        settled: &dyn Fn(&Value) -> Value,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        match (predicted, found) {
            (Value::Object(predicted), Value::Object(found)) => {
                let names = predicted.keys().chain(found.keys());
                let mut names: Vec<_> = names.collect();
                names.sort();
                names.dedup();
                for name in names {
                    let at = format!("{at}.{name}");
                    match (predicted.get(name), found.get(name)) {
                        (Some(predicted), Some(found)) => {
                            self.compare(predicted, found, settled, &at, faults);
                        }
                        (predicted, found) => {
                            faults.push(format!("{at} is {found:?}, not {predicted:?}"));
                        }
                    }
                }
            }
            (Value::Array(predicted), Value::Array(found)) if predicted.len() == found.len() => {
                for (index, (predicted, found)) in predicted.iter().zip(found).enumerate() {
                    self.compare(predicted, found, settled, &format!("{at}[{index}]"), faults);
                }
            }
            (Value::String(text), Value::Object(found)) if at.ends_with(HIDDEN) => {
                assert!(self.template.to_string().contains(text), "{at}");
                assert!(found.contains_key("mimecast_base_url"), "{at}");
            }
            (predicted, found) => {
                let predicted = settled(predicted);
                if predicted != *found {
                    faults.push(format!("{at} is {found}, not {predicted}"));
                }
            }
        }
    }
}

#[test]
fn every_prediction_of_the_engine_comes_out_member_by_member() {
    let snapshots = snapshots();
    assert_eq!(snapshots.len(), 11);
    for snapshot in snapshots {
        let faults = snapshot.differences();
        assert!(
            faults.is_empty(),
            "{}\n{}",
            snapshot.name,
            faults.join("\n")
        );
    }
}

/// With its default parameters that template put a text of 156,814 characters through `replace()`.
#[test]
fn what_the_engine_refused_is_refused() {
    let snapshots = snapshots().into_iter();
    for mut snapshot in snapshots.filter(|snapshot| !snapshot.is_rule_alone) {
        snapshot.given.remove("deploySentinelContent");
        let refused = deploy(
            &snapshot.template,
            &snapshot.given,
            &target(),
            &existing(&snapshot.given),
        );
        let error = refused.unwrap_err();
        let expected = "properties.serializedData: the result of replace() has";
        assert!(error.contains(expected), "{}: {error}", snapshot.name);
    }
}

//! A deployment as the service would make it: parameters, variables, conditions, order, nested
//! deployments, outputs. What only Azure can know is a stand-in.

mod counts;
#[cfg(test)]
mod engine;
mod parameters;
mod resources;
mod scope;
mod stand_ins;
#[cfg(test)]
mod tests;
mod values;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use serde_json::{Map, Value, json};

use crate::{clouds::Cloud, look::Look};
pub(crate) use parameters::{REFERENCE, is_secure};
pub(crate) use resources::NESTED;
use scope::Frame;
pub(crate) use stand_ins::{guid_of, keys};

/// The tenant of every deployment here.
pub(crate) const TENANT: &str = "00000000-0000-0000-0000-0000000000aa";

/// Where a deployment goes.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) cloud: &'static Cloud,
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) location: &'static str,
}

impl Target {
    /// The id of the resource group.
    pub(crate) fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}",
            self.subscription, self.group
        )
    }
}

/// A resource that was made.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) id: String,
    /// What its `type` says.
    pub(crate) of: String,
    pub(crate) name: String,
    /// The whole resource, evaluated.
    pub(crate) body: Value,
    /// What can be read of it.
    pub(crate) full: Arc<Value>,
    /// The ids of all that is there for certain before it is made.
    pub(crate) waits_for: BTreeSet<String>,
}

impl Resource {
    /// Its type and version.
    pub(crate) fn kind(&self) -> String {
        format!("{}@{}", self.of, self.body["apiVersion"].text())
    }
}

/// What can be read, by id.
pub(crate) type Known = BTreeMap<String, Arc<Value>>;

/// What came of a template.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deployed {
    /// Those of nested deployments too, in the order in which they are made.
    pub(crate) resources: Vec<Resource>,
    pub(crate) outputs: Map<String, Value>,
    /// Every secret that was given or read.
    pub(crate) secrets: BTreeSet<String>,
    /// The types and versions of all that was read by a version.
    pub(crate) reads: BTreeSet<String>,
}

/// What is noted while a template is evaluated.
#[derive(Debug, Default)]
struct Noted {
    secrets: BTreeSet<String>,
    reads: BTreeSet<String>,
}

impl Deployed {
    /// The resources of a type.
    pub(crate) fn of<'a>(&'a self, of: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources
            .iter()
            .filter(move |resource| resource.of == of)
    }

    /// Whether a text has a secret in it.
    pub(crate) fn has_secret(&self, text: &str) -> bool {
        self.secrets
            .iter()
            .any(|secret| text.contains(secret.as_str()))
    }
}

/// Deploys `template` to `target`, where `existing` is there before, by id.
pub(crate) fn deploy(
    template: &Value,
    given: &Map<String, Value>,
    target: &Target,
    existing: &Known,
) -> Result<Deployed, String> {
    let noted = RefCell::new(Noted {
        secrets: given_secrets(template, given),
        ..Noted::default()
    });
    let mut deployed = Deployed::default();
    deployed.outputs = run(
        template,
        given,
        target,
        existing,
        &noted,
        &mut deployed.resources,
    )?;
    let Noted { secrets, reads } = noted.into_inner();
    deployed.secrets = secrets;
    deployed.reads = reads;
    Ok(deployed)
}

/// The value of `raw` in a template, once all of `known` is there.
pub(crate) fn resolve(
    template: &Value,
    given: &Map<String, Value>,
    target: &Target,
    known: &Known,
    raw: &Value,
) -> Result<Value, String> {
    let noted = RefCell::default();
    let mut frame = Frame::new(template, target, &noted);
    parameters::read(&mut frame, template, given)?;
    frame.known = Some(Rc::new(known.clone()));
    frame.value(raw, "")
}

fn given_secrets(template: &Value, given: &Map<String, Value>) -> BTreeSet<String> {
    let secure = given
        .iter()
        .filter(|(name, _)| is_secure(&template["parameters"][name]));
    let texts = secure.filter_map(|(_, value)| value.as_str());
    // A reference to a secret is none.
    texts
        .filter(|text| !text.is_empty() && !text.starts_with(REFERENCE))
        .map(str::to_owned)
        .collect()
}

fn run(
    template: &Value,
    given: &Map<String, Value>,
    target: &Target,
    existing: &Known,
    noted: &RefCell<Noted>,
    made: &mut Vec<Resource>,
) -> Result<Map<String, Value>, String> {
    counts::check(template)?;
    let mut frame = Frame::new(template, target, noted);
    parameters::read(&mut frame, template, given)?;
    frame.read_variables()?;
    let before = made.len();
    resources::make(&mut frame, template, existing, made)?;
    let made = made.iter().skip(before);
    let mut known = existing.clone();
    known.extend(made.map(|made| (made.id.clone(), made.full.clone())));
    frame.known = Some(Rc::new(known));
    let mut results = Map::new();
    for (name, output) in template["outputs"].members() {
        let at = format!("outputs.{name}");
        let is_made = match output.get("condition") {
            Some(condition) => frame.value(condition, &at)? == Value::Bool(true),
            None => true,
        };
        if is_made {
            let value = frame.value(&output["value"], &at)?;
            parameters::is_of(&value, output).map_err(|error| format!("{at}: {error}"))?;
            results.insert(
                name.clone(),
                json!({ "type": output["type"], "value": value }),
            );
        }
    }
    Ok(results)
}

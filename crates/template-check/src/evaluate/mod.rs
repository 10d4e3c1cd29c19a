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

use crate::{
    clouds::{CLOUDS, Cloud},
    look::Look,
};
pub use parameters::{REFERENCE, is_secure};
pub use resources::NESTED;
use scope::Frame;
pub use stand_ins::{guid_of, keys};

/// The tenant of every deployment here.
pub const TENANT: &str = "00000000-0000-0000-0000-0000000000aa";

/// Where a deployment goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// The cloud.
    pub cloud: &'static Cloud,
    /// The GUID of the subscription.
    pub subscription: String,
    /// The name of the resource group.
    pub group: String,
    /// The region of the resource group.
    pub location: &'static str,
}

impl Target {
    /// A resource group of the public cloud, in a subscription of no one's.
    #[must_use]
    pub fn of_group(name: &str) -> Self {
        let cloud = &CLOUDS[0];
        Self {
            cloud,
            subscription: "00000000-0000-0000-0000-000000000001".to_owned(),
            group: name.to_owned(),
            location: cloud.location,
        }
    }

    /// The id of the resource group.
    #[must_use]
    pub fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}",
            self.subscription, self.group
        )
    }
}

/// A resource that was made.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The resource id.
    pub id: String,
    /// What its `type` says.
    pub of: String,
    /// The name, with those of its parents before it.
    pub name: String,
    /// The whole resource, evaluated.
    pub body: Value,
    /// What can be read of it.
    pub full: Arc<Value>,
    /// The ids of everything that certainly exists before it is made.
    pub waits_for: BTreeSet<String>,
}

impl Resource {
    /// Its type and version.
    #[must_use]
    pub fn kind(&self) -> String {
        format!("{}@{}", self.of, self.body["apiVersion"].text())
    }
}

/// What can be read, by id.
pub type Known = BTreeMap<String, Arc<Value>>;

/// The result of a template.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    /// Those of nested deployments too, in the order in which they are made.
    pub resources: Vec<Resource>,
    /// The outputs by name, each with its type and value.
    pub outputs: Map<String, Value>,
    /// Every secret that was given or read.
    pub secrets: BTreeSet<String>,
    /// The types and versions of all that was read by a version.
    pub reads: BTreeSet<String>,
}

/// What is noted while a template is evaluated.
#[derive(Debug, Default)]
struct Noted {
    secrets: BTreeSet<String>,
    reads: BTreeSet<String>,
}

impl Deployed {
    /// The resources of a type.
    pub fn of<'a>(&'a self, of: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources
            .iter()
            .filter(move |resource| resource.of == of)
    }

    /// Whether a text has a secret in it.
    #[must_use]
    pub fn has_secret(&self, text: &str) -> bool {
        self.secrets
            .iter()
            .any(|secret| text.contains(secret.as_str()))
    }
}

/// Deploys `template` to `target`, where `existing`, by id, is there already.
pub fn deploy(
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

/// The value of `raw` in a template, once all of `known` exists.
pub fn resolve(
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

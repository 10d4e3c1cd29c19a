//! All files that a deployment consists of, as they are or broken on purpose, and what comes of them.

use std::{path::Path, sync::OnceLock};

use serde_json::{Map, Value};
use template_check::{
    change::Files,
    clouds::CLOUDS,
    evaluate::{Deployed, deploy},
};

use crate::choices::Choice;

/// The files, and what the template makes of each choice.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) template: Value,
    pub(crate) form: Value,
    /// The templates of `deploy/`, each with the variable that names its deployment.
    pub(crate) nested: Vec<(&'static str, Value)>,
    /// `TimerTrigger/function.json`.
    pub(crate) trigger: Value,
    pub(crate) host: Value,
    pub(crate) readme: String,
    /// `docs/deploy.md`.
    pub(crate) guide: String,
    /// What says how the package is built: the README and `package.sh`.
    pub(crate) builder: String,
    deployments: Vec<Deployment>,
    /// How many choices with faults are enough: after that, no more are tried.
    pub(crate) enough: usize,
}

/// The templates of `deploy/`, by the variables that name their deployments.
const NESTED: [(&str, &str); 4] = [
    (
        "logsIngestionName",
        include_str!("../../deploy/logs-ingestion.json"),
    ),
    ("networkName", include_str!("../../deploy/network.json")),
    (
        "privateLinkName",
        include_str!("../../deploy/monitor-private-link.json"),
    ),
    ("sentinelName", include_str!("../../deploy/sentinel.json")),
];

/// A choice, and what comes of it, once somebody asks.
#[derive(Debug)]
struct Deployment {
    choice: Choice,
    result: OnceLock<Result<Deployed, String>>,
}

impl Deployment {
    fn new(choice: Choice) -> Self {
        Self {
            choice,
            result: OnceLock::new(),
        }
    }
}

impl Bundle {
    /// As they are.
    pub(crate) fn read() -> Self {
        let json = |text: &str| serde_json::from_str(text).unwrap();
        let readme = include_str!("../../README.md").to_owned();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("package.sh");
        let builder = readme.clone() + &std::fs::read_to_string(script).unwrap_or_default();
        Self {
            template: json(include_str!("../../azuredeploy.json")),
            form: json(include_str!("../../createUiDefinition.json")),
            nested: NESTED.map(|(name, text)| (name, json(text))).into(),
            trigger: json(include_str!("../../TimerTrigger/function.json")),
            host: json(include_str!("../../host.json")),
            readme,
            guide: include_str!("../../docs/deploy.md").to_owned(),
            builder,
            deployments: Choice::all().into_iter().map(Deployment::new).collect(),
            enough: usize::MAX,
        }
    }

    /// The same, tried only until there is a fault.
    pub(crate) fn read_to_break() -> Self {
        Self {
            enough: 1,
            ..Self::read()
        }
    }

    /// Those that are tried in the public cloud, for what is the same in all.
    pub(crate) fn in_public(&self) -> impl Iterator<Item = &Choice> {
        let [public, ..] = &CLOUDS;
        let choices = self.deployments.iter().map(|each| &each.choice);
        choices.filter(|choice| choice.cloud.name == public.name)
    }

    /// What comes of every choice.
    pub(crate) fn deployments(
        &self,
    ) -> impl Iterator<Item = (&Choice, Result<&Deployed, &String>)> {
        self.deployments
            .iter()
            .map(|Deployment { choice, result }| {
                let result = result.get_or_init(|| self.deploy(choice, &choice.parameters()));
                (choice, result.as_ref())
            })
    }

    /// What comes of other parameters.
    pub(crate) fn deploy(
        &self,
        choice: &Choice,
        parameters: &Map<String, Value>,
    ) -> Result<Deployed, String> {
        deploy(
            &self.template,
            parameters,
            &choice.target(),
            &Choice::existing(),
        )
    }

    /// Those that could be made; the rule that all can is one of its own.
    pub(crate) fn deployed(&self) -> impl Iterator<Item = (&Choice, &Deployed)> {
        self.deployments()
            .filter_map(|(choice, result)| Some((choice, result.ok()?)))
    }

    /// A parameter's declaration.
    pub(crate) fn parameters(&self) -> &Map<String, Value> {
        self.template["parameters"].as_object().unwrap()
    }

    /// What is given for a parameter, or its default.
    pub(crate) fn value(&self, given: &Map<String, Value>, name: &str) -> Value {
        let default = || self.parameters().get(name)?.get("defaultValue");
        given
            .get(name)
            .or_else(default)
            .cloned()
            .unwrap_or_default()
    }
}

impl Files for Bundle {
    fn json(&mut self, name: &str) -> Option<&mut Value> {
        Some(match name {
            "template" => &mut self.template,
            "form" => &mut self.form,
            "trigger" => &mut self.trigger,
            "host" => &mut self.host,
            _ => return None,
        })
    }

    fn text(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "readme" => &mut self.readme,
            "guide" => &mut self.guide,
            "builder" => &mut self.builder,
            _ => return None,
        })
    }
}

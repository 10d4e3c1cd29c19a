//! What `deploy/logs-ingestion.json` makes: tables, and the rule that fills them.

use serde_json::{Value, json};
use template_check::evaluate::{self, Deployed, Known, Target};

/// The values of the parameter `cleanClicks`.
pub const CLEAN_CLICKS: [&str; 3] = ["Analytics", "Basic", "Drop"];

/// What is made where clean clicks go there.
pub fn with(clean_clicks: &str) -> Deployed {
    let text = include_str!("../../deploy/logs-ingestion.json");
    let template: Value = serde_json::from_str(text).unwrap();
    let given = json!({ "workspaceName": "workspace", "cleanClicks": clean_clicks });
    let target = Target::of_group("logs");
    evaluate::deploy(
        &template,
        given.as_object().unwrap(),
        &target,
        &Known::new(),
    )
    .unwrap()
}

/// The properties of the rule that is made.
pub fn rule(clean_clicks: &str) -> Value {
    let deployed = with(clean_clicks);
    let mut rules = deployed.of("Microsoft.Insights/dataCollectionRules");
    rules.next().unwrap().body["properties"].clone()
}

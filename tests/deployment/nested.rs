//! The templates of `deploy/` stand in `azuredeploy.json` word for word: the button deploys one file.

use std::fs::read_to_string;

use crate::follows;

/// The variable that names the nested deployment, and what it deploys.
const NESTED: [(&str, &str); 2] = [
    ("logsIngestionName", "deploy/logs-ingestion.json"),
    ("sentinelName", "deploy/sentinel.json"),
];

/// The deployment with `template` in place of the one nested under the name in `variable`.
fn with(deployment: &str, variable: &str, template: &str) -> String {
    let name = format!("\"name\": \"[variables('{variable}')]\",\n");
    let (before, after) = deployment.split_once(&name).unwrap();
    let key = "\"template\": ";
    let (head, old) = after.split_once(key).unwrap();
    let line = head.rsplit('\n').next().unwrap();
    let end = format!("\n{line}}}");
    let (_, rest) = old.split_once(&end).unwrap();
    let template = template.trim_end().replace('\n', &format!("\n{line}"));
    format!("{before}{name}{head}{key}{template}{rest}")
}

#[test]
fn the_one_file_of_the_button_holds_the_templates_of_deploy() {
    let file = "azuredeploy.json";
    let mut text = read_to_string(file).unwrap();
    for (variable, template) in NESTED {
        text = with(&text, variable, &read_to_string(template).unwrap());
    }
    follows::holds(file, &text);
}

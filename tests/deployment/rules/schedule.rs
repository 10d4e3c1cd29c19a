//! The schedule: one that the Functions host cannot read disables the function in silence.

use mimecast_ttp::settings::schedule;
use regex::Regex;
use template_check::look::Look;

use super::form::controls;
use crate::bundle::Bundle;

const PARAMETER: &str = "timerSchedule";

/// What the real timer extension made of expressions.
const GOLDEN: &str = include_str!("../../../crates/simulators/tests/data/ncrontab.tsv");

/// What people write.
const USUAL: [&str; 9] = [
    schedule::EXAMPLE,
    "0 0 * * * *",
    "*/30 * * * * *",
    "0 05 09 * * *",
    "0 30 9 * * Mon-Fri",
    "0 0 8,12,18 * * 1-5",
    "0 5-50/20 * * * *",
    "30 15 8-17/3 1,15 Jan,Jul *",
    "0 0 0 1 1 *",
];

/// Not all that the host takes: the form refuses time spans, five fields and names that are cut short.
pub(super) fn the_form_takes_only_what_the_host_calls_by(bundle: &Bundle) -> Vec<String> {
    let all = controls(&bundle.form);
    let field = all.iter().find(|control| control.name == PARAMETER);
    let pattern = field.map(|control| control.body["constraints"]["regex"].text());
    let Some(Ok(pattern)) = pattern.map(Regex::new) else {
        return vec![format!("{PARAMETER} needs a regex")];
    };
    let mut faults = Vec::new();
    for row in GOLDEN.lines().skip(1) {
        let expression = row.split('\t').next().unwrap_or_default();
        let expression = expression.replace("\\t", "\t").replace("\\n", "\n");
        let is_taken = pattern.is_match(&expression);
        if is_taken && row.split('\t').nth(1) != Some("yes") {
            faults.push(format!("the form takes {expression:?}, the host does not"));
        }
    }
    let refused = USUAL.iter().filter(|usual| !pattern.is_match(usual));
    faults.extend(refused.map(|usual| format!("the form refuses {usual}")));
    faults
}

/// A parameter has no pattern: the description stands for it.
pub(super) fn the_template_says_what_the_host_does_not_call_by(bundle: &Bundle) -> Vec<String> {
    let declared = &bundle.template["parameters"][PARAMETER];
    let mut faults = Vec::new();
    if !declared["metadata"]["description"]
        .text()
        .contains("the app never runs")
    {
        faults.push(format!(
            "{PARAMETER}: the description does not say that the app may never run"
        ));
    }
    if let Err(fault) = schedule::check(declared["defaultValue"].as_str()) {
        faults.push(format!("{PARAMETER}: the default is at fault: {fault}"));
    }
    faults
}

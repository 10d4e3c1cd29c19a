//! The form of the portal. Numbers in brackets are those of the checks of Azure's template test kit
//! (arm-ttk) that a rule stands for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    constraints::{fits, patterns},
    style, walk,
};
use template_check::{evaluate::is_secure, expression::Expression, look::Look};

use crate::{bundle::Bundle, choices::REFERABLE};

const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/0.1.2-preview/CreateUIDefinition.MultiVm.json#";

/// Passwords that are given to their owner, not made by him, and may be shorter than 12 characters.
const SHORT: [&str; 1] = ["mimecastPassword"];

/// Controls that nobody fills in.
pub(super) const SILENT: [&str; 4] = [
    "Microsoft.Common.InfoBox",
    "Microsoft.Common.Section",
    "Microsoft.Common.TextBlock",
    "Microsoft.Solutions.ArmApiControl",
];

/// A control of the form, and its step; none for the first page.
pub(super) struct Control<'a> {
    pub(super) step: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) of: &'a str,
    pub(super) body: &'a Value,
}

pub(super) fn controls(form: &Value) -> Vec<Control<'_>> {
    let parameters = &form["parameters"];
    let steps = parameters["steps"].items();
    let pages = steps.map(|step| (step["name"].as_str(), &step["elements"]));
    let pages = std::iter::once((None, &parameters["basics"])).chain(pages);
    pages
        .flat_map(|(step, list)| {
            let list = list.items();
            list.map(move |body| Control {
                step,
                name: body["name"].text(),
                of: body["type"].text(),
                body,
            })
        })
        .collect()
}

pub(super) fn outputs(form: &Value) -> impl Iterator<Item = (&String, &Value)> {
    form["parameters"]["outputs"].members()
}

/// The controls that bear the name of a parameter, with its declaration.
fn fields(bundle: &Bundle) -> impl Iterator<Item = (Control<'_>, &Value)> {
    let all = controls(&bundle.form).into_iter();
    all.filter_map(|control| {
        let declared = bundle.parameters().get(control.name)?;
        Some((control, declared))
    })
}

/// [17]
pub(super) fn it_is_a_form(bundle: &Bundle) -> Vec<String> {
    let form = &bundle.form;
    let mut faults = Vec::new();
    for (name, expected) in [
        ("$schema", SCHEMA),
        ("handler", "Microsoft.Azure.CreateUIDef"),
        ("version", "0.1.2-preview"),
    ] {
        if form[name] != expected {
            faults.push(format!("{name} is {}, not {expected}", form[name]));
        }
    }
    faults
}

/// [18]
pub(super) fn it_fills_every_parameter(bundle: &Bundle) -> Vec<String> {
    let filled: BTreeSet<_> = outputs(&bundle.form).map(|(name, _)| name).collect();
    let declared: BTreeSet<_> = bundle.parameters().keys().collect();
    let mut faults: Vec<_> = filled
        .symmetric_difference(&declared)
        .map(|name| format!("{name} is an output of the form or a parameter, not both"))
        .collect();
    if bundle.form["parameters"]["outputs"]["location"] != "[location()]" {
        faults.push("the output location is not [location()]".to_owned());
    }
    faults
}

/// [18], wherever a control is named.
pub(super) fn controls_that_are_named_exist(bundle: &Bundle) -> Vec<String> {
    let all = controls(&bundle.form);
    let exists = |step: Option<&str>, name: &str| {
        all.iter()
            .any(|control| control.step == step && control.name == name)
    };
    let mut faults = Vec::new();
    for (at, expression) in walk::expressions(&bundle.form) {
        each_control(&expression, &mut |step, name| {
            if !exists(step, name) {
                faults.push(format!(
                    "{at} names the control {name}, which is not in {step:?}"
                ));
            }
        });
    }
    faults
}

/// Calls `visit` with the step and name of each control in an expression.
fn each_control<'a>(expression: &'a Expression, visit: &mut dyn FnMut(Option<&'a str>, &'a str)) {
    match expression {
        Expression::Text(_) | Expression::Number(_) => {}
        Expression::Call(function, arguments) => match (function.as_str(), arguments.as_slice()) {
            ("basics", [Expression::Text(name)]) => visit(None, name),
            _ => arguments.iter().for_each(|each| each_control(each, visit)),
        },
        Expression::Member(of, name) => match of.as_ref() {
            Expression::Call(function, arguments) if function == "steps" => {
                if let [Expression::Text(step)] = arguments.as_slice() {
                    visit(Some(step), name);
                }
            }
            of => each_control(of, visit),
        },
        Expression::Index(of, _) => each_control(of, visit),
    }
}

/// [20]
pub(super) fn secrets_are_hidden(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (Control { name, of, body, .. }, declared) in fields(bundle) {
        let is_hidden = of == "Microsoft.Common.PasswordBox";
        if is_hidden != is_secure(declared) {
            faults.push(format!("{name} is a {of} for a {}", declared["type"]));
        }
        if is_hidden && body["options"]["hideConfirmation"] == true {
            faults.push(format!("{name} must be confirmed"));
        }
        let takes_short = fits(body, "12345678901");
        if is_hidden && takes_short && !SHORT.contains(&name) {
            faults.push(format!("{name} takes fewer than 12 characters"));
        }
        if is_hidden && body.get("defaultValue").is_some() {
            faults.push(format!("{name} has a default"));
        }
    }
    faults
}

/// [21]
pub(super) fn nothing_is_blank_in_it(bundle: &Bundle) -> Vec<String> {
    style::blanks(&bundle.form, "basics steps defaultValue")
}

/// What the form allows, the template allows, and the other way around; and both begin with the same.
pub(super) fn it_checks_as_the_template_does(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (Control { name, of, body, .. }, declared) in fields(bundle) {
        let constraints = &body["constraints"];
        let offered = constraints["allowedValues"]
            .items()
            .map(|each| each["value"].plain());
        let allowed = declared["allowedValues"].items().map(Look::plain);
        let truths = ["true", "false"].map(str::to_owned);
        let truths = truths.into_iter().filter(|_| declared["type"] == "bool");
        let offered: BTreeSet<_> = offered.collect();
        let allowed: BTreeSet<_> = allowed.chain(truths).collect();
        if offered != allowed {
            faults.push(format!(
                "{name} offers {offered:?}, the template allows {allowed:?}"
            ));
        }
        if of == "Microsoft.Common.Slider" {
            for (in_form, in_template) in [("min", "minValue"), ("max", "maxValue")] {
                if body[in_form] != declared[in_template] {
                    faults.push(format!(
                        "{name}: {in_form} is not the template's {in_template}"
                    ));
                }
            }
        }
        let default = chosen(body, &body["defaultValue"]);
        let is_left_open = body.get("defaultValue").is_none();
        let is_same = default.plain() == declared["defaultValue"].plain();
        if !is_left_open && !is_same {
            faults.push(format!("{name}: the form's default is not the template's"));
        }
        if declared.get("defaultValue").is_none() && constraints["required"] != true {
            faults.push(format!("{name} has no default, so it must be required"));
        }
        if let (Some(least), Some(most)) = (
            declared["minLength"].as_u64(),
            declared["maxLength"].as_u64(),
        ) {
            let guid = "00000000-0000-0000-0000-000000000000";
            let sample = |length: u64| {
                let is_guid = least == most && length == least;
                if is_guid {
                    guid.to_owned()
                } else {
                    "a".repeat(length.try_into().unwrap_or(0))
                }
            };
            for (length, is_so) in [
                (least - 1, false),
                (least, true),
                (most, true),
                (most + 1, false),
            ] {
                if fits(body, &sample(length)) != is_so {
                    faults.push(format!(
                        "{name} of {length} characters: form and template differ"
                    ));
                }
            }
        }
    }
    faults
}

/// The value behind a label.
pub(super) fn chosen(body: &Value, label: &Value) -> Value {
    let mut choices = body["constraints"]["allowedValues"].items();
    let choice = choices.find(|each| each["label"] == *label);
    choice.map_or(label, |choice| &choice["value"]).clone()
}

/// Wherever the template takes one.
pub(super) fn references_are_taken(bundle: &Bundle) -> Vec<String> {
    let samples = [
        "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/name)",
        "@Microsoft.KeyVault(VaultName=vault;SecretName=name)",
    ];
    let mut faults = Vec::new();
    for (name, value) in REFERABLE {
        let field = fields(bundle).find(|(control, _)| control.name == name);
        let fits = field.is_some_and(|(control, _)| {
            let mut texts = samples.iter().chain([&value]);
            texts.all(|text| fits(control.body, text))
        });
        if !fits {
            faults.push(format!("{name} takes no reference, or not {value}"));
        }
    }
    faults
}

/// A field that the user leaves alone passes. The default of a list is one of its labels.
pub(super) fn defaults_are_taken(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for Control { name, body, .. } in controls(&bundle.form) {
        let default = body.get("defaultValue");
        let mut offered = body["constraints"]["allowedValues"].items().peekable();
        if default.is_some()
            && offered.peek().is_some()
            && !offered.any(|each| each.get("label") == default)
        {
            faults.push(format!("{name} does not offer its own default {default:?}"));
        }
        if let Some(default) = body["defaultValue"].as_str()
            && !patterns(body).is_empty()
            && !fits(body, default)
        {
            faults.push(format!("{name} refuses its own default {default}"));
        }
    }
    faults
}

/// A label holds the value that it stands for, but for blanks, and of all values no longer one. Beside
/// a slider stands the unit in which its name ends.
pub(super) fn labels_say_what_they_choose(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for Control { name, body, .. } in controls(&bundle.form) {
        let unit = body["subLabel"].text();
        if !name.to_lowercase().ends_with(unit) {
            faults.push(format!("{name} is not in {unit}"));
        }
        let all = &body["constraints"]["allowedValues"];
        let values: Vec<_> = all.items().map(|each| each["value"].plain()).collect();
        for each in all.items() {
            let label = match each["label"].text() {
                "Yes" => "true".to_owned(),
                "No" => "false".to_owned(),
                label => label.replace(' ', ""),
            };
            let said = values.iter().filter(|value| label.contains(*value));
            if said.max_by_key(|value| value.len()) != Some(&each["value"].plain()) {
                faults.push(format!(
                    "{name}: {} is no label for {}",
                    each["label"], each["value"]
                ));
            }
        }
    }
    faults
}

/// The list of regions has those that offer what lies there: a type of each service, spelled as the
/// template does.
pub(super) fn regions_offer_what_lies_there(bundle: &Bundle) -> Vec<String> {
    let service = |of: &&str| of.split('/').next().unwrap_or_default().to_owned();
    let resources = bundle.template["resources"].items();
    let lies_there = |made: &&Value| made["location"] == "[parameters('location')]";
    let made: Vec<_> = resources
        .filter(lies_there)
        .map(|made| made["type"].text())
        .collect();
    let listed = bundle.form["parameters"]["config"]["basics"]["location"]["resourceTypes"].items();
    let listed: Vec<_> = listed.map(Look::text).collect();
    let unknown = listed.iter().filter(|of| !made.contains(of));
    let mut faults: Vec<_> = unknown
        .map(|of| format!("the template puts no {of} into the region"))
        .collect();
    let services = |types: &[&str]| types.iter().map(service).collect::<BTreeSet<_>>();
    let missing = &services(&made) - &services(&listed);
    faults.extend(
        missing
            .iter()
            .map(|service| format!("resourceTypes has nothing of {service}")),
    );
    faults
}

//! How the fields of the form check what is filled in. Numbers in brackets are those of the checks of Azure's template
//! test kit (arm-ttk) that a rule stands for.

use regex::Regex;
use serde_json::Value;
use template_check::look::Look;

use super::form::{Control, SILENT, controls};
use crate::bundle::Bundle;

/// The patterns that a field checks its text by.
pub(super) fn patterns(body: &Value) -> Vec<&str> {
    let constraints = &body["constraints"];
    let of_validations = constraints["validations"].items();
    let all = std::iter::once(constraints).chain(of_validations);
    all.filter_map(|each| each["regex"].as_str()).collect()
}

/// Whether a text passes all patterns of a field, of which there is one at least.
pub(super) fn fits(body: &Value, text: &str) -> bool {
    let patterns = patterns(body);
    let is_match = |pattern: &&str| Regex::new(pattern).is_ok_and(|it| it.is_match(text));
    !patterns.is_empty() && patterns.iter().all(is_match)
}

/// The published schema of the controls has two forms for a field: a pattern with its message, or a list of
/// validations, each by a pattern or by an expression; for a secret the first only.
pub(super) fn constraints_have_one_form(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for Control { name, of, body, .. } in controls(&bundle.form) {
        let constraints = &body["constraints"];
        let has = |member: &str| constraints.get(member).is_some();
        let is_listed = has("validations");
        if is_listed && (has("regex") || has("validationMessage")) {
            faults.push(format!("{name} is checked by a pattern and by validations"));
        }
        if is_listed && of != "Microsoft.Common.TextBox" {
            faults.push(format!("{name} is a {of}, which has no validations"));
        }
        for each in constraints["validations"].items() {
            if each.get("regex").is_some() == each.get("isValid").is_some() {
                faults.push(format!(
                    "{name}: a validation must have either a pattern or an expression"
                ));
            }
        }
    }
    faults
}

/// [19]
pub(super) fn texts_are_checked(bundle: &Bundle) -> Vec<String> {
    let length = Regex::new(r"\{\d+(,\d+)?\}").unwrap();
    let mut faults = Vec::new();
    for Control { name, of, body, .. } in controls(&bundle.form) {
        let constraints = &body["constraints"];
        if matches!(
            of,
            "Microsoft.Common.TextBox" | "Microsoft.Common.PasswordBox"
        ) {
            let patterns = patterns(body);
            let is_one = |it: &&str| Regex::new(it).is_ok() && length.is_match(it);
            if !patterns.iter().any(is_one) {
                faults.push(format!("{name} needs a regex with a length"));
            }
            let is_whole = |it: &&str| it.starts_with('^') && it.ends_with('$');
            if !patterns.iter().all(is_whole) {
                faults.push(format!("{name}: the regex must fit from ^ to $"));
            }
            let is_told = constraints["validationMessage"].as_str();
            let has_pattern = constraints.get("regex").is_some();
            if has_pattern && is_told.is_none_or(str::is_empty) {
                faults.push(format!("{name} needs a validationMessage"));
            }
        }
        if !SILENT.contains(&of) && body["toolTip"].as_str().is_none_or(str::is_empty) {
            faults.push(format!("{name} needs a toolTip"));
        }
        let validations = constraints["validations"].items();
        let silent = validations.filter(|each| each["message"].as_str().is_none_or(str::is_empty));
        faults.extend(silent.map(|_| format!("{name} has a validation without a message")));
    }
    faults
}

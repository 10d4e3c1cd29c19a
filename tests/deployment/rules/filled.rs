//! The form of the portal as somebody fills it in who wants what a choice says.

use serde_json::{Map, Value, json};

use super::{
    constraints,
    form::{Control, chosen, controls, outputs},
    order::labelled,
    settings,
};
use template_check::{
    expression::{Scope, parse},
    look::Look,
};

use crate::{
    bundle::Bundle,
    choices::{Api, Choice, Given},
};

/// A form that is filled in, in a region; fields by step and name.
#[derive(Clone)]
struct Filled {
    location: &'static str,
    fields: Map<String, Value>,
}

impl Scope for Filled {
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        match (name, arguments) {
            ("location", []) => Some(Ok(self.location.into())),
            ("basics", [Value::String(name)]) => Some(Ok(self.fields[""][name].clone())),
            ("steps", [Value::String(step)]) => Some(Ok(self.fields[step].clone())),
            _ => None,
        }
    }
}

impl Filled {
    fn evaluate(&self, value: &Value) -> Result<Value, String> {
        match value.as_str().map(parse).transpose()?.flatten() {
            Some(expression) => expression.evaluate(self),
            None => Ok(value.clone()),
        }
    }

    /// Whether a condition of the form holds; `otherwise` is the answer where it has none.
    fn is_so(&self, value: Option<&Value>, otherwise: bool) -> bool {
        value.map_or(otherwise, |value| self.evaluate(value) == Ok(true.into()))
    }

    fn field(&self, control: &Control<'_>) -> &Value {
        &self.fields[control.step.unwrap_or_default()][control.name]
    }

    fn set(&mut self, control: &Control<'_>, value: Value) {
        let page = self.fields.entry(control.step.unwrap_or_default());
        page.or_insert_with(|| json!({}))[control.name] = value;
    }

    /// The template's parameters.
    fn parameters(&self, form: &Value) -> Result<Map<String, Value>, String> {
        outputs(form)
            .map(|(name, value)| Ok((name.clone(), self.evaluate(value)?)))
            .collect()
    }
}

/// Fills in the form, with nothing in the fields that are hidden.
fn fill(form: &Value, choice: &Choice) -> Filled {
    let wanted = choice.parameters();
    let mut filled = Filled {
        location: choice.location(),
        fields: Map::new(),
    };
    for control in controls(form) {
        let Control { name, body, .. } = control;
        let value = match (name, wanted.get(name)) {
            ("api", _) if choice.api == Api::V1 => "1.0".into(),
            ("api", _) => "2.0".into(),
            ("workspace", _) => picked(&body["resourceType"]),
            // Buttons give texts.
            (_, Some(Value::Bool(value))) => value.to_string().into(),
            (_, Some(value)) => value.clone(),
            _ => chosen(body, &body["defaultValue"]),
        };
        filled.set(&control, value);
    }
    // Fields show by what others say, so all must be filled in before.
    for control in controls(form) {
        if !filled.is_so(control.body.get("visible"), true) {
            filled.set(&control, Value::Null);
        }
    }
    filled
}

/// What a picker of resources gives: of the wrong type none that serves.
fn picked(of: &Value) -> Value {
    let id = Choice::workspace();
    json!({ "id": id.replace("Microsoft.OperationalInsights/workspaces", of.text()) })
}

/// Fills in the form for each choice, and says what is wrong.
fn in_each(bundle: &Bundle, check: impl Fn(&Choice, &Filled, &mut Vec<String>)) -> Vec<String> {
    // The form does not know in which cloud it is shown.
    let faults = bundle.in_public().filter_map(|choice| {
        let mut faults = Vec::new();
        check(choice, &fill(&bundle.form, choice), &mut faults);
        labelled(choice, &faults)
    });
    faults.take(bundle.enough).flatten().collect()
}

/// The form's outputs are the template's parameters: type and all, up to the program.
pub(super) fn what_it_gives_can_be_deployed(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, filled, faults| {
        let given = filled.parameters(&bundle.form);
        let read = given.and_then(|given| settings::read_all(bundle, choice, &given));
        faults.extend(read.err());
    })
}

/// Each parameter gets what its own field says, or its default where that was left alone.
pub(super) fn it_gives_what_was_filled_in(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, filled, faults| {
        let mut wanted = choice.parameters();
        wanted.insert("location".to_owned(), choice.location().into());
        // What fails is another rule's.
        for (name, value) in filled.parameters(&bundle.form).unwrap_or_default() {
            let expected = bundle.value(&wanted, &name);
            if value != expected {
                faults.push(format!("{name} gets {value}, not {expected}"));
            }
        }
    })
}

/// Whether all validations of a field that is shown take what is in it.
fn is_valid(control: &Control<'_>, filled: &Filled) -> bool {
    let constraints = &control.body["constraints"];
    let value = filled.field(control);
    let has_patterns = !constraints::patterns(control.body).is_empty();
    let fits =
        |text: &str| text.is_empty() || !has_patterns || constraints::fits(control.body, text);
    let mut offered = constraints["allowedValues"].items().peekable();
    let is_offered = value.is_null()
        || offered.peek().is_none()
        || offered.any(|each| each["value"].plain() == value.plain());
    let validations = constraints["validations"].items();
    let mut validations = validations.filter(|each| each.get("regex").is_none());
    is_offered
        && value.as_str().is_none_or(fits)
        && validations.all(|each| filled.is_so(each.get("isValid"), false))
}

/// The choice's own values; but not an address of the other API.
pub(super) fn good_is_told_from_bad(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, filled, faults| {
        let other = match choice.api {
            Api::V1 => Api::V2,
            Api::V2 => Api::V1,
        };
        for control in controls(&bundle.form) {
            let Control { name, .. } = control;
            if !is_valid(&control, filled) {
                faults.push(format!("{name} refuses {}", filled.field(&control)));
            }
            if name == "mimecastBaseURL" {
                let mut bad = filled.clone();
                bad.set(&control, other.base_url().into());
                if is_valid(&control, &bad) {
                    faults.push(format!("{name} takes {}", bad.field(&control)));
                }
            }
        }
    })
}

/// Exactly those without which there is no deployment, or another value is lost. A list or a slider
/// that begins with a default cannot be emptied, so whether it must be filled in is all the same.
pub(super) fn what_is_needed_is_required(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, filled, faults| {
        for control in controls(&bundle.form) {
            let Control { name, body, .. } = control;
            let is_field = body.get("constraints").is_some();
            if !is_field || !filled.is_so(body.get("visible"), true) {
                continue;
            }
            let is_required = filled.is_so(body["constraints"].get("required"), false);
            let has_default = body.get("defaultValue").is_some();
            if is_required && has_default {
                continue;
            }
            let mut emptied = filled.clone();
            emptied.set(&control, Value::Null);
            let given = emptied.parameters(&bundle.form);
            let read = given.and_then(|given| settings::read_all(bundle, choice, &given));
            if is_required != read.is_err() {
                faults.push(format!(
                    "{name} is required: {is_required}; without it: {read:?}"
                ));
            }
        }
    })
}

/// Where it is not, its value is not used either. What is said about a field shows with it.
pub(super) fn a_field_shows_where_it_counts(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    let all = Choice::all().into_iter();
    for choice in all.filter(|choice| choice.given == Given::Plain) {
        let (filled, wanted) = (fill(&bundle.form, &choice), choice.parameters());
        // From below, since a word stands above its field.
        let mut is_next_shown = true;
        for Control { name, of, body, .. } in controls(&bundle.form).into_iter().rev() {
            let is_shown = filled.is_so(body.get("visible"), true);
            let is_needed = match of {
                "Microsoft.Common.InfoBox" => is_next_shown,
                _ => !bundle.parameters().contains_key(name) || wanted.contains_key(name),
            };
            if is_shown != is_needed {
                let label = choice.label();
                faults.push(format!("{label}: {name} shows: {is_shown}"));
            }
            is_next_shown = is_shown;
        }
    }
    faults
}

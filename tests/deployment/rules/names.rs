//! What things are called.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use serde_json::{Map, Value};

use super::{order::in_each, shapes::SHAPES, walk};
use crate::{
    bundle::Bundle,
    choices::{APP, Choice},
    evaluate::Deployed,
    look::Look,
};

/// What the last part of a name looks like, by type and version, and how long it may be.
static NAMES: LazyLock<BTreeMap<&str, (Regex, u64)>> = LazyLock::new(|| {
    let shapes = SHAPES.members();
    let names = shapes.map(|(kind, shape)| {
        let pattern = Regex::new(shape["$name"].text()).unwrap();
        (
            kind.as_str(),
            (pattern, shape["$longest"].as_u64().unwrap_or(260)),
        )
    });
    names.collect()
});

fn check(deployed: &Deployed, faults: &mut Vec<String>) {
    for resource in &deployed.resources {
        let name = resource.name.rsplit('/').next().unwrap_or_default();
        // A type without a shape is another rule's.
        if let Some((pattern, longest)) = NAMES.get(resource.kind().as_str())
            && (!pattern.is_match(name) || name.len() as u64 > *longest)
        {
            faults.push(format!("{} may not be called {name}", resource.of));
        }
    }
}

/// The parameters of a choice with another name of the app.
fn called(choice: &Choice, name: &str) -> Map<String, Value> {
    let mut parameters = choice.parameters();
    parameters.insert("appName".to_owned(), name.into());
    parameters
}

/// For the shortest and the longest name of an app, too, and one in capitals.
pub(super) fn names_fit_azure(bundle: &Bundle) -> Vec<String> {
    let mut faults = in_each(bundle, |_, deployed, faults| check(deployed, faults));
    let samples = ["ttp", "abcdefghijklmnopqrstuvwx", "MimecastTTP01"];
    let tries = bundle
        .in_public()
        .flat_map(|choice| samples.map(|name| (choice, name)));
    for (choice, name) in tries {
        match bundle.deploy(choice, &called(choice, name)) {
            Ok(deployed) => check(&deployed, &mut faults),
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    faults
}

/// Else a second deployment makes everything once more. The storage account bears the app's name,
/// under which users look for the checkpoints.
pub(super) fn names_stay_from_one_deployment_to_the_next(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, expression) in walk::expressions(&bundle.template) {
        expression.each_call(&mut |function, _| {
            if matches!(function, "newGuid" | "utcNow") {
                faults.push(format!("{at}: {function}() is another at each deployment"));
            }
        });
    }
    faults.extend(in_each(bundle, |_, deployed, faults| {
        for of in ["Microsoft.Storage/storageAccounts", "Microsoft.Web/sites"] {
            let names: Vec<_> = deployed.of(of).map(|made| made.name.as_str()).collect();
            if names != [APP] {
                faults.push(format!("{of} must bear the app's name: {names:?}"));
            }
        }
    }));
    faults
}

//! What things are called, and where they lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::{Map, Value};

use super::{order::in_each, shapes::SHAPES, walk};
use template_check::{
    clouds::CLOUDS,
    evaluate::{Deployed, Resource},
    look::Look,
};

use crate::{
    bundle::Bundle,
    choices::{APP, Choice, WORKSPACE_LOCATION},
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

/// For the shortest and the longest name of an app, too, one in capitals, and those that are no name of a storage
/// account or a vault.
pub(super) fn names_fit_azure(bundle: &Bundle) -> Vec<String> {
    let mut faults = in_each(bundle, |_, deployed, faults| check(deployed, faults));
    let samples = [
        "ttp",
        "abcdefghijklmnopqrstuvwx",
        "MimecastTTP01",
        "01mimettp",
        "mime-ttp-01",
        "1-2",
        "a--b",
    ];
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

/// What there is one of for each app.
const ONE_FOR_EACH: [&str; 3] = [
    "Microsoft.Insights/components",
    "Microsoft.Web/serverfarms",
    "Microsoft.Web/sites",
];

/// What may not be called as the app is, but must be another for each app.
const ANOTHER_FOR_EACH: [&str; 3] = [
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Insights/dataCollectionRules",
];

/// Else a second deployment makes everything once more. What bears the app's name is found by it, as
/// the checkpoints are, and is not shared with another app.
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
        for of in ONE_FOR_EACH {
            let names: Vec<_> = deployed.of(of).map(|made| made.name.as_str()).collect();
            if names != [APP] {
                faults.push(format!("{of} must bear the app's name: {names:?}"));
            }
        }
    }));
    // Two names with the same letters and digits.
    for choice in bundle.in_public() {
        let deployed =
            ["mime-ttp", "mimettp"].map(|name| bundle.deploy(choice, &called(choice, name)));
        let [Ok(one), Ok(other)] = deployed else {
            faults.push(format!("{}: does not deploy", choice.label()));
            continue;
        };
        for of in ANOTHER_FOR_EACH {
            let shared = |made: &&Resource| other.of(of).any(|other| other.name == made.name);
            let shared = one.of(of).filter(shared);
            faults.extend(shared.map(|made| format!("{} is that of two apps", made.id)));
        }
    }
    faults
}

/// The regions of what does not lie in that of the app.
fn location(bundle: &Bundle, choice: &Choice, of: &str) -> Value {
    match of {
        "Microsoft.Insights/components" => {
            bundle.value(&choice.parameters(), "appInsightsLocation")
        }
        // Beside the workspace: a rule must be, and the workbooks are part of it.
        "Microsoft.Insights/dataCollectionRules"
        | "Microsoft.Insights/dataCollectionEndpoints"
        | "Microsoft.Insights/workbooks" => WORKSPACE_LOCATION.into(),
        // They have no region.
        "Microsoft.Network/privateDnsZones"
        | "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
        | "Microsoft.Insights/privateLinkScopes" => "global".into(),
        _ => choice.location().into(),
    }
}

pub(super) fn everything_lies_where_it_was_chosen(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        for resource in &deployed.resources {
            let Some(found) = resource.body.get("location") else {
                continue;
            };
            let expected = location(bundle, choice, &resource.of);
            if *found != expected {
                faults.push(format!("{} lies in {found}, not {expected}", resource.id));
            }
        }
    })
}

/// A role that is named as another changes that one, which is refused. Such names count in all of the
/// tenant, so those of a second app must be others.
pub(super) fn no_two_roles_have_one_name(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let second = choice.assigns_roles && choice.cloud.name == CLOUDS[0].name;
        let second = second.then(|| bundle.deploy(choice, &called(choice, "second")));
        let second = second.and_then(Result::ok);
        let mut names = BTreeSet::new();
        for made in [Some(deployed), second.as_ref()].into_iter().flatten() {
            for role in made.of("Microsoft.Authorization/roleAssignments") {
                if !names.insert(role.name.clone()) {
                    faults.push(format!("{} is not the only one of its name", role.id));
                }
            }
        }
    })
}

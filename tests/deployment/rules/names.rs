//! What things are called.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::{order::in_each, walk};
use crate::{
    bundle::Bundle,
    choices::{APP, Choice},
    evaluate::Deployed,
};

const GUID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";

/// What the last part of a name looks like, by type, and how long it may be. Where Azure does not say,
/// the narrower reading.
const NAMES: [(&str, &str, usize); 20] = [
    ("Microsoft.Storage/storageAccounts", "^[a-z0-9]{3,}$", 24),
    (
        "Microsoft.Storage/storageAccounts/blobServices",
        "^default$",
        7,
    ),
    (
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "^[a-z0-9](-?[a-z0-9]){2,}$",
        63,
    ),
    (
        "Microsoft.KeyVault/vaults",
        "^[a-zA-Z](-?[a-zA-Z0-9]){2,}$",
        24,
    ),
    ("Microsoft.KeyVault/vaults/secrets", "^[a-zA-Z0-9-]+$", 127),
    (
        "Microsoft.KeyVault/vaults/accessPolicies",
        "^(add|remove|replace)$",
        7,
    ),
    ("Microsoft.Insights/components", r"^[\w().-]*[\w()-]$", 260),
    (
        "Microsoft.Insights/dataCollectionRules",
        "^[a-zA-Z](-?[a-zA-Z0-9]){2,}$",
        30,
    ),
    ("Microsoft.Web/serverfarms", "^[a-zA-Z0-9-]+$", 40),
    // Apps with the same first 32 characters and one storage account take each other for one.
    (
        "Microsoft.Web/sites",
        "^[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]$",
        32,
    ),
    ("Microsoft.Web/sites/config", "^appsettings$", 11),
    ("Microsoft.Web/sites/extensions", "^onedeploy$", 9),
    (
        "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
        "^(ftp|scm)$",
        3,
    ),
    (
        "Microsoft.OperationalInsights/workspaces/tables",
        "^[a-zA-Z][a-zA-Z0-9_]{3,}_CL$",
        45,
    ),
    ("Microsoft.Authorization/roleAssignments", GUID, 36),
    ("Microsoft.Resources/deployments", r"^[\w.()-]+$", 64),
    (
        "Microsoft.OperationalInsights/workspaces/savedSearches",
        r"^[\w-]+$",
        100,
    ),
    ("Microsoft.SecurityInsights/alertRules", GUID, 36),
    ("Microsoft.Insights/workbooks", GUID, 36),
    (
        "Microsoft.SecurityInsights/dataConnectorDefinitions",
        r"^[A-Za-z]\w*$",
        30,
    ),
];

static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    NAMES
        .iter()
        .map(|(_, pattern, _)| Regex::new(pattern).unwrap())
        .collect()
});

fn check(deployed: &Deployed, faults: &mut Vec<String>) {
    for resource in &deployed.resources {
        let mut known = NAMES.iter().zip(PATTERNS.iter());
        let Some(((_, _, longest), pattern)) = known.find(|((of, ..), _)| *of == resource.of)
        else {
            faults.push(format!("no rule says how a {} may be called", resource.of));
            continue;
        };
        let name = resource.name.rsplit('/').next().unwrap_or_default();
        if !pattern.is_match(name) || name.len() > *longest {
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
    for (choice, name) in Choice::all()
        .iter()
        .flat_map(|choice| samples.map(|name| (choice, name)))
    {
        // One cloud will do.
        if choice.cloud.name != "AzureCloud" {
            break;
        }
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

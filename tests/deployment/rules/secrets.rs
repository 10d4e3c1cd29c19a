//! Where secrets go.

use serde_json::json;

use super::{order::in_each, roles, walk};
use template_check::{
    evaluate::{Deployed, NESTED, REFERENCE, Resource, is_secure},
    look::Look,
};

use crate::{bundle::Bundle, choices::Given, platform};

/// Settings that hold the key of the storage account where the app has no role on it.
const STORAGE_KEYS: [&str; 2] = [
    "AzureWebJobsStorage",
    "DEPLOYMENT_STORAGE_CONNECTION_STRING",
];

/// Whether a secret may stand at a place inside of a resource.
fn is_allowed(resource: &Resource, at: &str, assigns_roles: bool) -> bool {
    match resource.of.as_str() {
        "Microsoft.KeyVault/vaults/secrets" => at == ".properties.value",
        "Microsoft.Web/sites" => {
            at.starts_with(".properties.siteConfig.appSettings[") && !assigns_roles
        }
        "Microsoft.Web/sites/config" => {
            let name = at.trim_start_matches(".properties.");
            STORAGE_KEYS.contains(&name) && !assigns_roles
        }
        NESTED => {
            let name = at.trim_start_matches(".properties.parameters.");
            let name = name.split('.').next().unwrap_or_default();
            is_secure(&resource.body["properties"]["template"]["parameters"][name])
        }
        _ => false,
    }
}

/// Into the vault, into secure parameters of nested deployments, and, where the app works by keys, the
/// storage account's into the settings that need it. Not into outputs.
pub(super) fn secrets_go_where_they_belong(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        for resource in &deployed.resources {
            for (at, text) in walk::texts(&resource.body) {
                if deployed.has_secret(text) && !is_allowed(resource, &at, choice.assigns_roles) {
                    faults.push(format!("{}{at} shows a secret", resource.id));
                }
            }
        }
        for (name, output) in &deployed.outputs {
            if deployed.has_secret(&output["value"].to_string()) {
                faults.push(format!("the output {name} shows a secret"));
            }
        }
    })
}

/// A reference is used as it is: stored as a secret it would be no more than its own text. And an
/// empty value must not overwrite a secret.
pub(super) fn references_are_passed_through(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        for secret in deployed.of("Microsoft.KeyVault/vaults/secrets") {
            let value = secret.body["properties"]["value"].text();
            if value.is_empty() || value.starts_with(REFERENCE) {
                faults.push(format!("the secret {} would be `{value}`", secret.name));
            }
        }
        if choice.given == Given::References {
            let settings = platform::app_settings(deployed);
            for (name, _) in choice.values() {
                let reference = choice.reference(name);
                if !settings.values().any(|value| *value == reference) {
                    faults.push(format!("no setting has the reference given for {name}"));
                }
            }
        }
    })
}

/// Each secret that a setting refers to is there, enabled, and may be read, before the setting is made: what
/// could not be read at once is not tried again for a day.
pub(super) fn what_is_referred_to_can_be_read(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let theirs = choice.theirs();
        for config in platform::settings_resources(deployed) {
            for (name, value) in platform::app_settings(deployed) {
                if !value.starts_with(REFERENCE) || theirs.contains_key(&value) {
                    continue;
                }
                match platform::referred(deployed, &value) {
                    None => faults.push(format!("{name} refers to nothing: {value}")),
                    Some(secret) if !config.waits_for.contains(&secret.id) => {
                        faults.push(format!("{name} is set before the secret {}", secret.name));
                    }
                    Some(secret) => {
                        let attributes = &secret.body["properties"]["attributes"];
                        if !attributes.is_null() && *attributes != json!({ "enabled": true }) {
                            faults.push(format!("{name} refers to a secret that is {attributes}"));
                        }
                    }
                }
            }
            if !grant(deployed).is_some_and(|grant| config.waits_for.contains(&grant.id)) {
                faults.push("settings are made before the app may read the vault".to_owned());
            }
        }
    })
}

/// What lets the app read the vault: a role, or a policy.
fn grant(deployed: &Deployed) -> Option<&Resource> {
    let app = roles::identity(deployed);
    let by_policy = deployed
        .of("Microsoft.KeyVault/vaults/accessPolicies")
        .next();
    let on_vault = |role: &&Resource| {
        role.id.contains("/Microsoft.KeyVault/") && role.body["properties"]["principalId"] == *app
    };
    let by_role = deployed
        .of("Microsoft.Authorization/roleAssignments")
        .find(on_vault);
    by_role.or(by_policy)
}

//! What the platform does with the settings of an app before it starts.

use std::collections::BTreeMap;

use serde_json::Value;
use template_check::{
    evaluate::{Deployed, REFERENCE, Resource},
    look::Look,
};

/// The container of checkpoints.
pub(crate) const CHECKPOINTS: &str = "ttp-checkpoints";
/// The container of the deployed package.
pub(crate) const PACKAGE: &str = "app-package";

/// The settings that an app is made with.
pub(crate) fn first_settings(deployed: &Deployed) -> BTreeMap<String, String> {
    let sites = deployed.of("Microsoft.Web/sites");
    let all = sites.flat_map(|site| site.body["properties"]["siteConfig"]["appSettings"].items());
    all.map(|setting| (setting["name"].plain(), setting["value"].plain()))
        .collect()
}

/// The settings of an app by name, before references are resolved.
pub(crate) fn app_settings(deployed: &Deployed) -> BTreeMap<String, String> {
    let mut settings = first_settings(deployed);
    for config in settings_resources(deployed) {
        // It replaces them all.
        let members = config.body["properties"].members();
        settings = members
            .map(|(name, value)| (name.clone(), value.plain()))
            .collect();
    }
    settings
}

/// What sets all settings at once.
pub(crate) fn settings_resources(deployed: &Deployed) -> impl Iterator<Item = &Resource> {
    let configs = deployed.of("Microsoft.Web/sites/config");
    configs.filter(|config| config.name.ends_with("/appsettings"))
}

/// The secret in the deployment's own vault that a setting refers to.
pub(crate) fn referred<'a>(deployed: &'a Deployed, value: &str) -> Option<&'a Resource> {
    let inner = value.strip_prefix(REFERENCE)?.strip_suffix(')')?;
    let wanted = |secret: &&Resource| {
        let (vault, name) = secret.name.split_once('/').unwrap_or_default();
        let uri = secret.full["properties"]["secretUri"].text();
        inner == format!("VaultName={vault};SecretName={name}")
            || inner == format!("SecretUri={uri}")
            || inner == format!("SecretUri={uri}/")
    };
    deployed
        .of("Microsoft.KeyVault/vaults/secrets")
        .find(wanted)
}

/// The settings as the program finds them, where `theirs` is what other vaults hold. A reference that
/// leads nowhere stays as it is.
pub(crate) fn environment(
    deployed: &Deployed,
    theirs: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut settings = app_settings(deployed);
    for value in settings
        .values_mut()
        .filter(|value| value.starts_with(REFERENCE))
    {
        let secret = referred(deployed, value).map(|secret| &secret.body["properties"]["value"]);
        let resolved = secret
            .and_then(Value::as_str)
            .or(theirs.get(value).map(String::as_str));
        if let Some(resolved) = resolved {
            *value = resolved.to_owned();
        }
    }
    settings
}

/// The storage account that has a container.
pub(crate) fn account_with<'a>(deployed: &'a Deployed, container: &str) -> Option<&'a Resource> {
    let container = container_of(deployed, container)?;
    let (account, _) = container.name.split_once('/')?;
    let mut accounts = deployed.of("Microsoft.Storage/storageAccounts");
    accounts.find(|made| made.name == account)
}

/// A container, in whatever account.
pub(crate) fn container_of<'a>(deployed: &'a Deployed, name: &str) -> Option<&'a Resource> {
    let mut all = deployed.of("Microsoft.Storage/storageAccounts/blobServices/containers");
    all.find(|made| made.name.ends_with(&format!("/{name}")))
}

//! What the Functions host needs, which is another thing on each plan.

use std::collections::BTreeMap;

use serde_json::json;

use super::{expect::expect, order::in_each, roles};
use template_check::{
    evaluate::{Deployed, keys},
    look::Look,
};

use crate::{
    bundle::Bundle,
    choices::{Choice, Network},
    platform,
};

const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const COMPONENT: &str = "Microsoft.Insights/components";
const VAULT: &str = "Microsoft.KeyVault/vaults";
const PLAN: &str = "Microsoft.Web/serverfarms";
const SITE: &str = "Microsoft.Web/sites";

/// Members of a site and of its `siteConfig` that Flex Consumption refuses: with error 51021 in some
/// regions, silently not in others.
const NOT_ON_FLEX: &str = "containerSize isXenon reserved alwaysOn ftpsState functionAppScaleLimit \
    functionsRuntimeScaleMonitoringEnabled javaVersion linuxFxVersion netFrameworkVersion \
    powerShellVersion preWarmedInstanceCount use32BitWorkerProcess windowsFxVersion";

/// Settings that an app is made with, since it cannot be made without; the others come later.
const AT_FIRST: [&str; 3] = [
    "DEPLOYMENT_STORAGE_CONNECTION_STRING",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
];

/// What the host reads, each with its value; none for what it must not find.
pub(super) fn host_settings(
    bundle: &Bundle,
    choice: &Choice,
    deployed: &Deployed,
) -> BTreeMap<&'static str, Option<String>> {
    let first = |of| deployed.of(of).next();
    let blobs = || {
        let account = platform::account_with(deployed, platform::CHECKPOINTS)?;
        Some(account.full["properties"]["primaryEndpoints"]["blob"].plain())
    };
    let with_key = |container| {
        let account = platform::account_with(deployed, container)?;
        let (keys, _) = keys(&account.id, &account.full).ok()?;
        let (key, suffix) = (keys["keys"][0]["value"].text(), choice.cloud.storage);
        let name = &account.name;
        Some(format!(
            "DefaultEndpointsProtocol=https;AccountName={name};AccountKey={key};EndpointSuffix={suffix}"
        ))
    };
    let client = || Some(roles::program(deployed)?.full["properties"]["clientId"].plain());
    let by_client = || Some(format!("ClientId={};Authorization=AAD", client()?));
    let telemetry = || Some(first(COMPONENT)?.full["properties"]["ConnectionString"].plain());
    let package = || Some(bundle.value(&choice.parameters(), "packageUri").plain());
    let text = |text: &str| Some(text.to_owned());
    let (roles, flex) = (choice.assigns_roles, choice.is_flex);
    let when = |is_so: bool, value: Option<String>| value.filter(|_| is_so);
    BTreeMap::from([
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", telemetry()),
        (
            "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
            when(roles, by_client()),
        ),
        (
            "AzureWebJobsStorage",
            when(!roles, with_key(platform::CHECKPOINTS)),
        ),
        (
            "AzureWebJobsStorage__credential",
            when(roles, text("managedidentity")),
        ),
        ("AzureWebJobsStorage__clientId", when(roles, client())),
        ("AzureWebJobsStorage__blobServiceUri", when(roles, blobs())),
        // It has no role on tables, where it would note its diagnostic events.
        (
            "AzureWebJobsFeatureFlags",
            when(roles, text("DisableDiagnosticEventLogging")),
        ),
        (
            "DEPLOYMENT_STORAGE_CONNECTION_STRING",
            when(flex && !roles, with_key(platform::PACKAGE)),
        ),
        ("FUNCTIONS_EXTENSION_VERSION", when(!flex, text("~4"))),
        ("FUNCTIONS_WORKER_RUNTIME", when(!flex, text("custom"))),
        ("WEBSITE_RUN_FROM_PACKAGE", when(!flex, package())),
    ])
}

/// By roles or by keys, and on Flex Consumption only what that does not refuse.
pub(super) fn the_host_has_its_settings(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let settings = platform::app_settings(deployed);
        let at_first = platform::first_settings(deployed);
        for (name, value) in host_settings(bundle, choice, deployed) {
            let first = value.as_ref().filter(|_| AT_FIRST.contains(&name));
            for (found, value) in [(&settings, value.as_ref()), (&at_first, first)] {
                let found = found.get(name);
                if found != value {
                    faults.push(format!("{name} is {found:?}, not {value:?}"));
                }
            }
        }
        if at_first
            .keys()
            .any(|name| !AT_FIRST.contains(&name.as_str()))
        {
            faults.push(format!("the app is made with {:?}", at_first.keys()));
        }
    })
}

pub(super) fn each_plan_gets_what_it_needs(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let given = choice.parameters();
        let package = bundle.value(&given, "packageUri");
        let packages: Vec<_> = deployed
            .of("Microsoft.Web/sites/extensions")
            .map(|made| &made.body["properties"])
            .collect();
        // That of the checkpoints, and one for the package where it is copied.
        let containers = "Microsoft.Storage/storageAccounts/blobServices/containers";
        let containers = deployed.of(containers).count();
        if containers != 1 + usize::from(choice.is_flex) {
            faults.push(format!("{containers} containers"));
        }
        let site = deployed.of(SITE).next();
        let config = site.map(|site| &site.body["properties"]["functionAppConfig"]);
        let memory = config.map(|config| &config["scaleAndConcurrency"]["instanceMemoryMB"]);
        let plan = deployed.of(PLAN).next();
        let tier = plan.and_then(|plan| plan.body["sku"]["tier"].as_str());
        let linux = plan.is_some_and(|plan| plan.body["properties"]["reserved"] == true);
        if !linux {
            faults.push("the plan is not reserved, so it is not Linux".to_owned());
        }
        let is_right = if choice.is_flex {
            // It is built already.
            let package = json!({ "packageUri": package, "remoteBuild": false });
            tier == Some("FlexConsumption")
                && memory == Some(&bundle.value(&given, "instanceMemoryMB"))
                && packages == [&package]
        } else {
            tier == Some("Dynamic")
                && config.is_some_and(|config| !config.is_object())
                && packages.is_empty()
        };
        if !is_right {
            faults.push(format!(
                "not what the plan needs: {tier:?}, {config:?}, {packages:?}"
            ));
        }
    })
}

/// Storage in one place, a vault without hardware, and no more instances than the least that can be.
pub(super) fn nothing_costs_more_than_it_must(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        for account in deployed.of(STORAGE) {
            let sku = &account.body["sku"]["name"];
            if sku != "Standard_LRS" {
                faults.push(format!("storage is {sku}"));
            }
        }
        let vault = json!({ "sku": { "name": "standard" } });
        expect(deployed, VAULT, &vault, faults);
        let scale = json!({ "maximumInstanceCount": [null, 40] });
        let site = json!({ "functionAppConfig": { "scaleAndConcurrency": scale } });
        expect(deployed, SITE, &site, faults);
    })
}

pub(super) fn no_plan_is_told_what_it_refuses(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        // Zones are not in every region, and this kind of storage has none.
        let plan = json!({ "zoneRedundant": [null, false] });
        expect(deployed, PLAN, &plan, faults);
        // On a consumption plan no app is.
        let site = json!({ "siteConfig": { "alwaysOn": [null, false] } });
        expect(deployed, SITE, &site, faults);
        for site in deployed.of(SITE).filter(|_| choice.is_flex) {
            let properties = &site.body["properties"];
            let said = properties
                .members()
                .chain(properties["siteConfig"].members());
            let refused = said.filter(|(name, value)| {
                let mut all = NOT_ON_FLEX.split_whitespace();
                !value.is_null() && all.any(|refused| refused.eq_ignore_ascii_case(name))
            });
            faults.extend(refused.map(|(name, _)| format!("Flex Consumption refuses {name}")));
        }
    })
}

/// An app without a network of its own comes from anywhere. Those who look at the app and its telemetry always do.
pub(super) fn everything_can_be_reached(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let open = json!([null, "Enabled"]);
        let guarded = if choice.is_private() {
            json!({
                "publicNetworkAccess": "Disabled",
                "networkAcls": { "bypass": "None", "defaultAction": "Deny" }
            })
        } else {
            json!({
                "publicNetworkAccess": open,
                "networkAcls": {
                    "bypass": [null, "AzureServices"],
                    "defaultAction": [null, "Allow"]
                }
            })
        };
        expect(deployed, STORAGE, &guarded, faults);
        expect(deployed, VAULT, &guarded, faults);
        let site = json!({ "publicNetworkAccess": open, "enabled": [null, true] });
        expect(deployed, SITE, &site, faults);
        let ingestion = if choice.network == Network::PrivateLink {
            json!("Disabled")
        } else {
            open.clone()
        };
        let component = json!({
            "publicNetworkAccessForIngestion": ingestion,
            "publicNetworkAccessForQuery": open
        });
        expect(deployed, COMPONENT, &component, faults);
    })
}

/// And not at each start of the host, of which there are many.
pub(super) fn the_timer_runs_by_its_schedule_alone(bundle: &Bundle) -> Vec<String> {
    let timer = json!([{
        "name": "timer", "type": "timerTrigger", "direction": "in", "schedule": "%timer_schedule%"
    }]);
    let found = &bundle.trigger["bindings"];
    if *found == timer {
        return Vec::new();
    }
    vec![format!("the timer is {found}, not {timer}")]
}

/// On Flex Consumption, in a container that is there before the app, by a key or an identity that
/// opens it.
pub(super) fn the_package_can_be_stored(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let Some(site) = deployed
            .of("Microsoft.Web/sites")
            .next()
            .filter(|_| choice.is_flex)
        else {
            return;
        };
        let storage = &site.body["properties"]["functionAppConfig"]["deployment"]["storage"];
        let address = storage["value"].text();
        let containers = "Microsoft.Storage/storageAccounts/blobServices/containers";
        let container = deployed.of(containers).find(|container| {
            let (account, name) = container.name.split_once("/default/").unwrap_or_default();
            address == format!("https://{account}.blob.{}/{name}", choice.cloud.storage)
        });
        if !container.is_some_and(|container| site.waits_for.contains(&container.id)) {
            faults.push(format!("the app must depend on the container {address}"));
        }
        let given = &storage["authentication"];
        let named = given["storageAccountConnectionStringName"].text();
        let is_right = if choice.assigns_roles {
            let identity = &given["userAssignedIdentityResourceId"];
            given["type"] == "UserAssignedIdentity"
                && roles::packager(deployed).is_some_and(|made| *identity == *made.id)
        } else {
            let mut listed = site.body["properties"]["siteConfig"]["appSettings"].items();
            given["type"] == "StorageAccountConnectionString"
                && listed.any(|setting| setting["name"] == named)
                && platform::app_settings(deployed).contains_key(named)
        };
        if !is_right {
            faults.push(format!("the package cannot be stored by {given}"));
        }
    })
}

//! What the Functions host needs, which is another thing on each plan.

use super::order::in_each;
use crate::{bundle::Bundle, look::Look, platform};

/// Settings that Flex Consumption refuses.
const NOT_ON_FLEX: [&str; 5] = [
    "FUNCTIONS_WORKER_RUNTIME",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
];

pub(super) fn each_plan_gets_what_it_needs(bundle: &Bundle) -> Vec<String> {
    let package = bundle.parameters()["packageUri"]["defaultValue"].as_str();
    in_each(bundle, |choice, deployed, faults| {
        let settings = platform::app_settings(deployed);
        let setting = |name: &str| settings.get(name).map(String::as_str);
        let packages: Vec<_> = deployed
            .of("Microsoft.Web/sites/extensions")
            .map(|made| made.body["properties"]["packageUri"].as_str())
            .collect();
        let site = deployed.of("Microsoft.Web/sites").next();
        let config = site.map(|site| site.body["properties"]["functionAppConfig"].is_object());
        let plan = deployed.of("Microsoft.Web/serverfarms").next();
        let tier = plan.and_then(|plan| plan.body["sku"]["tier"].as_str());
        let linux = plan.is_some_and(|plan| plan.body["properties"]["reserved"] == true);
        if !linux {
            faults.push("the plan is not reserved, so it is not Linux".to_owned());
        }
        let expected = if choice.is_flex {
            let refused = NOT_ON_FLEX.iter().filter(|name| setting(name).is_some());
            faults.extend(refused.map(|name| format!("Flex Consumption refuses {name}")));
            (Some("FlexConsumption"), Some(true), vec![package])
        } else {
            for (name, value) in [
                ("FUNCTIONS_WORKER_RUNTIME", Some("custom")),
                ("FUNCTIONS_EXTENSION_VERSION", Some("~4")),
                ("WEBSITE_RUN_FROM_PACKAGE", package),
            ] {
                if setting(name) != value {
                    faults.push(format!("{name} is {:?}, not {value:?}", setting(name)));
                }
            }
            (Some("Dynamic"), Some(false), Vec::new())
        };
        if (tier, config, packages) != expected {
            faults.push(format!(
                "tier, functionAppConfig and packages must be {expected:?}"
            ));
        }
    })
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
            given["type"] == "SystemAssignedIdentity"
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

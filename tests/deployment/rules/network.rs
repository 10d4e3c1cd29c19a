//! The network of a private app: what it leaves by, and what it reaches without leaving.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::order::in_each;
use template_check::{evaluate::Deployed, look::Look};

use crate::{
    bundle::Bundle,
    choices::{Choice, Given, Network, Sink},
};

const NETWORK: &str = "Microsoft.Network/virtualNetworks";
const ENDPOINT: &str = "Microsoft.Network/privateEndpoints";
const SCOPE: &str = "Microsoft.Insights/privateLinkScopes";
const SITE: &str = "Microsoft.Web/sites";
const COLLECTION: &str = "Microsoft.Insights/dataCollectionEndpoints";

/// A subnet by its name.
fn subnet<'a>(deployed: &'a Deployed, name: &str) -> Option<&'a Value> {
    let mut subnets = deployed.of("Microsoft.Network/virtualNetworks/subnets");
    let found = subnets.find(|made| made.id.ends_with(&format!("/subnets/{name}")))?;
    Some(&found.body["properties"])
}

/// Those that somebody adds are not removed by the next deployment: a network that lists its subnets has no others.
pub(super) fn a_network_may_grow(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        let mut networks = deployed.of(NETWORK);
        if networks.any(|network| !network.body["properties"]["subnets"].is_null()) {
            faults.push("the network lists its subnets".to_owned());
        }
    })
}

/// In a subnet of its own, as Flex Consumption asks, from which it leaves by one address.
pub(super) fn a_private_app_has_a_network_and_no_other_has(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let parts = deployed.resources.iter();
        let parts = parts.filter(|made| made.of.starts_with("Microsoft.Network/"));
        let is_joined = deployed.of(SITE).all(|site| {
            let id = site.body["properties"]["virtualNetworkSubnetId"].text();
            id.ends_with("/subnets/app")
        });
        if !choice.is_private() {
            if parts.count() > 0 || is_joined {
                faults.push("a public app has a network".to_owned());
            }
            return;
        }
        let gateway = deployed.of("Microsoft.Network/natGateways").next();
        let address = deployed.of("Microsoft.Network/publicIPAddresses").next();
        let (Some(app), Some(gateway), Some(address)) = (subnet(deployed, "app"), gateway, address)
        else {
            faults.push("there is no subnet for the app, or no way out of it".to_owned());
            return;
        };
        let delegated = &app["delegations"][0]["properties"]["serviceName"];
        let leaves_by_it = gateway.body["properties"]["publicIpAddresses"][0]["id"] == *address.id
            && app["natGateway"]["id"] == *gateway.id;
        let is_fixed = address.body["properties"]["publicIPAllocationMethod"] == "Static"
            && address.body["sku"]["name"] == "Standard";
        for (what, is_so) in [
            ("the app is in its subnet", is_joined),
            (
                "the subnet is the platform's",
                *delegated == "Microsoft.App/environments",
            ),
            ("the app leaves by the gateway", leaves_by_it),
            ("the address is fixed", is_fixed),
        ] {
            if !is_so {
                faults.push(format!("not so: {what}"));
            }
        }
    })
}

/// The endpoint in a subnet that is not the app's, and a name for it in a zone that the network asks. That all of it
/// is there before the app follows from the app's subnet, which it reads from the same deployment.
pub(super) fn what_is_closed_has_an_endpoint(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        if !choice.is_private() {
            return;
        }
        let (storage, vault) = (choice.cloud.storage, choice.cloud.vault);
        let vault = vault.replacen(".vault.", "vaultcore.", 1);
        let closed = [
            (
                "Microsoft.Storage/storageAccounts",
                "blob",
                format!("privatelink.blob.{storage}"),
            ),
            (
                "Microsoft.KeyVault/vaults",
                "vault",
                format!("privatelink.{vault}"),
            ),
        ];
        for (of, group, zone) in closed {
            for target in deployed.of(of) {
                faults.extend(fault_of_endpoint(deployed, &target.id, group, &[&zone]));
            }
        }
    })
}

/// What is wrong with the private endpoint of a target.
fn fault_of_endpoint(
    deployed: &Deployed,
    target: &str,
    group: &str,
    zones: &[&str],
) -> Option<String> {
    let wanted = json!({ "privateLinkServiceId": target, "groupIds": [group] });
    let connection =
        |of: &Value| of["properties"]["privateLinkServiceConnections"][0]["properties"].clone();
    let Some(endpoint) = deployed
        .of(ENDPOINT)
        .find(|made| connection(&made.body) == wanted)
    else {
        return Some(format!("no endpoint leads to {target}"));
    };
    let subnet = endpoint.body["properties"]["subnet"]["id"].text();
    if !subnet.ends_with("/subnets/endpoints") {
        return Some(format!("{} is not among the endpoints", endpoint.id));
    }
    let groups = format!("{ENDPOINT}/privateDnsZoneGroups");
    let mut listed = deployed.of(&groups);
    let listed = listed.find(|made| made.id.starts_with(&format!("{}/", endpoint.id)));
    let named: BTreeSet<_> = listed
        .into_iter()
        .flat_map(|made| made.body["properties"]["privateDnsZoneConfigs"].items())
        .filter_map(|config| {
            config["properties"]["privateDnsZoneId"]
                .text()
                .rsplit('/')
                .next()
        })
        .collect();
    if named != zones.iter().copied().collect() {
        return Some(format!(
            "{} is named in {named:?}, not in {zones:?}",
            endpoint.id
        ));
    }
    let network = deployed.of(NETWORK).next().map(|made| made.id.as_str());
    let unasked = zones.iter().find(|zone| {
        let mut links = deployed.of("Microsoft.Network/privateDnsZones/virtualNetworkLinks");
        !links.any(|link| {
            let to = link.body["properties"]["virtualNetwork"]["id"].as_str();
            link.name.starts_with(&format!("{zone}/")) && to == network
        })
    });
    unasked.map(|zone| format!("the network does not ask {zone}"))
}

/// The zones of a scope's endpoint: Azure's list of zones for private endpoints.
fn monitor_zones(choice: &Choice) -> Vec<String> {
    let (domain, automation) = match choice.cloud.name {
        "AzureUSGovernment" => ("us", "privatelink.agentsvc.azure-automation.us"),
        _ => ("com", "privatelink.agentsvc.azure-automation.net"),
    };
    let mut zones = vec![
        format!("privatelink.monitor.azure.{domain}"),
        format!("privatelink.oms.opinsights.azure.{domain}"),
        format!("privatelink.ods.opinsights.azure.{domain}"),
        automation.to_owned(),
        format!("privatelink.blob.{}", choice.cloud.storage),
    ];
    if domain == "us" {
        zones.push("privatelink.adx.monitor.azure.us".to_owned());
    }
    zones
}

/// Where it is wanted, the rule belongs to an endpoint that nobody else reaches; else there is none.
pub(super) fn rows_go_by_private_link_where_it_is_wanted(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let endpoint = deployed.of(COLLECTION).next();
        let is_wanted =
            choice.network == Network::PrivateLink && choice.sink == Sink::LogsIngestion;
        if endpoint.is_some() != is_wanted {
            let fault = if is_wanted { "missing" } else { "unexpected" };
            faults.push(format!("{fault}: a data collection endpoint"));
        }
        for rule in deployed.of("Microsoft.Insights/dataCollectionRules") {
            let named = rule.body["properties"]["dataCollectionEndpointId"].as_str();
            if named != endpoint.map(|made| made.id.as_str()) {
                faults.push(format!("the rule's endpoint is {named:?}"));
            }
        }
        let open = endpoint.filter(|endpoint| {
            endpoint.body["properties"]["networkAcls"]["publicNetworkAccess"] != "Disabled"
        });
        faults.extend(open.map(|endpoint| format!("{} is open", endpoint.id)));
    })
}

/// What a scope must hold: the workspace, Application Insights and, for Logs Ingestion, the endpoint of the rule.
fn members_of_scope(deployed: &Deployed) -> BTreeSet<String> {
    let made = ["Microsoft.Insights/components", COLLECTION];
    let made = made.iter().filter_map(|of| deployed.of(of).next());
    made.map(|made| made.id.clone())
        .chain([Choice::workspace()])
        .collect()
}

/// By a scope of the app's own, which has an endpoint in its network before the app has its settings.
pub(super) fn monitor_is_private_where_it_is_wanted(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let scope = deployed.of(SCOPE).next();
        let is_wanted = choice.network == Network::PrivateLink;
        let Some(scope) = scope.filter(|_| is_wanted) else {
            if is_wanted || scope.is_some() {
                let fault = if is_wanted { "missing" } else { "unexpected" };
                faults.push(format!("{fault}: a scope of Azure Monitor"));
            }
            return;
        };
        let members = deployed.of("Microsoft.Insights/privateLinkScopes/scopedResources");
        let members: BTreeSet<_> = members
            .map(|made| made.body["properties"]["linkedResourceId"].plain())
            .collect();
        let expected = members_of_scope(deployed);
        if members != expected {
            faults.push(format!("the scope holds {members:?}, not {expected:?}"));
        }
        let zones = monitor_zones(choice);
        let zones: Vec<_> = zones.iter().map(String::as_str).collect();
        faults.extend(fault_of_endpoint(
            deployed,
            &scope.id,
            "azuremonitor",
            &zones,
        ));
        let settings = deployed.of("Microsoft.Web/sites/config").next();
        let mut parts = deployed
            .resources
            .iter()
            .filter(|made| made.of.starts_with("Microsoft.Network/") || made.of.starts_with(SCOPE));
        let late = parts.find(|made| settings.is_none_or(|all| !all.waits_for.contains(&made.id)));
        faults.extend(late.map(|made| format!("the app gets its settings before {}", made.id)));
    })
}

/// With a reason that says what to change.
pub(super) fn what_cannot_be_is_refused(bundle: &Bundle) -> Vec<String> {
    let tried = [
        (
            true,
            "workspaceId",
            json!("00000000-0000-0000-0000-00000000000f"),
            "workspaceId of another workspace, or as a reference, needs workspaceKey",
        ),
        (
            false,
            "networking",
            json!("Private"),
            "networking Private needs hostingPlan FlexConsumption",
        ),
        (
            false,
            "packageUri",
            json!("http://packages.example/ttp.zip"),
            "packageUri must begin with https://",
        ),
        (
            true,
            "packageUri",
            json!("http://packages.example/ttp.zip"),
            "packageUri must begin with https://",
        ),
        (
            true,
            "cleanClicks",
            json!("Basic"),
            "cleanClicks Basic and Drop need sink LogsIngestion (or Auto without workspaceKey) and healthRows",
        ),
        (
            true,
            "azureMonitorPrivateLink",
            json!(true),
            "azureMonitorPrivateLink needs networking Private",
        ),
    ];
    let mut faults = Vec::new();
    for (is_flex, name, value, reason) in tried {
        let mut choices = bundle.in_public();
        let is_wanted = |choice: &&Choice| {
            choice.is_flex == is_flex
                && !choice.is_private()
                && choice.given == Given::Least
                && choice.sink == Sink::DataCollector
        };
        let Some(choice) = choices.find(is_wanted) else {
            faults.push(format!("no choice to try {name} in"));
            continue;
        };
        let mut parameters = choice.parameters();
        parameters.insert(name.to_owned(), value.clone());
        match bundle.deploy(choice, &parameters) {
            Err(error) if error.contains(reason) => {}
            Err(error) => faults.push(format!("{name} {value}: {error}")),
            Ok(_) => faults.push(format!("{name} {value} is taken")),
        }
    }
    faults
}

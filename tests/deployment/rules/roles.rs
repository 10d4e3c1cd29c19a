//! Who may do what.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::order::in_each;
use template_check::{
    evaluate::{Deployed, Resource, TENANT, guid_of},
    look::Look,
};

use crate::{
    bundle::Bundle,
    choices::{APP, Choice, DEPLOYER, Sink},
    platform,
};

const IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// The built-in roles that are given, by the ids that Azure documents: who, which, on what.
const GRANTS: &str = "
program b7e6dc6d-f1e8-4753-8033-0f276bb0955b checkpoints
packager ba92f5b4-2d11-453d-a403-e96b0029c9fe package
program 4633458b-17de-408a-b874-0445c86b69e6 Microsoft.KeyVault/vaults
deployer b86a8fe4-44ce-4948-aee5-eccb2c155cd7 Microsoft.KeyVault/vaults
program 3913510d-42f4-4e42-8a64-420c390055eb Microsoft.Insights/components
program 3913510d-42f4-4e42-8a64-420c390055eb Microsoft.Insights/dataCollectionRules
";

/// The identity that the program uses.
pub(super) fn program(deployed: &Deployed) -> Option<&Resource> {
    deployed.of(IDENTITY).find(|made| made.name == APP)
}

/// The identity by which the platform stores the package.
pub(super) fn packager(deployed: &Deployed) -> Option<&Resource> {
    deployed.of(IDENTITY).find(|made| made.name != APP)
}

/// The principal of an identity; none for none.
fn principal(identity: Option<&Resource>) -> String {
    identity.map_or_else(String::new, |made| guid_of(&made.id))
}

/// The principal of the program's identity.
pub(super) fn identity(deployed: &Deployed) -> String {
    principal(program(deployed))
}

/// What a role is given on: the account of the checkpoints, that of the package, or the only one of its type.
fn target<'a>(deployed: &'a Deployed, of: &'a str) -> Option<&'a Resource> {
    match of {
        "checkpoints" => platform::account_with(deployed, platform::CHECKPOINTS),
        "package" => platform::account_with(deployed, platform::PACKAGE),
        of => deployed.of(of).next(),
    }
}

/// Storage Blob Data Owner and Contributor, Key Vault Secrets User and Officer and Monitoring Metrics
/// Publisher, on what is made. The program may not write the package.
fn expected(choice: &Choice, deployed: &Deployed) -> BTreeSet<String> {
    let (app, packager) = (identity(deployed), principal(packager(deployed)));
    let rows = GRANTS
        .trim()
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    let grants = rows.filter_map(|row| {
        let [who, role, of] = row.as_slice() else {
            return None;
        };
        // The one who deploys may be a user, a group or a service principal.
        let (who, kind) = match *who {
            "program" => (app.as_str(), "ServicePrincipal"),
            "packager" => (packager.as_str(), "ServicePrincipal"),
            _ => (DEPLOYER, "anybody"),
        };
        let on = target(deployed, of)?;
        Some(format!("{role} for {who} ({kind}) on {}", on.id))
    });
    grants.filter(|_| choice.assigns_roles).collect()
}

/// Exactly these roles, and none without `createRoleAssignments`.
pub(super) fn each_role_is_the_least(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let roles = deployed
            .of("Microsoft.Authorization/roleAssignments")
            .map(|made| {
                let role = &made.body["properties"];
                let (on, _) = made
                    .id
                    .split_once("/providers/Microsoft.Auth")
                    .unwrap_or_default();
                let kind = role["principalType"].as_str().unwrap_or("anybody");
                let (_, id) = role["roleDefinitionId"]
                    .text()
                    .rsplit_once('/')
                    .unwrap_or_default();
                format!("{id} for {} ({kind}) on {on}", role["principalId"].text())
            });
        let (given, expected): (BTreeSet<_>, _) = (roles.collect(), expected(choice, deployed));
        faults.extend(
            given
                .difference(&expected)
                .map(|grant| format!("too much: {grant}")),
        );
        faults.extend(
            expected
                .difference(&given)
                .map(|grant| format!("missing: {grant}")),
        );
        if choice.assigns_roles
            && expected.len()
                < 4 + usize::from(choice.is_flex) + usize::from(choice.sink == Sink::LogsIngestion)
        {
            faults.push("what roles are given on is not made".to_owned());
        }
    })
}

/// One for the program, and one by which the platform stores the package. They are granted what they may do before
/// the app is made, so that nothing is refused at its first start.
pub(super) fn the_app_has_identities_of_its_own(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let has_packager = choice.is_flex && choice.assigns_roles;
        if packager(deployed).is_some() != has_packager {
            let fault = if has_packager {
                "missing"
            } else {
                "unexpected"
            };
            faults.push(format!("{fault}: an identity for the package"));
        }
        let (Some(site), Some(program)) =
            (deployed.of("Microsoft.Web/sites").next(), program(deployed))
        else {
            faults.push("no app, or no identity for it".to_owned());
            return;
        };
        let all = deployed
            .of(IDENTITY)
            .map(|made| (made.id.clone(), json!({})));
        let expected =
            json!({ "type": "UserAssigned", "userAssignedIdentities": all.collect::<Map<_, _>>() });
        if site.body["identity"] != expected {
            faults.push(format!("{} is not {expected}", site.body["identity"]));
        }
        if site.body["properties"]["keyVaultReferenceIdentity"] != *program.id {
            faults.push("references to the vault are read by another identity".to_owned());
        }
        let roles = deployed.of("Microsoft.Authorization/roleAssignments");
        let needed = roles.filter(|role| {
            role.body["properties"]["principalId"] != DEPLOYER
                && !role.id.contains("/dataCollectionRules/")
        });
        let late = needed.filter(|role| !site.waits_for.contains(&role.id));
        faults.extend(late.map(|role| format!("the app is made before {}", role.id)));
    })
}

pub(super) fn each_policy_is_the_least(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let vault = deployed.of("Microsoft.KeyVault/vaults");
        let all = vault.chain(deployed.of("Microsoft.KeyVault/vaults/accessPolicies"));
        let found: Value = all
            .flat_map(|made| made.body["properties"]["accessPolicies"].items())
            .map(|policy| {
                json!([
                    policy["tenantId"],
                    policy["objectId"],
                    policy["permissions"]
                ])
            })
            .collect();
        let expected = if choice.assigns_roles {
            json!([])
        } else {
            json!([
                [TENANT, DEPLOYER, { "secrets": ["get", "list", "set", "delete", "recover"] }],
                [TENANT, identity(deployed), { "secrets": ["get"] }]
            ])
        };
        if found != expected {
            faults.push(format!("the vault's policies are {found}, not {expected}"));
        }
    })
}

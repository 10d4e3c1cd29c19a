//! Who may do what.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::order::in_each;
use template_check::{
    evaluate::{Deployed, TENANT, guid_of},
    look::Look,
};

use crate::{
    bundle::Bundle,
    choices::{Choice, DEPLOYER, Sink},
};

/// The built-in roles that are given, by the ids that Azure documents: who, which, on what.
const GRANTS: &str = "
app b7e6dc6d-f1e8-4753-8033-0f276bb0955b Microsoft.Storage/storageAccounts
app 4633458b-17de-408a-b874-0445c86b69e6 Microsoft.KeyVault/vaults
deployer b86a8fe4-44ce-4948-aee5-eccb2c155cd7 Microsoft.KeyVault/vaults
app 3913510d-42f4-4e42-8a64-420c390055eb Microsoft.Insights/components
app 3913510d-42f4-4e42-8a64-420c390055eb Microsoft.Insights/dataCollectionRules
";

/// The app's own identity.
pub(super) fn identity(deployed: &Deployed) -> String {
    let site = deployed.of("Microsoft.Web/sites").next();
    site.map_or_else(String::new, |site| guid_of(&site.id))
}

/// Storage Blob Data Owner, Key Vault Secrets User, Key Vault Secrets Officer and Monitoring Metrics
/// Publisher, on what is made.
fn expected(choice: &Choice, deployed: &Deployed) -> BTreeSet<String> {
    let app = identity(deployed);
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
            "app" => (app.as_str(), "ServicePrincipal"),
            _ => (DEPLOYER, "anybody"),
        };
        let on = deployed.of(of).next()?;
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
            && expected.len() < 4 + usize::from(choice.sink == Sink::LogsIngestion)
        {
            faults.push("what roles are given on is not made".to_owned());
        }
    })
}

/// The program and all that is granted count on it; one of the user's would have to be given.
pub(super) fn the_app_has_an_identity_of_its_own(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        let expected = json!({ "type": "SystemAssigned" });
        let sites = deployed.of("Microsoft.Web/sites");
        let wrong = sites.filter(|site| site.body["identity"] != expected);
        faults.extend(wrong.map(|site| format!("{} is not {expected}", site.body["identity"])));
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

//! Who may do what.

use std::collections::BTreeSet;

use serde_json::Value;

use super::order::in_each;
use crate::{
    bundle::Bundle,
    choices::{Choice, DEPLOYER, Sink},
    evaluate::{Deployed, guid_of},
};

/// The built-in roles that are given, with the ids that Azure documents.
const ROLES: [(&str, &str); 4] = [
    (
        "Storage Blob Data Owner",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    ),
    (
        "Key Vault Secrets User",
        "4633458b-17de-408a-b874-0445c86b69e6",
    ),
    (
        "Key Vault Secrets Officer",
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    ),
    (
        "Monitoring Metrics Publisher",
        "3913510d-42f4-4e42-8a64-420c390055eb",
    ),
];

/// The app's own identity.
pub(super) fn identity(deployed: &Deployed) -> String {
    let site = deployed.of("Microsoft.Web/sites").next();
    site.map(|site| guid_of(&site.id)).unwrap_or_default()
}

/// Who, what, where, and whether Azure is told that it is no user.
type Grant = (String, String, String, bool);

fn expected(choice: &Choice, deployed: &Deployed) -> BTreeSet<Grant> {
    let app = identity(deployed);
    let grant = |who: &str, role: &str, of: &str| {
        let on = deployed
            .of(of)
            .next()
            .map(|on| on.id.clone())
            .unwrap_or_default();
        // The one who deploys may be a user, a group or a service principal.
        (who.to_owned(), role.to_owned(), on, who != DEPLOYER)
    };
    let (vault, rule) = (
        "Microsoft.KeyVault/vaults",
        "Microsoft.Insights/dataCollectionRules",
    );
    let mut grants = BTreeSet::new();
    if choice.assigns_roles {
        grants.extend([
            grant(
                &app,
                "Storage Blob Data Owner",
                "Microsoft.Storage/storageAccounts",
            ),
            grant(&app, "Key Vault Secrets User", vault),
            grant(DEPLOYER, "Key Vault Secrets Officer", vault),
            grant(
                &app,
                "Monitoring Metrics Publisher",
                "Microsoft.Insights/components",
            ),
        ]);
        if choice.sink == Sink::LogsIngestion {
            grants.insert(grant(&app, "Monitoring Metrics Publisher", rule));
        }
    }
    grants
}

/// Exactly these roles, and none without `createRoleAssignments`.
pub(super) fn each_role_is_the_least(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let mut given = BTreeSet::new();
        for role in deployed.of("Microsoft.Authorization/roleAssignments") {
            let properties = &role.body["properties"];
            let text = |name: &str| properties[name].as_str().unwrap_or_default().to_owned();
            let definition = text("roleDefinitionId");
            let id = definition.rsplit('/').next().unwrap_or_default();
            let named = ROLES
                .iter()
                .find(|(_, known)| *known == id)
                .map_or(id, |(name, _)| *name);
            let (on, _) = role
                .id
                .split_once("/providers/Microsoft.Authorization")
                .unwrap_or_default();
            let is_principal = properties["principalType"] == "ServicePrincipal";
            given.insert((
                text("principalId"),
                named.to_owned(),
                on.to_owned(),
                is_principal,
            ));
        }
        let expected = expected(choice, deployed);
        let line =
            |what: &str, (who, role, on, _): &Grant| format!("{what}: {role} for {who} on {on}");
        faults.extend(
            given
                .difference(&expected)
                .map(|grant| line("too much", grant)),
        );
        faults.extend(
            expected
                .difference(&given)
                .map(|grant| line("not given", grant)),
        );
    })
}

/// The policies of the vault, where it works by policies: who, and what on secrets.
pub(super) fn policies(deployed: &Deployed) -> Vec<(String, Vec<String>)> {
    let vaults = [
        "Microsoft.KeyVault/vaults",
        "Microsoft.KeyVault/vaults/accessPolicies",
    ];
    let bodies = vaults
        .iter()
        .flat_map(|of| deployed.of(of))
        .map(|vault| &vault.body);
    let lists = bodies.filter_map(|body| body["properties"]["accessPolicies"].as_array());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let policy = |policy: &Value| {
        let allowed = policy["permissions"]["secrets"]
            .as_array()
            .into_iter()
            .flatten();
        (text(&policy["objectId"]), allowed.map(text).collect())
    };
    lists.flatten().map(policy).collect()
}

pub(super) fn each_policy_is_the_least(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let texts = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let expected = if choice.assigns_roles {
            Vec::new()
        } else {
            vec![
                (
                    DEPLOYER.to_owned(),
                    texts(&["get", "list", "set", "delete", "recover"]),
                ),
                (identity(deployed), texts(&["get"])),
            ]
        };
        let found = policies(deployed);
        if found != expected {
            faults.push(format!(
                "the vault's policies are {found:?}, not {expected:?}"
            ));
        }
    })
}

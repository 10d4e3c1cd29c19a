//! What a reviewer of security asks first.

use serde_json::{Value, json};

use super::{expect::expect, order::in_each, walk};
use template_check::evaluate::TENANT;

use crate::{bundle::Bundle, choices::Choice};

pub(super) fn storage_is_closed(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let account = json!({
            "supportsHttpsTrafficOnly": true,
            "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": false,
            // Whoever may assign roles has no use for keys.
            "allowSharedKeyAccess": !choice.assigns_roles,
            "allowCrossTenantReplication": false,
            "defaultToOAuthAuthentication": true,
            "encryption": {
                "keySource": [null, "Microsoft.Storage"],
                "requireInfrastructureEncryption": true,
                "services": {
                    "blob": { "enabled": [null, true] },
                    "file": { "enabled": [null, true] }
                }
            }
        });
        expect(
            deployed,
            "Microsoft.Storage/storageAccounts",
            &account,
            faults,
        );
        let kept = json!({ "enabled": true, "days": 7 });
        let service =
            json!({ "deleteRetentionPolicy": kept, "containerDeleteRetentionPolicy": kept });
        expect(
            deployed,
            "Microsoft.Storage/storageAccounts/blobServices",
            &service,
            faults,
        );
        let containers = "Microsoft.Storage/storageAccounts/blobServices/containers";
        expect(
            deployed,
            containers,
            &json!({ "publicAccess": "None" }),
            faults,
        );
    })
}

pub(super) fn the_vault_is_closed(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let vault = json!({
            "tenantId": TENANT,
            "enableRbacAuthorization": choice.assigns_roles,
            "enableSoftDelete": true,
            "softDeleteRetentionInDays": 7,
            "enablePurgeProtection": true,
            "enabledForDeployment": false,
            "enabledForDiskEncryption": false,
            "enabledForTemplateDeployment": false
        });
        expect(deployed, "Microsoft.KeyVault/vaults", &vault, faults);
    })
}

/// Else nobody learns that a secret was read.
pub(super) fn the_vault_says_who_used_it(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        let vaults = deployed.of("Microsoft.KeyVault/vaults");
        for vault in vaults {
            let mut all = deployed.of("Microsoft.Insights/diagnosticSettings");
            let expected = json!({
                "workspaceId": Choice::workspace(),
                "logs": [{ "categoryGroup": "audit", "enabled": true }]
            });
            if !all
                .any(|made| made.id.starts_with(&vault.id) && made.body["properties"] == expected)
            {
                faults.push(format!("{} tells nobody", vault.id));
            }
        }
    })
}

pub(super) fn the_app_is_closed(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        // Flex Consumption has no FTP.
        let ftps = if choice.is_flex {
            Value::Null
        } else {
            "Disabled".into()
        };
        let site = json!({
            "httpsOnly": true,
            "siteConfig": {
                "minTlsVersion": "1.2",
                "scmMinTlsVersion": "1.2",
                "ftpsState": ftps,
                "http20Enabled": true,
                "remoteDebuggingEnabled": false
            }
        });
        expect(deployed, "Microsoft.Web/sites", &site, faults);
        let policies = "Microsoft.Web/sites/basicPublishingCredentialsPolicies";
        expect(deployed, policies, &json!({ "allow": false }), faults);
        if deployed.of(policies).count() != 2 {
            faults.push("both ftp and scm must refuse passwords".to_owned());
        }
    })
}

pub(super) fn telemetry_goes_to_the_workspace(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let component = json!({
            "WorkspaceResourceId": Choice::workspace(),
            "IngestionMode": "LogAnalytics",
            "DisableLocalAuth": choice.assigns_roles
        });
        expect(
            deployed,
            "Microsoft.Insights/components",
            &component,
            faults,
        );
    })
}

/// Its retention and tier were reset by a template once, and logs were lost.
pub(super) fn the_workspace_is_left_alone(bundle: &Bundle) -> Vec<String> {
    let mut faults = Vec::new();
    walk::each(&bundle.template, "", &mut |at, name, value| {
        let is_workspace = value["type"] == "Microsoft.OperationalInsights/workspaces";
        if is_workspace || matches!(name, "retentionInDays" | "totalRetentionInDays") {
            faults.push(format!("{at} changes the workspace or its retention"));
        }
    });
    faults
}

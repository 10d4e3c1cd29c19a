//! What only Azure knows: values that look like those of the real services and can be told apart.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Builder;

use super::{Resource, TENANT, Target};
use crate::look::Look;

/// A GUID that belongs to an id.
#[must_use]
pub fn guid_of(id: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(id).into();
    let bytes = digest.first_chunk().copied().unwrap_or_default();
    Builder::from_sha1_bytes(bytes).into_uuid().to_string()
}

/// A resource as it can be read once it is made: what was asked for, and what the service adds.
pub(super) fn read(resource: &Resource, target: &Target) -> Value {
    let Resource {
        id, of, name, body, ..
    } = resource;
    let cloud = target.cloud;
    let mut full = body.clone();
    if let Some(kind) = body["identity"]["type"].as_str()
        && kind.contains("SystemAssigned")
    {
        full["identity"]["principalId"] = guid_of(id).into();
        full["identity"]["tenantId"] = TENANT.into();
    }
    let added = match of.as_str() {
        "Microsoft.Storage/storageAccounts" => {
            let of = |service| format!("https://{name}.{service}.{}/", cloud.storage);
            json!({ "primaryEndpoints": {
                "blob": of("blob"), "queue": of("queue"), "table": of("table"), "file": of("file")
            } })
        }
        "Microsoft.KeyVault/vaults" => {
            json!({ "vaultUri": format!("https://{name}{}/", cloud.vault) })
        }
        "Microsoft.KeyVault/vaults/secrets" => {
            let (vault, secret) = name.split_once('/').unwrap_or_default();
            let uri = format!("https://{vault}{}/secrets/{secret}", cloud.vault);
            let version = guid_of(id).replace('-', "");
            json!({ "secretUri": uri, "secretUriWithVersion": format!("{uri}/{version}") })
        }
        "Microsoft.Insights/components" => json!({
            "ConnectionString": format!("InstrumentationKey={}", guid_of(id)),
            "AppId": guid_of(name)
        }),
        "Microsoft.Web/sites" => {
            json!({ "defaultHostName": format!("{name}.{}", cloud.sites) })
        }
        "Microsoft.ManagedIdentity/userAssignedIdentities" => {
            json!({ "principalId": guid_of(id), "clientId": guid_of(name), "tenantId": TENANT })
        }
        "Microsoft.Network/publicIPAddresses" => json!({ "ipAddress": "203.0.113.77" }),
        "Microsoft.Insights/dataCollectionEndpoints" => json!({ "logsIngestion": {
            "endpoint": format!("https://{name}-c3d4.{}-1.ingest.{}", target.location, cloud.monitor)
        } }),
        "Microsoft.Insights/dataCollectionRules" => json!({
            "immutableId": format!("dcr-{}", guid_of(id).replace('-', "")),
            "endpoints": { "logsIngestion": format!("https://{name}-a1b2.{}-1.ingest.{}", target.location, cloud.monitor) }
        }),
        "Microsoft.OperationalInsights/workspaces" => json!({ "customerId": guid_of(id) }),
        _ => json!({}),
    };
    for (name, value) in added.members() {
        full["properties"][name] = value.clone();
    }
    full
}

/// The answer of `listKeys()` and the secrets in it.
pub fn keys(id: &str, full: &Value) -> Result<(Value, Vec<String>), String> {
    let key = |which: &str| STANDARD.encode(Sha256::digest(format!("{which} of {id}")));
    let [one, two] = ["one", "two"].map(key);
    let answer = match full["type"].as_str() {
        Some("Microsoft.Storage/storageAccounts") => {
            json!({ "keys": [{ "keyName": "key1", "value": one }, { "keyName": "key2", "value": two }] })
        }
        Some("Microsoft.OperationalInsights/workspaces") => {
            json!({ "primarySharedKey": one, "secondarySharedKey": two })
        }
        _ => return Err(format!("has no keys: {id}")),
    };
    Ok((answer, vec![one, two]))
}

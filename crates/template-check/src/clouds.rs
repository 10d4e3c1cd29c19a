//! What differs between Azure's clouds, as `environment()` returns it.

use serde_json::{Value, json};

/// A cloud.
#[derive(Debug)]
pub struct Cloud {
    /// As `environment().name` has it.
    pub name: &'static str,
    /// The region of the resource group. The regions differ, so that none can pass for another.
    pub location: &'static str,
    /// Another region, for what can be placed elsewhere than the group.
    pub elsewhere: &'static str,
    /// A third region, for Application Insights.
    pub insights: &'static str,
    /// What the host names of storage accounts end with.
    pub storage: &'static str,
    /// What the host names of vaults end with, with the dot.
    pub vault: &'static str,
    /// What the host names of apps end with.
    pub sites: &'static str,
    /// What the host names of Azure Monitor end with.
    pub monitor: &'static str,
    /// What the host name of the Data Collector API ends with, after the workspace's id.
    pub collector: &'static str,
    login: &'static str,
    portal: &'static str,
    manager: &'static str,
}

/// Those that have Microsoft Sentinel.
pub static CLOUDS: [Cloud; 2] = [
    Cloud {
        name: "AzureCloud",
        location: "francecentral",
        elsewhere: "swedencentral",
        insights: "uksouth",
        storage: "core.windows.net",
        vault: ".vault.azure.net",
        sites: "azurewebsites.net",
        monitor: "monitor.azure.com",
        collector: ".ods.opinsights.azure.com",
        login: "https://login.microsoftonline.com/",
        portal: "https://portal.azure.com",
        manager: "https://management.azure.com/",
    },
    Cloud {
        name: "AzureUSGovernment",
        location: "usgovvirginia",
        elsewhere: "usgovarizona",
        insights: "usgovtexas",
        storage: "core.usgovcloudapi.net",
        vault: ".vault.usgovcloudapi.net",
        sites: "azurewebsites.us",
        monitor: "monitor.azure.us",
        collector: ".ods.opinsights.azure.us",
        login: "https://login.microsoftonline.us/",
        portal: "https://portal.azure.us",
        manager: "https://management.usgovcloudapi.net/",
    },
];

impl Cloud {
    /// The answer of `environment()`.
    #[must_use]
    pub fn environment(&self) -> Value {
        json!({
            "name": self.name,
            "portal": self.portal,
            "resourceManager": self.manager,
            "authentication": { "loginEndpoint": self.login },
            "suffixes": { "storage": self.storage, "keyvaultDns": self.vault }
        })
    }
}

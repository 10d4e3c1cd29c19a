//! Every combination of choices that a deployment has, and the parameters that say so.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    clouds::{CLOUDS, Cloud},
    evaluate::{Known, REFERENCE, Target},
};

/// Mimecast's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    V1,
    V2,
}

/// Into Log Analytics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sink {
    DataCollector,
    LogsIngestion,
}

/// How much is given, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// What must be.
    Least,
    /// All that can be, as it is.
    Plain,
    /// All that can be, each as a reference to a vault of the user's.
    References,
}

/// One combination.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) cloud: &'static Cloud,
    pub(crate) is_flex: bool,
    pub(crate) assigns_roles: bool,
    pub(crate) api: Api,
    pub(crate) sink: Sink,
    pub(crate) given: Given,
}

/// The name that most deployments have.
pub(crate) const APP: &str = "mimecastttp01";
/// Who deploys.
pub(crate) const DEPLOYER: &str = "00000000-0000-0000-0000-00000000000b";
/// The id of the workspace, as the Data Collector API needs it.
pub(crate) const WORKSPACE_GUID: &str = "00000000-0000-0000-0000-00000000000c";
/// The workspace lies elsewhere than the app.
pub(crate) const WORKSPACE_LOCATION: &str = "northeurope";
pub(crate) const WORKSPACE_GROUP: &str =
    "/subscriptions/00000000-0000-0000-0000-000000000002/resourceGroups/logs";

/// What ends in a setting of the app, so that a reference may stand in its place.
pub(crate) const REFERABLE: [(&str, &str); 13] = [
    ("mimecastBaseURL", "https://eu-api.mimecast.com"),
    ("mimecastClientId", "client-id-of-the-application"),
    ("mimecastClientSecret", "client-secret-of-the-application"),
    ("mimecastAppId", "00000000-0000-0000-0000-00000000000d"),
    ("mimecastAppKey", "application-key-of-the-binding"),
    ("mimecastAccessKey", "access-key-of-the-binding"),
    ("mimecastSecretKey", "c2VjcmV0IGtleSBvZiB0aGUgYmluZGluZw=="),
    ("mimecastEmail", "svc-ttp@example.com"),
    ("mimecastPassword", "password-of-the-binding"),
    ("workspaceId", WORKSPACE_GUID),
    ("workspaceKey", "c2hhcmVkIGtleSBvZiB0aGUgd29ya3NwYWNl"),
    (
        "activeDirectoryAppId",
        "00000000-0000-0000-0000-00000000000e",
    ),
    (
        "activeDirectoryAppSecret",
        "secret-of-the-sending-application",
    ),
];

impl Choice {
    /// All combinations.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for cloud in &CLOUDS {
            for given in [Given::Least, Given::Plain, Given::References] {
                for sink in [Sink::DataCollector, Sink::LogsIngestion] {
                    for api in [Api::V1, Api::V2] {
                        for (is_flex, assigns_roles) in
                            [(true, true), (true, false), (false, true), (false, false)]
                        {
                            all.push(Self {
                                cloud,
                                is_flex,
                                assigns_roles,
                                api,
                                sink,
                                given,
                            });
                        }
                    }
                }
            }
        }
        all
    }

    /// Short, for messages.
    pub(crate) fn label(&self) -> String {
        let Self {
            cloud,
            is_flex,
            assigns_roles,
            api,
            sink,
            given,
        } = self;
        let plan = if *is_flex { "Flex" } else { "Consumption" };
        let roles = if *assigns_roles { "roles" } else { "keys" };
        format!("{} {plan} {roles} {api:?} {sink:?} {given:?}", cloud.name)
    }

    /// Where the app goes.
    pub(crate) fn target(&self) -> Target {
        Target {
            cloud: self.cloud,
            subscription: "00000000-0000-0000-0000-000000000001".to_owned(),
            group: "ttp".to_owned(),
            location: self.cloud.location,
        }
    }

    /// The id of the workspace.
    pub(crate) fn workspace() -> String {
        format!("{WORKSPACE_GROUP}/providers/Microsoft.OperationalInsights/workspaces/sentinel")
    }

    /// What is there before.
    pub(crate) fn existing() -> Known {
        let workspace = json!({
            "type": "Microsoft.OperationalInsights/workspaces",
            "location": WORKSPACE_LOCATION,
            "properties": { "customerId": WORKSPACE_GUID }
        });
        BTreeMap::from([(Self::workspace(), workspace.into())])
    }

    /// Whether an application sends, not the app's own identity.
    pub(crate) fn has_application(&self) -> bool {
        self.sink == Sink::LogsIngestion && !self.assigns_roles && self.given != Given::Least
    }

    /// Whether a parameter that ends in a setting is given.
    fn gives(&self, name: &str) -> bool {
        let is_full = self.given != Given::Least;
        match name {
            "mimecastBaseURL" => true,
            "mimecastClientId" | "mimecastClientSecret" => self.api == Api::V2,
            "mimecastEmail" | "mimecastPassword" => self.api == Api::V1 && is_full,
            "workspaceId" | "workspaceKey" => self.sink == Sink::DataCollector && is_full,
            "activeDirectoryAppId" | "activeDirectoryAppSecret" => self.has_application(),
            _ => self.api == Api::V1,
        }
    }

    /// The values that are given, before any becomes a reference.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        REFERABLE
            .into_iter()
            .filter(|(name, _)| self.gives(name))
            .map(|(name, value)| {
                let is_new = name == "mimecastBaseURL" && self.api == Api::V2;
                (
                    name,
                    if is_new {
                        "https://api.services.mimecast.com"
                    } else {
                        value
                    },
                )
            })
    }

    /// The reference that stands for a parameter.
    pub(crate) fn reference(&self, name: &str) -> String {
        let vault = self.cloud.vault;
        format!("{REFERENCE}SecretUri=https://theirs{vault}/secrets/{name})")
    }

    /// What the user's own vault holds, by reference.
    pub(crate) fn theirs(&self) -> BTreeMap<String, String> {
        let values = self.values();
        values
            .map(|(name, value)| (self.reference(name), value.to_owned()))
            .collect()
    }

    /// The parameters that say all this.
    pub(crate) fn parameters(&self) -> Map<String, Value> {
        let plan = if self.is_flex {
            "FlexConsumption"
        } else {
            "Consumption"
        };
        let mut parameters = Map::new();
        let mut give = |name: &str, value: Value| parameters.insert(name.to_owned(), value);
        give("appName", APP.into());
        give("objectId", DEPLOYER.into());
        give("AppInsightsWorkspaceResourceID", Self::workspace().into());
        give("sink", format!("{:?}", self.sink).into());
        give("hostingPlan", plan.into());
        give("createRoleAssignments", self.assigns_roles.into());
        for (name, value) in self.values() {
            let is_reference = self.given == Given::References;
            let value = if is_reference {
                self.reference(name)
            } else {
                value.to_owned()
            };
            give(name, value.into());
        }
        parameters
    }
}

//! Every combination of choices that a deployment has, and the parameters that say so.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use template_check::{
    clouds::{CLOUDS, Cloud},
    evaluate::{Known, REFERENCE, Target},
    look::Look,
};

/// Mimecast's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    V1,
    V2,
}

impl Api {
    /// An address of it.
    pub(crate) fn base_url(self) -> &'static str {
        match self {
            Self::V1 => "https://eu-api.mimecast.com",
            Self::V2 => "https://api.services.mimecast.com",
        }
    }
}

/// Into Log Analytics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sink {
    DataCollector,
    LogsIngestion,
}

/// Who can reach storage and vault, and what the app sends rows through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Everybody with the right to it.
    Public,
    /// The app's own network only.
    Private,
    /// The same, and rows and telemetry go by private link.
    PrivateLink,
}

/// How much is given, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// What must be; the defaults do the rest, and put the content for Sentinel into the workspace.
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
    pub(crate) network: Network,
    pub(crate) api: Api,
    pub(crate) sink: Sink,
    pub(crate) given: Given,
}

/// The name that most deployments have.
pub(crate) const APP: &str = "mimecastttp01";
/// Who deploys.
pub(crate) const DEPLOYER: &str = "00000000-0000-0000-0000-00000000000b";
/// The id of the workspace, as the Data Collector API needs it.
const WORKSPACE_GUID: &str = "00000000-0000-0000-0000-00000000000c";
/// That of another, to which rows may be sent.
const OTHER_GUID: &str = "00000000-0000-0000-0000-00000000000f";
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

/// What ends in other things than texts of settings, unlike the defaults and unlike one another, so
/// that nothing can pass for another thing; but regions, which differ from cloud to cloud.
fn unlike_defaults() -> Value {
    json!({
        "packageUri": "https://packages.example/ttp.zip",
        "packageSha256": "0123456789abcdefABCDEF9876543210".repeat(2),
        "timerSchedule": "30 1-59/7 * * * *",
        "lookbackDays": 11,
        "settleSeconds": 31,
        "lateArrivalMinutes": 41,
        "reconcileHours": 61,
        "runBudgetSeconds": 301,
        "batchMaxBytes": 700_001,
        "parallelRanges": 5,
        "healthRows": false,
        "deploySentinelContent": false
    })
}

/// Whether it is Flex Consumption, and what network it has: the other plan can have none.
const PLANS: [(bool, Network); 4] = [
    (true, Network::Public),
    (true, Network::Private),
    (true, Network::PrivateLink),
    (false, Network::Public),
];

/// The addresses of a network where they are given.
pub(crate) const ADDRESSES: &str = "10.9.8.0/24";

impl Choice {
    /// All combinations.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for cloud in &CLOUDS {
            for given in [Given::Least, Given::Plain, Given::References] {
                for sink in [Sink::DataCollector, Sink::LogsIngestion] {
                    for api in [Api::V1, Api::V2] {
                        for (is_flex, network) in PLANS {
                            all.extend([true, false].map(|assigns_roles| Self {
                                cloud,
                                is_flex,
                                assigns_roles,
                                network,
                                api,
                                sink,
                                given,
                            }));
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
            network,
            api,
            sink,
            given,
        } = self;
        let plan = if *is_flex { "Flex" } else { "Consumption" };
        let roles = if *assigns_roles { "roles" } else { "keys" };
        format!(
            "{} {plan} {network:?} {roles} {api:?} {sink:?} {given:?}",
            cloud.name
        )
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

    /// The id of the workspace that rows are sent to by the Data Collector API. The address is made of
    /// it, so where it is a reference it must be that of the workspace whose id is given.
    pub(crate) fn workspace_guid(&self) -> &'static str {
        if self.given == Given::Plain {
            OTHER_GUID
        } else {
            WORKSPACE_GUID
        }
    }

    /// The region of all but Application Insights.
    pub(crate) fn location(&self) -> &'static str {
        if self.given == Given::Least {
            self.cloud.location
        } else {
            self.cloud.elsewhere
        }
    }

    /// Whether the content for Sentinel is put into the workspace.
    pub(crate) fn has_content(&self) -> bool {
        self.given == Given::Least
    }

    /// Whether storage and vault are closed to all but the app's own network.
    pub(crate) fn is_private(&self) -> bool {
        self.network != Network::Public
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
            .map(|(name, value)| match name {
                "mimecastBaseURL" => (name, self.api.base_url()),
                "workspaceId" => (name, self.workspace_guid()),
                _ => (name, value),
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

    /// Where clean clicks go: a template with each way is deployed among the choices.
    pub(crate) fn clean_clicks(&self) -> &'static str {
        match (self.sink, self.given) {
            (Sink::DataCollector, _) | (_, Given::Least) => "Analytics",
            (_, Given::Plain) => "Basic",
            (_, Given::References) => "Drop",
        }
    }

    /// What is given for the sink: nothing where the default comes to the same.
    fn sink_parameter(&self) -> Option<&'static str> {
        match (self.given, self.sink) {
            (Given::Least, Sink::LogsIngestion) => None,
            // A key is given.
            (Given::Plain, Sink::DataCollector) => Some("Auto"),
            (_, Sink::DataCollector) => Some("DataCollector"),
            (_, Sink::LogsIngestion) => Some("LogsIngestion"),
        }
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
        if let Some(sink) = self.sink_parameter() {
            give("sink", sink.into());
        }
        give("hostingPlan", plan.into());
        give("createRoleAssignments", self.assigns_roles.into());
        // The default is a region of the public cloud.
        if self.given != Given::Least || self.cloud.name != CLOUDS[0].name {
            give("appInsightsLocation", self.cloud.insights.into());
        }
        if self.given != Given::Least {
            give("location", self.location().into());
            for (name, value) in unlike_defaults().members() {
                give(name, value.clone());
            }
            if self.is_flex {
                give("instanceMemoryMB", 2048.into());
                give("networking", "Public".into());
            }
        }
        if self.clean_clicks() != "Analytics" {
            give("cleanClicks", self.clean_clicks().into());
            // They need each other.
            give("healthRows", true.into());
        }
        if self.is_private() {
            give("networking", "Private".into());
            let has_link = self.network == Network::PrivateLink;
            if self.given != Given::Least {
                give("networkAddressPrefix", ADDRESSES.into());
            }
            if has_link || self.given != Given::Least {
                give("azureMonitorPrivateLink", has_link.into());
            }
        }
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

#[test]
fn every_parameter_is_given_a_value_of_its_own_in_some_choice() {
    let bundle = crate::bundle::Bundle::read();
    for (name, declared) in bundle.parameters() {
        // Of true and false there is one of each.
        let others = bundle.parameters().iter();
        let others = others.filter(|(other, of)| *other != name && of["type"] != "bool");
        let others: Vec<_> = others.collect();
        let is_its_own = |choice: &Choice| {
            let given = choice.parameters();
            let Some(value) = given.get(name) else {
                return false;
            };
            let is_other = |(other, of): &(&String, &Value)| {
                of["defaultValue"] != *value && given.get(*other) != Some(value)
            };
            declared["defaultValue"] != *value && others.iter().all(is_other)
        };
        assert!(Choice::all().iter().any(is_its_own), "{name}");
    }
}

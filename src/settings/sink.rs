//! Where rows go, and who we are there.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use super::{
    Identity, RuleSettings, SinkSettings,
    reader::{GUID_EXAMPLE, SettingsReader, shown},
};
use crate::{log_analytics::Workspace, model::event_time};

const ENDPOINT: &str = "logs_ingestion_endpoint";
const ENDPOINT_EXAMPLE: &str = "https://mimecast-ttp-a1b2.westeurope-1.ingest.monitor.azure.com";
const RULE_ID: &str = "logs_ingestion_rule_id";
const RULE_ID_EXAMPLE: &str =
    "dcr-0123456789abcdef0123456789abcdef, the rule's immutable id, not its name";
const WORKSPACE_ID: &str = "log_analytics_workspace_id";
const WORKSPACE_KEY: &str = "log_analytics_workspace_key";
const TENANT: &str = "active_directory_tenant_id";
const APP_ID: &str = "active_directory_app_id";
const IDENTITY: &str = "logs_ingestion_identity";
const UNTIL: &str = "dual_write_until";
const APP_SECRET: &str = "active_directory_app_secret";
const SECRET_EXAMPLE: &str =
    "the value of a client secret, which the portal shows once, not its id";

/// Both APIs while a rehearsal lasts; otherwise the Logs Ingestion API where its settings are given, else the Data Collector API.
pub(super) fn read(reader: &mut SettingsReader<'_>) -> Option<SinkSettings> {
    if reader.is_set(UNTIL) {
        check_both_sinks(reader);
        let until = until(reader);
        let (workspace, rule) = (workspace(reader), rule(reader));
        return Some(SinkSettings::Both {
            workspace: workspace?,
            rule: rule?,
            until: until?,
        });
    }
    if reader.is_set(ENDPOINT) || reader.is_set(RULE_ID) {
        check_whole_workspace(reader);
        return rule(reader).map(SinkSettings::Rule);
    }
    if reader.is_set(WORKSPACE_ID) || reader.is_set(WORKSPACE_KEY) {
        return workspace(reader).map(SinkSettings::Workspace);
    }
    reader.fault(
        ENDPOINT,
        "is missing, and so is log_analytics_workspace_id",
        "https://...ingest.monitor.azure.com with logs_ingestion_rule_id for the Logs Ingestion API; or log_analytics_workspace_id and log_analytics_workspace_key for the Data Collector API",
    );
    None
}

/// A rehearsal that lacks one of its sinks says so, since either alone would do without it.
fn check_both_sinks(reader: &mut SettingsReader<'_>) {
    if [ENDPOINT, RULE_ID, WORKSPACE_ID, WORKSPACE_KEY]
        .iter()
        .all(|name| reader.is_set(name))
    {
        return;
    }
    reader.fault(
        UNTIL,
        "starts a rehearsal, which writes to a workspace and to a rule, but settings for one of the two are missing",
        "the settings of both; or remove dual_write_until, as you also should once the rehearsal is over",
    );
}

/// A workspace may stay in the settings beside a rule, but half of one is a mistake.
fn check_whole_workspace(reader: &mut SettingsReader<'_>) {
    let [id, key] = [WORKSPACE_ID, WORKSPACE_KEY].map(|name| reader.is_set(name));
    for (missing, name, found) in [
        (
            id && !key,
            WORKSPACE_KEY,
            "is missing beside log_analytics_workspace_id",
        ),
        (
            key && !id,
            WORKSPACE_ID,
            "is missing beside log_analytics_workspace_key",
        ),
    ] {
        if missing {
            reader.fault(
                name,
                found,
                "both, or neither: rows go to logs_ingestion_endpoint",
            );
        }
    }
}

fn workspace(reader: &mut SettingsReader<'_>) -> Option<Workspace> {
    let id = reader
        .required(WORKSPACE_ID, GUID_EXAMPLE)
        .and_then(|value| reader.guid(WORKSPACE_ID, &value));
    let key = reader.key(WORKSPACE_KEY);
    let example = "https://WORKSPACE.ods.opinsights.azure.us, or leave it out in the public cloud";
    let given = reader.optional("log_analytics_uri");
    let unresolved = given.is_none() && reader.is_set("log_analytics_uri");
    let base = match (&given, &id) {
        (Some(value), _) => reader.address("log_analytics_uri", value, example),
        (None, Some(id)) if !unresolved => {
            Url::parse(&format!("https://{id}.ods.opinsights.azure.com")).ok()
        }
        _ => None,
    };
    Some(Workspace {
        id: id?,
        key: key?,
        base: base?,
    })
}

/// A day, or a time.
fn until(reader: &mut SettingsReader<'_>) -> Option<DateTime<Utc>> {
    let value = reader.optional(UNTIL)?;
    let until =
        event_time::parse(&value).or_else(|| event_time::parse(&format!("{value}T00:00:00Z")));
    if until.is_none() {
        let found = format!("{} is neither a date nor a time", shown(&value));
        reader.fault(UNTIL, found, "2026-12-24, or 2026-12-24T08:00:00Z");
    }
    until
}

fn rule(reader: &mut SettingsReader<'_>) -> Option<RuleSettings> {
    let endpoint = reader
        .required(ENDPOINT, ENDPOINT_EXAMPLE)
        .and_then(|value| reader.address(ENDPOINT, &value, ENDPOINT_EXAMPLE));
    let id = reader.required(RULE_ID, RULE_ID_EXAMPLE).and_then(|value| {
        let is_id = is_rule_id(&value);
        if !is_id {
            let found = format!("{} is not the immutable ID of a rule", shown(&value));
            reader.fault(RULE_ID, found, RULE_ID_EXAMPLE);
        }
        is_id.then_some(value)
    });
    let cloud = Cloud::of(endpoint.as_ref());
    let audience = reader
        .optional("logs_ingestion_audience")
        .unwrap_or_else(|| cloud.audience.to_owned());
    let audience = audience.trim_end_matches('/').to_owned();
    let identity = identity(reader, &cloud);
    Some(RuleSettings {
        endpoint: endpoint?,
        id: id?,
        audience,
        identity: identity?,
    })
}

fn is_rule_id(value: &str) -> bool {
    value.strip_prefix("dcr-").is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn identity(reader: &mut SettingsReader<'_>, cloud: &Cloud) -> Option<Identity> {
    let names = [TENANT, APP_ID, APP_SECRET];
    if !names.iter().any(|name| reader.is_set(name)) {
        let client_id = reader.optional(IDENTITY);
        let client_id = client_id.and_then(|value| reader.guid(IDENTITY, &value));
        return Some(Identity::Managed { client_id });
    }
    if reader.is_set(IDENTITY) {
        reader.fault(
            IDENTITY,
            "names a managed identity, but the active_directory_* settings replace it",
            "one of the two: a managed identity, or an application",
        );
    }
    let [tenant, client_id, secret] = names.map(|name| {
        if reader.is_set(name) {
            return reader.header_text(name, SECRET_EXAMPLE);
        }
        reader.fault(
            name,
            "is missing beside the others of active_directory_*",
            "all of active_directory_tenant_id, active_directory_app_id and active_directory_app_secret; or none of them for the managed identity",
        );
        None
    });
    let tenant = tenant.and_then(|value| tenant_name(reader, value));
    let client_id = client_id.and_then(|value| reader.guid(APP_ID, &value));
    if secret
        .as_deref()
        .is_some_and(|secret| Uuid::parse_str(secret).is_ok())
    {
        reader.fault(
            APP_SECRET,
            "is a GUID, so it is probably the secret's ID and not its value",
            SECRET_EXAMPLE,
        );
    }
    let authority = match reader.optional("active_directory_authority") {
        Some(value) => reader.address("active_directory_authority", &value, cloud.authority),
        None => Url::parse(cloud.authority).ok(),
    };
    Some(Identity::Client {
        authority: authority?,
        tenant: tenant?,
        client_id: client_id?,
        secret: SecretString::from(secret?),
    })
}

/// A tenant is named by its id or by a domain; whatever else is in its place may be a secret.
fn tenant_name(reader: &mut SettingsReader<'_>, value: String) -> Option<String> {
    let is_domain = value.contains('.')
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if is_domain {
        return Some(value);
    }
    reader.guid(TENANT, &value)
}

/// What differs between Azure's clouds.
struct Cloud {
    authority: &'static str,
    audience: &'static str,
}

impl Cloud {
    /// The cloud in which an endpoint lies; the public one for any other host.
    fn of(endpoint: Option<&Url>) -> Self {
        let host = endpoint.and_then(Url::host_str).unwrap_or_default();
        if host.ends_with(".monitor.azure.us") {
            Self {
                authority: "https://login.microsoftonline.us",
                audience: "https://monitor.azure.us",
            }
        } else if host.ends_with(".monitor.azure.cn") {
            Self {
                authority: "https://login.chinacloudapi.cn",
                audience: "https://monitor.azure.cn",
            }
        } else {
            Self {
                authority: "https://login.microsoftonline.com",
                audience: "https://monitor.azure.com",
            }
        }
    }
}

//! The app's settings against the program's own reading of them.

use std::collections::{BTreeMap, BTreeSet};

use mimecast_ttp::{
    mimecast::Credentials,
    settings::{CheckpointSettings, Identity, NAMES, Settings, SinkSettings},
};
use serde_json::{Map, Value};

use super::{hosting, order::in_each, roles, walk};
use template_check::{
    evaluate::{Deployed, TENANT},
    look::Look,
};

use crate::{
    bundle::Bundle,
    choices::{Api, Choice, Given, Sink},
    platform,
};

/// What the template does not set, and why.
const LEFT_OUT: &str = "
AzureWebJobsStorage__accountName: knows the public cloud only; the address is set instead
logs_ingestion_audience: follows from the endpoint
active_directory_authority: follows from the endpoint
checkpoint_dir: for local use
dual_write_until: for a rehearsal, which is set and ended by hand
";

/// Parameters that allow less than the program, and why.
const NARROWER: &str = "
runBudgetSeconds: the host ends a run at its functionTimeout
batchMaxBytes: the program takes more for as much as the service takes
";

/// Why a name is in a list, if it is.
fn reason(list: &'static str, name: &str) -> Option<&'static str> {
    let mut all = list.lines().filter_map(|line| line.split_once(": "));
    all.find(|(listed, _)| *listed == name).map(|(_, why)| why)
}

fn read(environment: &BTreeMap<String, String>) -> Result<Settings, String> {
    Settings::read(|name| environment.get(name).cloned()).map_err(|faults| faults.to_string())
}

/// The setting that a parameter ends in: `mimecastBaseURL` in `mimecast_base_url`.
fn setting_of(parameter: &str) -> String {
    let mut name = String::new();
    let mut was_capital = true;
    for letter in parameter.chars() {
        if letter.is_uppercase() && !was_capital {
            name.push('_');
        }
        was_capital = letter.is_uppercase();
        name.extend(letter.to_lowercase());
    }
    if name.starts_with("workspace_") {
        format!("log_analytics_{name}")
    } else {
        name
    }
}

/// Without faults, which also means: no contradictions, and every reference resolved.
pub(super) fn the_program_accepts_them(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let environment = platform::environment(deployed, &choice.theirs());
        faults.extend(read(&environment).err());
        let not_texts = platform::settings_resources(deployed)
            .flat_map(|config| config.body["properties"].members())
            .filter(|(_, value)| !value.is_string());
        faults.extend(not_texts.map(|(name, _)| format!("{name} is no text")));
        if platform::settings_resources(deployed).count() != 1 {
            faults.push("the settings are not made in one place".to_owned());
        }
    })
}

fn each_read(
    bundle: &Bundle,
    check: impl Fn(&Choice, &Deployed, &Settings, &mut Vec<String>),
) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        // What cannot be read is another rule's.
        if let Ok(settings) = read(&platform::environment(deployed, &choice.theirs())) {
            check(choice, deployed, &settings, faults);
        }
    })
}

/// The parameters that end in a setting, but not with their value in their own.
fn astray(
    bundle: &Bundle,
    choice: &Choice,
    given: &Map<String, Value>,
    deployed: &Deployed,
) -> Vec<String> {
    let (tokens, theirs) = (tokens(bundle), choice.theirs());
    let environment = platform::environment(deployed, &theirs);
    let mut faults = Vec::new();
    for name in bundle.parameters().keys() {
        let setting = setting_of(name);
        let value = bundle.value(given, name).plain();
        let value = theirs.get(&value).unwrap_or(&value);
        let is_one = NAMES.contains(&setting.as_str()) || tokens.contains(&setting);
        if is_one && !value.is_empty() && environment.get(&setting) != Some(value) {
            faults.push(format!("{name} does not arrive in {setting}"));
        }
    }
    faults
}

/// Schedules, bounds and all.
pub(super) fn each_value_arrives_in_its_own_setting(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        faults.extend(astray(bundle, choice, &choice.parameters(), deployed));
    })
}

/// API, way into Log Analytics, identity, store of checkpoints.
pub(super) fn the_program_does_as_chosen(bundle: &Bundle) -> Vec<String> {
    each_read(bundle, |choice, deployed, settings, faults| {
        let is_full = choice.given != Given::Least;
        let api = match &settings.credentials {
            Credentials::Keys(keys) => choice.api == Api::V1 && keys.login.is_some() == is_full,
            Credentials::Client(_) => choice.api == Api::V2,
        };
        let client = roles::program(deployed);
        let client = client.map(|made| made.full["properties"]["clientId"].plain());
        let sink = match &settings.sink {
            SinkSettings::Workspace(workspace) => {
                choice.sink == Sink::DataCollector && workspace.id == choice.workspace_guid()
            }
            SinkSettings::Rule(rule) => {
                let is_who = match &rule.identity {
                    Identity::Client { tenant, .. } => {
                        choice.has_application() && tenant.as_str() == TENANT
                    }
                    Identity::Managed { client_id } => {
                        !choice.has_application() && *client_id == client
                    }
                };
                choice.sink == Sink::LogsIngestion && is_who
            }
            SinkSettings::Both { .. } => false,
        };
        let (by_identity, container) = match &settings.checkpoints {
            CheckpointSettings::Identity {
                container,
                client_id,
                ..
            } => (*client_id == client, container.as_str()),
            CheckpointSettings::ConnectionString { container, .. } => (false, container.as_str()),
            CheckpointSettings::Folder(_) => (false, ""),
        };
        let container = format!("/{container}");
        let containers = "Microsoft.Storage/storageAccounts/blobServices/containers";
        let is_made = deployed
            .of(containers)
            .any(|made| made.name.ends_with(&container));
        for (what, is_right) in [
            ("API", api),
            ("sink", sink),
            ("store of checkpoints", by_identity == choice.assigns_roles),
            ("container", is_made && container == "/ttp-checkpoints"),
        ] {
            if !is_right {
                faults.push(format!("not the {what} that was chosen"));
            }
        }
    })
}

pub(super) fn addresses_follow_the_cloud(bundle: &Bundle) -> Vec<String> {
    each_read(bundle, |choice, deployed, settings, faults| {
        let cloud = choice.cloud;
        let mut expect = |what: &str, found: &str, expected: &str| {
            if found != expected {
                faults.push(format!("{what} is {found}, not {expected}"));
            }
        };
        match &settings.sink {
            SinkSettings::Workspace(workspace) => {
                let expected = format!("https://{}{}/", choice.workspace_guid(), cloud.collector);
                expect("the Data Collector API", workspace.base.as_str(), &expected);
            }
            SinkSettings::Rule(rule) | SinkSettings::Both { rule, .. } => {
                expect(
                    "the audience",
                    &rule.audience,
                    &format!("https://{}", cloud.monitor),
                );
                if let Identity::Client { authority, .. } = &rule.identity {
                    let login = cloud.environment()["authentication"]["loginEndpoint"].clone();
                    expect("the authority", authority.as_str(), login.text());
                }
            }
        }
        let endpoint = match &settings.checkpoints {
            CheckpointSettings::Identity { endpoint, .. } => endpoint.as_str(),
            CheckpointSettings::ConnectionString { access, .. } => access.endpoint.as_str(),
            CheckpointSettings::Folder(_) => "a folder",
        };
        let account = platform::account_with(deployed, platform::CHECKPOINTS);
        let account = account.map_or("", |made| made.name.as_str());
        let expected = format!("https://{account}.blob.{}", cloud.storage);
        expect("blob storage", endpoint.trim_end_matches('/'), &expected);
    })
}

/// What the files of the function take from settings: `%timer_schedule%`.
fn tokens(bundle: &Bundle) -> BTreeSet<String> {
    let texts = walk::texts(&bundle.trigger);
    let token = |text: &str| Some(text.strip_prefix('%')?.strip_suffix('%')?.to_owned());
    texts.iter().filter_map(|(_, text)| token(text)).collect()
}

/// By the program, by the Functions host, or by the timer.
pub(super) fn every_one_set_is_known(bundle: &Bundle) -> Vec<String> {
    let tokens = tokens(bundle);
    in_each(bundle, |choice, deployed, faults| {
        let hosts = hosting::host_settings(bundle, choice, deployed);
        for name in platform::app_settings(deployed).keys() {
            let is_hosts = hosts.contains_key(name.as_str());
            if !is_hosts && !NAMES.contains(&name.as_str()) && !tokens.contains(name) {
                faults.push(format!("nobody reads {name}"));
            }
        }
    })
}

/// In one choice at least, or there is a reason.
pub(super) fn every_one_known_is_set(bundle: &Bundle) -> Vec<String> {
    let all = bundle.deployed();
    let set: BTreeSet<String> = all
        .flat_map(|(_, deployed)| platform::app_settings(deployed).into_keys())
        .collect();
    let tokens = tokens(bundle);
    let names = NAMES.iter().copied();
    let needed = names.chain(tokens.iter().map(String::as_str));
    needed
        .filter_map(|name| match (set.contains(name), reason(LEFT_OUT, name)) {
            (false, None) => Some(format!("{name} is never set; if it need not be, say why")),
            (true, Some(why)) => Some(format!("{name} is set, though {why}")),
            _ => None,
        })
        .collect()
}

/// The bounds and the default of each parameter that is a number.
pub(super) fn bounds_are_the_programs(bundle: &Bundle) -> Vec<String> {
    let mut deployed = bundle.deployed();
    let with_defaults = deployed.find(|(choice, _)| choice.given == Given::Least);
    let Some((choice, deployed)) = with_defaults else {
        return vec!["nothing can be deployed".to_owned()];
    };
    let environment = platform::environment(deployed, &choice.theirs());
    let shown = |environment: &BTreeMap<String, String>| format!("{:?}", read(environment));
    let mut faults = Vec::new();
    for (parameter, declared) in bundle.parameters() {
        let setting = setting_of(parameter);
        let (Some(least), Some(most)) =
            (declared["minValue"].as_i64(), declared["maxValue"].as_i64())
        else {
            continue;
        };
        let accepts = |value: i64| {
            let mut environment = environment.clone();
            environment.insert(setting.clone(), value.to_string());
            read(&environment).is_ok()
        };
        let is_narrower = reason(NARROWER, parameter).is_some();
        if !NAMES.contains(&setting.as_str()) {
            faults.push(format!("{parameter} ends in no setting"));
        } else if !accepts(least) || !accepts(most) {
            faults.push(format!("{parameter} allows what the program refuses"));
        } else if !is_narrower && (accepts(least - 1) || accepts(most + 1)) {
            faults.push(format!("{parameter} refuses what the program allows"));
        }
        let mut without = environment.clone();
        without.remove(&setting);
        if shown(&without) != shown(&environment) {
            faults.push(format!("{parameter} has another default than the program"));
        }
    }
    let parts = bundle.host["functionTimeout"].text().split(':');
    let timeout = parts.fold(0, |sum, part| sum * 60 + part.parse().unwrap_or(0));
    let budget = &bundle.parameters()["runBudgetSeconds"]["maxValue"];
    if budget.as_i64().is_none_or(|budget| budget + 60 > timeout) {
        faults.push("runBudgetSeconds leaves no minute before the functionTimeout".to_owned());
    }
    faults
}

/// Whether parameters lead to settings that the program accepts, and none of them gets lost.
pub(super) fn read_all(
    bundle: &Bundle,
    choice: &Choice,
    parameters: &Map<String, Value>,
) -> Result<(), String> {
    let deployed = bundle.deploy(choice, parameters)?;
    read(&platform::environment(&deployed, &choice.theirs()))?;
    let astray = astray(bundle, choice, parameters, &deployed);
    astray.into_iter().next().map_or(Ok(()), Err)
}

//! The app on disk: `host.json` and the functions, read and refused as the host does.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use super::{
    config::{Config, HostError},
    log_filter::LogFilter,
    schedule::Schedule,
    settings::{self, flag, member, setting, substitute, time_span},
};

/// The default of every plan but Consumption (where it is 5 min).
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(30 * 60);
const INITIALIZATION_TIMEOUT: Duration = Duration::from_secs(30);

/// What the app root contains.
#[derive(Debug)]
pub(super) struct App {
    pub(super) functions: Vec<Function>,
    pub(super) unindexed: Vec<Unindexed>,
    pub(super) handler: Handler,
    /// `None` means no limit.
    pub(super) function_timeout: Option<Duration>,
    pub(super) initialization_timeout: Duration,
    pub(super) log_filter: LogFilter,
}

/// A function with a timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) binding: String,
    pub(super) schedule: Schedule,
    pub(super) run_on_startup: bool,
    pub(super) use_monitor: bool,
}

/// A function whose schedule the host cannot read. It disables it, and nobody but its log hears of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unindexed {
    pub(super) name: String,
    pub(super) reason: String,
}

/// What a folder with a `function.json` holds.
enum Found {
    Timer(Function),
    Unindexed(Unindexed),
    Disabled,
}

/// How the handler is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handler {
    pub(super) executable: PathBuf,
    pub(super) arguments: Arguments,
    pub(super) directory: PathBuf,
    pub(super) stderr_is_for_errors: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arguments {
    /// From `host.json`: still with `%NAME%`, joined by blanks and split again.
    Described(Vec<String>),
    /// From the caller, unchanged.
    Given(Vec<String>),
}

/// Reads the app.
pub(super) fn read(config: &Config) -> Result<App, HostError> {
    let path = config.app_root.join("host.json");
    let fault = |reason: String| HostError::HostJson {
        path: path.clone(),
        reason,
    };
    let host_json = host_json(&path, config).map_err(fault)?;
    let section = member(&host_json, "customHandler")
        .or_else(|| member(&host_json, "httpWorker"))
        .ok_or_else(|| {
            fault(
                "there is no customHandler section: Did not find functions with language [custom]."
                    .to_owned(),
            )
        })?;
    let handler = handler(config, section).map_err(fault)?;
    let initialization_timeout = match member(section, "initializationTimeout") {
        Some(value) => value
            .as_str()
            .and_then(time_span)
            .ok_or_else(|| fault(format!("initializationTimeout {value} is no time span")))?,
        None => INITIALIZATION_TIMEOUT,
    };
    let function_timeout = match member(&host_json, "functionTimeout") {
        Some(value) => function_timeout(value).map_err(fault)?,
        None => Some(FUNCTION_TIMEOUT),
    };
    let log_filter = LogFilter::read(&host_json).map_err(fault)?;
    let (functions, unindexed) = functions(config)?;
    Ok(App {
        functions,
        unindexed,
        handler,
        function_timeout: config.function_timeout.or(function_timeout),
        initialization_timeout: config
            .initialization_timeout
            .unwrap_or(initialization_timeout),
        log_filter,
    })
}

/// The content of `host.json`, with what the settings override in it.
fn host_json(path: &Path, config: &Config) -> Result<Value, String> {
    let mut content = read_json(path)?;
    settings::apply_overrides(&mut content, &config.app_settings);
    if member(&content, "version").and_then(Value::as_str) != Some("2.0") {
        return Err(
            "The host.json file is missing the required 'version' property or it is not \"2.0\"."
                .to_owned(),
        );
    }
    if member(&content, "extensionBundle").is_some() {
        return Err("extensionBundle: nothing fetches it here, and a host that cannot fetch it runs no function at all".to_owned());
    }
    Ok(content)
}

fn read_json(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(|error| format!("Unable to parse the file: {error}"))
}

fn function_timeout(value: &Value) -> Result<Option<Duration>, String> {
    let text = value.as_str().unwrap_or_default();
    if text == "-1" {
        return Ok(None);
    }
    match time_span(text) {
        Some(limit) if limit >= Duration::from_secs(1) => Ok(Some(limit)),
        _ => Err(format!(
            "functionTimeout {value} is no time span of at least 00:00:01"
        )),
    }
}

fn handler(config: &Config, section: &Value) -> Result<Handler, String> {
    let description = member(section, "description").ok_or("Missing worker Description.")?;
    let text = |name| member(description, name).and_then(Value::as_str);
    let path = text("defaultExecutablePath")
        .filter(|path| !path.is_empty())
        .ok_or("WorkerDescription DefaultExecutablePath cannot be empty")?;
    if text("defaultWorkerPath").is_some_and(|path| !path.is_empty()) {
        return Err("this emulator knows no defaultWorkerPath: name the program itself".to_owned());
    }
    let path = expand(path, &config.app_settings);
    let below_root = config.app_root.join(&path);
    let executable = match &config.executable {
        Some(executable) => executable.clone(),
        None if below_root.is_file() => below_root,
        // Left to the system, which looks at PATH.
        None => PathBuf::from(path),
    };
    let arguments = match (&config.arguments, member(description, "arguments")) {
        (Some(given), _) => Arguments::Given(given.clone()),
        (None, Some(Value::Array(items))) => Arguments::Described(
            items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or("description.arguments holds something that is no text")?,
        ),
        (None, Some(_)) => return Err("description.arguments is no array".to_owned()),
        (None, None) => Arguments::Described(Vec::new()),
    };
    let directory = match text("workingDirectory") {
        Some(directory) => config.app_root.join(directory),
        None => config.app_root.clone(),
    };
    if !directory.is_dir() {
        return Err(format!(
            "the working directory {} does not exist",
            directory.display()
        ));
    }
    Ok(Handler {
        executable,
        arguments,
        directory,
        stderr_is_for_errors: member(description, "useStdErrorStreamForErrorsOnly")
            .and_then(flag)
            .unwrap_or(true),
    })
}

/// Replaces `%NAME%` as in paths and arguments: what is not set becomes empty.
pub(super) fn expand(text: &str, environment: &BTreeMap<String, String>) -> String {
    let value = |name: &str| environment.get(name).cloned().unwrap_or_default();
    substitute(text, |name| Ok::<_, std::convert::Infallible>(value(name)))
        .unwrap_or_else(|never| match never {})
}

fn functions(config: &Config) -> Result<(Vec<Function>, Vec<Unindexed>), HostError> {
    let unreadable = |error: io::Error| HostError::HostJson {
        path: config.app_root.clone(),
        reason: error.to_string(),
    };
    let (mut functions, mut unindexed) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(&config.app_root).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let file = entry.path().join("function.json");
        if !file.is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let found = function(&name, &file, config).map_err(|reason| HostError::Function {
            function: name,
            reason,
        })?;
        match found {
            Found::Timer(function) => functions.push(function),
            Found::Unindexed(function) => unindexed.push(function),
            Found::Disabled => {}
        }
    }
    if functions.is_empty() && unindexed.is_empty() {
        return Err(HostError::NoFunctions(config.app_root.clone()));
    }
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    unindexed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((functions, unindexed))
}

fn function(name: &str, file: &Path, config: &Config) -> Result<Found, String> {
    if !is_name(name) {
        return Err(format!("'{name}' is not a valid function name."));
    }
    let json = read_json(file)?;
    if member(&json, "retry").is_some() {
        return Err("this emulator knows no retry policy".to_owned());
    }
    let bindings = member(&json, "bindings").and_then(Value::as_array);
    let (binding, trigger) = trigger(bindings.map_or(&[], Vec::as_slice))?;
    let disabled_by = |key: String| {
        setting(&config.app_settings, &key)
            .is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    };
    let disabled = member(&json, "disabled").and_then(flag).unwrap_or(false)
        || disabled_by(format!("AzureWebJobs.{name}.Disabled"))
        || disabled_by(format!("AzureWebJobs__{name}__Disabled"));
    if disabled {
        return Ok(Found::Disabled);
    }
    let option = |name, default| member(trigger, name).and_then(flag).unwrap_or(default);
    let name = name.to_owned();
    Ok(match schedule(trigger, config) {
        Ok(schedule) => Found::Timer(Function {
            name,
            binding: binding.to_owned(),
            schedule,
            run_on_startup: option("runOnStartup", false),
            use_monitor: option("useMonitor", true),
        }),
        Err(reason) => Found::Unindexed(Unindexed { name, reason }),
    })
}

fn schedule(trigger: &Value, config: &Config) -> Result<Schedule, String> {
    let expression = member(trigger, "schedule")
        .and_then(Value::as_str)
        .ok_or("the timer has no schedule")?;
    let expression = substitute(expression, |key| {
        setting(&config.app_settings, key)
            .map(str::to_owned)
            .ok_or_else(|| format!("'%{key}%' does not resolve to a value."))
    })?;
    let schedule = Schedule::parse(&expression).map_err(|error| error.to_string())?;
    Ok(schedule.in_zone(config.zone))
}

fn trigger(bindings: &[Value]) -> Result<(&str, &Value), String> {
    let mut names: Vec<String> = Vec::new();
    let mut triggers = Vec::new();
    for binding in bindings {
        let text = |key| {
            member(binding, key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (name, kind) = (text("name"), text("type"));
        if !is_binding_name(name) {
            return Err(format!(
                "The binding name {name} is invalid. Please assign a valid name to the binding."
            ));
        }
        if names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(format!(
                "Multiple bindings with name '{name}' discovered. Binding names must be unique."
            ));
        }
        names.push(name.to_owned());
        if kind.to_ascii_lowercase().ends_with("trigger") {
            triggers.push((name, kind, binding));
        } else {
            return Err(not_registered(kind));
        }
    }
    match triggers.as_slice() {
        [(name, kind, trigger)] if kind.eq_ignore_ascii_case("timerTrigger") => {
            Ok((*name, *trigger))
        }
        [(_, kind, _)] if kind.eq_ignore_ascii_case("httpTrigger") => {
            Err("this emulator knows timers only, no httpTrigger".to_owned())
        }
        [(_, kind, _)] => Err(not_registered(kind)),
        [] => Err(
            "No trigger binding specified. A function must have a trigger input binding."
                .to_owned(),
        ),
        _ => Err(
            "Multiple trigger bindings defined. A function can only have a single trigger binding."
                .to_owned(),
        ),
    }
}

fn not_registered(kind: &str) -> String {
    format!(
        "The binding type(s) '{kind}' are not registered. Please ensure the type is correct and the binding extension is installed."
    )
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && name.len() <= 128
        && !name.eq_ignore_ascii_case("host")
}

fn is_binding_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let plain = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric());
    plain || name == "$return"
}

#[cfg(test)]
mod tests;

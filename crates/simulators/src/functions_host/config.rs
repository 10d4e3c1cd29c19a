//! How the emulator is configured, and what can go wrong when it starts.

use std::{collections::BTreeMap, ffi::OsString, fmt, io, path::PathBuf, time::Duration};

use super::{logbook::OnLog, schedule::Zone};
use crate::clock::SimClock;

/// How the emulator is configured.
#[derive(Clone)]
pub struct Config {
    /// The folder that holds `host.json` and one folder per function.
    pub app_root: PathBuf,
    /// Started instead of what `host.json` names.
    pub executable: Option<PathBuf>,
    /// Given to the handler unchanged, instead of what `host.json` says: without `%NAME%` and
    /// without being split at blanks.
    pub arguments: Option<Vec<String>>,
    /// The host's environment, which the handler inherits whole. By default that of this process.
    pub environment: BTreeMap<String, String>,
    /// The app settings, which become environment variables of the handler.
    pub app_settings: BTreeMap<String, String>,
    /// The host's time zone, by whose clocks schedules run.
    pub zone: Zone,
    /// Gives the times in the requests and decides which ticks are due. Time-outs run in real time.
    pub clock: SimClock,
    /// Replaces `functionTimeout`, without its limits.
    pub function_timeout: Option<Duration>,
    /// Replaces `customHandler.initializationTimeout`.
    pub initialization_timeout: Option<Duration>,
    /// The host's constants, which tests scale down.
    pub limits: Limits,
    /// Sees each log record as it comes, on whichever task logs it: it must not block.
    pub on_log: Option<OnLog>,
}

impl Config {
    /// The app at `app_root`, without settings, as its files say.
    #[must_use]
    pub fn new(app_root: impl Into<PathBuf>, clock: SimClock) -> Self {
        Self {
            app_root: app_root.into(),
            executable: None,
            arguments: None,
            environment: own_environment(),
            app_settings: BTreeMap::new(),
            zone: Zone::default(),
            clock,
            function_timeout: None,
            initialization_timeout: None,
            limits: Limits::default(),
            on_log: None,
        }
    }

    /// The handler starts in its own folder, where relative paths would lead elsewhere.
    pub(super) fn make_absolute(&mut self) {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        self.app_root = absolute(&self.app_root);
        self.executable = self.executable.take().map(|path| {
            // A bare name is looked for in PATH.
            if path.components().count() > 1 {
                absolute(&path)
            } else {
                path
            }
        });
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Settings hold secrets: their names only.
        let names: Vec<_> = self.app_settings.keys().collect();
        f.debug_struct("Config")
            .field("app_root", &self.app_root)
            .field("executable", &self.executable)
            .field("app_settings", &names)
            .field("function_timeout", &self.function_timeout)
            .field("initialization_timeout", &self.initialization_timeout)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Constants of the host (its source).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a run past its time limit may still take to end by itself before the handler is killed.
    /// 2 s.
    pub timeout_grace: Duration,
    /// How long a host that stops waits for runs that a timer began. 10 s.
    pub stop_wait: Duration,
    /// Crashes further apart than this do not add up. 30 min.
    pub crash_gap: Duration,
    /// How long a connection may lie idle before a new one is opened. 60 s.
    pub idle_connection: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout_grace: Duration::from_secs(2),
            stop_wait: Duration::from_secs(10),
            crash_gap: Duration::from_secs(30 * 60),
            idle_connection: Duration::from_secs(60),
        }
    }
}

/// The environment of this process, but for what is no text.
#[expect(
    clippy::disallowed_methods,
    reason = "the host gives all of it to its handler"
)]
pub(super) fn own_environment() -> BTreeMap<String, String> {
    let text = |name: OsString, value: OsString| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os()
        .filter_map(|(name, value)| text(name, value))
        .collect()
}

/// The emulator did not start.
///
/// The real host would only disable a function with a bad `function.json`; here that is an error,
/// because whoever started the emulator wants to know. A bad or missing schedule is none: see
/// [`FunctionsHost::disabled`](super::FunctionsHost::disabled).
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// `host.json`, or the app root itself, is missing or wrong.
    #[error("{}: {reason}", path.display())]
    HostJson {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A function is wrong.
    #[error("The '{function}' function is in error: {reason}")]
    Function {
        /// The name of its folder.
        function: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No folder below the app root holds an enabled function.
    #[error("No job functions found below {}.", .0.display())]
    NoFunctions(PathBuf),
    /// There is no port for the handler.
    #[error("cannot choose a port on 127.0.0.1 for the handler")]
    Port(#[source] io::Error),
    /// The handler cannot be started.
    #[error("Failed to start Worker Channel. Process fileName: {file}: {reason}")]
    Start {
        /// What was to be started.
        file: String,
        /// Why the system refused.
        reason: String,
    },
    /// The handler was started, but the host gave up on it.
    #[error("{reason}; the handler's last words: {}", last_words.join(" | "))]
    ShutDown {
        /// Why the host gave up.
        reason: String,
        /// The last lines that the handler wrote.
        last_words: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_setting_but_its_name() {
        let mut config = Config::new("/app", SimClock::real());
        config
            .app_settings
            .insert("SECRET_KEY".to_owned(), "hunter2".to_owned());
        let shown = format!("{config:?}");
        assert!(shown.contains("SECRET_KEY"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn relative_paths_are_those_of_the_caller() {
        let mut config = Config::new("app", SimClock::real());
        config.executable = Some("target/handler".into());
        config.make_absolute();
        assert!(config.app_root.is_absolute());
        assert!(config.executable.is_some_and(|path| path.is_absolute()));
        let mut config = Config::new("app", SimClock::real());
        config.executable = Some("sh".into());
        config.make_absolute();
        assert_eq!(config.executable, Some("sh".into()));
    }
}

//! What `host.json` lets into the log: `logging.logLevel`, by category.

use serde_json::Value;

use super::{logbook::Level, settings::member};

/// The least severe records that a category lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threshold {
    /// This level and what is more severe.
    From(Level),
    /// `None`, and `Critical`, which nothing here is.
    Nothing,
}

/// Which records the host keeps and shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFilter {
    default: Threshold,
    /// By the beginning of a category, in lower case.
    categories: Vec<(String, Threshold)>,
}

impl Default for LogFilter {
    /// That of a host whose `host.json` says nothing.
    fn default() -> Self {
        Self {
            default: Threshold::From(Level::Information),
            categories: Vec::new(),
        }
    }
}

impl LogFilter {
    /// Reads it from the content of `host.json`.
    pub(super) fn read(host_json: &Value) -> Result<Self, String> {
        let mut filter = Self::default();
        let levels = member(host_json, "logging").and_then(|logging| member(logging, "logLevel"));
        let levels = levels.and_then(Value::as_object).into_iter().flatten();
        for (category, level) in levels {
            let threshold = threshold(level)
                .ok_or_else(|| format!("logging.logLevel.{category}: {level} is no log level"))?;
            if category.eq_ignore_ascii_case("default") {
                filter.default = threshold;
            } else {
                let category = category.to_ascii_lowercase();
                filter.categories.push((category, threshold));
            }
        }
        Ok(filter)
    }

    /// Whether it lets a record through. The longest beginning of its category decides.
    pub(super) fn passes(&self, level: Level, category: &str) -> bool {
        let category = category.to_ascii_lowercase();
        let fitting = self.categories.iter();
        let fitting = fitting.filter(|(beginning, _)| category.starts_with(beginning));
        let closest = fitting.max_by_key(|(beginning, _)| beginning.len());
        let threshold = closest.map_or(self.default, |(_, threshold)| *threshold);
        match threshold {
            Threshold::From(least) => level >= least,
            Threshold::Nothing => false,
        }
    }
}

fn threshold(level: &Value) -> Option<Threshold> {
    let level = match level.as_str()?.to_ascii_lowercase().as_str() {
        "trace" | "debug" => Level::Debug,
        "information" => Level::Information,
        "warning" => Level::Warning,
        "error" => Level::Error,
        "critical" | "none" => return Some(Threshold::Nothing),
        _ => return None,
    };
    Some(Threshold::From(level))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filter(levels: &Value) -> Result<LogFilter, String> {
        LogFilter::read(&json!({"logging": {"LogLevel": levels}}))
    }

    #[test]
    fn the_longest_beginning_of_a_category_decides() {
        let levels = json!({
            "default": "Warning",
            "Function": "Error",
            "function.timertrigger.USER": "Debug",
            "Host.Function.Console": "None"
        });
        let filter = filter(&levels).unwrap();
        for (category, level, passes) in [
            ("Host.Startup", Level::Information, false),
            ("Host.Startup", Level::Warning, true),
            ("Function.TimerTrigger", Level::Warning, false),
            ("Function.TimerTrigger", Level::Error, true),
            ("Function.TimerTrigger.User", Level::Debug, true),
            ("Host.Function.Console", Level::Error, false),
        ] {
            assert_eq!(
                filter.passes(level, category),
                passes,
                "{category} {level:?}"
            );
        }
    }

    #[test]
    fn without_a_word_about_it_information_passes() {
        let filter = LogFilter::read(&json!({"version": "2.0"})).unwrap();
        assert!(filter.passes(Level::Information, "Host.Startup"));
        assert!(!filter.passes(Level::Debug, "Host.Startup"));
    }

    #[test]
    fn a_level_that_is_none_is_named() {
        let error = filter(&json!({"default": "loud"})).unwrap_err();
        assert_eq!(error, "logging.logLevel.default: \"loud\" is no log level");
    }
}

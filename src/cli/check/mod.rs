//! `check`: a preflight of everything, which changes nothing that counts.

mod reach;

use chrono::TimeDelta;
use serde_json::json;

use self::reach::Endpoint;
use super::{
    AT_FAULT, DONE, FAILED,
    args::Check,
    paint::{Paint, Tone},
    say,
    wiring::{self, Checked, SetupError},
    words::in_words,
};
use crate::{
    ingest::preflight::{self, CheckResult, Finding},
    model::{progress::RETENTION, visible::escape_hidden},
    settings::{Settings, SinkSettings, misspelt, schedule},
};

/// Runs that are further apart make alerts late.
const RARELY: TimeDelta = TimeDelta::hours(1);

/// How Mimecast is called here.
const MIMECAST: &str = "Mimecast";

/// Where settings come from, as far as a check must know.
pub(super) struct SettingsSource<'a> {
    /// Gives a setting.
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Gives what the environment holds, whatever a file of settings says.
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The names of all that is set, whoever it is for.
    pub(super) names: Vec<String>,
}

pub(super) async fn check(options: &Check, source: &SettingsSource<'_>, paint: Paint) -> u8 {
    let mut findings = spelling(source);
    let settings = Settings::read(source.lookup);
    let mut is_set_up = settings.is_ok();
    match settings {
        Err(faults) => {
            findings.extend(faults.0.iter().map(|fault| {
                let message = format!(
                    "{}: {}; example: {}.",
                    fault.name, fault.found, fault.example
                );
                Finding::new("settings", CheckResult::Fail, message)
            }));
            findings.extend(scheduled(source.lookup).err());
        }
        Ok(settings) => {
            findings.extend(described(&settings));
            findings.push(timing(&settings, source.lookup));
            findings.extend(reach::proxy(source));
            match services(settings, source.lookup).await {
                Ok(more) => findings.extend(more),
                Err(error) => {
                    is_set_up = false;
                    findings.push(Finding::new("settings", CheckResult::Fail, error.message()));
                }
            }
        }
    }
    report(&findings, options.json, paint);
    match worst(&findings) {
        _ if !is_set_up => AT_FAULT,
        CheckResult::Fail => FAILED,
        CheckResult::Ok | CheckResult::Warn => DONE,
    }
}

fn worst(findings: &[Finding]) -> CheckResult {
    let results = findings.iter().map(|finding| finding.result);
    results.max().unwrap_or(CheckResult::Ok)
}

/// Names that look like settings and are none.
fn spelling(source: &SettingsSource<'_>) -> Vec<Finding> {
    let names = source.names.iter().map(String::as_str);
    let found = misspelt(names).into_iter().map(|(name, meant)| {
        let message = format!("{name} is no setting, and looks like {meant}: it has no effect.");
        Finding::new("settings", CheckResult::Warn, message)
    });
    found.collect()
}

/// What the settings choose, and what of it has no future.
fn described(settings: &Settings) -> Vec<Finding> {
    let (api, sink) = settings.chosen();
    let message = format!("complete: {api}, {sink}.");
    let mut findings = vec![Finding::new("settings", CheckResult::Ok, message)];
    let retiring = settings.retiring().into_iter();
    findings.extend(retiring.map(|api| Finding::new("future", CheckResult::Warn, api.to_string())));
    findings
}

/// How often the host calls, and whether a run ends before the next is due.
fn timing(settings: &Settings, lookup: &dyn Fn(&str) -> Option<String>) -> Finding {
    let check = "schedule";
    let interval = match scheduled(lookup) {
        Ok(interval) => interval,
        Err(finding) => return finding,
    };
    let budget = TimeDelta::from_std(settings.run_budget).unwrap_or(TimeDelta::MAX);
    let Some(schedule::Interval { shortest, longest }) = interval else {
        return Finding::new(check, CheckResult::Ok, "the Functions host can read it.");
    };
    let often = if shortest == longest {
        format!("a run every {}", in_words(shortest))
    } else {
        format!(
            "a run every {} to {}",
            in_words(shortest),
            in_words(longest)
        )
    };
    let (result, message) = if longest >= RETENTION {
        let message = format!(
            "{often}: Mimecast keeps its logs for 30 days, so records are lost. What to do: run every few minutes, such as {}.",
            schedule::EXAMPLE
        );
        (CheckResult::Fail, message)
    } else if longest > RARELY {
        let message = format!(
            "{often}: alerts are as late. What to do: run every few minutes, such as {}.",
            schedule::EXAMPLE
        );
        (CheckResult::Warn, message)
    } else if budget > shortest {
        let message = format!(
            "{often}, but run_budget_seconds allows {}: a run that takes so long makes the next one wait. What to do: lower it, or run less often.",
            in_words(budget)
        );
        (CheckResult::Warn, message)
    } else {
        let message = format!("{often}, of at most {}.", in_words(budget));
        (CheckResult::Ok, message)
    };
    Finding::new(check, result, message)
}

/// How often the host calls, as far as that is known; what is wrong where it never does.
fn scheduled(
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<schedule::Interval>, Finding> {
    let value = lookup(schedule::NAME);
    schedule::check(value.as_deref()).map_err(|fault| {
        if fault == schedule::NeverCalled::Missing {
            let message =
                "timer_schedule is not set: the Functions host would never call. `run` needs none.";
            return Finding::new("schedule", CheckResult::Warn, message);
        }
        let message = format!(
            "{fault}: the Functions host will never call; example: {}.",
            schedule::EXAMPLE
        );
        Finding::new("schedule", CheckResult::Fail, message)
    })
}

/// Everything that needs the network.
async fn services(
    settings: Settings,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Finding>, SetupError> {
    let mut bases = vec![Endpoint {
        name: MIMECAST,
        base: settings.mimecast_base.clone(),
    }];
    bases.extend(settings.checkpoints.endpoint().map(|base| Endpoint {
        name: "storage",
        base: base.clone(),
    }));
    let (first, second) = match &settings.sink {
        SinkSettings::Workspace(workspace) => (Some(workspace), None),
        SinkSettings::Rule(rule) => (None, Some(rule)),
        SinkSettings::Both {
            workspace, rule, ..
        } => (Some(workspace), Some(rule)),
    };
    bases.extend(first.map(|workspace| Endpoint {
        name: "Data Collector API",
        base: workspace.base.clone(),
    }));
    bases.extend(second.map(|rule| Endpoint {
        name: "Logs Ingestion API",
        base: rule.endpoint.clone(),
    }));
    let Checked {
        pass,
        http,
        clock,
        second,
    } = wiring::checked(settings, lookup)?;
    let rehearsed = async {
        match second {
            Some((sink, health)) => {
                preflight::sink(&*sink, Some(&*health), &*clock, "second sink").await
            }
            None => Vec::new(),
        }
    };
    let (reached, passed, rehearsed) = tokio::join!(
        reach::services(&http, &*clock, bases),
        pass.preflight(),
        rehearsed
    );
    Ok([reached, passed, rehearsed].concat())
}

fn report(findings: &[Finding], as_json: bool, paint: Paint) {
    let result = worst(findings);
    if as_json {
        return say(&format!(
            "{:#}",
            json!({"result": result, "checks": findings})
        ));
    }
    let findings = merged(findings);
    let names = findings.iter().map(|finding| finding.check.chars().count());
    let width = names.max().unwrap_or(0);
    for finding in &findings {
        let tone = match finding.result {
            CheckResult::Ok => Tone::Good,
            CheckResult::Warn => Tone::Warning,
            CheckResult::Fail => Tone::Bad,
        };
        let head = paint.over(tone, &format!("{:<4}", finding.result));
        let body = format!("  {:<width$}  {}", finding.check, finding.message);
        let _is_read = super::say_painted(&format!("{head}{}", escape_hidden(&body)));
    }
    let count = |wanted| {
        let results = findings.iter().map(|finding| finding.result);
        results.filter(|result| *result == wanted).count()
    };
    let (warned, failed) = (count(CheckResult::Warn), count(CheckResult::Fail));
    if failed > 0 {
        say(&format!("Failed: {failed} of {} checks.", findings.len()));
    } else if warned > 0 {
        let all = findings.len();
        say(&format!(
            "Everything works. Warnings: {warned} of {all} checks."
        ));
    } else {
        say(&format!("Everything works: {} checks.", findings.len()));
    }
}

/// What is said of several feeds in the same words is said once: `sink` for `sink url`, `sink attachment` ...
fn merged(findings: &[Finding]) -> Vec<Finding> {
    let group = |finding: &Finding| {
        let check = finding.check.rsplit_once(' ');
        check.map_or_else(|| finding.check.clone(), |(group, _)| group.to_owned())
    };
    let alike = |one: &Finding, other: &Finding| {
        (&one.message, one.result, group(one)) == (&other.message, other.result, group(other))
    };
    let groups = findings.chunk_by(alike).filter_map(|alike| match alike {
        [] => None,
        [one] => Some(one.clone()),
        [first, ..] => {
            let names = alike.iter().filter_map(|one| one.check.rsplit(' ').next());
            let names = names.collect::<Vec<_>>().join(", ");
            let check = match alike.len() {
                ..3 => format!("{} {names}", group(first)),
                _ => group(first),
            };
            Some(Finding {
                check,
                ..first.clone()
            })
        }
    });
    groups.collect()
}

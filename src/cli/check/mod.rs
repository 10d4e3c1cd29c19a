//! `check`: a preflight of everything, which changes nothing that counts.

mod reach;

use chrono::TimeDelta;
use serde_json::json;

use self::reach::Service;
use super::{
    AT_FAULT, DONE, FAILED,
    args::Check,
    paint::{Paint, Tone},
    say, say_error,
    wiring::{self, Checked, SetupError},
    words::in_words,
};
use crate::{
    ingest::preflight::{self, Finding, Verdict},
    model::visible::escape_hidden,
    settings::{Settings, SinkSettings, misspelt, schedule},
};

/// How Mimecast is called here.
const MIMECAST: &str = "Mimecast";

/// Where settings come from, as far as a check must know.
pub(super) struct Source<'a> {
    /// Gives a setting.
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
    /// The names of all that is set, whoever it is for.
    pub(super) names: Vec<String>,
}

pub(super) async fn check(options: &Check, source: &Source<'_>, paint: Paint) -> u8 {
    let mut findings = spelling(source);
    let settings = Settings::read(source.lookup);
    let is_set_up = settings.is_ok();
    match settings {
        Err(faults) => findings.extend(faults.0.iter().map(|fault| {
            let message = format!(
                "{}: {}; example: {}.",
                fault.name, fault.found, fault.example
            );
            Finding::new("settings", Verdict::Fail, message)
        })),
        Ok(settings) => {
            findings.extend(described(&settings));
            findings.push(timing(&settings, source.lookup));
            match services(settings, source.lookup).await {
                Ok(more) => findings.extend(more),
                Err(error) => {
                    findings.push(Finding::new("settings", Verdict::Fail, error.message()));
                }
            }
        }
    }
    report(&findings, options.json, paint);
    match worst(&findings) {
        _ if !is_set_up => AT_FAULT,
        Verdict::Fail => FAILED,
        Verdict::Ok | Verdict::Warn => DONE,
    }
}

fn worst(findings: &[Finding]) -> Verdict {
    let results = findings.iter().map(|finding| finding.result);
    results.max().unwrap_or(Verdict::Ok)
}

/// Names that look like settings and are none.
fn spelling(source: &Source<'_>) -> Vec<Finding> {
    let names = source.names.iter().map(String::as_str);
    let found = misspelt(names).into_iter().map(|(name, meant)| {
        let message = format!("{name} is no setting, and looks like {meant}: it has no effect.");
        Finding::new("settings", Verdict::Warn, message)
    });
    found.collect()
}

/// What the settings choose, and what of it has no future.
fn described(settings: &Settings) -> Vec<Finding> {
    let (api, sink) = settings.chosen();
    let message = format!("complete: {api}, {sink}.");
    let mut findings = vec![Finding::new("settings", Verdict::Ok, message)];
    let retiring = settings.retiring().into_iter();
    findings.extend(retiring.map(|api| Finding::new("future", Verdict::Warn, api.to_string())));
    findings
}

/// How often the host calls, and whether a run ends before the next is due.
fn timing(settings: &Settings, lookup: &dyn Fn(&str) -> Option<String>) -> Finding {
    let check = "schedule";
    let value = lookup(schedule::NAME);
    let interval = match schedule::check(value.as_deref()) {
        Ok(interval) => interval,
        Err(schedule::NeverCalled::Missing) => {
            let message =
                "timer_schedule is not set: the Functions host would never call. `run` needs none.";
            return Finding::new(check, Verdict::Warn, message);
        }
        Err(fault) => {
            let message = format!(
                "{fault}: the Functions host will never call; example: {}.",
                schedule::EXAMPLE
            );
            return Finding::new(check, Verdict::Fail, message);
        }
    };
    let budget = TimeDelta::from_std(settings.run_budget).unwrap_or(TimeDelta::MAX);
    let (result, message) = match interval {
        None => (Verdict::Ok, "the Functions host can read it.".to_owned()),
        Some(schedule::Interval { shortest, longest }) => {
            let often = if shortest == longest {
                format!("a run every {}", in_words(shortest))
            } else {
                format!(
                    "a run every {} to {}",
                    in_words(shortest),
                    in_words(longest)
                )
            };
            if budget > shortest {
                let message = format!(
                    "{often}, but run_budget_seconds allows {}: a run that takes so long makes the next one wait. What to do: lower it, or run less often.",
                    in_words(budget)
                );
                (Verdict::Warn, message)
            } else {
                (
                    Verdict::Ok,
                    format!("{often}, of at most {}.", in_words(budget)),
                )
            }
        }
    };
    Finding::new(check, result, message)
}

/// Everything that needs the network.
async fn services(
    settings: Settings,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Finding>, SetupError> {
    let mut bases = vec![Service {
        name: MIMECAST,
        base: settings.mimecast_base.clone(),
    }];
    bases.extend(settings.checkpoints.endpoint().map(|base| Service {
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
    bases.extend(first.map(|workspace| Service {
        name: "Data Collector API",
        base: workspace.base.clone(),
    }));
    bases.extend(second.map(|rule| Service {
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
    let mut findings = vec![reach::proxy(lookup)];
    findings.extend([reached, passed, rehearsed].concat());
    Ok(findings)
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
            Verdict::Ok => Tone::Good,
            Verdict::Warn => Tone::Warning,
            Verdict::Fail => Tone::Bad,
        };
        let head = paint.over(tone, &format!("{:<4}", finding.result));
        let body = format!("  {:<width$}  {}", finding.check, finding.message);
        super::say_painted(&format!("{head}{}", escape_hidden(&body)));
    }
    let count = |wanted| {
        let results = findings.iter().map(|finding| finding.result);
        results.filter(|result| *result == wanted).count()
    };
    let (warned, failed) = (count(Verdict::Warn), count(Verdict::Fail));
    if failed > 0 {
        say_error(&format!("Failed: {failed} of {} checks.", findings.len()));
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
        [first, ..] => Some(Finding {
            check: group(first),
            ..first.clone()
        }),
    });
    groups.collect()
}

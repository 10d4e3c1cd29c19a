//! Whether it deploys at all, and in which order.

use super::walk;
use template_check::{
    evaluate::{Deployed, Resource},
    look::Look,
};

use crate::{
    bundle::Bundle,
    choices::{Choice, DEPLOYER, Sink},
};

const TABLE: &str = "Microsoft.OperationalInsights/workspaces/tables";
const RULE: &str = "Microsoft.Insights/dataCollectionRules";
const SETTINGS: &str = "Microsoft.Web/sites/config";
const PACKAGE: &str = "Microsoft.Web/sites/extensions";

/// What is wrong with each deployed choice, with the choice's name before it.
pub(super) fn in_each(
    bundle: &Bundle,
    check: impl Fn(&Choice, &Deployed, &mut Vec<String>),
) -> Vec<String> {
    let faults = bundle.deployed().filter_map(|(choice, deployed)| {
        let mut faults = Vec::new();
        check(choice, deployed, &mut faults);
        labelled(choice, &faults)
    });
    faults.take(bundle.enough).flatten().collect()
}

/// The faults with the choice's name before each; none for none.
pub(super) fn labelled(choice: &Choice, faults: &[String]) -> Option<Vec<String>> {
    let label = choice.label();
    let faults = faults.iter().map(|fault| format!("{label}: {fault}"));
    Some(faults.collect()).filter(|faults: &Vec<_>| !faults.is_empty())
}

pub(super) fn every_choice_deploys(bundle: &Bundle) -> Vec<String> {
    let failed = bundle
        .deployments()
        .filter_map(|(choice, result)| labelled(choice, &[result.err()?.clone()]));
    failed.take(bundle.enough).flatten().collect()
}

/// The id of what a resource is a part of, or extends.
fn parent(id: &str) -> &str {
    // `parent/blobServices/default`, and `parent/providers/Microsoft.Authorization/roleAssignments/name`.
    let own = id.rsplitn(3, '/').nth(2).unwrap_or_default();
    own.rsplit_once("/providers/")
        .filter(|(_, rest)| !rest.contains('/'))
        .map_or(own, |(parent, _)| parent)
}

/// The service does not know that they belong together. What has no parent here belongs to the
/// workspace, which is there, or to a resource group.
pub(super) fn parents_come_first(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        for resource in &deployed.resources {
            let parent = parent(&resource.id);
            let is_there = parent == Choice::workspace() || !parent.contains("/providers/");
            if !is_there && !resource.waits_for.contains(parent) {
                faults.push(format!("{} must depend on {parent}", resource.id));
            }
        }
    })
}

pub(super) fn what_is_named_is_waited_for(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        for resource in &deployed.resources {
            for (at, text) in walk::texts(&resource.body) {
                let is_other = |other: &&Resource| other.id == text && other.id != resource.id;
                let named = deployed.resources.iter().find(is_other);
                if named.is_some()
                    && !resource.waits_for.contains(text)
                    && !at.contains(".dependsOn")
                {
                    faults.push(format!("{}{at} names {text}: depend on it", resource.id));
                }
            }
        }
    })
}

/// No id of what is not made in that choice, but for the workspace, which is there.
pub(super) fn every_id_leads_somewhere(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        for resource in &deployed.resources {
            let texts = walk::texts(&resource.body).into_iter();
            let ids = texts.filter(|(at, text)| {
                let is_id = text.starts_with("/subscriptions/") && text.contains("/providers/");
                is_id && !at.contains(".dependsOn[") && !text.contains("/roleDefinitions/")
            });
            let is_made = |id: &str| deployed.resources.iter().any(|made| made.id == id);
            let dead = ids.filter(|(_, id)| !is_made(id) && *id != Choice::workspace());
            faults.extend(dead.map(|(at, id)| format!("{}{at}: nothing makes {id}", resource.id)));
        }
    })
}

/// Else the rule is refused: `InvalidOutputTable`.
pub(super) fn tables_come_before_their_rule(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |choice, deployed, faults| {
        let rules: Vec<_> = deployed.of(RULE).collect();
        if rules.len() != usize::from(choice.sink == Sink::LogsIngestion) {
            faults.push(format!("{} data collection rules", rules.len()));
        }
        for rule in rules {
            for flow in rule.body["properties"]["dataFlows"].items() {
                let stream = flow["outputStream"].text();
                let table = stream.trim_start_matches("Custom-");
                let mut tables = deployed.of(TABLE).filter(|made| made.name.ends_with(table));
                if !tables.any(|made| rule.waits_for.contains(&made.id)) {
                    faults.push(format!("{} must depend on the table {table}", rule.id));
                }
            }
        }
    })
}

/// What the app can do nothing without: storage and vault, and all that it is granted.
fn is_needed(made: &Resource) -> bool {
    // The one who deploys has a role of his own, which the app does not need.
    let is_deployers = made.body["properties"]["principalId"] == DEPLOYER;
    // Nor does it need what tells others who read a secret.
    let is_told = made.of == "Microsoft.Insights/diagnosticSettings";
    let is_grant = made.of == "Microsoft.Authorization/roleAssignments";
    let mut stores = ["/Microsoft.Storage/", "/Microsoft.KeyVault/"].into_iter();
    let is_store = stores.any(|of| made.id.contains(of));
    !is_deployers && !is_told && (is_grant || is_store)
}

fn must_wait<'a>(
    all: impl Iterator<Item = &'a Resource>,
    who: &Resource,
    faults: &mut Vec<String>,
) {
    let missing = all.filter(|other| !who.waits_for.contains(&other.id));
    faults.extend(missing.map(|other| format!("{} must wait for {}", who.id, other.id)));
}

/// The app starts anew with them, and reads what they name.
pub(super) fn settings_come_behind_what_they_name(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        for settings in deployed.of(SETTINGS) {
            let all = deployed.resources.iter().filter(|made| is_needed(made));
            must_wait(all, settings, faults);
        }
    })
}

/// The app starts when its package is there: by then it has settings, and may read what they name.
pub(super) fn the_package_comes_last(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        for package in deployed.of(PACKAGE) {
            let all = deployed.resources.iter();
            let all = all.filter(|made| is_needed(made) || made.of == SETTINGS);
            must_wait(all, package, faults);
        }
    })
}

/// It refuses two changes at once.
pub(super) fn an_app_is_changed_one_thing_at_a_time(bundle: &Bundle) -> Vec<String> {
    in_each(bundle, |_, deployed, faults| {
        let all = deployed.resources.iter();
        let parts: Vec<_> = all
            .filter(|made| made.of.starts_with("Microsoft.Web/sites/"))
            .collect();
        // They are in the order in which they are made.
        for (one, other) in parts.iter().zip(parts.iter().skip(1)) {
            if !other.waits_for.contains(&one.id) {
                faults.push(format!("{} may change with {}", other.id, one.id));
            }
        }
    })
}

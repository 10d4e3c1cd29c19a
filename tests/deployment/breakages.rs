//! The ways to break a deployment in `breakages.md`, each with the rule that must notice: so that no
//! rule keeps silent.

use std::collections::BTreeSet;
use template_check::change::apply;

use crate::{bundle::Bundle, rules::RULES};

/// What is wrong, the rule that says so, and the change that makes it.
type Breakage<'a> = [&'a str; 3];

fn breakages() -> Vec<Breakage<'static>> {
    let table = include_str!("breakages.md").lines();
    let rows = table.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.filter_map(|row| row.split(" | ").collect::<Vec<_>>().try_into().ok());
    // The first is the head of the table.
    let cells = cells.skip(1);
    cells
        .map(|cells: [&str; 3]| cells.map(|cell| cell.trim_matches('`')))
        .collect()
}

/// Makes some; says which were not noticed.
fn unnoticed(breakages: &[Breakage<'_>]) -> Vec<String> {
    let mut silent = Vec::new();
    for [what, rule, change] in breakages {
        let (_, check) = RULES.iter().find(|(name, _)| name == rule).unwrap();
        let mut bundle = Bundle::read_to_break();
        assert!(
            apply(change, &mut bundle).is_some(),
            "nothing to change: {change}"
        );
        if check(&bundle).is_empty() {
            silent.push(format!("{rule} does not notice {what}"));
        }
    }
    silent
}

#[test]
fn every_breakage_is_noticed_by_its_rule() {
    let breakages = breakages();
    assert!(
        breakages.len() > 100,
        "the table was not read: {}",
        breakages.len()
    );
    let (one, other) = breakages.split_at(breakages.len() / 2);
    let silent: Vec<_> = std::thread::scope(|scope| {
        let halves = [one, other].map(|half| scope.spawn(|| unnoticed(half)));
        halves
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect()
    });
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
}

#[test]
fn every_rule_can_be_broken() {
    let broken: BTreeSet<_> = breakages().iter().map(|[_, rule, _]| *rule).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(broken, rules);
}

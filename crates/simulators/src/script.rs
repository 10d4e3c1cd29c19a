//! Which call meets which fault.

use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{Mutex, PoisonError},
};

/// A list of faults for the calls of a simulator. Calls are counted per scope (a path, a log type),
/// from 1, in the order in which they arrive.
#[derive(Debug)]
pub struct Script<F>(Mutex<State<F>>);

#[derive(Debug)]
struct State<F> {
    counts: HashMap<String, u64>,
    rules: Vec<Rule<F>>,
}

#[derive(Debug)]
struct Rule<F> {
    scope: String,
    calls: RangeInclusive<u64>,
    fault: F,
}

impl<F> Default for Script<F> {
    fn default() -> Self {
        Self(Mutex::new(State {
            counts: HashMap::new(),
            rules: Vec::new(),
        }))
    }
}

impl<F: Clone> Script<F> {
    /// Makes the calls numbered `calls` of `scope` meet `fault`.
    pub fn on(&self, scope: impl Into<String>, calls: RangeInclusive<u64>, fault: F) {
        self.lock().rules.push(Rule {
            scope: scope.into(),
            calls,
            fault,
        });
    }

    /// Makes the next `times` calls of `scope`, counted from now, meet `fault`.
    pub fn next(&self, scope: impl Into<String>, times: u64, fault: F) {
        let scope = scope.into();
        let done = self.lock().counts.get(&scope).copied().unwrap_or(0);
        self.on(scope, done + 1..=done + times, fault);
    }

    /// Counts a call of `scope` and says what it meets. The rule added first wins.
    pub fn take(&self, scope: &str) -> Option<F> {
        let mut state = self.lock();
        let count = state.counts.entry(scope.to_owned()).or_insert(0);
        *count += 1;
        let count = *count;
        state
            .rules
            .iter()
            .find(|rule| rule.scope == scope && rule.calls.contains(&count))
            .map(|rule| rule.fault.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_the_calls_it_names_and_no_others() {
        let script = Script::default();
        script.on("/a", 2..=3, "down");
        let met: Vec<_> = (0..4).map(|_| script.take("/a")).collect();
        assert_eq!(met, [None, Some("down"), Some("down"), None]);
        assert_eq!(script.take("/b"), None);
        script.next("/b", 1, "slow");
        assert_eq!(script.take("/b"), Some("slow"));
        assert_eq!(script.take("/b"), None);
    }
}

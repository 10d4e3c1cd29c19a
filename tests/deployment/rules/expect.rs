//! Comparing what resources say with what they must say.

use serde_json::Value;
use template_check::evaluate::Deployed;

/// Compares members of the properties of all resources of a type, of which there must be one at least.
/// A list is one of what may stand there, with null for what may be left out.
pub(super) fn expect(deployed: &Deployed, of: &str, expected: &Value, faults: &mut Vec<String>) {
    if deployed.of(of).next().is_none() {
        faults.push(format!("there is no {of}"));
    }
    for resource in deployed.of(of) {
        compare(&resource.id, &resource.body["properties"], expected, faults);
    }
}

fn compare(at: &str, found: &Value, expected: &Value, faults: &mut Vec<String>) {
    let fits = match expected {
        Value::Object(members) => {
            for (name, expected) in members {
                compare(&format!("{at} {name}"), &found[name], expected, faults);
            }
            true
        }
        Value::Array(allowed) => allowed.contains(found),
        expected => found == expected,
    };
    if !fits {
        faults.push(format!("{at} is {found}, not {expected}"));
    }
}

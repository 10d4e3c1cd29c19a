//! How many of each a template may have, as Azure's engine enforces it.

use serde_json::Value;

use crate::look::Look;

const MOST: [(&str, usize); 3] = [("parameters", 256), ("variables", 512), ("outputs", 64)];

/// The most resources of one template, loops counted in full.
pub(super) const MOST_RESOURCES: usize = 800;

/// Refuses a template that declares too many of a kind.
pub(super) fn check(template: &Value) -> Result<(), String> {
    let counts = MOST.map(|(what, most)| (what, template[what].members().count(), most));
    match counts.into_iter().find(|(_, found, most)| found > most) {
        Some((what, found, most)) => Err(format!("{found} {what}; {most} are the most")),
        None => Ok(()),
    }
}

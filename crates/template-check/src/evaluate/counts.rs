//! How many of each a template may have, as Azure's engine enforces it.

use serde_json::Value;

use crate::look::Look;

/// The most declarations of a template, by kind.
const MAX_DECLARED: [(&str, usize); 3] = [("parameters", 256), ("variables", 512), ("outputs", 64)];

/// The most resources of one template, loops counted in full.
pub(super) const MAX_RESOURCES: usize = 800;

/// The most iterations of one loop.
pub(super) const MAX_ITERATIONS: u64 = 800;

/// Refuses a template that declares too many of a kind.
pub(super) fn check(template: &Value) -> Result<(), String> {
    for (what, most) in MAX_DECLARED {
        let declared = template[what].members();
        // A loop stands for the variable that it makes.
        let plain = declared.filter(|(name, _)| *name != "copy").count();
        let found = plain + template[what]["copy"].items().count();
        if found > most {
            return Err(format!("{found} {what}; {most} are the most"));
        }
    }
    Ok(())
}

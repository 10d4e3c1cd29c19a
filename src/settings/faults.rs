//! What is wrong with the settings, all of it at once.

use std::{collections::BTreeSet, fmt};

/// One setting at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// Its name.
    pub name: &'static str,
    /// What was found and why it will not do. Never a secret's value.
    pub found: String,
    /// What it should look like.
    pub example: &'static str,
}

/// All settings at fault, in the order of the documentation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults(pub Vec<SettingFault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: BTreeSet<_> = self.0.iter().map(|fault| fault.name).collect();
        let count = names.len();
        let settings = if count == 1 {
            "setting is"
        } else {
            "settings are"
        };
        write!(
            f,
            "{count} {settings} missing or wrong; nothing was read or delivered."
        )?;
        for fault in &self.0 {
            write!(
                f,
                "\n  {}: {}; example: {}",
                fault.name, fault.found, fault.example
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

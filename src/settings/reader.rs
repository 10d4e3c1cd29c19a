//! Reading one setting of a kind, and noting what is wrong with it.

use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use super::{Faults, SettingFault};
use crate::net::{address, keys::HmacKey};

/// The example for every key.
pub(super) const KEY_EXAMPLE: &str = "88 characters of base64 ending in ==";

/// The example for every id.
pub(super) const GUID_EXAMPLE: &str = "11111111-2222-3333-4444-555555555555";

/// How an unresolved reference begins: the platform puts the secret in its place before the program
/// starts, or leaves the text as it is when it cannot.
const KEY_VAULT_REFERENCE: &str = "@Microsoft.KeyVault(";

/// Collects faults while values are read.
pub(super) struct SettingsReader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<SettingFault>,
}

impl<'a> SettingsReader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            faults: Vec::new(),
        }
    }

    /// Whether nothing was at fault.
    pub(super) fn is_content(&self) -> bool {
        self.faults.is_empty()
    }

    pub(super) fn into_faults(self) -> Faults {
        Faults(self.faults)
    }

    /// Notes a fault.
    pub(super) fn fault(
        &mut self,
        name: &'static str,
        found: impl Into<String>,
        example: &'static str,
    ) {
        self.faults.push(SettingFault {
            name,
            found: found.into(),
            example,
        });
    }

    /// A setting that may be absent. White space around it, picked up in copying, is dropped.
    pub(super) fn optional(&mut self, name: &'static str) -> Option<String> {
        let value = (self.lookup)(name)?.trim().to_owned();
        // In its place stands what the environment holds and no text can.
        if value.contains(char::REPLACEMENT_CHARACTER) {
            self.fault(
                name,
                "is not text: it holds bytes that are not UTF-8",
                "the same value as UTF-8",
            );
            return None;
        }
        if value.starts_with(KEY_VAULT_REFERENCE) {
            self.fault(
                name,
                "is an unresolved Key Vault reference: the platform could not read the secret",
                "give the app's identity the role Key Vault Secrets User, check the secret's address, then have references read again (README, Deploy, step 5)",
            );
            return None;
        }
        let quoted =
            |mark: char| value.len() > 1 && value.starts_with(mark) && value.ends_with(mark);
        if quoted('"') || quoted('\'') {
            self.fault(name, "has quotes around it", "the same value without them");
            return None;
        }
        (!value.is_empty()).then_some(value)
    }

    /// A required text that goes into a header: visible ASCII. Its value is never shown.
    pub(super) fn header_text(
        &mut self,
        name: &'static str,
        example: &'static str,
    ) -> Option<String> {
        let value = self.required(name, example)?;
        if value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(value);
        }
        let found = format!(
            "contains a space or another character that is not allowed here ({} characters)",
            value.chars().count()
        );
        self.fault(name, found, example);
        None
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        (self.lookup)(name).is_some_and(|value| !value.trim().is_empty())
    }

    pub(super) fn required(&mut self, name: &'static str, example: &'static str) -> Option<String> {
        let value = self.optional(name);
        // An unresolved reference has its own fault.
        if value.is_none() && !self.is_set(name) {
            self.fault(name, "is missing", example);
        }
        value
    }

    /// A required key; its value is never shown.
    pub(super) fn key(&mut self, name: &'static str) -> Option<HmacKey> {
        let value = self.required(name, KEY_EXAMPLE)?;
        let length = value.chars().count();
        let key = HmacKey::decode(&SecretString::from(value));
        if key.is_err() {
            self.fault(
                name,
                format!("is not base64 ({length} characters)"),
                KEY_EXAMPLE,
            );
        }
        key.ok()
    }

    /// A GUID, in its usual form.
    pub(super) fn guid(&mut self, name: &'static str, value: &str) -> Option<String> {
        let id = Uuid::parse_str(value).ok();
        if id.is_none() {
            let found = format!("{} is not a GUID", shown(value));
            self.fault(name, found, GUID_EXAMPLE);
        }
        id.map(|id| id.to_string())
    }

    /// An address: https, or plain http to this machine.
    pub(super) fn address(
        &mut self,
        name: &'static str,
        value: &str,
        example: &'static str,
    ) -> Option<Url> {
        let fault = match Url::parse(value) {
            Err(_) if !value.contains("://") => {
                format!("{} does not begin with https://", shown(value))
            }
            Err(error) => format!("{} is not a valid URL ({error})", shown(value)),
            Ok(url) if !url.has_host() => format!("{} names no host", shown(value)),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "holds a user name or password".to_owned()
            }
            Ok(url) if url.path() != "/" || url.query().is_some() || url.fragment().is_some() => {
                format!(
                    "{} has more than a scheme and a host, such as a path; give these two only",
                    shown_address(&url)
                )
            }
            Ok(url) if address::is_safe(&url) => return Some(url),
            Ok(url) => format!(
                "{} is not https; plain http is only for this machine",
                shown_address(&url)
            ),
        };
        self.fault(name, fault, example);
        None
    }

    pub(super) fn switch(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.optional(name) else {
            return default;
        };
        match value.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => {
                self.fault(
                    name,
                    format!("{} is neither true nor false", shown(&value)),
                    "true or false",
                );
                default
            }
        }
    }

    pub(super) fn number(
        &mut self,
        name: &'static str,
        default: u32,
        least: u32,
        most: u32,
        example: &'static str,
    ) -> u32 {
        let Some(value) = self.optional(name) else {
            return default;
        };
        match value.parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                let up_to = if most == u32::MAX {
                    "up".to_owned()
                } else {
                    format!("to {most}")
                };
                let found = format!(
                    "{} is not a whole number from {least} {up_to}",
                    shown(&value)
                );
                self.fault(name, found, example);
                default
            }
        }
    }
}

/// The longest value that is quoted. Keys are longer: one that was pasted into the wrong setting is
/// not shown.
const QUOTED_CHARACTERS: usize = 32;

/// A value in a fault: itself, if it is too short for a key.
pub(super) fn shown(value: &str) -> String {
    let length = value.chars().count();
    // What stands before an @ in an address may be a password.
    if length > QUOTED_CHARACTERS || value.contains('@') {
        return format!("its value ({length} characters)");
    }
    let visible = |character: char| {
        if character.is_control() {
            '?'
        } else {
            character
        }
    };
    format!("`{}`", value.chars().map(visible).collect::<String>())
}

/// An address in a fault: without its query, which may be a signature, and its path.
fn shown_address(url: &Url) -> String {
    format!(
        "`{}://{}`",
        url.scheme(),
        url.host_str().unwrap_or_default()
    )
}

//! The identity of a record.
//!
//! No set of members identifies a record safely: rows of one message share message id and second,
//! click rows differ only in the user, records without a message id collide among themselves. So the
//! identity is the whole content: SHA-256 over a canonical form, cut to 128 bits. A cryptographic
//! hash, since subjects and addresses are written by attackers: with a weaker one a crafted mail
//! could pass for a record that was already delivered.
//!
//! The canonical form does not depend on the order of members at any depth, on white space or on how
//! a string is escaped. Numbers keep their spelling.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::json;

/// Objects nested deeper than this count as the text they are written as, so that no input can
/// exhaust the stack. Mimecast nests three deep.
const MAX_DEPTH: usize = 32;

/// The identity of a record: 128 bits. Its text, as the column `mimecastFingerprint` shows it, is
/// `ttp1-` and 32 hex digits; the prefix names the form, and keeps Log Analytics from taking the
/// digits for a GUID and filing them under another column.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; Self::BYTES]);

impl Fingerprint {
    /// Length of the text form in bytes.
    pub const TEXT_LENGTH: usize = 37;

    /// Length in bytes.
    pub const BYTES: usize = 16;

    /// The bare bits, for the ledger.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }

    /// What [`Self::to_bytes`] gave.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Short text for the checkpoint: 22 characters.
    #[must_use]
    pub fn to_base64(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads what [`Self::to_base64`] wrote.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let length = BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (length == bytes.len()).then_some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ttp1-{:032x}", u128::from_be_bytes(self.0))
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is `ttp1-` and 32 hex digits, as the column mimecastFingerprint_s shows it")]
pub struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bits = text
            .strip_prefix("ttp1-")
            .and_then(|hex| u128::from_str_radix(hex, 16).ok())
            .ok_or(NoFingerprint)?;
        let fingerprint = Self(bits.to_be_bytes());
        // One spelling only: the text names a blob.
        (fingerprint.to_string() == text)
            .then_some(fingerprint)
            .ok_or(NoFingerprint)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes fingerprints, keeping its buffers between records.
#[derive(Debug, Default)]
pub struct Fingerprinter {
    canonical: Vec<u8>,
    spare: Vec<u8>,
}

impl Fingerprinter {
    /// The fingerprint of `record`, which must be valid JSON.
    pub fn take(&mut self, record: &str) -> Fingerprint {
        self.canonical.clear();
        self.append(record, 0);
        let digest = Sha256::digest(&self.canonical);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Fingerprint(bytes)
    }

    /// Appends the canonical form of one value. Each form says where it ends, so that no two values
    /// have the same bytes.
    fn append(&mut self, value: &str, depth: usize) {
        match value.as_bytes().first() {
            Some(b'"') => self.append_string(value),
            Some(b'{') if depth < MAX_DEPTH => self.append_object(value, depth),
            Some(b'[') if depth < MAX_DEPTH => {
                self.canonical.push(b'[');
                for element in json::elements(value) {
                    self.append(element, depth + 1);
                }
                self.canonical.push(b']');
            }
            _ => {
                self.canonical.push(b'=');
                self.append_length(value.len());
                self.canonical.extend_from_slice(value.as_bytes());
            }
        }
    }

    fn append_string(&mut self, raw: &str) {
        self.canonical.push(b'"');
        let length_at = self.canonical.len();
        self.append_length(0);
        json::unescape_into(&mut self.canonical, raw);
        let length = (self.canonical.len() - length_at - 8) as u64;
        self.canonical[length_at..length_at + 8].copy_from_slice(&length.to_le_bytes());
    }

    /// Members are written in their order, then put into the order of their bytes. Duplicates all
    /// count.
    fn append_object(&mut self, object: &str, depth: usize) {
        self.canonical.push(b'{');
        let start = self.canonical.len();
        let mut members = Vec::with_capacity(24);
        for (key, value) in json::members(object) {
            let from = self.canonical.len();
            self.append_string(key);
            self.append(value, depth + 1);
            members.push(from..self.canonical.len());
        }
        let written = &self.canonical;
        members.sort_unstable_by(|a, b| written[a.clone()].cmp(&written[b.clone()]));
        self.spare.clear();
        for member in members {
            self.spare.extend_from_slice(&self.canonical[member]);
        }
        self.canonical.truncate(start);
        self.canonical.extend_from_slice(&self.spare);
        self.canonical.push(b'}');
    }

    fn append_length(&mut self, length: usize) {
        self.canonical
            .extend_from_slice(&(length as u64).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(record: &str) -> Fingerprint {
        Fingerprinter::default().take(record)
    }

    #[test]
    fn the_order_of_members_does_not_matter_at_any_depth() {
        let one = r#"{"a":"x","b":{"c":1,"d":[{"e":2,"f":null}]}}"#;
        let other = r#"{ "b" : {"d":[{"f":null, "e":2}],"c":1}, "a":"x" }"#;
        assert_eq!(of(one), of(other));
    }

    #[test]
    fn spelling_of_a_string_does_not_matter() {
        assert_eq!(
            of(r#"{"u":"https:\/\/x\u00e9"}"#),
            of(r#"{"u":"https://xé"}"#)
        );
    }

    #[test]
    fn every_difference_in_content_matters() {
        let texts = [
            "{}",
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"a":"1"}"#,
            r#"{"a":null}"#,
            r#"{"a":true}"#,
            r#"{"b":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":[1]}"#,
            r#"{"a":[[1]]}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":["x","y"]}"#,
            r#"{"a":["y","x"]}"#,
            r#"{"a":["xy"]}"#,
            r#"{"a":"x","b":"y"}"#,
            r#"{"a":"y","b":"x"}"#,
            r#"{"a":"\ud83d"}"#,
            r#"{"a":"\ud83e"}"#,
        ];
        let distinct: std::collections::HashSet<_> = texts.iter().map(|text| of(text)).collect();
        assert_eq!(distinct.len(), texts.len());
    }

    #[test]
    fn the_form_is_fixed_because_checkpoints_outlive_the_program() {
        assert_eq!(
            of(r#"{"date":"2026-03-02T08:00:14+0000","url":"https://example.com"}"#).to_string(),
            "ttp1-a2ffad4b8ee3eb44b6c6fc6296261bec"
        );
    }

    #[test]
    fn the_text_is_neither_guid_nor_hex_nor_date() {
        let text = of("{}").to_string();
        assert_eq!(text.len(), Fingerprint::TEXT_LENGTH);
        assert!(text.starts_with("ttp1-"));
        assert!(uuid::Uuid::parse_str(&text).is_err());
        assert_eq!(
            Fingerprint::from_base64(&of("{}").to_base64()),
            Some(of("{}"))
        );
        assert_eq!(Fingerprint::from_base64("AAAA"), None);
        assert_eq!(text.parse(), Ok(of("{}")));
        for other in [
            &text.to_uppercase(),
            "ttp1-00",
            "ttp1-+0000000000000000000000000000000",
            "",
        ] {
            assert_eq!(other.parse::<Fingerprint>(), Err(NoFingerprint), "{other}");
        }
    }

    #[test]
    fn no_depth_of_nesting_exhausts_the_stack() {
        let depth = 200_000;
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        let other = format!("{{\"a\":{}2{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_ne!(of(&deep), of(&other));
    }
}

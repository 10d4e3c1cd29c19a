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

use std::{fmt, ops::Range, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::json;

/// Objects nested deeper than this count as the text they are written as, so that no input can
/// exhaust the stack. Mimecast nests three deep.
pub(super) const MAX_DEPTH: usize = 32;

/// The identity of a record: 128 bits. Its text, as the column `mimecastFingerprint` shows it, is
/// `ttp1-` and 32 hex digits; the prefix names the form, and keeps Log Analytics from taking the
/// digits for a GUID and filing them under another column.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; Self::BYTES]);

impl Fingerprint {
    /// Length of the text form in bytes.
    pub const TEXT_LENGTH: usize = 37;

    /// Length of the short text in bytes.
    pub const SHORT_LENGTH: usize = 22;

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

    /// The text of the column, ASCII. Written for every row, and by far faster than a formatter.
    #[must_use]
    pub fn to_text(self) -> [u8; Self::TEXT_LENGTH] {
        const PREFIX: &[u8; 5] = b"ttp1-";
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; Self::TEXT_LENGTH];
        let (prefix, digits) = text.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(self.0) {
            *pair = [byte >> 4, byte & 0xf].map(|digit| DIGITS[usize::from(digit)]);
        }
        text
    }

    /// Short text for the checkpoint, ASCII.
    #[must_use]
    pub fn to_base64(self) -> [u8; Self::SHORT_LENGTH] {
        let mut text = [b'A'; Self::SHORT_LENGTH];
        // Sixteen bytes make 22 characters: they fit.
        let _length = BASE64_URL_SAFE_NO_PAD.encode_slice(self.0, &mut text);
        text
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
        f.write_str(std::str::from_utf8(&self.to_text()).unwrap_or_default())
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

/// The canonical form, piece by piece. The first byte of a piece says what it is and, for nearly every
/// string, how long: what is written must be hashed. Each piece says where it ends, so that no two values
/// have the same bytes.
pub(super) mod form {
    use crate::model::json;

    pub(in crate::model) const OBJECT: u8 = 0xf0;
    pub(in crate::model) const OBJECT_END: u8 = 0xf1;
    pub(in crate::model) const ARRAY: u8 = 0xf2;
    pub(in crate::model) const ARRAY_END: u8 = 0xf3;
    /// Before a scalar's text, which is written as a string is.
    const SCALAR: u8 = 0xf4;
    /// Before the length of a long string, and that many bytes.
    const STRING: u8 = 0xf5;
    /// A byte below is the length of a string.
    const SHORT: usize = 0xf0;

    /// A string by what it says.
    #[inline]
    pub(in crate::model) fn string(out: &mut Vec<u8>, says: &[u8]) {
        match short(says.len()) {
            Some(length) => out.push(length),
            None => long(out, says.len()),
        }
        out.extend_from_slice(says);
    }

    /// A string by its literal, with quotes and escapes.
    pub(in crate::model) fn escaped(out: &mut Vec<u8>, literal: &str) {
        let start = out.len();
        out.push(0);
        json::unescape_into(out, literal);
        match short(out.len() - start - 1) {
            Some(length) => out[start] = length,
            None => {
                let says = out.split_off(start + 1);
                out.truncate(start);
                string(out, &says);
            }
        }
    }

    /// A number, `true`, `false` or `null`, as it is spelled.
    pub(in crate::model) fn scalar(out: &mut Vec<u8>, spelled: &[u8]) {
        out.push(SCALAR);
        string(out, spelled);
    }

    fn short(length: usize) -> Option<u8> {
        (length < SHORT).then(|| length.to_le_bytes()[0])
    }

    #[cold]
    fn long(out: &mut Vec<u8>, length: usize) {
        out.push(STRING);
        out.extend_from_slice(&(length as u64).to_le_bytes());
    }
}

impl Fingerprint {
    /// The fingerprint of a canonical form.
    pub(super) fn of_form(form: &[u8]) -> Self {
        let digest = Sha256::digest(form);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes)
    }
}

/// Takes fingerprints the plain way, keeping its buffers between records. It defines what a fingerprint
/// is; the module `scan` is faster where a record is as usual.
#[derive(Debug, Default)]
pub struct Fingerprinter {
    canonical: Vec<u8>,
    spare: Vec<u8>,
}

/// Where a member lies in the canonical form while its object is written.
struct Member {
    name: Range<usize>,
    value: Range<usize>,
}

impl Fingerprinter {
    /// The fingerprint of `record`, which must be valid JSON.
    pub fn take(&mut self, record: &str) -> Fingerprint {
        self.canonical.clear();
        self.append(record, 0);
        Fingerprint::of_form(&self.canonical)
    }

    fn append(&mut self, value: &str, depth: usize) {
        match value.as_bytes().first() {
            Some(b'"') => form::escaped(&mut self.canonical, value),
            Some(b'{') if depth < MAX_DEPTH => self.append_object(value, depth),
            Some(b'[') if depth < MAX_DEPTH => {
                self.canonical.push(form::ARRAY);
                for element in json::elements(value) {
                    self.append(element, depth + 1);
                }
                self.canonical.push(form::ARRAY_END);
            }
            _ => form::scalar(&mut self.canonical, value.as_bytes()),
        }
    }

    /// Members are written in their order, then put into the order of their names and, where names are
    /// doubled, of their values. Duplicates all count.
    fn append_object(&mut self, object: &str, depth: usize) {
        self.canonical.push(form::OBJECT);
        let start = self.canonical.len();
        let mut members = Vec::with_capacity(24);
        for (name, value) in json::members(object) {
            let from = self.canonical.len();
            json::unescape_into(&mut self.canonical, name);
            let middle = self.canonical.len();
            self.append(value, depth + 1);
            members.push(Member {
                name: from..middle,
                value: middle..self.canonical.len(),
            });
        }
        let written = |place: &Range<usize>| &self.canonical[place.clone()];
        members.sort_unstable_by_key(|member| (written(&member.name), written(&member.value)));
        self.spare.clear();
        for member in members {
            form::string(&mut self.spare, written(&member.name));
            self.spare.extend_from_slice(written(&member.value));
        }
        self.canonical.truncate(start);
        self.canonical.extend_from_slice(&self.spare);
        self.canonical.push(form::OBJECT_END);
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
            "ttp1-9bb51c1b08abf9914a03bcbadfa2fe8e"
        );
    }

    #[test]
    fn the_text_is_neither_guid_nor_hex_nor_date() {
        let text = of("{}").to_string();
        assert_eq!(text.len(), Fingerprint::TEXT_LENGTH);
        assert!(text.starts_with("ttp1-"));
        assert!(uuid::Uuid::parse_str(&text).is_err());
        assert_eq!(
            Fingerprint::from_base64(std::str::from_utf8(&of("{}").to_base64()).unwrap()),
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

//! The fast way through a record: one scan finds where it ends, whether it is JSON, its time and its
//! fingerprint.
//!
//! This is where the program spends most of its time, and each shortcut below was measured:
//!
//! - **One scan for all.** Nothing is parsed first and looked at again later: the scan checks what it
//!   passes and remembers where each value lies.
//! - **Names are guessed, not read.** Records of a log have the same members in the same order, so the
//!   name that followed last time is compared first; a name is read only where the guess is wrong.
//! - **Nothing is sorted.** The canonical form wants members in the order of their names. Names that
//!   were met once have a rank; values are put in the place of their rank, and written by rank.
//! - **Strings are skipped by `memchr`**, which looks at many bytes at once.
//!
//! Only the usual is done here: compact JSON with distinct, plain names. Everything else, and everything
//! that is not JSON, is answered by `None`, and the caller takes the plain way of [`super::json`] and
//! [`super::fingerprint`], which defines the answer. Tests hold both against each other.

mod keys;

use chrono::{DateTime, Utc};
use memchr::memchr2;

use self::keys::{Keys, Preceding};
use super::{
    event_time,
    feed::Feed,
    fingerprint::{Fingerprint, MAX_DEPTH, form},
    json,
    record_meta::RecordMeta,
};

/// Scans records of one feed, keeping what it has learned of their names.
#[derive(Debug)]
pub(crate) struct Scanner {
    feed: Feed,
    keys: Keys,
    canonical: Vec<u8>,
    /// Values of the objects that are open, inner ones last.
    values: Vec<Value>,
}

/// Where a value lies, and how it is to be written.
#[derive(Debug, Clone, Copy)]
struct Value {
    start: usize,
    end: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A string without escapes.
    Plain,
    /// A string with some.
    Escaped,
    Scalar,
    Nested,
}

/// Why a scan ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// A name was met for the first time and ranks have changed: the same scan again goes further.
    NewName,
    /// Something for the plain way.
    Unusual,
}

/// Whether `text` holds control characters. JSON allows them between tokens only, and a scan does not
/// look for them inside strings: text that has any goes the plain way.
pub(crate) fn has_control_characters(text: &[u8]) -> bool {
    // The smallest of many bytes is found many bytes at once.
    text.chunks(4096)
        .any(|chunk| chunk.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ')
}

impl Scanner {
    pub(crate) const fn new(feed: Feed) -> Self {
        Self {
            feed,
            keys: Keys::new(feed.time_member()),
            canonical: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Scans the record that begins at `start`, in text without control characters. Gives its end and
    /// what was found; `None` for anything unusual.
    pub(crate) fn record(&mut self, text: &str, start: usize) -> Option<(usize, RecordMeta)> {
        loop {
            self.canonical.clear();
            self.values.clear();
            let mut scan = Scan {
                text,
                bytes: text.as_bytes(),
                keys: &mut self.keys,
                canonical: &mut self.canonical,
                values: &mut self.values,
                time: None,
            };
            match scan.object(start, Preceding::Record, 0) {
                // Another member may hold the time.
                Ok(_) if scan.time.is_none() && self.feed.other_time_member().is_some() => {
                    return None;
                }
                Ok(end) => {
                    let meta = RecordMeta {
                        time: scan.time,
                        fingerprint: Fingerprint::of_form(&self.canonical),
                    };
                    return Some((end, meta));
                }
                // Each such round adds a name, and names are bounded.
                Err(Stop::NewName) => {}
                Err(Stop::Unusual) => return None,
            }
        }
    }

    /// Forgets all names if there is no room for another, so that odd ones cannot keep the usual ones
    /// out for ever.
    pub(crate) fn make_room(&mut self) {
        if self.keys.is_full() {
            self.keys = Keys::new(self.feed.time_member());
        }
    }
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    keys: &'a mut Keys,
    canonical: &'a mut Vec<u8>,
    values: &'a mut Vec<Value>,
    time: Option<DateTime<Utc>>,
}

impl Scan<'_> {
    /// Scans the object at `at` and writes its canonical form. Gives its end.
    fn object(&mut self, at: usize, opening: Preceding, depth: usize) -> Result<usize, Stop> {
        self.expect(at, b'{')?;
        if depth >= MAX_DEPTH {
            return Err(Stop::Unusual);
        }
        let first = self.values.len();
        let (mut places, mut present) = ([0_u8; keys::MOST], 0_u64);
        let mut at = at + 1;
        let mut previous = opening;
        if self.bytes.get(at) == Some(&b'}') {
            at += 1;
        } else {
            loop {
                let (key, value_at) = self.key(at, previous)?;
                let value = self.extent(value_at)?;
                let rank = self.keys.rank(key);
                if present & (1 << rank) != 0 {
                    return Err(Stop::Unusual);
                }
                present |= 1 << rank;
                // At most as many as there are ranks.
                places[rank] = u8::try_from(self.values.len() - first).unwrap_or_default();
                self.values.push(value);
                if depth == 0 && self.keys.tells_time(key) {
                    self.time = self.time_of(value)?;
                }
                previous = Preceding::Member(key);
                at = value.end + 1;
                match self.bytes.get(value.end) {
                    Some(b',') => {}
                    Some(b'}') => break,
                    _ => return Err(Stop::Unusual),
                }
            }
        }
        self.canonical.push(form::OBJECT);
        while present != 0 {
            let rank = present.trailing_zeros() as usize;
            present &= present - 1;
            self.canonical.extend_from_slice(self.keys.form_at(rank));
            let value = self.values[first + usize::from(places[rank])];
            self.write(value, Preceding::Opening(self.keys.at(rank)), depth + 1)?;
        }
        self.canonical.push(form::OBJECT_END);
        self.values.truncate(first);
        Ok(at)
    }

    /// The name at `at` and the place after its colon.
    #[inline]
    fn key(&mut self, at: usize, previous: Preceding) -> Result<(keys::Key, usize), Stop> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        if let Some((guess, length)) = self.keys.guess(previous, rest) {
            return Ok((guess, at + length));
        }
        let (end, kind) = self.string(at)?;
        self.expect(end, b':')?;
        if kind != Kind::Plain {
            return Err(Stop::Unusual);
        }
        match self.keys.find(previous, &self.bytes[at + 1..end - 1]) {
            Some(key) => Ok((key, end + 1)),
            None if self.keys.is_full() => Err(Stop::Unusual),
            None => {
                self.keys.add(&self.bytes[at + 1..end - 1]);
                Err(Stop::NewName)
            }
        }
    }

    /// How far the value at `at` reaches.
    #[inline]
    fn extent(&self, at: usize) -> Result<Value, Stop> {
        let (end, kind) = match self.bytes.get(at) {
            Some(b'"') => self.string(at)?,
            // What lies inside is checked when it is written.
            Some(b'{' | b'[') => (at + json::nested_length(&self.bytes[at..]), Kind::Nested),
            _ => (self.scalar(at)?, Kind::Scalar),
        };
        Ok(Value {
            start: at,
            end,
            kind,
        })
    }

    /// The end of the string at `at`, and whether it has escapes.
    #[inline]
    fn string(&self, at: usize) -> Result<(usize, Kind), Stop> {
        self.expect(at, b'"')?;
        let (mut at, mut kind) = (at + 1, Kind::Plain);
        loop {
            let rest = self.bytes.get(at..).ok_or(Stop::Unusual)?;
            at += quote_or_backslash(rest).ok_or(Stop::Unusual)?;
            if self.bytes[at] == b'"' {
                return Ok((at + 1, kind));
            }
            kind = Kind::Escaped;
            at += match self.bytes.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                Some(b'u') if self.is_hex4(at + 2) => 6,
                _ => return Err(Stop::Unusual),
            };
        }
    }

    fn is_hex4(&self, at: usize) -> bool {
        self.bytes
            .get(at..at + 4)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    }

    /// The end of the number, `true`, `false` or `null` at `at`.
    fn scalar(&self, at: usize) -> Result<usize, Stop> {
        let rest = self.bytes.get(at..).ok_or(Stop::Unusual)?;
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b',' | b'}' | b']'))
            .ok_or(Stop::Unusual)?;
        let scalar = &rest[..length];
        let valid = matches!(scalar, b"true" | b"false" | b"null")
            || scalar.iter().all(|byte| !byte.is_ascii_whitespace())
                && serde_json::from_slice::<serde::de::IgnoredAny>(scalar).is_ok();
        valid.then_some(at + length).ok_or(Stop::Unusual)
    }

    /// Writes the canonical form of a value whose extent is known.
    #[inline]
    fn write(&mut self, value: Value, opening: Preceding, depth: usize) -> Result<(), Stop> {
        let inside = value.start + 1..value.end.saturating_sub(1);
        match value.kind {
            Kind::Plain => form::string(self.canonical, &self.bytes[inside]),
            Kind::Escaped => {
                let raw = self.text.get(value.start..value.end).ok_or(Stop::Unusual)?;
                form::escaped(self.canonical, raw);
            }
            Kind::Scalar => form::scalar(self.canonical, &self.bytes[value.start..value.end]),
            Kind::Nested => {
                let end = match self.bytes[value.start] {
                    b'{' => self.object(value.start, opening, depth)?,
                    _ => self.array(value.start, opening, depth)?,
                };
                if end != value.end {
                    return Err(Stop::Unusual);
                }
            }
        }
        Ok(())
    }

    /// Scans the array at `at` and writes its canonical form. Gives its end.
    fn array(&mut self, at: usize, opening: Preceding, depth: usize) -> Result<usize, Stop> {
        if depth >= MAX_DEPTH {
            return Err(Stop::Unusual);
        }
        self.canonical.push(form::ARRAY);
        let mut at = at + 1;
        if self.bytes.get(at) == Some(&b']') {
            at += 1;
        } else {
            loop {
                let value = self.extent(at)?;
                self.write(value, opening, depth + 1)?;
                at = value.end + 1;
                match self.bytes.get(value.end) {
                    Some(b',') => {}
                    Some(b']') => break,
                    _ => return Err(Stop::Unusual),
                }
            }
        }
        self.canonical.push(form::ARRAY_END);
        Ok(at)
    }

    /// The time that a value holds, if it is written without escapes.
    fn time_of(&self, value: Value) -> Result<Option<DateTime<Utc>>, Stop> {
        match value.kind {
            Kind::Plain => {
                let inside = self.text.get(value.start + 1..value.end - 1);
                Ok(inside.and_then(event_time::parse))
            }
            Kind::Escaped => Err(Stop::Unusual),
            Kind::Scalar => {
                let number = self.text.get(value.start..value.end);
                Ok(number.and_then(event_time::from_epoch))
            }
            Kind::Nested => Ok(None),
        }
    }

    #[inline]
    fn expect(&self, at: usize, byte: u8) -> Result<(), Stop> {
        (self.bytes.get(at) == Some(&byte))
            .then_some(())
            .ok_or(Stop::Unusual)
    }
}

/// The place of the first quote or backslash. Most strings are short: they end before a call of `memchr`
/// would have begun its work, so their first bytes are looked at here, eight at a time.
#[inline]
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, _) = text.as_chunks::<8>();
    for (index, word) in words.iter().take(4).enumerate() {
        let word = u64::from_le_bytes(*word);
        // The lowest high bit that is set marks the first byte that is zero.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        let found = zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c));
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let seen = (words.len() * 8).min(32);
    memchr2(b'"', b'\\', &text[seen..]).map(|found| seen + found)
}

#[cfg(test)]
mod tests;

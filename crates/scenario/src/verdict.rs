//! What became of the records of a log.

use std::fmt;

use simulators::log::Log;

/// The first few of something, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// How many were found.
    pub count: usize,
    /// The ones found first, as many as are kept.
    pub first: Vec<T>,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self {
            count: 0,
            first: Vec::new(),
        }
    }
}

impl<T> Found<T> {
    /// Counts one more and keeps it where fewer than `most` are kept.
    pub(super) fn add(&mut self, most: usize, one: T) {
        self.count += 1;
        if self.first.len() < most {
            self.first.push(one);
        }
    }
}

/// A row that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// The record it was made from.
    pub index: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// What became of the records of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The log.
    pub log: Log,
    /// How many records there are in all.
    pub made: usize,
    /// How many of them showed in time, so that they must have been delivered.
    pub visible: usize,
    /// How many of the visible ones were delivered exactly once.
    pub delivered_once: usize,
    /// Visible records that were never delivered: the first 20.
    pub lost: Found<usize>,
    /// Records delivered more than once, each counted once: the first 20.
    pub doubled: Found<usize>,
    /// Rows that differ from their record, or whose added members are wrong: the first 5.
    pub altered: Found<Altered>,
    /// Rows that belong to no record: the beginnings of the first 5.
    pub unknown: Found<String>,
}

impl Verdict {
    /// Whether every visible record arrived once and nothing else did.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost.count == 0
            && self.doubled.count == 0
            && self.altered.count == 0
            && self.unknown.count == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}: {} made, {} visible, {} delivered once, {} lost, {} doubled, {} altered, {} unknown",
            self.log.name(),
            self.made,
            self.visible,
            self.delivered_once,
            self.lost.count,
            self.doubled.count,
            self.altered.count,
            self.unknown.count,
        )?;
        if let Some(index) = self.lost.first.first() {
            write!(out, "; first lost: {index}")?;
        }
        if let Some(index) = self.doubled.first.first() {
            write!(out, "; first doubled: {index}")?;
        }
        if let Some(Altered { index, reason }) = self.altered.first.first() {
            write!(out, "; first altered: {index}, {reason}")?;
        }
        if let Some(row) = self.unknown.first.first() {
            write!(out, "; first unknown: {row}")?;
        }
        Ok(())
    }
}

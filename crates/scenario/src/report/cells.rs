//! The columns of a row, as a query reads them: what is not there is empty.

use serde_json::Value;

use simulators::log_analytics::{Cell, ColumnRow};

/// The columns of a row.
pub(super) struct Cells<'a>(pub(super) &'a ColumnRow<'a>);

impl Cells<'_> {
    pub(super) fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Cell::Text(text)) => text.trim(),
            _ => "",
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        match self.0.get(name) {
            Some(Cell::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn yes(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Cell::Boolean(true)))
    }

    pub(super) fn first(&self, names: &[&str]) -> &str {
        let mut texts = names.iter().map(|name| self.text(name));
        texts.find(|text| !text.is_empty()).unwrap_or_default()
    }

    pub(super) fn lower(&self, name: &str) -> String {
        self.text(name).to_lowercase()
    }

    pub(super) fn address(&self, name: &str) -> String {
        self.lower(name)
            .trim_matches(|letter: char| letter.is_whitespace() || letter == '<' || letter == '>')
            .to_owned()
    }

    /// What somebody chose; empty for words without meaning.
    pub(super) fn choice(&self, name: &str) -> String {
        let text = self.lower(name);
        match text.as_str() {
            "n/a" | "na" | "none" => String::new(),
            _ => text,
        }
    }

    /// The JSON that a text holds; null for other text.
    pub(super) fn json(&self, name: &str) -> Value {
        serde_json::from_str(self.text(name)).unwrap_or_default()
    }

    /// The list that a text holds, or the text.
    pub(super) fn value(&self, name: &str) -> Value {
        let text = self.text(name);
        serde_json::from_str(text).unwrap_or_else(|_| text.into())
    }
}

//! What becomes of a row's names and types in a table.
//!
//! Microsoft documents that each property becomes a column whose name ends in the type of the
//! value, that the first value decides, and that a later value of another type is converted or else
//! gets a second column. So a field of mixed types is spread over columns and a query that reads
//! one of them misses rows: this is here to make such a mistake visible.

mod values;

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use serde::{Serialize, Serializer};

pub use values::{Cell, IntoText, Kind};

use super::json;
use values::Scalar;

/// The most bytes of a text that are kept. Microsoft documents 32 KB, the rest cut off without a
/// word; that it counts UTF-8 bytes is unconfirmed.
const MAX_TEXT_BYTES: usize = 32 * 1024;

/// The most columns of a table. Microsoft documents 500, with the surplus in the dynamic column
/// `AdditionalFields`. Whether the standard columns count is unconfirmed; here they do not unless
/// a row names them.
const MAX_COLUMNS: usize = 500;

/// How deep objects are flattened; deeper ones stay JSON text. Two levels were observed, the limit
/// is unconfirmed.
const MAX_DEPTH: usize = 16;

/// Property names that Microsoft documents as reserved: a payload with one of them is refused.
/// That their case does not matter is unconfirmed, and the stricter choice.
const RESERVED: [&str; 3] = ["tenant", "TimeGenerated", "RawData"];

/// Columns that tables have anyway. Observed: a property of that name goes there, without a suffix;
/// `Category` is also met as `category`.
const STANDARD: [&str; 8] = [
    "Computer",
    "Category",
    "MG",
    "ManagementGroupName",
    "SourceSystem",
    "TenantId",
    "Type",
    "_ResourceId",
];

/// Whether a property of that name makes the service refuse the payload.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// The columns of one table, which grow with the rows.
#[derive(Debug, Default)]
pub struct Columns {
    into_text: IntoText,
    /// All of them, oldest first.
    made: Vec<Column>,
    /// The columns of each property, oldest first.
    properties: HashMap<String, Vec<usize>>,
    truncated: u64,
    rows: u64,
}

#[derive(Debug)]
struct Column {
    name: Arc<str>,
    kind: Kind,
    /// The number of the last row with a value in it.
    last_row: u64,
}

impl Columns {
    /// An empty table.
    #[must_use]
    pub fn new(into_text: IntoText) -> Self {
        Self {
            into_text,
            ..Self::default()
        }
    }

    /// The row with the JSON text `row` as the table has it, adding the columns it needs.
    ///
    /// Fails where the text is not an object or holds a name that is not Unicode.
    pub fn apply<'a>(&mut self, row: &'a str) -> serde_json::Result<ColumnRow<'a>> {
        self.rows += 1;
        let mut cells = ColumnRow::default();
        self.flatten(&mut String::new(), row, 1, &mut cells)?;
        Ok(cells)
    }

    /// The names of the columns, oldest first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.made.iter().map(|column| &*column.name)
    }

    /// How many texts were cut to 32 KB so far.
    #[must_use]
    pub fn truncated(&self) -> u64 {
        self.truncated
    }

    fn flatten<'a>(
        &mut self,
        path: &mut String,
        object: &'a str,
        depth: usize,
        row: &mut ColumnRow<'a>,
    ) -> serde_json::Result<()> {
        let length = path.len();
        json::members(object, |name, value| {
            path.truncate(length);
            if length > 0 {
                path.push('_');
            }
            path.extend(name.chars().map(allowed));
            if value.starts_with('{') && depth < MAX_DEPTH {
                return self.flatten(path, value, depth + 1, row);
            }
            if let Some(value) = Scalar::read(value) {
                self.place(path, &value, row);
            }
            Ok(())
        })
    }

    /// Puts `value` into the column of `property` that takes it.
    fn place<'a>(&mut self, property: &str, value: &Scalar<'a>, row: &mut ColumnRow<'a>) {
        let standard = STANDARD
            .into_iter()
            .find(|name| name.eq_ignore_ascii_case(property));
        let property = standard.unwrap_or(property);
        if let Some((index, cell)) = self.existing(property, value, standard.is_some()) {
            let cell = self.cut(cell);
            return self.set(index, cell, row);
        }
        let (kind, into_text) = match standard {
            Some(_) => (Kind::Text, IntoText::Convert),
            None => (value.kind(), self.into_text),
        };
        let Some(cell) = value.fit(kind, into_text) else {
            return;
        };
        let cell = self.cut(cell);
        let name = match standard {
            Some(name) => name.to_owned(),
            None => [property, kind.suffix()].concat(),
        };
        if self.made.len() >= MAX_COLUMNS {
            row.additional.0.push((name, cell));
            return;
        }
        let index = self.made.len();
        self.made.push(Column {
            name: name.into(),
            kind,
            last_row: 0,
        });
        let known = self.properties.entry(property.to_owned()).or_default();
        known.push(index);
        self.set(index, cell, row);
    }

    /// The column that `property` has for such a value: the one of the value's own type, or else
    /// the oldest that it can be converted for.
    fn existing<'a>(
        &self,
        property: &str,
        value: &Scalar<'a>,
        standard: bool,
    ) -> Option<(usize, Cell<'a>)> {
        let known = self.properties.get(property)?;
        let into_text = if standard {
            IntoText::Convert
        } else {
            self.into_text
        };
        let fit = |index: usize| {
            let cell = value.fit(self.made[index].kind, into_text)?;
            Some((index, cell))
        };
        if let [only] = known[..] {
            return fit(only);
        }
        let kind = value.kind();
        let own = known
            .iter()
            .copied()
            .find(|index| self.made[*index].kind == kind);
        own.and_then(fit)
            .or_else(|| known.iter().copied().find_map(fit))
    }

    fn set<'a>(&mut self, index: usize, cell: Cell<'a>, row: &mut ColumnRow<'a>) {
        let column = &mut self.made[index];
        if column.last_row == self.rows
            && let Some(entry) = row.cells.iter_mut().find(|(name, _)| *name == column.name)
        {
            // A name twice in one row, or two names that only differ in what is not allowed in
            // them: the last one counts, as it does for JSON readers.
            entry.1 = cell;
            return;
        }
        column.last_row = self.rows;
        row.cells.push((Arc::clone(&column.name), cell));
    }

    fn cut<'a>(&mut self, cell: Cell<'a>) -> Cell<'a> {
        match cell {
            Cell::Text(text) if text.len() > MAX_TEXT_BYTES => {
                self.truncated += 1;
                Cell::Text(prefix(text, MAX_TEXT_BYTES))
            }
            other => other,
        }
    }
}

/// A row in its columns.
#[derive(Debug, Default, PartialEq)]
pub struct ColumnRow<'a> {
    cells: Vec<(Arc<str>, Cell<'a>)>,
    additional: Additional<'a>,
}

impl<'a> ColumnRow<'a> {
    /// Adds cells.
    pub(super) fn extend<'n>(&mut self, cells: impl IntoIterator<Item = (&'n str, Cell<'a>)>) {
        let cells = cells.into_iter();
        self.cells
            .extend(cells.map(|(name, cell)| (Arc::from(name), cell)));
    }

    /// The names and contents of the columns in which the row has a value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Cell<'a>)> {
        self.cells.iter().map(|(name, cell)| (&**name, cell))
    }

    /// What the row has in the column `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Cell<'a>> {
        self.iter()
            .find(|(it, _)| *it == name)
            .map(|(_, cell)| cell)
    }

    /// What the table had no column left for.
    #[must_use]
    pub fn additional(&self) -> &Additional<'a> {
        &self.additional
    }
}

/// The content of the column `AdditionalFields`: names with their suffixes, and their values.
#[derive(Debug, Default, PartialEq)]
pub struct Additional<'a>(Vec<(String, Cell<'a>)>);

impl Additional<'_> {
    /// Whether the row fitted into the table.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Additional<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, cell)| (name, cell)))
    }
}

/// Microsoft documents letters, digits and the underscore for names. Observed: other characters,
/// such as a colon, become an underscore.
fn allowed(character: char) -> char {
    if character.is_ascii_alphanumeric() {
        character
    } else {
        '_'
    }
}

/// As much of `text` as fits into `bytes` without half a character.
pub(super) fn prefix(text: Cow<'_, str>, bytes: usize) -> Cow<'_, str> {
    let end = (0..=bytes.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..end).unwrap_or(text)),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests;

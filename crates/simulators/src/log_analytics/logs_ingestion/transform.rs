//! A rule's transform: as much of the query language as our rules need.
//!
//! `source | where condition | project A = expression, B = expression, ...`, where the condition can be
//! left out. [`reader`](super::reader) says what an expression is. Anything else is an error when the rule
//! is read, so that nothing is taken for understood that is not. [`typing`](super::typing) says of what type
//! an expression is.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;

use super::{
    reader::Reader,
    table::Table,
    value::{Type, Value},
};
use crate::log_analytics::times;

/// The longest transform, as documented.
const MAX_CHARACTERS: usize = 15_360;

/// A transform.
#[derive(Debug, Clone)]
pub(super) struct Transform {
    /// What a row must meet to be stored.
    condition: Option<Expression>,
    outputs: Vec<Output>,
}

#[derive(Debug, Clone)]
struct Output {
    name: String,
    kind: Type,
    expression: Expression,
}

#[derive(Debug, Clone)]
pub(super) enum Expression {
    Column(String),
    Member(Box<Expression>, String),
    Text(String),
    Days(i64),
    Less(Box<Expression>, Box<Expression>),
    Equal(Box<Expression>, Box<Expression>),
    /// Whether a text is one of these.
    In(Box<Expression>, Vec<String>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Call(Function, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Iif,
    IsEmpty,
    IsNull,
    Now,
    Ago,
    ToString,
    ToDateTime,
    ToLower,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "iif" => Self::Iif,
            "isempty" => Self::IsEmpty,
            "isnull" => Self::IsNull,
            "now" => Self::Now,
            "ago" => Self::Ago,
            "tostring" => Self::ToString,
            "todatetime" => Self::ToDateTime,
            "tolower" => Self::ToLower,
            _ => return None,
        })
    }
}

impl Transform {
    /// Reads a transform over a stream of these columns.
    pub(super) fn read(text: &str, columns: &[(String, Type)]) -> Result<Self, String> {
        if text.chars().count() > MAX_CHARACTERS {
            return Err(format!(
                "a transform has at most {MAX_CHARACTERS} characters"
            ));
        }
        let mut reader = Reader::new(text);
        reader.expect_word("source")?;
        reader.expect('|')?;
        let condition = reader
            .takes_word("where")
            .then(|| read_condition(&mut reader, columns))
            .transpose()?;
        reader.expect_word("project")?;
        let mut outputs: Vec<Output> = Vec::new();
        loop {
            let name = reader.name()?;
            reader.expect('=')?;
            let expression = reader.expression()?;
            if outputs.iter().any(|output| output.name == name) {
                return Err(format!("{name} is made twice"));
            }
            let kind = expression.kind(columns);
            outputs.push(Output {
                kind: kind.map_err(|error| format!("{name}: {error}"))?,
                name,
                expression,
            });
            if !reader.takes(',') {
                break;
            }
        }
        reader.expect_end()?;
        Ok(Self { condition, outputs })
    }

    /// The transform as `table` sees it. A type other than the column's makes the service refuse the
    /// rule; it silently drops a column that the table lacks.
    pub(super) fn into_table(mut self, table: &Table) -> Result<Self, String> {
        let wrong = self.outputs.iter().filter_map(|output| {
            let (name, made) = (&output.name, output.kind);
            let kind = table.kind(name).filter(|kind| *kind != made)?;
            Some(format!("{name} [produced:'{made:?}', output:'{kind:?}']"))
        });
        let wrong = wrong.collect::<Vec<_>>().join(", ");
        if !wrong.is_empty() {
            return Err(format!(
                "InvalidTransformOutput: types of transform output columns do not match: {wrong}"
            ));
        }
        if !self
            .outputs
            .iter()
            .any(|output| output.name == "TimeGenerated")
        {
            return Err("InvalidTransformOutput: TimeGenerated is not made".to_owned());
        }
        self.outputs
            .retain(|output| table.kind(&output.name).is_some());
        Ok(self)
    }

    /// The row that it makes of the members of a stream, at `now`. None for a row that does not meet the
    /// condition.
    pub(super) fn apply(
        &self,
        row: &BTreeMap<&str, Value>,
        now: DateTime<Utc>,
    ) -> Option<Vec<(&str, Value)>> {
        if let Some(condition) = &self.condition
            && !condition.is_true(row, now)
        {
            return None;
        }
        let outputs = self.outputs.iter();
        let made = outputs.map(|output| (output.name.as_str(), output.expression.of(row, now)));
        Some(made.collect())
    }
}

/// The condition behind `where`, with the bar that ends it.
fn read_condition(
    reader: &mut Reader<'_>,
    columns: &[(String, Type)],
) -> Result<Expression, String> {
    let condition = reader.expression()?;
    match condition.kind(columns)? {
        Type::Boolean => {}
        kind => {
            return Err(format!(
                "Boolean was expected after `where` and not {kind:?}"
            ));
        }
    }
    reader.expect('|')?;
    Ok(condition)
}

impl Expression {
    fn is_true(&self, row: &BTreeMap<&str, Value>, now: DateTime<Utc>) -> bool {
        self.of(row, now) == Value::Boolean(true)
    }

    fn of(&self, row: &BTreeMap<&str, Value>, now: DateTime<Utc>) -> Value {
        match self {
            Self::Column(name) => row.get(name.as_str()).cloned().unwrap_or(Value::Null),
            Self::Member(of, name) => match of.of(row, now) {
                Value::Dynamic(json) => match json.get(name) {
                    None | Some(Json::Null) => Value::Null,
                    Some(member) => Value::Dynamic(member.clone()),
                },
                _ => Value::Null,
            },
            Self::Text(text) => Value::Text(text.clone()),
            Self::Days(days) => Value::Long(*days),
            Self::Less(left, right) => match (left.of(row, now), right.of(row, now)) {
                (Value::Time(left), Value::Time(right)) => Value::Boolean(left < right),
                _ => Value::Null,
            },
            Self::Equal(left, right) => Value::Boolean(left.of(row, now) == right.of(row, now)),
            Self::In(of, texts) => Value::Boolean(texts.contains(&of.of(row, now).into_text())),
            Self::And(left, right) => {
                Value::Boolean(left.is_true(row, now) && right.is_true(row, now))
            }
            Self::Or(left, right) => {
                Value::Boolean(left.is_true(row, now) || right.is_true(row, now))
            }
            Self::Call(function, arguments) => {
                let argument = |index: usize| {
                    let argument = arguments.get(index);
                    argument.map_or(Value::Null, |argument| argument.of(row, now))
                };
                match function {
                    Function::Iif if argument(0) == Value::Boolean(true) => argument(1),
                    Function::Iif => argument(2),
                    Function::IsEmpty => Value::Boolean(argument(0).into_text().is_empty()),
                    Function::ToLower => Value::Text(argument(0).into_text().to_lowercase()),
                    Function::IsNull => Value::Boolean(argument(0) == Value::Null),
                    Function::Now => Value::Time(now),
                    Function::Ago => match argument(0) {
                        Value::Long(days) => Value::Time(now - TimeDelta::days(days)),
                        _ => Value::Null,
                    },
                    Function::ToString => Value::Text(argument(0).into_text()),
                    Function::ToDateTime => {
                        times::parse(&argument(0).into_text()).map_or(Value::Null, Value::Time)
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apply(text: &str) -> Result<Value, String> {
        let row = [
            ("a", Value::Text("x".to_owned())),
            ("at", Value::Time(DateTime::UNIX_EPOCH)),
            (
                "d",
                Value::Dynamic(json!({"b": {"c": [1, "y"]}, "n": null})),
            ),
        ];
        let text = format!("source | project X = {text}");
        let columns = [
            ("a", Type::String),
            ("at", Type::DateTime),
            ("d", Type::Dynamic),
            ("none", Type::Boolean),
            ("date", Type::String),
            ("missing", Type::Real),
            ("title", Type::String),
            ("type", Type::String),
        ];
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind));
        let transform = Transform::read(&text, &columns)?;
        let made = transform.apply(&row.into(), DateTime::UNIX_EPOCH + TimeDelta::days(3));
        Ok(made.unwrap().remove(0).1)
    }

    #[test]
    fn expressions_mean_what_they_mean_in_the_service() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (expression, value) in [
            ("a", text("x")),
            ("['a']", text("x")),
            ("['missing']", Value::Null),
            ("none", Value::Null),
            ("''", text("")),
            ("tostring(d.b.c)", text(r#"[1,"y"]"#)),
            ("tostring(d.n)", text("")),
            ("tostring(none)", text("")),
            ("isnull(d.x)", Value::Boolean(true)),
            ("iif(isnull(at) or at < ago(2d), 'old', 'new')", text("old")),
            ("iif(at < ago(4d), 'old', 'new')", text("new")),
            (
                "todatetime('1970-01-01T01:00:00+0100')",
                Value::Time(DateTime::UNIX_EPOCH),
            ),
            ("todatetime(a)", Value::Null),
            ("tolower('ÀX')", text("àx")),
            ("a in ('x', 'y')", Value::Boolean(true)),
            ("a in ('X')", Value::Boolean(false)),
            ("a == 'x' and isnull(none)", Value::Boolean(true)),
            ("a == 'y' or a == 'x' and a == 'z'", Value::Boolean(false)),
            ("isempty(tostring(d.n))", Value::Boolean(true)),
        ] {
            assert_eq!(apply(expression), Ok(value), "{expression}");
        }
    }

    #[test]
    fn a_row_that_does_not_meet_the_condition_is_not_stored() {
        let columns = [("a".to_owned(), Type::String)];
        let stored = |text: &str, transform: &str| {
            let transform = Transform::read(transform, &columns).unwrap();
            let row = [("a", Value::Text(text.to_owned()))].into();
            transform.apply(&row, DateTime::UNIX_EPOCH).is_some()
        };
        let transform = "source | where tolower(a) == 'x' | project X = a";
        assert!(stored("X", transform));
        assert!(!stored("y", transform));
        for wrong in [
            "source | where a | project X = a",
            "source | where a == 'x'",
        ] {
            assert!(Transform::read(wrong, &columns).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_not_a_guess() {
        for wrong in [
            "b",
            "coalesce(a, a)",
            "isnull()",
            "a | where a",
            "a = 'x'",
            "a in (a)",
            "a in ()",
            "a == 'x' xor a == 'y'",
            "'open",
            r"'a\'",
            "at >= at",
            "date",
            "missing",
            "tostring(title)",
            "tostring(d.title)",
            "a, first = a",
            "type",
            "a, X = a",
        ] {
            assert!(apply(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_expression_of_types_that_do_not_fit_is_refused() {
        for wrong in [
            "a.b",
            "a < a",
            "at or at",
            "a and a",
            "a == at",
            "at in ('x')",
            "isempty(at)",
            "tolower(d)",
            "iif(a, a, a)",
            "iif(isnull(at), at, a)",
            "isnull(a)",
            "isnull(at, at)",
            "ago(at)",
            "todatetime(none)",
        ] {
            assert!(apply(wrong).is_err(), "{wrong}");
        }
    }
}

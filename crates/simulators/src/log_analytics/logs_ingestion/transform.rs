//! A rule's transform: as much of the query language as our rules need.
//!
//! `source | project A = expression, B = expression, ...`, where an expression is a column (`name` or
//! `['name']`), a member of a dynamic one (`a.b`), a text in single quotes, a span of days (`2d`), a
//! comparison by `<`, two conditions with `or`, or one of the functions `iif`, `isnull`, `now`, `ago`,
//! `tostring`, `todatetime`. Anything else is an error when the rule is read, so that nothing is taken
//! for understood that is not. [`typing`](super::typing) says of what type an expression is.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value as Json;

use super::{
    keywords::KEYWORDS,
    table::Table,
    value::{Type, Value},
};
use crate::log_analytics::times;

/// The longest transform, as documented.
const MAX_CHARACTERS: usize = 15_360;

/// Words that the language service takes for columns, but that mean something else as well: the input, and
/// a column's type. They are columns only as `['name']`, to be safe.
const AMBIGUOUS: [&str; 2] = ["source", "type"];

/// A transform.
#[derive(Debug, Clone)]
pub(super) struct Transform(Vec<Output>);

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
    Or(Box<Expression>, Box<Expression>),
    Call(Function, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Iif,
    IsNull,
    Now,
    Ago,
    ToString,
    ToDateTime,
}

impl Function {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "iif" => Self::Iif,
            "isnull" => Self::IsNull,
            "now" => Self::Now,
            "ago" => Self::Ago,
            "tostring" => Self::ToString,
            "todatetime" => Self::ToDateTime,
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
        let rest = text.strip_prefix("source | project ");
        let rest = rest.ok_or("a transform begins with `source | project `")?;
        let mut reader = Reader(rest.chars().peekable());
        let mut outputs: Vec<Output> = Vec::new();
        loop {
            let name = unquoted(reader.word()?)?;
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
        match reader.peek() {
            None => Ok(Self(outputs)),
            Some(other) => Err(format!("`{other}` is not understood")),
        }
    }

    /// The transform as `table` sees it. A type other than the column's makes the service refuse the
    /// rule; it silently drops a column that the table lacks.
    pub(super) fn into_table(mut self, table: &Table) -> Result<Self, String> {
        let wrong = self.0.iter().filter_map(|output| {
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
        if !self.0.iter().any(|output| output.name == "TimeGenerated") {
            return Err("InvalidTransformOutput: TimeGenerated is not made".to_owned());
        }
        self.0.retain(|output| table.kind(&output.name).is_some());
        Ok(self)
    }

    /// The row that it makes of the members of a stream, at `now`.
    pub(super) fn apply(
        &self,
        row: &BTreeMap<&str, Value>,
        now: DateTime<Utc>,
    ) -> Vec<(&str, Value)> {
        let outputs = self.0.iter();
        outputs
            .map(|output| (output.name.as_str(), output.expression.of(row, now)))
            .collect()
    }
}

impl Expression {
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
            Self::Or(left, right) => {
                let is_true = |side: &Self| side.of(row, now) == Value::Boolean(true);
                Value::Boolean(is_true(left) || is_true(right))
            }
            Self::Call(function, arguments) => {
                let argument = |index: usize| {
                    let argument = arguments.get(index);
                    argument.map_or(Value::Null, |argument| argument.of(row, now))
                };
                match function {
                    Function::Iif if argument(0) == Value::Boolean(true) => argument(1),
                    Function::Iif => argument(2),
                    // A text is never null in that language.
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

/// A name that needs no quotes.
fn unquoted(word: String) -> Result<String, String> {
    if KEYWORDS.contains(&word.as_str()) {
        return Err(quote(&word));
    }
    Ok(word)
}

fn quote(word: &str) -> String {
    format!("`{word}` is a column only as ['{word}']")
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        while self.0.next_if(|next| next.is_whitespace()).is_some() {}
        self.0.peek().copied()
    }

    fn takes(&mut self, character: char) -> bool {
        let is_next = self.peek() == Some(character);
        if is_next {
            let _taken = self.0.next();
        }
        is_next
    }

    fn expect(&mut self, character: char) -> Result<(), String> {
        if self.takes(character) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(other) => format!("`{character}` was expected and not `{other}`"),
            None => format!("`{character}` was expected and not the end"),
        })
    }

    fn word(&mut self) -> Result<String, String> {
        let _next = self.peek();
        let mut word = String::new();
        while let Some(next) = self
            .0
            .next_if(|next| next.is_ascii_alphanumeric() || *next == '_')
        {
            word.push(next);
        }
        if word.is_empty() {
            return Err("a name was expected".to_owned());
        }
        Ok(word)
    }

    fn text(&mut self) -> Result<String, String> {
        self.expect('\'')?;
        let mut text = String::new();
        // What a backslash means here is not understood.
        while let Some(next) = self.0.next_if(|next| !['\'', '\\'].contains(next)) {
            text.push(next);
        }
        self.expect('\'')?;
        Ok(text)
    }

    /// `or` binds weakest.
    fn expression(&mut self) -> Result<Expression, String> {
        let left = self.comparison()?;
        if self.peek() != Some('o') {
            return Ok(left);
        }
        match self.word()?.as_str() {
            "or" => Ok(Expression::Or(Box::new(left), Box::new(self.comparison()?))),
            other => Err(format!("`{other}` is not understood")),
        }
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.term()?;
        if self.takes('<') {
            return Ok(Expression::Less(Box::new(left), Box::new(self.term()?)));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Expression, String> {
        let mut term = match self.peek() {
            Some('\'') => return Ok(Expression::Text(self.text()?)),
            Some('[') => {
                self.expect('[')?;
                let name = self.text()?;
                self.expect(']')?;
                Expression::Column(name)
            }
            _ => {
                let word = self.word()?;
                if let Some(days) = word.strip_suffix('d').and_then(|days| days.parse().ok()) {
                    return Ok(Expression::Days(days));
                }
                if self.takes('(') {
                    return self.call(&word);
                }
                if AMBIGUOUS.contains(&word.as_str()) {
                    return Err(quote(&word));
                }
                Expression::Column(unquoted(word)?)
            }
        };
        while self.takes('.') {
            term = Expression::Member(Box::new(term), unquoted(self.word()?)?);
        }
        Ok(term)
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let function =
            Function::named(name).ok_or_else(|| format!("the function `{name}` is not known"))?;
        let mut arguments = Vec::new();
        while !self.takes(')') {
            if !arguments.is_empty() {
                self.expect(',')?;
            }
            arguments.push(self.expression()?);
        }
        Ok(Expression::Call(function, arguments))
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
        let mut made = transform.apply(&row.into(), DateTime::UNIX_EPOCH + TimeDelta::days(3));
        Ok(made.remove(0).1)
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
        ] {
            assert_eq!(apply(expression), Ok(value), "{expression}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_not_a_guess() {
        for wrong in [
            "b",
            "coalesce(a, a)",
            "isnull()",
            "a and a",
            "a | where a",
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

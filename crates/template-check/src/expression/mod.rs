//! The expressions of ARM templates, `[concat(parameters('appName'), '-plan')]`: text, tree, value.
//!
//! It returns what Azure's own engine returns: `engine/` holds that engine's results, and the tests compare
//! the evaluator with them. It is stricter than the engine where that helps: the names of parameters, variables
//! and functions are compared with their case, and a function that is not known here is an error.

mod collections;
mod identifiers;
mod lambdas;
mod lexer;
mod limits;
mod logic;
mod networks;
mod parser;
#[cfg(test)]
mod tests;
mod texts;

use serde_json::Value;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A literal in quotes.
    Text(String),
    /// A literal number.
    Number(i64),
    /// A function with its arguments.
    Call(String, Vec<Expression>),
    /// `of.name`
    Member(Box<Expression>, String),
    /// `of[at]`
    Index(Box<Expression>, Box<Expression>),
}

/// What those functions need that depend on where they are used.
pub trait Scope {
    /// The value of `parameters`, `reference` and the like; `None` for a function not known.
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>>;
}

/// The expression in a text of a template, or none if the text stands for itself.
pub fn parse(text: &str) -> Result<Option<Expression>, String> {
    match text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        Some(inner) if !inner.starts_with('[') => {
            limits::check_expression(inner)?;
            parser::parse(inner)
                .map(Some)
                .map_err(|error| format!("{error} in `{text}`"))
        }
        _ => Ok(None),
    }
}

/// What a text without an expression says: `[[` stands for `[`.
#[must_use]
pub fn literal(text: &str) -> &str {
    if text.starts_with("[[") {
        text.split_at(1).1
    } else {
        text
    }
}

impl Expression {
    /// Calls `visit` with every function call in here, outer ones first.
    pub fn each_call<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a [Self])) {
        match self {
            Self::Text(_) | Self::Number(_) => {}
            Self::Call(name, arguments) => {
                visit(name, arguments);
                for each in arguments {
                    each.each_call(visit);
                }
            }
            Self::Member(of, _) => of.each_call(visit),
            Self::Index(of, at) => {
                of.each_call(visit);
                at.each_call(visit);
            }
        }
    }

    /// The value, where `scope` answers what depends on the place.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, String> {
        match self {
            Self::Text(text) => Ok(text.as_str().into()),
            Self::Number(number) => Ok((*number).into()),
            Self::Call(name, arguments) => call(name, arguments, scope),
            Self::Member(of, name) => member(&of.evaluate(scope)?, name),
            Self::Index(of, at) => match (of.evaluate(scope)?, at.evaluate(scope)?) {
                (of, Value::String(name)) => member(&of, &name),
                (Value::Array(items), Value::Number(at)) => at
                    .as_u64()
                    .and_then(|at| items.get(usize::try_from(at).ok()?))
                    .cloned()
                    .ok_or_else(|| format!("no item {at} among {}", items.len())),
                (of, at) => Err(format!("{at} cannot be looked up in {of}")),
            },
        }
    }
}

fn member(of: &Value, name: &str) -> Result<Value, String> {
    let found = of
        .as_object()
        .and_then(|members| collections::find(members, name));
    found
        .map(|(_, value)| value.clone())
        .ok_or_else(|| format!("no member {name} in {of}"))
}

fn call(name: &str, arguments: &[Expression], scope: &dyn Scope) -> Result<Value, String> {
    // Only the branch that is taken is evaluated, which templates rely on.
    if let ("if", [condition, yes, no]) = (name, arguments) {
        return match condition.evaluate(scope)? {
            Value::Bool(true) => yes.evaluate(scope),
            Value::Bool(false) => no.evaluate(scope),
            other => Err(format!("if() takes true or false, not {other}")),
        };
    }
    if let Some(result) = lambdas::call(name, arguments, scope) {
        return result;
    }
    let values: Vec<Value> = arguments
        .iter()
        .map(|argument| argument.evaluate(scope))
        .collect::<Result<_, _>>()?;
    let result = texts::call(name, &values)
        .or_else(|| collections::call(name, &values))
        .or_else(|| logic::call(name, &values))
        .or_else(|| identifiers::call(name, &values))
        .or_else(|| networks::call(name, &values))
        .or_else(|| scope.call(name, &values));
    let result = result.unwrap_or_else(|| {
        let count = values.len();
        Err(format!(
            "{name}() is not known, or not with {count} arguments of these kinds"
        ))
    });
    result.and_then(|value| limits::check_result(name, value))
}

/// How many; 0 for a negative number.
fn size(count: &serde_json::Number) -> usize {
    let count = count.as_u64().and_then(|count| count.try_into().ok());
    count.unwrap_or_default()
}

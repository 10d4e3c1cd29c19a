//! Functions that apply an expression to each item of a list.

use serde_json::{Map, Value};

use super::{Expression, Scope, collections::find};

/// A scope in which a lambda's variable has a value.
struct Bound<'a> {
    outer: &'a dyn Scope,
    variable: &'a str,
    value: Value,
}

impl Scope for Bound<'_> {
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        match (name, arguments) {
            ("lambdaVariables", [Value::String(variable)]) if variable == self.variable => {
                Some(Ok(self.value.clone()))
            }
            // The service has these answered before it looks into lambdas.
            ("reference" | "listKeys", _) => Some(Err("stands inside of a lambda".to_owned())),
            _ => self.outer.call(name, arguments),
        }
    }
}

pub(super) fn call(
    name: &str,
    arguments: &[Expression],
    scope: &dyn Scope,
) -> Option<Result<Value, String>> {
    match (name, arguments) {
        ("filter", [list, with]) => Some(each(list, &[with], scope).map(|results| {
            let kept = results
                .into_iter()
                .filter(|(_, results)| *results == [true]);
            kept.map(|(item, _)| item).collect()
        })),
        ("toObject", [list, key, value]) => {
            Some(each(list, &[key, value], scope).and_then(|results| {
                let mut members = Map::new();
                for (_, results) in results {
                    match results.as_slice() {
                        [Value::String(key), _] if find(&members, key).is_some() => {
                            return Err(format!("the name {key} is there twice"));
                        }
                        [Value::String(key), value] => members.insert(key.clone(), value.clone()),
                        other => return Err(format!("no name and value: {other:?}")),
                    };
                }
                Ok(Value::Object(members))
            }))
        }
        _ => None,
    }
}

/// The items of a list, each with what the lambdas make of it.
fn each(
    list: &Expression,
    lambdas: &[&Expression],
    scope: &dyn Scope,
) -> Result<Vec<(Value, Vec<Value>)>, String> {
    let list = list.evaluate(scope)?;
    let items = list
        .as_array()
        .ok_or_else(|| format!("{list} is no list"))?;
    let apply = |lambda: &Expression, item: &Value| match lambda {
        Expression::Call(name, parts) if name == "lambda" => match parts.as_slice() {
            [Expression::Text(variable), body] => body.evaluate(&Bound {
                outer: scope,
                variable,
                value: item.clone(),
            }),
            _ => Err("a lambda takes one variable and one expression here".to_owned()),
        },
        other => Err(format!("no lambda: {other:?}")),
    };
    items
        .iter()
        .map(|item| {
            let results = lambdas.iter().map(|lambda| apply(lambda, item));
            Ok((item.clone(), results.collect::<Result<_, String>>()?))
        })
        .collect()
}

//! Functions on true and false, and on numbers.

use serde_json::Value;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    let as_truths = || {
        arguments
            .iter()
            .map(Value::as_bool)
            .collect::<Option<Vec<_>>>()
    };
    Some(match (name, arguments) {
        ("true", []) => Ok(true.into()),
        ("false", []) => Ok(false.into()),
        ("not", [Value::Bool(value)]) => Ok((!value).into()),
        ("and", [_, _, ..]) => Ok(as_truths()?.into_iter().all(|each| each).into()),
        ("or", [_, _, ..]) => Ok(as_truths()?.into_iter().any(|each| each).into()),
        // Texts are compared with their case.
        ("equals", [one, other]) => Ok((one == other).into()),
        ("int", [Value::Number(number)]) => Ok(Value::Number(number.clone())),
        ("int", [Value::String(text)]) => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|error| format!("`{text}`: {error}")),
        _ => return None,
    })
}

//! Functions on numbers and on true and false.

use serde_json::Value;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
    let as_numbers = || match arguments {
        [one, other] => one.as_i64().zip(other.as_i64()),
        _ => None,
    };
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
        ("bool", [Value::Bool(value)]) => Ok((*value).into()),
        ("bool", [Value::String(text)]) => match text.to_lowercase().as_str() {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err(format!("`{text}` is neither true nor false")),
        },
        // Texts are compared with their case.
        ("equals", [one, other]) => Ok((one == other).into()),
        ("int", [Value::Number(number)]) => Ok(Value::Number(number.clone())),
        ("int", [Value::String(text)]) => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|error| format!("`{text}`: {error}")),
        ("add", _) => as_numbers().map(|(one, other)| Ok((one + other).into()))?,
        ("sub", _) => as_numbers().map(|(one, other)| Ok((one - other).into()))?,
        ("mul", _) => as_numbers().map(|(one, other)| Ok((one * other).into()))?,
        ("min", _) => as_numbers().map(|(one, other)| Ok(one.min(other).into()))?,
        ("max", _) => as_numbers().map(|(one, other)| Ok(one.max(other).into()))?,
        ("less", _) => as_numbers().map(|(one, other)| Ok((one < other).into()))?,
        ("lessOrEquals", _) => as_numbers().map(|(one, other)| Ok((one <= other).into()))?,
        ("greater", _) => as_numbers().map(|(one, other)| Ok((one > other).into()))?,
        ("greaterOrEquals", _) => as_numbers().map(|(one, other)| Ok((one >= other).into()))?,
        ("range", _) => {
            as_numbers().map(|(from, count)| Ok((from..from + count).map(Value::from).collect()))?
        }
        _ => return None,
    })
}

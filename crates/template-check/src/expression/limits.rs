//! How long expressions and their results may be. Each of these limits was tried on Azure's engine;
//! the documentation has only the first one.

use serde_json::Value;

use super::texts::length;

/// The longest expression, in characters between the brackets. The engine takes more; the documentation
/// does not promise it.
const MAX_EXPRESSION: usize = 24_576;

/// The longest text that one of [`LIMITED`] may return.
const MAX_RESULT: usize = 131_072;

/// The functions whose results are limited. A literal, a bare `variables()`, `if()`, `string()` and the
/// like may give more. The engine lets some longer results of `replace()` pass; here none does.
const LIMITED: [&str; 4] = ["concat", "format", "join", "replace"];

/// Refuses an expression that is too long.
pub(super) fn check_expression(inner: &str) -> Result<(), String> {
    match length(inner) {
        found if found > MAX_EXPRESSION => Err(format!(
            "the expression has {found} characters; {MAX_EXPRESSION} are the most"
        )),
        _ => Ok(()),
    }
}

/// Refuses the result of a function if it is too long.
pub(super) fn check_result(function: &str, value: Value) -> Result<Value, String> {
    match &value {
        Value::String(text) if LIMITED.contains(&function) && length(text) > MAX_RESULT => {
            Err(format!(
                "the result of {function}() has {} characters; {MAX_RESULT} are the most",
                length(text)
            ))
        }
        _ => Ok(value),
    }
}

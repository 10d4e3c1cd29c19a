//! Evaluating everything inside a value.

use serde_json::{Map, Value};

use super::{counts::MAX_ITERATIONS, scope::Frame};
use crate::expression;

impl Frame<'_> {
    /// The value of a text, or of all texts inside; `at` is its place, for errors.
    pub(super) fn value(&self, raw: &Value, at: &str) -> Result<Value, String> {
        self.inside(raw).map_err(|error| format!("{at}{error}"))
    }

    /// The same with a place that begins here. It is put together on the way out, since most
    /// values have no error.
    fn inside(&self, raw: &Value) -> Result<Value, String> {
        match raw {
            Value::String(text) => self.text(text).map_err(|error| format!(": {error}")),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let inside = |(index, item)| {
                    self.inside(item)
                        .map_err(|error| format!("[{index}]{error}"))
                };
                items.map(inside).collect()
            }
            Value::Object(members) => self.object(members).map(Value::Object),
            other => Ok(other.clone()),
        }
    }

    fn text(&self, text: &str) -> Result<Value, String> {
        match expression::parse(text)? {
            Some(parsed) => parsed
                .evaluate(self)
                .map_err(|error| format!("{error}, in `{text}`")),
            None => Ok(expression::literal(text).into()),
        }
    }

    fn object(&self, members: &Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut results = Map::new();
        for (name, raw) in members {
            match raw.as_array() {
                Some(loops) if name == "copy" => {
                    for each in loops {
                        let (name, items) = self.repeated(each, ".copy")?;
                        results.insert(name, items);
                    }
                }
                _ => {
                    let value = self
                        .inside(raw)
                        .map_err(|error| format!(".{name}{error}"))?;
                    match self
                        .text(name)
                        .map_err(|error| format!(".{name}: {error}"))?
                    {
                        Value::String(name) => results.insert(name, value),
                        other => return Err(format!(".{name}: {other} is no name")),
                    };
                }
            }
        }
        Ok(results)
    }

    /// A loop inside an object: `{ "name", "count", "input" }`.
    pub(super) fn repeated(&self, each: &Value, at: &str) -> Result<(String, Value), String> {
        let name = each["name"]
            .as_str()
            .ok_or_else(|| format!("{at}: a loop without a name"))?;
        let items = (0..self.count(each, at)?)
            .map(|index| self.at_index(name, index).value(&each["input"], at))
            .collect::<Result<Value, _>>()?;
        Ok((name.to_owned(), items))
    }

    /// How often a loop runs.
    pub(super) fn count(&self, each: &Value, at: &str) -> Result<u64, String> {
        let count = self.value(&each["count"], at)?;
        match count.as_u64() {
            Some(count) if count <= MAX_ITERATIONS => Ok(count),
            Some(count) => Err(format!(
                "{at}: a loop of {count} iterations; {MAX_ITERATIONS} are the most"
            )),
            None => Err(format!("{at}: a loop of {count} iterations")),
        }
    }
}

//! Evaluating everything inside of a value.

use serde_json::{Map, Value};

use super::scope::Frame;
use crate::expression;

impl Frame<'_> {
    /// The value of a text, or of all texts inside; `at` is its place, for errors.
    pub(super) fn value(&self, raw: &Value, at: &str) -> Result<Value, String> {
        match raw {
            Value::String(text) => self.text(text).map_err(|error| format!("{at}: {error}")),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| self.value(item, &format!("{at}[{index}]")))
                    .collect()
            }
            Value::Object(members) => self.object(members, at).map(Value::Object),
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

    fn object(&self, members: &Map<String, Value>, at: &str) -> Result<Map<String, Value>, String> {
        let mut results = Map::new();
        for (name, raw) in members {
            let at = format!("{at}.{name}");
            match raw.as_array() {
                Some(loops) if name == "copy" => {
                    for each in loops {
                        let (name, items) = self.repeated(each, &at)?;
                        results.insert(name, items);
                    }
                }
                _ => {
                    let name = self.text(name).map_err(|error| format!("{at}: {error}"))?;
                    let name = name
                        .as_str()
                        .ok_or_else(|| format!("{at}: {name} is no name"))?;
                    results.insert(name.to_owned(), self.value(raw, &at)?);
                }
            }
        }
        Ok(results)
    }

    /// A loop inside of an object: `{ "name", "count", "input" }`.
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
        count
            .as_u64()
            .filter(|count| *count <= 800)
            .ok_or_else(|| format!("{at}: a loop of {count}"))
    }
}

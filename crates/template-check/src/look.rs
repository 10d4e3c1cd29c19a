//! Looking into JSON that may lack what is looked for.

use serde_json::Value;

/// What there is, or nothing.
pub trait Look {
    /// A text, or an empty one.
    fn text(&self) -> &str;
    /// The items of a list, or none.
    fn items(&self) -> impl Iterator<Item = &Value>;
    /// The members of an object, or none.
    fn members(&self) -> impl Iterator<Item = (&String, &Value)>;
    /// A text unchanged, everything else as JSON.
    fn plain(&self) -> String;
}

impl Look for Value {
    fn text(&self) -> &str {
        self.as_str().unwrap_or_default()
    }

    fn items(&self) -> impl Iterator<Item = &Value> {
        self.as_array().into_iter().flatten()
    }

    fn members(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.as_object().into_iter().flatten()
    }

    fn plain(&self) -> String {
        self.as_str()
            .map_or_else(|| self.to_string(), str::to_owned)
    }
}

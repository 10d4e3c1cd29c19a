//! A solution for the Content Hub, as the packaging tool (V3) of the Sentinel repository makes it of such a folder.
//!
//! The form is that of packages which the repository publishes; where the tool is wrong (descriptions of workbooks, functions
//! with an empty list of parameters, techniques named twice), this is not.

mod form;
mod package;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{form::form, package::package};
use crate::content::Parser;

/// `Data/Solution_NAME.json`: what is in the solution, in the words of the packaging tool, as far as it is needed here.
#[derive(Debug, Clone, Deserialize)]
pub struct Data {
    /// The name, which is that of its folder in the repository.
    #[serde(rename = "Name")]
    pub name: String,
    /// Who made it.
    #[serde(rename = "Author")]
    pub author: String,
    /// A picture, as an element of HTML.
    #[serde(rename = "Logo")]
    pub logo: String,
    /// What it is for.
    #[serde(rename = "Description")]
    pub description: String,
    /// Paths in the folder, as of the other lists.
    #[serde(rename = "Data Connectors")]
    pub connectors: Vec<String>,
    /// Functions.
    #[serde(rename = "Parsers")]
    pub parsers: Vec<String>,
    /// Hunting queries.
    #[serde(rename = "Hunting Queries")]
    pub hunting: Vec<String>,
    /// Analytics rules.
    #[serde(rename = "Analytic Rules")]
    pub rules: Vec<String>,
    /// Workbooks.
    #[serde(rename = "Workbooks")]
    pub workbooks: Vec<String>,
    /// Watchlists.
    #[serde(rename = "Watchlists")]
    pub watchlists: Vec<String>,
    /// Of three numbers, the first of them 3.
    #[serde(rename = "Version")]
    pub version: String,
}

/// `SolutionMetadata.json`: what the marketplace says of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Lower-case letters and digits.
    pub publisher_id: String,
    /// With `sentinel` in it.
    pub offer_id: String,
    /// A day.
    pub first_publish_date: String,
    /// Whose product the data is of.
    pub providers: Vec<String>,
    /// What it is about.
    pub categories: Value,
    /// Whom to ask.
    pub support: Support,
}

/// Whom to ask.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Support {
    /// A name.
    pub name: String,
    /// `Microsoft`, `Partner` or `Community`.
    pub tier: String,
    /// An address.
    pub link: String,
}

/// What makes a solution of the content.
#[derive(Debug, Clone)]
pub struct Solution {
    /// What is in it.
    pub data: Data,
    /// What the marketplace says.
    pub metadata: Metadata,
}

impl Solution {
    /// The id of the solution in the marketplace.
    fn id(&self) -> String {
        format!("{}.{}", self.metadata.publisher_id, self.metadata.offer_id)
    }

    /// Whether a function is in it.
    fn holds(&self, parser: &Parser) -> bool {
        let path = format!("Parsers/{}.yaml", parser.key);
        self.data.parsers.contains(&path)
    }

    /// How many of each kind there are, as the packaging tool counts them.
    fn counts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let data = &self.data;
        let counts = [
            ("Data Connectors", data.connectors.len()),
            ("Parsers", data.parsers.len()),
            ("Workbooks", data.workbooks.len()),
            ("Analytic Rules", data.rules.len()),
            ("Hunting Queries", data.hunting.len()),
            ("Watchlists", data.watchlists.len()),
        ];
        counts.into_iter().filter(|(_, count)| *count > 0)
    }
}

/// A solution for tests.
#[cfg(test)]
pub(crate) fn example() -> Solution {
    let data = serde_json::json!({
        "Name": "one", "Author": "one", "Logo": "<img>", "Description": "Shows.", "Data Connectors": ["one"], "Parsers": [], "Hunting Queries": [],
        "Analytic Rules": [], "Workbooks": [], "Watchlists": [], "BasePath": "C:\\one", "Version": "3.0.0", "Metadata": "SolutionMetadata.json",
        "TemplateSpec": true, "Is1PConnector": false,
    });
    let metadata = serde_json::json!({
        "publisherId": "one", "offerId": "sentinel-one", "firstPublishDate": "2026-01-01", "providers": ["One"], "categories": {},
        "support": {"name": "one", "tier": "Community", "link": "https://one.example"},
    });
    Solution {
        data: serde_json::from_value(data).unwrap(),
        metadata: serde_json::from_value(metadata).unwrap(),
    }
}

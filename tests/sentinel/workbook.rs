//! The workbooks' queries, with the values of their parameters put in as Azure does.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::content::{Kind, Query};

/// The time range that the tests choose: all but the first of the demo's days.
pub const FROM: &str = "2026-03-03T00:00:00.000Z";
pub const TO: &str = "2026-03-06T00:00:00.000Z";
const GRAIN: &str = "1h";

/// A workbook, taken apart.
pub struct Workbook {
    parameters: Vec<Value>,
    items: Vec<Value>,
}

/// The value of each parameter: those of a list that are chosen, or the text.
pub type Chosen = BTreeMap<String, Vec<String>>;

impl Workbook {
    pub fn read(workbook: &Value) -> Self {
        let (mut parameters, mut items) = (Vec::new(), Vec::new());
        walk(&workbook["items"], &mut |item| {
            let inner = &item["content"];
            parameters.extend(
                inner["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .cloned(),
            );
            items.push(item.clone());
        });
        Self { parameters, items }
    }

    /// All parameters.
    pub fn parameters(&self) -> &[Value] {
        &self.parameters
    }

    /// All items, with those in groups.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// The values that the parameters have when the workbook is opened, with nothing picked.
    pub fn untouched(&self) -> Chosen {
        let mut chosen = Chosen::new();
        for parameter in &self.parameters {
            let values: Vec<String> = match &parameter["value"] {
                Value::Array(values) => values
                    .iter()
                    .map(|value| value.as_str().unwrap().to_owned())
                    .collect(),
                Value::String(value) => vec![value.clone()],
                _ => vec![String::new()],
            };
            chosen.insert(name(parameter).to_owned(), values);
        }
        for item in &self.items {
            let inner = &item["content"];
            let exports = inner["exportedParameters"].as_array().into_iter().flatten();
            let pairs = exports.map(|one| (&one["parameterName"], &one["defaultValue"]));
            let alone = (&inner["exportParameterName"], &inner["exportDefaultValue"]);
            for (name, value) in pairs.chain([alone]) {
                if let Some(name) = name.as_str() {
                    chosen.insert(
                        name.to_owned(),
                        vec![value.as_str().unwrap_or_default().to_owned()],
                    );
                }
            }
        }
        chosen
    }

    /// Every query of the workspace's tables, with the chosen values put in.
    pub fn queries(&self, chosen: &Chosen) -> Vec<Query> {
        let of_items = self.items.iter().filter(|item| item["type"] == 3);
        let of_items = of_items.map(|item| {
            (
                item["name"].as_str().unwrap_or("an item without a name"),
                &item["content"],
            )
        });
        let of_parameters = self.parameters.iter().map(|one| (name(one), one));
        let of_both = of_items.chain(of_parameters);
        // Azure Resource Graph answers the others.
        let of_tables = of_both.filter(|(_, holder)| holder["queryType"] != 1);
        let all = of_tables.filter_map(|(name, holder)| {
            let text = holder["query"].as_str()?;
            Some(Query {
                kind: Kind::Workbook,
                name: name.to_owned(),
                text: self.filled(name, text, chosen),
                follows_range: holder["timeContextFromParameter"] == "TimeRange",
            })
        });
        all.collect()
    }

    /// A text with its `{Name}` and `{Name:form}` replaced.
    fn filled(&self, query: &str, text: &str, chosen: &Chosen) -> String {
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            done.push_str(before);
            let found = after.split_once('}').filter(|(inside, _)| {
                let (name, _) = inside.split_once(':').unwrap_or((inside, ""));
                !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric())
            });
            if let Some((inside, behind)) = found {
                let (name, form) = inside.split_once(':').unwrap_or((inside, ""));
                done.push_str(&self.value(query, name, form, chosen));
                rest = behind;
            } else {
                done.push('{');
                rest = after;
            }
        }
        done + rest
    }

    fn value(&self, query: &str, name: &str, form: &str, chosen: &Chosen) -> String {
        match (name, form) {
            ("TimeRange", "start") => return format!("datetime({FROM})"),
            ("TimeRange", "end") => return format!("datetime({TO})"),
            ("TimeRange", "grain") => return GRAIN.to_owned(),
            ("TimeRange", "") => {
                return format!(">= datetime({FROM}) and TimeGenerated <= datetime({TO})");
            }
            _ => {}
        }
        let values = chosen
            .get(name)
            .unwrap_or_else(|| panic!("{query}: there is no parameter {name}"));
        let parameter = self.parameters.iter().find(|one| self::name(one) == name);
        match form {
            "" => {
                let Some(parameter) = parameter.filter(|one| one["multiSelect"] == true) else {
                    return values[0].clone();
                };
                let quote = parameter["quote"].as_str().unwrap_or_default();
                let all = parameter["typeSettings"]["selectAllValue"].as_str();
                let values = values.iter().map(|value| match (value.as_str(), all) {
                    ("value::all", Some(all)) => format!("{quote}{all}{quote}"),
                    (value, _) => format!("{quote}{value}{quote}"),
                });
                values
                    .collect::<Vec<_>>()
                    .join(parameter["delimiter"].as_str().unwrap_or(","))
            }
            "escapejson" => {
                let text = serde_json::to_string(&values[0]).unwrap();
                text.trim_matches('"').to_owned()
            }
            other => panic!("{query}: the form {name}:{other} is not known here"),
        }
    }
}

fn name(parameter: &Value) -> &str {
    parameter["name"].as_str().unwrap()
}

/// Calls for each item, groups before what is in them.
fn walk(items: &Value, visit: &mut impl FnMut(&Value)) {
    for item in items.as_array().into_iter().flatten() {
        visit(item);
        walk(&item["content"]["items"], visit);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{
        content,
        execution::{World, demo, report},
        support::kusto::{Answered, Kusto, Seen},
        workspace::{Generation, Workspace},
    };

    use super::*;

    fn read(key: &str) -> Workbook {
        let files = content::read().workbooks;
        let file = files.iter().find(|file| file.key == key).unwrap();
        Workbook::read(&file.json)
    }

    /// What one of the workbook's queries shows with the chosen values.
    fn shown(kusto: &mut Kusto, workbook: &Workbook, name: &str, chosen: &Chosen) -> Answered {
        let query = workbook
            .queries(chosen)
            .into_iter()
            .find(|query| query.name == name)
            .unwrap();
        let range = Seen::Between(FROM.to_owned(), TO.to_owned());
        kusto.run(&query.text, &[TO.to_owned()], &range).unwrap()
    }

    fn values<'a>(answer: &'a Answered, column: &str) -> BTreeSet<&'a str> {
        answer.results[0]
            .iter()
            .filter_map(|row| row[column].as_str())
            .collect()
    }

    #[test]
    fn every_part_of_the_workbooks_shows_something_of_the_demo() {
        let parts = report(World::Deployed)
            .iter()
            .filter(|checked| checked.query.kind == Kind::Workbook);
        let empty: Vec<_> = parts
            .filter(|checked| {
                checked
                    .answer
                    .as_ref()
                    .is_ok_and(|answer| answer.results[0].is_empty())
            })
            .collect();
        let empty: Vec<_> = empty
            .into_iter()
            .map(|checked| &checked.query.name)
            .collect();
        assert_eq!(empty, Vec::<&String>::new());
    }

    #[test]
    fn every_filter_holds_for_every_list_of_rows() {
        let rows = demo("logs-ingestion");
        let mut kusto = Workspace::new(Generation::Deployed, rows).open();
        for (key, name) in [
            ("investigation", "overview-rows"),
            ("investigation", "url-rows"),
            ("investigation", "attachment-rows"),
            ("investigation", "impersonation-rows"),
            ("operations", "policies-rows"),
        ] {
            let workbook = read(key);
            let mut chosen = workbook.untouched();
            chosen.insert("Verdict".to_owned(), vec!["value::all".to_owned()]);
            let all = shown(&mut kusto, &workbook, name, &chosen);
            let mut with = |filter: &str, value: String| {
                let mut chosen = chosen.clone();
                chosen.insert(filter.to_owned(), vec![value]);
                shown(&mut kusto, &workbook, name, &chosen)
            };
            for filter in ["User", "Sender", "Verdict", "Route"] {
                if !all.columns.iter().any(|column| column.name == filter) {
                    continue;
                }
                let some = values(&all, filter);
                let one = *some.iter().find(|value| !value.is_empty()).unwrap();
                assert!(
                    some.len() > 1 || filter == "Route",
                    "{name}: {filter} has nothing to choose from"
                );
                let found = with(filter, one.to_owned());
                assert_eq!(
                    values(&found, filter),
                    BTreeSet::from([one]),
                    "{name}: {filter}"
                );
            }
            let word = values(&all, "Sender")
                .into_iter()
                .find(|value| !value.is_empty())
                .unwrap()
                .to_uppercase();
            let (some, all) = (with("Search", word).results[0].len(), all.results[0].len());
            assert!(
                some > 0 && some < all,
                "{name}: a search finds {some} of {all}"
            );
        }
    }

    #[test]
    fn what_is_picked_among_the_policies_is_what_their_rows_show() {
        let workbook = read("operations");
        let mut kusto = Workspace::new(Generation::Deployed, demo("logs-ingestion")).open();
        let untouched = workbook.untouched();
        let all = shown(&mut kusto, &workbook, "policies-rows", &untouched);
        for name in [
            "url-admin-overrides",
            "url-user-overrides",
            "url-awareness",
            "url-definitions",
            "url-mitigations",
        ] {
            let item = workbook.items().iter().find(|item| item["name"] == name);
            let export = |member: &str| item.unwrap()["content"][member].as_str().unwrap();
            let grid = shown(&mut kusto, &workbook, name, &untouched);
            let clicked = &grid.results[0][0];
            let value = clicked[export("exportFieldName")].as_str().unwrap();
            let mut chosen = untouched.clone();
            let parameter = export("exportParameterName").to_owned();
            chosen.insert(parameter, vec![value.to_owned()]);
            let found = shown(&mut kusto, &workbook, "policies-rows", &chosen);
            let (some, all) = (found.results[0].len(), all.results[0].len());
            assert_eq!(clicked["Clicks"], some, "{name}: {value}");
            assert!(some < all, "{name}: {value} leaves {some} of {all}");
        }
    }
}

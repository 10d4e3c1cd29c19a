//! Reads the folder `sentinel/`, whose form is that of a solution in the Sentinel repository.

mod query;
mod span;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use thiserror::Error;

pub use self::{
    query::{
        AlertDetails, EntityMapping, FieldMapping, FunctionDetails, FunctionParameter, Hunt,
        Parser, RequiredConnector, Rule, Severity, TriggerOperator,
    },
    span::Span,
};
use crate::{
    files::{self, FileError},
    solution::Solution,
};

/// The connector page.
pub const CONNECTOR: &str = "sentinel/Data Connectors/MimecastTTP.json";

const RULES: &str = "sentinel/Analytic Rules";
const HUNTING: &str = "sentinel/Hunting Queries";
const PARSERS: &str = "sentinel/Parsers";
const PEER_FUNCTIONS: &str = "sentinel/Peer Functions";
const WORKBOOKS: &str = "sentinel/Workbooks";
const SOLUTION: &str = "sentinel/Data/Solution_mimecast-ttp.json";
const SOLUTION_METADATA: &str = "sentinel/SolutionMetadata.json";
const WATCHLISTS: &str = "sentinel/Watchlists";
const WORKBOOKS_METADATA: &str = "sentinel/Workbooks/WorkbooksMetadata.json";

/// The content cannot be read.
#[derive(Debug, Error)]
pub enum ContentError {
    /// A file or a folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that must be JSON.
    #[error("{} is not JSON of its form", path.display())]
    Json {
        /// Which.
        path: PathBuf,
        /// Where it goes wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A file that must be YAML.
    #[error("{} is not YAML of its form", path.display())]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Where it goes wrong.
        #[source]
        source: Box<serde_saphyr::Error>,
    },
    /// A file that does not belong where it is.
    #[error("{} does not end in .yaml", path.display())]
    Stray {
        /// Which.
        path: PathBuf,
    },
}

/// A workbook, as its file holds it, and what is said of it.
#[derive(Debug, Clone)]
pub struct Workbook {
    /// The name of its file, without the extension.
    pub key: String,
    /// What the repository's list of workbooks says.
    pub metadata: WorkbookMetadata,
    /// What the file holds.
    pub json: Value,
}

/// An entry of the repository's list of workbooks, as far as it is needed here.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkbookMetadata {
    /// Its id in the repository.
    pub workbook_key: String,
    /// What it shows.
    pub description: String,
    /// The tables that it reads.
    pub data_types_dependencies: Vec<String>,
    /// The connectors that fill them.
    pub data_connectors_dependencies: Vec<String>,
    /// Of three numbers.
    pub version: String,
    /// The name that Sentinel shows.
    pub title: String,
    /// Its file, in the folder of workbooks.
    pub template_relative_path: String,
}

/// A watchlist: names that users of the rules may add to and take from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Watchlist {
    /// What Sentinel lists it as.
    pub display_name: String,
    /// What queries call it: the name of its file, without the extension.
    pub watchlist_alias: String,
    /// What is on it, and what for.
    pub description: String,
    /// The file that the rows come from, for show.
    pub source: String,
    /// Who made it.
    pub provider: String,
    /// `text/csv`.
    pub content_type: String,
    /// Lines before the names of the columns.
    pub number_of_lines_to_skip: u32,
    /// The column that queries find as `SearchKey`.
    pub items_search_key: String,
    /// The names of the columns, and the rows that it begins with.
    pub raw_content: String,
}

impl Watchlist {
    /// The first column of its rows. No cell is quoted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let rows = self.raw_content.lines().skip(1);
        rows.map(|row| row.split_once(',').map_or(row, |(key, _)| key))
    }
}

/// The file of a watchlist: a template with one resource.
#[derive(Debug, Deserialize)]
struct WatchlistFile {
    resources: [WatchlistResource; 1],
}

#[derive(Debug, Deserialize)]
struct WatchlistResource {
    properties: Watchlist,
}

/// All that `sentinel/` holds. Queries are in the order of their keys, workbooks in that of their list.
#[derive(Debug, Clone)]
pub struct Content {
    /// The functions that the other queries call.
    pub parsers: Vec<Parser>,
    /// Functions with the names and the columns of those of another solution, for who asks.
    pub peer_functions: Vec<Parser>,
    /// The analytics rules.
    pub rules: Vec<Rule>,
    /// The hunting queries.
    pub hunting: Vec<Hunt>,
    /// The workbooks.
    pub workbooks: Vec<Workbook>,
    /// The watchlists.
    pub watchlists: Vec<Watchlist>,
    /// The connector page.
    pub connector: Value,
    /// What makes a solution of them.
    pub solution: Solution,
}

impl Content {
    /// Reads the content of the repository at `root`.
    pub fn read(root: &Path) -> Result<Self, ContentError> {
        let metadata: Vec<WorkbookMetadata> = json(root, Path::new(WORKBOOKS_METADATA))?;
        let workbooks = metadata.into_iter().map(|metadata| {
            let path = Path::new(WORKBOOKS).join(&metadata.template_relative_path);
            Ok(Workbook {
                key: stem(&path),
                json: json(root, &path)?,
                metadata,
            })
        });
        Ok(Self {
            parsers: functions(root, PARSERS)?,
            peer_functions: functions(root, PEER_FUNCTIONS)?,
            rules: queries(root, Path::new(RULES), |one: &mut Rule, key| one.key = key)?,
            hunting: queries(root, Path::new(HUNTING), |one: &mut Hunt, key| {
                one.key = key;
            })?,
            workbooks: workbooks.collect::<Result<_, ContentError>>()?,
            watchlists: watchlists(root)?,
            connector: json(root, Path::new(CONNECTOR))?,
            solution: Solution {
                data: json(root, Path::new(SOLUTION))?,
                metadata: json(root, Path::new(SOLUTION_METADATA))?,
            },
        })
    }
}

fn functions(root: &Path, folder: &str) -> Result<Vec<Parser>, ContentError> {
    queries(root, Path::new(folder), |one: &mut Parser, key| {
        one.key = key;
    })
}

fn watchlists(root: &Path) -> Result<Vec<Watchlist>, ContentError> {
    let files = files::list(root, Path::new(WATCHLISTS))?.into_iter();
    let watchlists = files.map(|path| {
        let WatchlistFile { resources } = json(root, &path)?;
        let [WatchlistResource { properties }] = resources;
        Ok(properties)
    });
    watchlists.collect()
}

fn json<T: DeserializeOwned>(root: &Path, path: &Path) -> Result<T, ContentError> {
    let text = files::read(root, path)?;
    serde_json::from_str(&text).map_err(|source| ContentError::Json {
        path: path.to_owned(),
        source,
    })
}

fn yaml<T: DeserializeOwned>(root: &Path, path: &Path) -> Result<T, ContentError> {
    let text = files::read(root, path)?;
    serde_saphyr::from_str(&text).map_err(|source| ContentError::Yaml {
        path: path.to_owned(),
        source: source.into(),
    })
}

/// The YAML files of a folder, each told the name of its file.
fn queries<T: DeserializeOwned>(
    root: &Path,
    folder: &Path,
    name: impl Fn(&mut T, String),
) -> Result<Vec<T>, ContentError> {
    let files = files::list(root, folder)?.into_iter().map(|path| {
        if path.extension().is_none_or(|extension| extension != "yaml") {
            return Err(ContentError::Stray { path });
        }
        let mut one = yaml(root, &path)?;
        name(&mut one, stem(&path));
        Ok(one)
    });
    files.collect()
}

/// A file's name without the extension.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, fs};

    use super::*;

    const HUNT: &str = "\
id: 00000000-0000-4000-8000-000000000000
name: One
description: Identifies one.
requiredDataConnectors: []
tactics: [InitialAccess]
relevantTechniques: [T1566]
query: |
  One
  | count
entityMappings: []
version: 1.0.0
";

    /// A folder with these hunting queries.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn read(files: &[(&str, &str)]) -> Result<Vec<Hunt>, ContentError> {
        let named = |one: &mut Hunt, key| one.key = key;
        queries(folder(files).path(), Path::new(""), named)
    }

    #[test]
    fn queries_come_in_the_order_of_their_keys() {
        let read = read(&[("b.yaml", HUNT), ("a.yaml", HUNT)]).unwrap();
        let keys: Vec<_> = read.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!(read[0].query, "One\n| count\n");
    }

    #[test]
    fn a_file_that_does_not_belong_there_is_named() {
        let error = read(&[("one.kql", "One")]).unwrap_err();
        assert_eq!(error.to_string(), "one.kql does not end in .yaml");
    }

    #[test]
    fn a_member_that_is_missing_or_unknown_is_named_with_its_file() {
        for (text, said) in [
            (HUNT.replace("version: 1.0.0\n", ""), "version"),
            (HUNT.replace("tactics:", "tactic:"), "tactic"),
        ] {
            let error = read(&[("one.yaml", &text)]).unwrap_err();
            assert_eq!(error.to_string(), "one.yaml is not YAML of its form");
            let source = error.source().unwrap().to_string();
            assert!(source.contains(said), "{source}");
        }
    }

    #[test]
    fn a_file_that_is_not_json_is_named() {
        let folder = folder(&[("one.json", "{")]);
        let error = json::<Value>(folder.path(), Path::new("one.json")).unwrap_err();
        assert_eq!(error.to_string(), "one.json is not JSON of its form");
    }

    #[test]
    fn a_folder_without_content_is_an_error() {
        let folder = folder(&[]);
        let error = Content::read(folder.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read sentinel/Workbooks/WorkbooksMetadata.json"
        );
    }
}

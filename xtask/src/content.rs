//! Reads the folder `sentinel/`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;
use thiserror::Error;

use crate::files::{self, FileError};

/// The folder of the content.
pub const FOLDER: &str = "sentinel";

/// The connector page.
pub const CONNECTOR: &str = "sentinel/connector.json";

/// The key of each workbook, which names its file, and the name that Sentinel shows.
const WORKBOOKS: [(&str, &str); 2] = [
    ("investigation", "Mimecast TTP: investigation"),
    ("operations", "Mimecast TTP: operations and health"),
];

/// The content cannot be read.
#[derive(Debug, Error)]
pub enum ContentError {
    /// A file or a folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that must be JSON.
    #[error("{} is not JSON", path.display())]
    Json {
        /// Which.
        path: PathBuf,
        /// Where it goes wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A query without its description, or the other way round.
    #[error("{} has no {} beside it", path.display(), missing.display())]
    Alone {
        /// What is there.
        path: PathBuf,
        /// What is not.
        missing: PathBuf,
    },
    /// A file that is neither a query nor a description.
    #[error("{} is neither a query (KEY.kql) nor its description (KEY.json)", path.display())]
    Stray {
        /// Which.
        path: PathBuf,
    },
}

/// A parser, a rule or a hunting query: its text and what is said about it.
#[derive(Debug, Clone)]
pub struct Described {
    /// The name of its files, without the extension.
    pub key: String,
    /// The file of [`about`](Self::about).
    pub path: PathBuf,
    /// The text of `KEY.kql`.
    pub query: String,
    /// What `KEY.json` holds.
    pub about: Value,
}

/// A workbook, as its file holds it.
#[derive(Debug, Clone)]
pub struct WorkbookFile {
    /// The name of its file, without the extension.
    pub key: &'static str,
    /// The name that Sentinel shows.
    pub display_name: &'static str,
    /// What the file holds.
    pub json: Value,
}

/// All that `sentinel/` holds; queries are in the order of their keys.
#[derive(Debug, Clone)]
pub struct Content {
    /// The functions that the other queries call.
    pub parsers: Vec<Described>,
    /// The analytics rules.
    pub rules: Vec<Described>,
    /// The hunting queries.
    pub hunting: Vec<Described>,
    /// The workbooks.
    pub workbooks: Vec<WorkbookFile>,
    /// The connector page.
    pub connector: Value,
}

impl Content {
    /// Reads the content of the repository at `root`.
    pub fn read(root: &Path) -> Result<Self, ContentError> {
        let folder = Path::new(FOLDER);
        let workbooks = WORKBOOKS.into_iter().map(|(key, display_name)| {
            let path = folder.join("workbooks").join(format!("{key}.json"));
            let json = json(root, &path)?;
            Ok(WorkbookFile {
                key,
                display_name,
                json,
            })
        });
        Ok(Self {
            parsers: described(root, &folder.join("parsers"))?,
            rules: described(root, &folder.join("rules"))?,
            hunting: described(root, &folder.join("hunting"))?,
            workbooks: workbooks.collect::<Result<_, ContentError>>()?,
            connector: json(root, Path::new(CONNECTOR))?,
        })
    }
}

fn json(root: &Path, path: &Path) -> Result<Value, ContentError> {
    let text = files::read(root, path)?;
    serde_json::from_str(&text).map_err(|source| ContentError::Json {
        path: path.to_owned(),
        source,
    })
}

/// The pairs of `KEY.kql` and `KEY.json` in a folder.
fn described(root: &Path, folder: &Path) -> Result<Vec<Described>, ContentError> {
    let paths: BTreeSet<_> = files::list(root, folder)?.into_iter().collect();
    let mut pairs = Vec::new();
    for path in &paths {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let missing = match extension {
            Some("kql") => path.with_extension("json"),
            Some("json") => path.with_extension("kql"),
            _ => return Err(ContentError::Stray { path: path.clone() }),
        };
        if !paths.contains(&missing) {
            let path = path.clone();
            return Err(ContentError::Alone { path, missing });
        }
        if extension == Some("kql") {
            pairs.push((path, missing));
        }
    }
    let pairs = pairs.into_iter().map(|(query, path)| {
        Ok(Described {
            key: query
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            query: files::read(root, query)?,
            about: json(root, &path)?,
            path,
        })
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What is said of a folder with these files, all of them `{}`.
    fn error(names: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let read = described(folder.path(), Path::new(""));
        read.unwrap_err().to_string()
    }

    #[test]
    fn a_query_and_its_description_belong_together() {
        assert_eq!(error(&["one.kql"]), "one.kql has no one.json beside it");
        assert_eq!(error(&["one.json"]), "one.json has no one.kql beside it");
        assert_eq!(
            error(&["one.json", "one.kql", "one.md"]),
            "one.md is neither a query (KEY.kql) nor its description (KEY.json)"
        );
    }

    #[test]
    fn queries_come_in_the_order_of_their_keys() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.kql", "b.json", "a.json", "a.kql"] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        let read = described(folder.path(), Path::new("")).unwrap();
        let keys: Vec<_> = read.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["a", "b"]);
    }

    #[test]
    fn a_file_that_is_not_json_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("one.json"), "{").unwrap();
        let error = json(folder.path(), Path::new("one.json")).unwrap_err();
        assert_eq!(error.to_string(), "one.json is not JSON");
    }

    #[test]
    fn a_folder_without_content_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = Content::read(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "cannot list the folder sentinel/parsers");
    }
}

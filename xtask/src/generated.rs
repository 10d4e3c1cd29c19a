//! The files that follow from others.

use std::path::Path;

use thiserror::Error;

use crate::{
    content::{Content, ContentError},
    files::{self, FileError},
    nested::{self, NestedError},
    sentinel_template::{self, TemplateError},
    solution,
};

const SENTINEL: &str = "deploy/sentinel.json";
/// The templates that are written by hand, with the variables that name their deployments.
const BY_HAND: [(&str, &str); 3] = [
    ("deploy/logs-ingestion.json", "logsIngestionName"),
    ("deploy/network.json", "networkName"),
    ("deploy/monitor-private-link.json", "privateLinkName"),
];
const DEPLOYMENT: &str = "azuredeploy.json";
const PACKAGE: &str = "sentinel/Package/mainTemplate.json";
const FORM: &str = "sentinel/Package/createUiDefinition.json";

/// A file cannot be made of its sources.
#[derive(Debug, Error)]
pub enum GenerateError {
    /// A file or a folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder `sentinel/`.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The template of that folder.
    #[error("cannot make {SENTINEL}")]
    Sentinel(#[from] TemplateError),
    /// The package for the Content Hub.
    #[error("cannot make {PACKAGE}")]
    Package(#[source] serde_json::Error),
    /// The templates inside `azuredeploy.json`.
    #[error("cannot put the templates of deploy/ into {DEPLOYMENT}")]
    Nested(#[from] NestedError),
}

/// What the files are made of.
#[derive(Debug)]
pub struct Sources {
    /// The folder `sentinel/`.
    pub content: Content,
    /// The templates of `deploy/` that are written by hand, each with the variable that names its deployment.
    pub by_hand: Vec<(&'static str, String)>,
    /// `azuredeploy.json`, which is written by hand but for the nested templates.
    pub deployment: String,
}

impl Sources {
    /// Reads those of the repository at `root`.
    pub fn read(root: &Path) -> Result<Self, GenerateError> {
        Ok(Self {
            content: Content::read(root)?,
            by_hand: BY_HAND
                .iter()
                .map(|(path, name)| Ok((*name, files::read(root, Path::new(path))?)))
                .collect::<Result<_, FileError>>()?,
            deployment: files::read(root, Path::new(DEPLOYMENT))?,
        })
    }
}

/// A file that follows from others, as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Its path from the root of the repository.
    pub path: &'static str,
    /// Its text.
    pub text: String,
}

impl Generated {
    /// Whether the file of the repository at `root` holds this text.
    pub fn is_up_to_date(&self, root: &Path) -> Result<bool, FileError> {
        let there = files::read_if_there(root, Path::new(self.path))?;
        Ok(there.as_ref() == Some(&self.text))
    }

    /// Writes the file, unless it is up to date. Returns whether it wrote.
    pub fn write(&self, root: &Path) -> Result<bool, FileError> {
        if self.is_up_to_date(root)? {
            return Ok(false);
        }
        files::write(root, Path::new(self.path), &self.text)?;
        Ok(true)
    }
}

/// Every file that follows from these sources. `docs/sentinel-queries.md` does not: its rows are
/// results, see [`queries`](crate::queries).
pub fn all(sources: &Sources) -> Result<[Generated; 4], GenerateError> {
    let content = &sources.content;
    let package = solution::package(content, &content.solution).map_err(GenerateError::Package)?;
    let form = solution::form(content, &content.solution).map_err(GenerateError::Package)?;
    let sentinel = sentinel_template::text(&sources.content)?;
    let mut deployment = nested::with(&sources.deployment, "sentinelName", &sentinel)?;
    for (name, template) in &sources.by_hand {
        deployment = nested::with(&deployment, name, template)?;
    }
    Ok([
        Generated {
            path: SENTINEL,
            text: sentinel,
        },
        Generated {
            path: DEPLOYMENT,
            text: deployment,
        },
        Generated {
            path: PACKAGE,
            text: package,
        },
        Generated {
            path: FORM,
            text: form,
        },
    ])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn every_generated_file_is_up_to_date() {
        let files = all(&Sources::read(root()).unwrap()).unwrap();
        for file in files {
            assert!(
                file.is_up_to_date(root()).unwrap(),
                "{} is stale: cargo xtask generate writes it",
                file.path
            );
        }
    }

    #[test]
    fn the_deployment_holds_the_new_template_and_not_the_one_on_disk() {
        let mut sources = Sources::read(root()).unwrap();
        "A new name".clone_into(&mut sources.content.rules[0].name);
        let files = all(&sources).unwrap();
        for file in files {
            assert!(file.text.contains("\"A new name\""), "{}", file.path);
        }
    }

    #[test]
    fn a_file_is_written_only_when_it_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let file = Generated {
            path: "one.json",
            text: "{}\n".to_owned(),
        };
        assert!(!file.is_up_to_date(folder.path()).unwrap());
        assert!(file.write(folder.path()).unwrap());
        assert!(file.is_up_to_date(folder.path()).unwrap());
        assert!(!file.write(folder.path()).unwrap());
        fs::write(folder.path().join("one.json"), "{ }\n").unwrap();
        assert!(!file.is_up_to_date(folder.path()).unwrap());
        assert!(file.write(folder.path()).unwrap());
        let there = fs::read_to_string(folder.path().join("one.json")).unwrap();
        assert_eq!(there, file.text);
    }

    #[test]
    fn a_deployment_without_a_place_for_a_template_is_an_error() {
        let mut sources = Sources::read(root()).unwrap();
        sources.deployment = sources.deployment.replace("sentinelName", "contentName");
        let error = all(&sources).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot put the templates of deploy/ into azuredeploy.json"
        );
    }
}

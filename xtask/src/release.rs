//! What must hold before a release.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use chrono::NaiveDate;
use thiserror::Error;

use crate::files::{self, FileError};

const CHANGELOG: &str = "CHANGELOG.md";

/// Stands in the addresses for the account that publishes the repository, until somebody puts in theirs.
const PLACEHOLDER: &str = "-OWNER-";

/// The repository's name in addresses.
const REPOSITORY: &str = "mimecast-ttp";

/// The published files that name a version by an address.
const WITH_ADDRESSES: [&str; 4] = [
    "README.md",
    "azuredeploy.json",
    "createUiDefinition.json",
    "sentinel/Data Connectors/MimecastTTP.json",
];

/// What else people get with a release, in the package or beside it.
const OTHERS: [&str; 3] = [
    "TimerTrigger/function.json",
    "host.json",
    "local.settings.json.example",
];

/// The folders whose texts are published.
const FOLDERS: [&str; 3] = ["deploy", "docs", "sentinel"];

/// The tag of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    version: String,
}

impl fmt::Display for Tag {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "v{}", self.version)
    }
}

/// A text that is no tag of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a tag is `v` and a version, such as v0.1.0")]
pub struct NoTag;

impl FromStr for Tag {
    type Err = NoTag;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let version = text.strip_prefix('v').ok_or(NoTag)?;
        let (numbers, _) = version.split_once('-').unwrap_or((version, ""));
        let numbers: Vec<_> = numbers.split('.').collect();
        let is_number = |text: &&str| text.parse::<u64>().is_ok_and(|n| n.to_string() == *text);
        if numbers.len() != 3 || !numbers.iter().all(is_number) {
            return Err(NoTag);
        }
        Ok(Self {
            version: version.to_owned(),
        })
    }
}

/// A file that is published with a release.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its path from the root of the repository.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Something that holds up the release. Lines count from one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The tag is of another version than the program.
    #[error("Cargo.toml: the version is {version}, the tag is {tag}")]
    Version {
        /// The version in `Cargo.toml`.
        version: String,
        /// The tag.
        tag: String,
    },
    /// The changelog does not say when the version was released.
    #[error("CHANGELOG.md: no line `## {version} (YYYY-MM-DD)`")]
    Changelog {
        /// The version of the tag.
        version: String,
    },
    /// An address in this repository is of another version.
    #[error("{}:{line}: an address of {found}, not of {tag}", path.display())]
    Address {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The tag or the branch in the address.
        found: String,
        /// The tag.
        tag: String,
    },
    /// A file that must lead to the release does not.
    #[error("{path}: no address of {tag}")]
    NoAddress {
        /// The file.
        path: &'static str,
        /// The tag.
        tag: String,
    },
    /// A file still has the placeholder.
    #[error("{}:{line}: the placeholder {PLACEHOLDER}", path.display())]
    Placeholder {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
}

/// Reads the published files of the repository at `root`.
pub fn read(root: &Path) -> Result<Vec<Published>, FileError> {
    let mut paths = vec![PathBuf::from(CHANGELOG)];
    let single = WITH_ADDRESSES.iter().chain(&OTHERS);
    paths.extend(single.map(PathBuf::from));
    for folder in FOLDERS {
        collect(root, Path::new(folder), &mut paths)?;
    }
    paths.sort();
    paths.dedup();
    let read = |path: PathBuf| {
        let text = files::read(root, &path)?;
        Ok(Published { path, text })
    };
    paths.into_iter().map(read).collect()
}

/// The texts of a folder, and of the folders in it.
fn collect(root: &Path, folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), FileError> {
    for path in files::list(root, folder)? {
        if root.join(&path).is_dir() {
            collect(root, &path, paths)?;
        } else if path.extension().is_some_and(|extension| {
            ["csv", "json", "md", "yaml"]
                .iter()
                .any(|text| extension == *text)
        }) {
            paths.push(path);
        }
    }
    Ok(())
}

/// What holds up the release of `tag`, where `version` is that in `Cargo.toml`.
#[must_use]
pub fn faults(tag: &Tag, version: &str, files: &[Published]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if tag.version != version {
        faults.push(Fault::Version {
            version: version.to_owned(),
            tag: tag.to_string(),
        });
    }
    let mut changelogs = files
        .iter()
        .filter(|file| file.path == Path::new(CHANGELOG));
    if !changelogs.any(|changelog| is_dated(&changelog.text, &tag.version)) {
        faults.push(Fault::Changelog {
            version: tag.version.clone(),
        });
    }
    let mut places: Vec<&str> = WITH_ADDRESSES.into();
    for file in files {
        let has_address = file.text.lines().any(|line| !addresses(line).is_empty());
        places.retain(|place| !(has_address && file.path == Path::new(place)));
        faults.extend(of_file(tag, file));
    }
    faults.extend(places.into_iter().map(|path| Fault::NoAddress {
        path,
        tag: tag.to_string(),
    }));
    faults
}

/// Whether the changelog has a heading of this version with a date.
fn is_dated(changelog: &str, version: &str) -> bool {
    let heading = format!("## {version} (");
    let mut dates = changelog
        .lines()
        .filter_map(|line| line.strip_prefix(&heading)?.strip_suffix(')'));
    dates.any(|date| date.parse::<NaiveDate>().is_ok())
}

fn of_file(tag: &Tag, file: &Published) -> Vec<Fault> {
    // The changelog tells of older versions.
    let may_be_older = file.path == Path::new(CHANGELOG);
    let right = tag.to_string();
    let mut faults = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        let wrong = addresses(text)
            .into_iter()
            .filter(|found| !may_be_older && *found != right);
        faults.extend(wrong.map(|found| Fault::Address {
            path: file.path.clone(),
            line,
            found,
            tag: right.clone(),
        }));
        if text.contains(PLACEHOLDER) {
            faults.push(Fault::Placeholder {
                path: file.path.clone(),
                line,
            });
        }
    }
    faults
}

/// The tags and branches in a line's addresses of files and packages of this repository, each once.
fn addresses(line: &str) -> BTreeSet<String> {
    // The button has addresses inside an address.
    let line = line.replace("%2F", "/");
    let parts: Vec<_> = line.split(&format!("/{REPOSITORY}/")).collect();
    let pairs = parts.iter().zip(parts.iter().skip(1));
    pairs
        .filter_map(|(before, behind)| Some(tag_of(before, behind)?.to_owned()))
        .collect()
}

/// The tag or the branch of an address, from what stands before and behind the repository's name.
fn tag_of<'a>(before: &str, behind: &'a str) -> Option<&'a str> {
    let (host, _owner) = before.rsplit_once('/')?;
    let place = if host.ends_with("raw.githubusercontent.com") {
        behind
    } else if host.ends_with("github.com") {
        let kinds = [
            "releases/download/",
            "releases/tag/",
            "blob/",
            "raw/",
            "tree/",
        ];
        kinds.iter().find_map(|kind| behind.strip_prefix(kind))?
    } else {
        return None;
    };
    place
        .split(|letter: char| letter.is_whitespace() || "/?#()<>[]\"'`".contains(letter))
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOWNLOAD: &str = "https://github.com/ada/mimecast-ttp/releases/download/";

    fn tag() -> Tag {
        "v1.2.3".parse().unwrap()
    }

    fn file(path: &str, text: &str) -> Published {
        Published {
            path: path.into(),
            text: text.to_owned(),
        }
    }

    /// Files with which v1.2.3 can be released.
    fn files() -> Vec<Published> {
        let mut files = vec![file(
            CHANGELOG,
            "# Changelog\n\n## 1.2.3 (2026-11-24)\n\nFirst.\n",
        )];
        files.extend(WITH_ADDRESSES.map(|path| file(path, &format!("{DOWNLOAD}v1.2.3/one.zip\n"))));
        files
    }

    /// The faults of those files when one is this instead.
    fn with(path: &str, text: &str) -> Vec<String> {
        let mut files = files();
        files.retain(|file| file.path != Path::new(path));
        files.push(file(path, text));
        said(&faults(&tag(), "1.2.3", &files))
    }

    fn said(faults: &[Fault]) -> Vec<String> {
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_release_that_is_ready_has_no_faults() {
        assert_eq!(faults(&tag(), "1.2.3", &files()), []);
    }

    #[test]
    fn a_tag_is_a_v_and_a_version() {
        for right in ["v0.1.0", "v10.0.2", "v1.0.0-rc.1"] {
            assert_eq!(right.parse::<Tag>().unwrap().to_string(), right);
        }
        for wrong in ["0.1.0", "v0.1", "v0.1.0.0", "v0.01.0", "v+1.0.0", "vmain"] {
            assert_eq!(wrong.parse::<Tag>(), Err(NoTag), "{wrong}");
        }
    }

    #[test]
    fn the_tag_is_the_version() {
        assert_eq!(
            said(&faults(&tag(), "1.2.2", &files())),
            ["Cargo.toml: the version is 1.2.2, the tag is v1.2.3"]
        );
    }

    #[test]
    fn the_changelog_has_a_dated_heading() {
        for text in [
            "## 1.2.3 (unreleased)",
            "## 1.2.3",
            "## 1.2.3 (2026-02-30)",
            "## 11.2.3 (2026-11-24)",
            "See 1.2.3 (2026-11-24)",
        ] {
            assert_eq!(
                with(CHANGELOG, text),
                ["CHANGELOG.md: no line `## 1.2.3 (YYYY-MM-DD)`"],
                "{text}"
            );
        }
    }

    #[test]
    fn the_changelog_may_lead_to_older_versions() {
        let text = format!("## 1.2.3 (2026-11-24)\n\n## 1.2.2 (2026-11-01)\n{DOWNLOAD}v1.2.2/one");
        assert_eq!(with(CHANGELOG, &text), Vec::<String>::new());
    }

    #[test]
    fn every_address_is_of_the_tag() {
        let text = "one\n\
            [two](https://github.com/ada/mimecast-ttp/blob/v1.2.2/docs/deploy.md) and [three](https://github.com/ada/mimecast-ttp/blob/v1.2.2/README.md)\n\
            [four](https://portal.azure.com/#create/Microsoft.Template/uri/https%3A%2F%2Fraw.githubusercontent.com%2Fada%2Fmimecast-ttp%2Fmain%2Fazuredeploy.json)\n\
            [five](https://github.com/ada/mimecast-ttp/tree/v1.2.1)\n\
            [six](https://github.com/ada/mimecast-ttp/releases/download/v1.2.3/mimecast-ttp.zip)\n\
            [seven](https://github.com/ada/mimecast-ttp/issues) and [eight](https://github.com/ada/other/blob/v1/README.md)\n";
        assert_eq!(
            with("docs/one.md", text),
            [
                "docs/one.md:2: an address of v1.2.2, not of v1.2.3",
                "docs/one.md:3: an address of main, not of v1.2.3",
                "docs/one.md:4: an address of v1.2.1, not of v1.2.3",
            ]
        );
    }

    #[test]
    fn the_files_that_lead_to_the_release_do() {
        assert_eq!(
            with("README.md", "https://github.com/ada/mimecast-ttp/issues"),
            ["README.md: no address of v1.2.3"]
        );
    }

    #[test]
    fn no_published_file_has_the_placeholder() {
        assert_eq!(
            with("sentinel/one.json", "{\n\"link\": \"-OWNER-\"\n}"),
            ["sentinel/one.json:2: the placeholder -OWNER-"]
        );
    }

    #[test]
    fn the_published_files_are_those_of_the_repository() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let files = read(root).unwrap();
        let has = |path: &str| files.iter().any(|file| file.path == Path::new(path));
        for path in WITH_ADDRESSES.iter().chain(&OTHERS) {
            assert!(has(path), "{path}");
        }
        assert!(has("deploy/sentinel.json"));
        assert!(has("docs/deploy.md"));
        assert!(has("sentinel/README.md"));
        assert!(!has("docs/report.png"));
    }
}

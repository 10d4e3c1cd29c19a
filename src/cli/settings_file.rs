//! `--settings FILE`: settings as people keep them on their own machine.
//!
//! Two forms are read: `local.settings.json`, whose `Values` the Functions Core Tools use, and a dotenv file, one
//! `NAME=VALUE` a line. In a dotenv file nothing is expanded and a backslash is a backslash: keys and passwords may hold
//! any character.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

/// Settings have a few kilobytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why a file of settings cannot be used. Its values are never shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum SettingsFileError {
    #[error("cannot read {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} is larger than {MAX_BYTES} bytes", .0.display())]
    TooLarge(PathBuf),
    #[error("{} is not UTF-8", .0.display())]
    NotText(PathBuf),
    #[error("{} is not valid JSON: line {line}, column {column}", .path.display())]
    Json {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    #[error("{} has no object `Values`, where local.settings.json has its settings", .0.display())]
    NoValues(PathBuf),
    #[error(
        "{} is encrypted; `func settings decrypt` makes it readable", .0.display()
    )]
    Encrypted(PathBuf),
    #[error("{}: {name} is neither a text, a number nor a truth value", .path.display())]
    NoText { path: PathBuf, name: String },
    #[error("{}: line {line} is not of the form NAME=VALUE", .path.display())]
    Line { path: PathBuf, line: usize },
}

#[derive(Deserialize)]
struct LocalSettings {
    #[serde(rename = "IsEncrypted", default)]
    is_encrypted: bool,
    #[serde(rename = "Values")]
    values: Option<BTreeMap<String, Value>>,
}

/// Settings by name.
#[derive(Default)]
pub(super) struct SettingsFile(BTreeMap<String, String>);

impl SettingsFile {
    /// Reads a file: JSON where it begins with a brace, else lines.
    pub(super) fn read(path: &Path) -> Result<Self, SettingsFileError> {
        let io = |source| SettingsFileError::Io {
            path: path.to_owned(),
            source,
        };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(io)?;
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(SettingsFileError::TooLarge(path.to_owned()));
        }
        let text =
            String::from_utf8(bytes).map_err(|_| SettingsFileError::NotText(path.to_owned()))?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with('{') {
            json(path, text)
        } else {
            lines(path, text)
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn json(path: &Path, text: &str) -> Result<SettingsFile, SettingsFileError> {
    let path = path.to_owned();
    let settings: LocalSettings = match serde_json::from_str(text) {
        Ok(settings) => settings,
        // The error's own text may show a value.
        Err(error) => {
            return Err(SettingsFileError::Json {
                path,
                line: error.line(),
                column: error.column(),
            });
        }
    };
    if settings.is_encrypted {
        return Err(SettingsFileError::Encrypted(path));
    }
    let Some(values) = settings.values else {
        return Err(SettingsFileError::NoValues(path));
    };
    let text = |(name, value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Null => Ok((name, String::new())),
        Value::Number(_) | Value::Bool(_) => Ok((name, value.to_string())),
        Value::Array(_) | Value::Object(_) => Err(SettingsFileError::NoText {
            path: path.clone(),
            name,
        }),
    };
    let texts = values.into_iter().map(text);
    Ok(SettingsFile(texts.collect::<Result<_, _>>()?))
}

fn lines(path: &Path, text: &str) -> Result<SettingsFile, SettingsFileError> {
    let mut values = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let pair = line
            .split_once('=')
            .map(|(name, value)| (name.trim(), value.trim()));
        let Some((name, value)) = pair.filter(|(name, _)| is_name(name)) else {
            return Err(SettingsFileError::Line {
                path: path.to_owned(),
                line: number + 1,
            });
        };
        values.insert(name.to_owned(), unquoted(value).to_owned());
    }
    Ok(SettingsFile(values))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_.-:".contains(letter))
}

/// A value without the pair of quotes around it.
fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|mark| value.strip_prefix(mark)?.strip_suffix(mark))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<SettingsFile, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings");
        std::fs::write(&path, text).unwrap();
        let shown = path.display().to_string();
        SettingsFile::read(&path).map_err(|error| error.to_string().replace(&shown, "FILE"))
    }

    #[test]
    fn the_values_of_local_settings_json_are_read() {
        let file = read(
            "\u{feff}{\"IsEncrypted\": false, \"Values\": {\"a\": \"x=y\", \"n\": 7, \"b\": true, \"e\": null}, \"Host\": {}}"
                .as_bytes(),
        );
        let file = file.unwrap();
        assert_eq!(file.names().collect::<Vec<_>>(), ["a", "b", "e", "n"]);
        for (name, value) in [("a", "x=y"), ("n", "7"), ("b", "true"), ("e", "")] {
            assert_eq!(file.get(name).as_deref(), Some(value));
        }
        assert_eq!(file.get("other"), None);
    }

    #[test]
    fn lines_are_read_as_they_stand() {
        let file = read(
            b"# comment\n\nexport a=b=c==\r\nq = \"with # and $HOME\"\ns='\\n'\nempty=\nAzureWebJobsStorage__accountName=x\n",
        );
        let file = file.unwrap();
        for (name, value) in [
            ("a", "b=c=="),
            ("q", "with # and $HOME"),
            ("s", "\\n"),
            ("empty", ""),
            ("AzureWebJobsStorage__accountName", "x"),
        ] {
            assert_eq!(file.get(name).as_deref(), Some(value));
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_without_a_value() {
        for (text, why) in [
            (
                &b"{\"Values\": {\"key\": \"secret}"[..],
                "FILE is not valid JSON: line 1",
            ),
            (b"{\"key\": \"secret\"}", "FILE has no object `Values`"),
            (
                b"{\"IsEncrypted\": true, \"Values\": {}}",
                "FILE is encrypted",
            ),
            (
                b"{\"Values\": {\"key\": [\"secret\"]}}",
                "FILE: key is neither",
            ),
            (b"a=1\nsecret\n", "FILE: line 2 is not of the form"),
            (b"a=\xff", "FILE is not UTF-8"),
        ] {
            let error = read(text).err().unwrap();
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
        let error = SettingsFile::read(Path::new("/none/such")).err().unwrap();
        assert!(error.to_string().contains("cannot read /none/such"));
    }
}

//! A second engine for the query language: `duckdb-kql` over `DuckDB`, as a child process.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::Deserialize;
use serde_json::{Value, json};

/// What the second engine makes of a query.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Its rows.
    Rows(Vec<Value>),
    /// It cannot run the query; why.
    Refused(String),
}

/// The engine. It ends when its input does.
pub struct DuckDb {
    _process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl DuckDb {
    /// Starts it; installs it first if need be.
    pub fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sentinel/duckdb");
        let mut process = Command::new(python(&folder))
            .arg(folder.join("engine.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python can be started");
        Self {
            questions: process.stdin.take().expect("its input is piped"),
            answers: BufReader::new(process.stdout.take().expect("its output is piped")),
            _process: process,
        }
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, question: &Value) -> T {
        writeln!(self.questions, "{question}").expect("the engine reads");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the engine answers");
        serde_json::from_str(&line).expect("the answer has its form")
    }

    /// Takes tables, as `{name: {"columns": {name: type}, "rows": [row]}}`, for what is asked next.
    pub fn load(&mut self, tables: &Value) {
        let () = self.ask(&json!({ "tables": tables }));
    }

    /// Runs a query that calls functions, at a time.
    pub fn run(&mut self, query: &str, now: &str, functions: &[String]) -> Outcome {
        self.ask(&json!({"query": query, "now": now, "functions": functions}))
    }
}

/// The Python of a virtual environment that has the engine, which is made if it is not there.
fn python(folder: &Path) -> PathBuf {
    let requirements = folder.join("requirements.txt");
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("duckdb-kql");
    let python = home.join("bin/python");
    let done = home.join("requirements.txt");
    let wanted = std::fs::read(&requirements).expect("the requirements are there");
    // Test binaries run one after another, but a person may run two commands.
    let lock = std::fs::File::create(home.with_extension("lock"));
    let lock = lock.expect("the target folder can be written");
    lock.lock().expect("the lock can be taken");
    if std::fs::read(&done).is_ok_and(|found| found == wanted) {
        return python;
    }
    let version = Command::new("python3")
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
        .status();
    assert!(
        version.is_ok_and(|status| status.success()),
        "\n\nThe Sentinel queries are run by a second engine, which needs Python 3.11 or newer with venv.\n\
         It was not found on the PATH as python3: install it and run the tests again.\n\n"
    );
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let output = output.expect("Python can be started");
        assert!(
            output.status.success(),
            "{} {arguments:?} failed:\n{}",
            program.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let at = home.to_str().expect("the target folder has a plain name");
    run(Path::new("python3"), &["-m", "venv", "--clear", at]);
    let list = requirements
        .to_str()
        .expect("the repository has a plain name");
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--requirement",
        list,
    ];
    run(&python, &install);
    std::fs::write(&done, wanted).expect("the environment can be written");
    python
}

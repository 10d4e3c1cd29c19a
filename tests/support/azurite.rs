//! Real Azurite for the tests: installed from its lock file when it is missing, started on a free
//! port, stopped at the end of the test.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use super::npm;

/// A running Azurite with nothing in it.
pub struct Azurite {
    process: Child,
    port: u16,
}

impl Azurite {
    /// Starts one, after installing it if need be.
    pub fn start() -> Self {
        let mut process = Command::new("node")
            .arg(script())
            .args(["--blobHost", "127.0.0.1", "--blobPort", "0"])
            .args([
                "--inMemoryPersistence",
                "--skipApiVersionCheck",
                "--disableTelemetry",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("Azurite cannot be started: is Node.js installed?");
        let output = process.stdout.take().expect("its output is piped");
        let mut lines = BufReader::new(output).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, rest) = line.split_once("successfully listens on http://127.0.0.1:")?;
                rest.trim().parse().ok()
            })
            .expect("Azurite says where it listens");
        // Azurite logs every request: an unread pipe would stop it.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { process, port }
    }

    /// The connection string for its built-in account.
    pub fn connection_string(&self) -> String {
        connection_string(&format!("http://127.0.0.1:{}", self.port))
    }

    /// The port of its blob service.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The connection string for Azurite's built-in account where it is reached at this address.
pub fn connection_string(url: &str) -> String {
    // The key is Azurite's published constant.
    format!(
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint={url}/devstoreaccount1;"
    )
}

/// The script of the blob service; installs it first where it is missing.
fn script() -> &'static PathBuf {
    static SCRIPT: OnceLock<PathBuf> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let folder = npm::installed("azurite", "The checkpoint tests run against Azurite");
        let script = folder.join("node_modules/azurite/dist/src/blob/main.js");
        assert!(
            script.exists(),
            "Azurite is not where it should be: {}",
            script.display()
        );
        script
    })
}

//! The program between simulators, with Mimecast behind TLS.

use crate::support::{
    program::{Services, command, run},
    tls::{Certificate, TlsFront},
};

/// How many records there are to deliver.
pub const RECORDS: usize = 3;

/// What a run came to.
pub struct Done {
    pub code: i32,
    /// Everything it printed.
    pub text: String,
}

impl Done {
    pub fn failed(&self, says: &[&str], case: &str) {
        assert_eq!(self.code, 1, "{case}: {}", self.text);
        for part in says {
            assert!(
                self.text.contains(part),
                "{case}: no `{part}` in: {}",
                self.text
            );
        }
    }
}

pub struct World {
    pub services: Services,
    /// Leads to Mimecast.
    pub front: TlsFront,
    folder: tempfile::TempDir,
}

pub fn port(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().parse().unwrap()
}

impl World {
    pub async fn start(certificate: Certificate) -> Self {
        let services = Services::start(RECORDS, 0).await;
        let to = port(&services.mimecast.base_url());
        Self {
            services,
            front: TlsFront::start(certificate, to).await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The settings, with Mimecast at an address.
    pub fn settings(&self, mimecast: &str) -> Vec<(String, String)> {
        let folder = self.folder.path().display().to_string();
        let mut settings = self.services.settings();
        settings.retain(|(name, _)| name != "mimecast_base_url");
        settings.extend(
            [
                ("mimecast_base_url", mimecast),
                ("checkpoint_dir", folder.as_str()),
                ("parallel_ranges", "1"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        settings
    }

    /// A pass over the URL feed.
    pub async fn run(&self, settings: &[(String, String)], environment: &[(&str, &str)]) -> Done {
        let mut command = command(settings);
        command.envs(environment.iter().copied());
        command.args(["run", "--feed", "url"]);
        let (code, out, err) = run(command).await;
        let text = format!("{out}{err}");
        for secret in self.services.secrets() {
            assert!(!text.contains(&secret), "a secret in: {text}");
        }
        Done { code, text }
    }

    pub fn delivered(&self) -> usize {
        self.services.counts()[0]
    }
}

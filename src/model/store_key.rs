//! Where things are saved: the names of blobs, or of files under the folder.

use super::{feed::Feed, fingerprint::Fingerprint, ledger::Hour};

/// One saved thing. Its name is the same in every store; that of a checkpoint is the existing
/// connector's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StoreKey {
    /// A feed's progress.
    Checkpoint(Feed),
    /// What a feed delivered in an hour.
    Ledger(Feed, Hour),
    /// A record that the sink refused for good.
    Quarantine(Feed, Fingerprint),
    /// The last login that Mimecast refused.
    RefusedLogin,
    /// What a check writes, reads and removes: each its own.
    Check(u64),
    /// The runs of the last day.
    Runs,
}

/// Places that are listed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// Every hour of a feed's ledger.
    Ledger(Feed),
    /// Every record that a feed has in quarantine.
    Quarantine(Feed),
}

impl Folder {
    /// What the names in it begin with.
    #[must_use]
    pub fn prefix(self) -> String {
        match self {
            Self::Ledger(feed) => format!("ledger/{feed}/"),
            Self::Quarantine(feed) => format!("quarantine/{feed}/"),
        }
    }

    /// The key with this name; `None` for a name that is none of ours.
    #[must_use]
    pub fn key(self, name: &str) -> Option<StoreKey> {
        let rest = name.strip_prefix(&self.prefix())?;
        match self {
            Self::Ledger(feed) => {
                let hour = Hour::from_text(rest.strip_suffix(".bin")?)?;
                Some(StoreKey::Ledger(feed, hour))
            }
            Self::Quarantine(feed) => {
                let fingerprint = rest.strip_suffix(".json")?.parse().ok()?;
                Some(StoreKey::Quarantine(feed, fingerprint))
            }
        }
    }
}

impl StoreKey {
    /// Its name.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Checkpoint(feed) => format!("{feed}-checkpoint.txt"),
            Self::Ledger(feed, hour) => format!("{}{hour}.bin", Folder::Ledger(feed).prefix()),
            Self::Quarantine(feed, fingerprint) => {
                format!("{}{fingerprint}.json", Folder::Quarantine(feed).prefix())
            }
            Self::RefusedLogin => "mimecast-login.txt".to_owned(),
            Self::Check(number) => format!("check-{number:016x}.txt"),
            Self::Runs => "runs.json".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{event_time, fingerprint::Fingerprinter};

    #[test]
    fn a_checkpoint_has_the_existing_connectors_name() {
        let names = Feed::ALL.map(|feed| StoreKey::Checkpoint(feed).name());
        assert_eq!(
            names,
            [
                "url-checkpoint.txt",
                "attachment-checkpoint.txt",
                "impersonation-checkpoint.txt"
            ]
        );
    }

    #[test]
    fn a_refused_login_lies_beside_the_checkpoints() {
        assert_eq!(StoreKey::RefusedLogin.name(), "mimecast-login.txt");
    }

    #[test]
    fn a_name_leads_back_to_its_place_and_no_other_name_does() {
        let hour = Hour::of(event_time::parse("2026-11-24T05:59:59Z").unwrap());
        let ledger = StoreKey::Ledger(Feed::Url, hour);
        assert_eq!(ledger.name(), "ledger/url/2026-11-24T05.bin");
        assert_eq!(Folder::Ledger(Feed::Url).key(&ledger.name()), Some(ledger));
        let fingerprint = Fingerprinter::default().take("{}");
        let held = StoreKey::Quarantine(Feed::Attachment, fingerprint);
        let folder = Folder::Quarantine(Feed::Attachment);
        assert_eq!(folder.key(&held.name()), Some(held));
        for name in [
            "quarantine/attachment/notes.txt",
            "quarantine/url/x.json",
            "quarantine/attachment/ttp1-00.json",
            "ledger/url/2026-11-24T05.bin",
        ] {
            assert_eq!(folder.key(name), None, "{name}");
        }
    }
}

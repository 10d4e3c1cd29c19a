//! The three logs of Targeted Threat Protection.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One of the three TTP logs. Closed on purpose: a new one does not compile until every place that
/// must know it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// URL Protect: clicks on and scans of rewritten links.
    Url,
    /// Attachment Protect: sandboxed attachments.
    Attachment,
    /// Impersonation Protect: mails that pretend to come from someone known.
    Impersonation,
}

impl Feed {
    /// All feeds, in the order in which they are reported.
    pub const ALL: [Self; 3] = [Self::Url, Self::Attachment, Self::Impersonation];

    /// The feed's name in settings, commands, logs and blob names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Attachment => "attachment",
            Self::Impersonation => "impersonation",
        }
    }

    /// The value of the added members `mimecastEventId` and `mimecastEventCategory`, as the existing
    /// connector writes them; rules and parsers compare it.
    #[must_use]
    pub const fn event_id(self) -> &'static str {
        match self {
            Self::Url => "ttp_url",
            Self::Attachment => "ttp_attachment",
            Self::Impersonation => "ttp_impersonation",
        }
    }

    /// The Log Analytics log type. The service appends `_CL` for the table's name.
    #[must_use]
    pub const fn log_type(self) -> &'static str {
        match self {
            Self::Url => "MimecastTTPUrl",
            Self::Attachment => "MimecastTTPAttachment",
            Self::Impersonation => "MimecastTTPImpersonation",
        }
    }

    /// The member of a record that holds its time, as Mimecast documents it.
    #[must_use]
    pub const fn time_member(self) -> &'static str {
        match self {
            Self::Url | Self::Attachment => "date",
            Self::Impersonation => "eventTime",
        }
    }

    /// The member that holds the time where [`Self::time_member`] does not: impersonation records with
    /// `date` instead have been seen.
    #[must_use]
    pub const fn other_time_member(self) -> Option<&'static str> {
        match self {
            Self::Url | Self::Attachment => None,
            Self::Impersonation => Some("date"),
        }
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown feed `{0}`; expected url, attachment or impersonation")]
pub struct UnknownFeed(String);

impl FromStr for Feed {
    type Err = UnknownFeed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|feed| feed.name() == text)
            .ok_or_else(|| UnknownFeed(text.to_owned()))
    }
}

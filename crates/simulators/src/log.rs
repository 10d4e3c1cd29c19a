//! The three logs as Mimecast's API and the Log Analytics tables name them.

/// One of the three TTP logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Log {
    /// Clicks and scans of rewritten links.
    Url,
    /// Sandboxed attachments.
    Attachment,
    /// Mails that pretend to come from someone known.
    Impersonation,
}

impl Log {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Url, Self::Attachment, Self::Impersonation];

    /// A short name: `url`, `attachment`, `impersonation`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Attachment => "attachment",
            Self::Impersonation => "impersonation",
        }
    }

    /// The path of its get-logs function.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Url => "/api/ttp/url/get-logs",
            Self::Attachment => "/api/ttp/attachment/get-logs",
            Self::Impersonation => "/api/ttp/impersonation/get-logs",
        }
    }

    /// The member of `data[0]` that holds the records.
    #[must_use]
    pub const fn array(self) -> &'static str {
        match self {
            Self::Url => "clickLogs",
            Self::Attachment => "attachmentLogs",
            Self::Impersonation => "impersonationLogs",
        }
    }

    /// The member of a record that holds its time.
    #[must_use]
    pub const fn time_member(self) -> &'static str {
        match self {
            Self::Url | Self::Attachment => "date",
            Self::Impersonation => "eventTime",
        }
    }

    /// The Log Analytics table its rows belong in.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Url => "MimecastTTPUrl_CL",
            Self::Attachment => "MimecastTTPAttachment_CL",
            Self::Impersonation => "MimecastTTPImpersonation_CL",
        }
    }
}

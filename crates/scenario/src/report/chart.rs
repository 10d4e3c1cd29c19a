//! Which charts rank things, under the names that the workbooks give them.

/// A chart with a row for each different value of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ranked {
    MostTargeted,
    Campaigns,
    UrlActions,
    UrlCategories,
    UrlRecipients,
    UrlSenders,
    UrlHosts,
    TheftBrands,
    AdminOverrides,
    UserOverrides,
    Awareness,
    FileResults,
    FileRecipients,
    FileTypes,
    FileHashes,
    FileActions,
    LetterActions,
    LetterRecipients,
    LetterIdentifiers,
    LetterDomains,
}

impl Ranked {
    /// The name that its workbook has for it.
    pub(super) const fn id(self) -> &'static str {
        self.words().0
    }

    pub(super) const fn title(self) -> &'static str {
        self.words().1
    }

    /// What a row is about.
    pub(super) const fn head(self) -> &'static str {
        self.words().2
    }

    /// What is counted.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::MostTargeted | Self::Campaigns => "Events",
            Self::UrlActions
            | Self::UrlCategories
            | Self::UrlRecipients
            | Self::UrlSenders
            | Self::UrlHosts
            | Self::TheftBrands
            | Self::AdminOverrides
            | Self::UserOverrides
            | Self::Awareness => "Clicks",
            Self::FileResults
            | Self::FileRecipients
            | Self::FileTypes
            | Self::FileHashes
            | Self::FileActions => "Files",
            Self::LetterActions
            | Self::LetterRecipients
            | Self::LetterIdentifiers
            | Self::LetterDomains => "Messages",
        }
    }

    /// Whether the most frequent comes first, and not what is most often malicious.
    pub(super) const fn by_size(self) -> bool {
        matches!(
            self,
            Self::UrlActions | Self::UrlCategories | Self::FileResults | Self::LetterActions
        )
    }

    /// Whether a row is one user, so that users are not counted.
    pub(super) const fn is_of_users(self) -> bool {
        matches!(
            self,
            Self::MostTargeted
                | Self::UrlRecipients
                | Self::FileRecipients
                | Self::LetterRecipients
        )
    }

    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::MostTargeted => (
                "overview-most-targeted",
                "Protected users most targeted",
                "User",
            ),
            Self::Campaigns => (
                "overview-campaigns",
                "Campaigns: one URL host, file or subject, several users",
                "What they share",
            ),
            Self::UrlActions => ("url-actions", "Actions on clicks", "Action"),
            Self::UrlCategories => ("url-categories", "Web categories of links", "Category"),
            Self::UrlRecipients => ("url-recipients", "Users targeted by links", "User"),
            Self::UrlSenders => ("url-senders", "Senders of links", "Sender"),
            Self::UrlHosts => ("url-hosts", "Hosts of links", "Host"),
            Self::TheftBrands => ("url-theft-brands", "Credential theft: brands", "Brand"),
            Self::AdminOverrides => (
                "url-admin-overrides",
                "Links: overrides by administrators",
                "Override",
            ),
            Self::UserOverrides => (
                "url-user-overrides",
                "Links: overrides by users",
                "Override",
            ),
            Self::Awareness => (
                "url-awareness",
                "User awareness actions on links",
                "User awareness action",
            ),
            Self::FileResults => (
                "attachment-results",
                "Results of attachment scans",
                "Result",
            ),
            Self::FileRecipients => (
                "attachment-recipients",
                "Recipients of attachments",
                "Recipient",
            ),
            Self::FileTypes => ("attachment-types", "Types of attachments", "Type"),
            Self::FileHashes => ("attachment-hashes", "Attachments by SHA-256", "SHA-256"),
            Self::FileActions => (
                "attachment-actions",
                "Protection actions triggered",
                "Action",
            ),
            Self::LetterActions => (
                "impersonation-actions",
                "Actions on impersonations",
                "Action",
            ),
            Self::LetterRecipients => (
                "impersonation-recipients",
                "Recipients of impersonations",
                "Recipient",
            ),
            Self::LetterIdentifiers => (
                "impersonation-identifiers",
                "Identifiers: what gave impersonations away",
                "Identifier",
            ),
            Self::LetterDomains => (
                "impersonation-domains",
                "Look-alike domains",
                "Domain, and what it resembles",
            ),
        }
    }
}

//! What works today and has no future.

use std::fmt;

/// An API that its owner has given up. It works until they switch it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retiring {
    /// API 1.0 of Mimecast: no new applications since June 2025, and the existing ones will expire at a time not yet
    /// named (Mimecast's article on its end of life, of March 2025).
    MimecastV1,
    /// The HTTP Data Collector API: support ended on 14 September 2026 (Microsoft's page on migrating from it).
    DataCollector,
}

impl fmt::Display for Retiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MimecastV1 => {
                "Plan to move to Mimecast API 2.0: this app uses keys of API 1.0, for which Mimecast has taken no new applications since June 2025, and \
                 whose end it has announced without a date. docs/migration.md says how; the checkpoint stays valid."
            }
            Self::DataCollector => {
                "Plan to move to the Logs Ingestion API: this app uses the HTTP Data Collector API, which Microsoft has not supported since 14 September \
                 2026 and may switch off. docs/migration.md says how; the checkpoint stays valid."
            }
        })
    }
}

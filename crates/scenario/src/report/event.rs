//! What a row says, read as the parser functions of the Sentinel content read it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{cells::Cells, chart::Ranked};
use simulators::{log::Log, log_analytics::StoredRow};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Malicious, and it reached its target.
    Through,
    /// Malicious.
    Stopped,
    Suspicious,
    Inconclusive,
    Clean,
}

impl Outcome {
    /// All of them, the worst first.
    pub(super) const ALL: [Self; 5] = [
        Self::Through,
        Self::Stopped,
        Self::Suspicious,
        Self::Inconclusive,
        Self::Clean,
    ];

    /// Those that are malicious.
    pub(super) const MALICIOUS: [Self; 2] = [Self::Through, Self::Stopped];

    /// The class that has its colour.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Through => "through",
            Self::Stopped => "stopped",
            Self::Suspicious => "suspicious",
            Self::Inconclusive => "inconclusive",
            Self::Clean => "clean",
        }
    }

    /// What the workbooks call it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Through => "malicious, got through",
            Self::Stopped => "malicious, stopped",
            Self::Suspicious => "suspicious",
            Self::Inconclusive => "inconclusive",
            Self::Clean => "clean",
        }
    }
}

/// A row.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) time: DateTime<Utc>,
    pub(super) log: Log,
    /// The same of all copies of a record.
    pub(super) fingerprint: Option<u128>,
    /// The protected user.
    pub(super) user: String,
    pub(super) sender: String,
    pub(super) outcome: Outcome,
    /// The places that it takes in charts.
    pub(super) marks: Vec<Mark>,
    /// The name of a file.
    pub(super) note: String,
}

/// A place in a chart.
pub(super) type Mark = (Ranked, String);

/// The event of a row, which must have columns.
pub(super) fn event(log: Log, row: &StoredRow<'_>) -> Option<Event> {
    let cells = Cells(row.columns.as_ref()?);
    let said = match log {
        Log::Url => link(&cells),
        Log::Attachment => file(&cells),
        Log::Impersonation => letter(&cells),
    };
    let mut event = Event {
        time: row.time_generated,
        log,
        fingerprint: cells
            .text("mimecastFingerprint_s")
            .rsplit('-')
            .next()
            .and_then(|hex| u128::from_str_radix(hex, 16).ok()),
        ..said
    };
    event.marks.push((Ranked::MostTargeted, event.user.clone()));
    let subject = bare_subject(cells.text("subject_s"));
    event
        .marks
        .push((Ranked::Campaigns, shared("Subject", &subject)));
    event.marks.retain(|(_, label)| !label.is_empty());
    Some(event)
}

fn link(cells: &Cells<'_>) -> Event {
    let action = cells.lower("action_s");
    let admin = cells.choice("adminOverride_s");
    let user_override = cells.choice("userOverride_s");
    let awareness = cells.choice("userAwarenessAction_s");
    let reached = !admin.starts_with("block")
        && (action.starts_with("allow")
            || admin.starts_with("allow")
            || user_override.starts_with("allow")
            || action.starts_with("warn") && awareness.starts_with("continue"));
    let user = cells.address("userEmailAddress_s");
    let sender = cells.address("fromUserEmailAddress_s");
    let host = host(cells.text("url_s"));
    let mut marks = vec![
        (Ranked::UrlActions, action),
        (
            Ranked::UrlCategories,
            or_none(cells.first(&["Category", "category_s"])),
        ),
        (Ranked::UrlRecipients, user.clone()),
        (Ranked::UrlSenders, sender.clone()),
        (Ranked::Campaigns, shared("URL host", &host)),
        (Ranked::UrlHosts, host),
        (Ranked::AdminOverrides, admin),
        (Ranked::UserOverrides, user_override),
        (Ranked::Awareness, awareness),
    ];
    marks.extend(brands(cells).map(|brand| (Ranked::TheftBrands, brand)));
    Event {
        user,
        sender,
        outcome: match cells.lower("scanResult_s").as_str() {
            "malicious" | "unsafe" if reached => Outcome::Through,
            "malicious" | "unsafe" => Outcome::Stopped,
            "clean" | "safe" => Outcome::Clean,
            _ => Outcome::Inconclusive,
        },
        marks,
        ..nothing(Log::Url)
    }
}

fn file(cells: &Cells<'_>) -> Event {
    let action = cells.lower("actionTriggered_s");
    let result = cells.lower("result_s");
    let hash = cells.lower("fileHash_s");
    let is_sha256 = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hash = if is_sha256 { hash } else { String::new() };
    let recipient = cells.address("recipientAddress_s");
    Event {
        outcome: match result.as_str() {
            "malicious" | "unsafe" | "malware" | "infected" if is_delivered(&action) => {
                Outcome::Through
            }
            "malicious" | "unsafe" | "malware" | "infected" => Outcome::Stopped,
            "safe" | "clean" => Outcome::Clean,
            _ => Outcome::Inconclusive,
        },
        marks: vec![
            (Ranked::FileResults, result),
            (Ranked::FileRecipients, recipient.clone()),
            (Ranked::FileTypes, cells.lower("fileType_s")),
            (Ranked::Campaigns, shared("File hash", &hash)),
            (Ranked::FileHashes, hash),
            (Ranked::FileActions, action),
        ],
        user: recipient,
        sender: cells.address("senderAddress_s"),
        note: cells.text("fileName_s").to_owned(),
        ..nothing(Log::Attachment)
    }
}

/// Released, or nothing says that it was stopped.
fn is_delivered(action: &str) -> bool {
    const STOPS: [&str; 11] = [
        "hold",
        "held",
        "block",
        "blocked",
        "bounce",
        "reject",
        "drop",
        "delete",
        "remove",
        "strip",
        "quarantine",
    ];
    let words = || action.split(|letter: char| !letter.is_alphanumeric());
    words().any(|word| word == "release")
        || !(words().any(|word| STOPS.contains(&word)) || action.contains("safe file"))
}

fn letter(cells: &Cells<'_>) -> Event {
    let action = cells.lower("action_s");
    let recipient = cells.address("recipientAddress_s");
    let sender = cells.address("senderAddress_s");
    let mut marks = vec![
        (Ranked::LetterRecipients, recipient.clone()),
        (Ranked::LetterActions, or_none(&action)),
    ];
    for identifier in list(&cells.json("identifiers_s")) {
        marks.push((Ranked::LetterIdentifiers, identifier));
    }
    if let Some((_, domain)) = sender.rsplit_once('@') {
        let results = cells.json("impersonationResults_s");
        for result in results.as_array().into_iter().flatten() {
            let similar = result["similarDomain"].as_str().unwrap_or_default();
            let mark = format!("{domain} \u{2192} {}", similar.to_lowercase());
            let mark = (Ranked::LetterDomains, mark);
            if !similar.is_empty() && !marks.contains(&mark) {
                marks.push(mark);
            }
        }
    }
    Event {
        user: recipient,
        sender,
        outcome: match (cells.yes("taggedMalicious_b"), action.as_str()) {
            (true, "" | "none") => Outcome::Through,
            (true, _) => Outcome::Stopped,
            (false, _) => Outcome::Suspicious,
        },
        marks,
        ..nothing(Log::Impersonation)
    }
}

fn nothing(log: Log) -> Event {
    Event {
        time: DateTime::UNIX_EPOCH,
        log,
        fingerprint: None,
        user: String::new(),
        sender: String::new(),
        outcome: Outcome::Clean,
        marks: Vec::new(),
        note: String::new(),
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() {
        "none given".to_owned()
    } else {
        text.to_owned()
    }
}

/// The label of a campaign; empty where there is nothing to share.
fn shared(kind: &str, what: &str) -> String {
    if what.is_empty() {
        String::new()
    } else {
        format!("{kind}: {what}")
    }
}

/// A subject without `Re:` and its like.
fn bare_subject(subject: &str) -> String {
    let lower = subject.to_lowercase();
    let mut rest = lower.as_str();
    let answers = ["re:", "fw:", "fwd:", "aw:", "wg:"];
    while let Some(bare) = answers.iter().find_map(|answer| rest.strip_prefix(answer)) {
        rest = bare.trim_start();
    }
    rest.to_owned()
}

/// The host of a link, which may lack a scheme.
pub(super) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let end = place.find(']').map_or_else(
        || place.find(':').unwrap_or(place.len()),
        |bracket| bracket + 1,
    );
    place.get(..end).unwrap_or_default().to_lowercase()
}

/// The brands that a page imitates: text in some records, a list in others, in one of four columns.
fn brands(cells: &Cells<'_>) -> impl Iterator<Item = String> {
    let member = "CredentialTheftBrands";
    let phishing = cells.json("advancedPhishingResult_s");
    let tags = cells.json("tagMap_s");
    let candidates = [
        cells.value("advancedPhishingResult_CredentialTheftBrands_s"),
        phishing[member].clone(),
        cells.value("tagMap_AdvancedPhishing_CredentialTheftBrands_s"),
        tags["AdvancedPhishing"][member].clone(),
    ];
    let found = candidates.into_iter().map(|found| list(&found));
    found
        .into_iter()
        .find(|brands| !brands.is_empty())
        .into_iter()
        .flatten()
}

/// The texts of a list, or of a text that holds several.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Value::String(text) if !text.is_empty() => text.split(", ").map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

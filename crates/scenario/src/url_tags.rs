//! What the scanners say about a link: the nested members of a URL record.

use super::json::{Json, Members};

/// Nothing found, but the scanners ran.
pub(super) fn clean() -> Members {
    vec![(
        "UrlReputationScan",
        Json::Object(vec![
            ("Status", vec!["CustomerAll"].into()),
            ("Type", Json::List(Vec::new())),
        ]),
    )]
}

/// A link on a list of bad ones.
pub(super) fn reputation(kind: &'static str, url: &str) -> Members {
    vec![("UrlReputationScan", reputation_scan(kind, url))]
}

fn reputation_scan(kind: &'static str, url: &str) -> Json {
    let blocked = format!("ORIGINAL:{url} (Blocked as {})", kind.to_uppercase());
    Json::Object(vec![
        ("Status", vec!["CustomerAll", "VerdictBlock"].into()),
        ("Type", vec![kind].into()),
        ("UrlBlock", vec![blocked].into()),
        ("Url", vec![url.to_owned()].into()),
    ])
}

/// A program of this extension behind the link.
pub(super) fn dangerous_file(extension: &'static str, url: &str) -> Members {
    let file = Json::Object(vec![
        ("Status", vec!["CustomerSpecific", "VerdictBlock"].into()),
        ("Inspect:FileExts", vec![format!("[{extension}]")].into()),
        ("Inspect:MimeTypes", vec!["[]"].into()),
        (
            "ContentCheck:ContentScannersBlocked",
            vec![format!(".{extension}")].into(),
        ),
        (
            "ContentCheck:DangerousExtsUrlFileDownload",
            vec![extension].into(),
        ),
        (
            "ContentCheck:DangerousMimetypesUrlFileDownload",
            vec!["application/x-msdownload"].into(),
        ),
    ]);
    vec![
        ("DangerousFileExt", file),
        ("UrlReputationScan", reputation_scan("Compromised", url)),
    ]
}

const EVIDENCE: &str = "login form posts to an unrelated domain";

/// What the page analysis found.
pub(super) fn advanced_phishing(brand: &'static str) -> Members {
    vec![(
        "AdvancedPhishing",
        Json::Object(vec![
            ("CredentialTheftEvidence", vec![EVIDENCE].into()),
            (
                "CredentialTheftTags",
                vec!["login_page", "password_field"].into(),
            ),
            ("CredentialTheftBrands", vec![brand].into()),
        ]),
    )]
}

/// The same as a separate member, as text or as lists.
pub(super) fn credential_theft(brand: &'static str, listed: bool) -> Members {
    if listed {
        vec![
            ("CredentialTheftEvidence", vec![EVIDENCE].into()),
            (
                "CredentialTheftTags",
                vec!["login_page", "password_field"].into(),
            ),
            ("CredentialTheftBrands", vec![brand].into()),
        ]
    } else {
        vec![
            ("CredentialTheftEvidence", EVIDENCE.into()),
            ("CredentialTheftTags", "login_page,password_field".into()),
            ("CredentialTheftBrands", brand.into()),
        ]
    }
}

/// A link on the company's own list; with `scanned` the virus scanner also found something.
pub(super) fn managed(entry: &'static str, scanned: bool) -> Members {
    let mut members = vec![(
        "CustomerManagedUrls",
        Json::Object(vec![
            ("ManagedUrlEntry", vec![entry].into()),
            ("Blocklisted", vec!["true"].into()),
            ("Status", vec!["VerdictBlock"].into()),
        ]),
    )];
    if scanned {
        members.push((
            "AvScanning",
            Json::Object(vec![
                (
                    "ContentCheck:AvSignatureName",
                    vec!["EICAR-Test-File"].into(),
                ),
                ("ContentCheck:AvSignatureFileExts", vec!["zip"].into()),
                (
                    "ContentCheck:UrlFileDownloadFilename",
                    vec!["list.zip"].into(),
                ),
                ("ScannerInfo:CategoryTrigger", vec!["Malware"].into()),
            ]),
        ));
    }
    members
}

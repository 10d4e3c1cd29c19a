//! The links of a plot.

use super::Set;
use crate::{
    beat::{Beat, Chapter, Ending},
    json::Members,
    scene::Scene,
    url::{self, Click, Reader},
    url_tags,
};

/// Where the parcels are said to wait, and who says so.
const DEPOTS: [&str; 3] = [
    "parcel-redelivery.example",
    "paket-zustellung.example",
    "suivi-colis.example",
];
const CARRIERS: [&str; 5] = [
    "dispatch@shopmail.example",
    "service@kurier-info.example",
    "noreply@lagerhaus.example",
    "versand@postfach.example",
    "contact@depot-mail.example",
];

pub(super) fn members(scene: &mut Scene, beat: &Beat, set: &Set) -> Members {
    let (action, reader) = ending(beat.ending);
    let click = Click {
        action,
        reader: Some(reader),
        ..story(scene, beat, set)
    };
    url::members(scene, set.reader(beat).address, click, false)
}

fn story(scene: &mut Scene, beat: &Beat, set: &Set) -> Click {
    match beat.chapter {
        Chapter::Parcel => {
            let (host, from) = (DEPOTS[set.name], CARRIERS[beat.sender % CARRIERS.len()]);
            let url = page(scene, host, "track/confirm", "parcel");
            listed(scene, from, url, "Your parcel could not be delivered")
        }
        Chapter::Refused => {
            let url = page(scene, "plan-review.example", "share/plan", "plan");
            let from = "office@plan-review.example";
            listed(scene, from, url, "Shared with you: the revised plan")
        }
        Chapter::Insider => {
            let url = page(scene, "document-viewer.example", "view/scan", "scan");
            let from = set.insider().address;
            Click {
                definition: url::INTERNAL,
                sending_ip: "Internal IP".to_owned(),
                route: "internal",
                ..listed(scene, &from, url, "Scan from the office printer")
            }
        }
        // The scanner finds nothing: only the letter before gives it away.
        Chapter::Chief => Click {
            url: page(scene, set.lookalike, "calendar/meet", "meet"),
            subject: "Are you at your desk?",
            category: "Uncategorized",
            tags: None,
            ..url::ordinary(scene, set.namesake())
        },
        Chapter::Login => login(scene),
        // There are no links to payslips.
        Chapter::Target | Chapter::Payroll => {
            let host = format!("{}.sites.example", scene.message.hex(8));
            let url = page(scene, &host, "mail/renew", "renew");
            let from = format!("support@{host}");
            listed(scene, &from, url, "Your mailbox closes tonight")
        }
    }
}

fn login(scene: &mut Scene) -> Click {
    let brand = "Fabrikam";
    Click {
        url: page(scene, "fabrikam-login.example", "signin", "login"),
        subject: "Sign in again to keep your messages",
        scan_result: "malicious",
        category: "Phishing & Fraud",
        tags: Some(url_tags::advanced_phishing(brand)),
        phishing: Some(url_tags::credential_theft(brand, false)),
        ..url::ordinary(scene, "no-reply@fabrikam-login.example".to_owned())
    }
}

/// A link that is on a list of bad ones.
fn listed(scene: &mut Scene, from: &str, url: String, subject: &'static str) -> Click {
    Click {
        subject,
        scan_result: "malicious",
        category: "Phishing & Fraud",
        tags: Some(url_tags::reputation("Phishing & Fraud", &url)),
        url,
        ..url::ordinary(scene, from.to_owned())
    }
}

fn page(scene: &mut Scene, host: &str, path: &str, word: &str) -> String {
    let reader = scene.row.hex(10);
    format!("https://{host}/{path}?u={reader}&l={word}-{}", scene.serial)
}

fn ending(ending: Ending) -> (&'static str, Reader) {
    let reader = Reader {
        method: "User Click",
        awareness: "N/A",
        admin_override: "N/A",
        user_override: "None",
    };
    match ending {
        Ending::Stopped => ("block", reader),
        Ending::TurnedBack => ("warn", reader),
        Ending::WentOn => (
            "warn",
            Reader {
                awareness: "Continue",
                ..reader
            },
        ),
        Ending::Released => (
            "block",
            Reader {
                user_override: "Allow",
                ..reader
            },
        ),
        Ending::Permitted => (
            "allow",
            Reader {
                admin_override: "Allow",
                ..reader
            },
        ),
        Ending::Through => ("allow", reader),
    }
}

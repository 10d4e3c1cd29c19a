//! The files of a plot.

use super::Set;
use crate::{
    attachment::{self, File},
    beat::{Beat, Chapter, Ending},
    json::Members,
    scene::Scene,
};

/// Who sends the payslips.
const CLERKS: [&str; 3] = [
    "payroll@fabrikarn.example",
    "hr@fabrlkam.example",
    "lohnbuero@fabrikam-login.example",
];

pub(super) fn members(scene: &mut Scene, beat: &Beat, set: &Set) -> Members {
    let file = File {
        action: match beat.ending {
            Ending::Stopped => "hold, none",
            Ending::Released => "user release, none",
            Ending::TurnedBack | Ending::WentOn | Ending::Permitted | Ending::Through => {
                "none, none"
            }
        },
        ..story(scene, beat, set)
    };
    attachment::members(scene, set.reader(beat).address, file)
}

fn story(scene: &mut Scene, beat: &Beat, set: &Set) -> File {
    let hash = set.hash.clone();
    match beat.chapter {
        Chapter::Insider => File {
            name: "Scan".to_owned(),
            extension: "zip",
            route: "internal",
            subject: "Scan from the office printer",
            hash,
            definition: Some(attachment::DEFAULT),
            ..macros(scene, set.insider().address)
        },
        // The sandbox finds nothing: only the letter before gives it away.
        Chapter::Chief => File {
            name: "Payment details".to_owned(),
            extension: "pdf",
            subject: "Are you at your desk?",
            ..attachment::safe(scene, 1, set.namesake())
        },
        Chapter::Target => {
            let from = format!("accounts@{}.example", scene.message.hex(8));
            File {
                name: "Statement".to_owned(),
                subject: "Statement of account, second reminder",
                ..macros(scene, from)
            }
        }
        // The others have no files.
        Chapter::Payroll | Chapter::Parcel | Chapter::Refused | Chapter::Login => {
            let names = ["Payslip February", "Payslip (corrected)", "Lohnabrechnung"];
            File {
                name: names[beat.sender % names.len()].to_owned(),
                subject: "Your corrected payslip",
                hash,
                ..macros(scene, CLERKS[beat.sender % CLERKS.len()].to_owned())
            }
        }
    }
}

/// A document with harmful macros.
fn macros(scene: &mut Scene, from: String) -> File {
    let seconds = scene.row.below(60);
    File {
        extension: "docm",
        result: "malicious",
        details: Some(format!(
            "[MALICIOUS_ACTIVITY: Exploit: macro fetches a program\r\nTime taken: 0 hrs, 1 min, {seconds} sec]"
        )),
        ..attachment::safe(scene, 1, from)
    }
}

//! Files that were looked at in the sandbox.

use super::{
    cast::{self, COMPANY},
    dice::Dice,
    json::Members,
    scene::{self, Scene, push},
};

const SANDBOX: &str = "Inbound - Safe file with On-Demand Sandbox";
const PRE_EMPTIVE: &str = "Inbound - Pre-emptive";
pub(super) const DEFAULT: &str = "Default Attachment Protection Definition";

/// What a story says about a file.
pub(super) struct File {
    pub(super) from: String,
    /// Without the serial and the extension.
    pub(super) name: String,
    pub(super) extension: &'static str,
    pub(super) result: &'static str,
    pub(super) action: &'static str,
    pub(super) details: Option<String>,
    pub(super) route: &'static str,
    pub(super) message_id: String,
    pub(super) subject: &'static str,
    pub(super) hash: String,
    pub(super) definition: Option<&'static str>,
}

/// The JSON text of a record.
pub(super) fn record(mut scene: Scene) -> String {
    // A message has one or two files, and a row for each file and recipient.
    let files = if scene.message.per_mille(300) { 2 } else { 1 };
    let to = if scene.message.per_mille(60) {
        "partner@northwind.example".to_owned()
    } else {
        scene.recipient(scene.nth / files).address
    };
    let file = story(&mut scene, files);
    let members = members(&mut scene, to, file);
    scene.write(members)
}

fn story(scene: &mut Scene, files: usize) -> File {
    if scene.in_wave() {
        return invoice(scene);
    }
    match scene.message.below(100) {
        0..=68 => office(scene, files),
        69..=79 => internal(scene, files),
        80..=87 => time_out(scene, files),
        88..=94 => outbound(scene, files),
        95..=97 => failure(scene, files),
        _ => unlabelled(scene, files),
    }
}

/// A document from someone the company works with; occasionally with a null sender.
fn office(scene: &mut Scene, files: usize) -> File {
    let domain = scene.message.pick(&cast::PARTNERS);
    let from = if scene.message.per_mille(50) {
        "<>".to_owned()
    } else {
        format!(
            "{}@{domain}",
            scene.message.pick(&["hélène.dubois", "billing", "j.weber"])
        )
    };
    safe(scene, files, from)
}

fn internal(scene: &mut Scene, files: usize) -> File {
    let number = scene.message.index(cast::STAFF);
    File {
        route: "internal",
        definition: Some(DEFAULT),
        ..safe(scene, files, cast::staff(number).address)
    }
}

/// The campaign: one macro, sent as many invoices with the same content.
fn invoice(scene: &mut Scene) -> File {
    let mut dice = scene.mailing(1000);
    let (number, seconds) = (20_000 + scene.row.below(1000), scene.row.below(60));
    let host = scene::ip(&mut dice);
    File {
        name: format!("INV-{number}"),
        extension: "docm",
        result: "malicious",
        action: scene.row.pick(&[
            "hold, none",
            "hold, none",
            "hold, none",
            "hold, none",
            "block, none",
            "block, none",
            "block, none",
            "none, none",
        ]),
        details: Some(format!(
            "[MALICIOUS_ACTIVITY: Exploit: macro starts a hidden command shell\n\
             SUSPICIOUS_ACTIVITY: contacts {host}:8443\nTime taken: 0 hrs, 2 min, {seconds} sec]"
        )),
        subject: "Overdue invoice – \"final\" reminder \u{26A0}\u{FE0F}",
        hash: dice.hex(64),
        definition: Some(PRE_EMPTIVE),
        ..safe(scene, 1, "billing@wo0dgrove.example".to_owned())
    }
}

/// The sandbox gave up.
fn time_out(scene: &mut Scene, files: usize) -> File {
    let annexes = (1..=scene.message.below(20)).fold(String::new(), |names, annex| {
        names + &format!("_Anlage{annex:02}")
    });
    File {
        name: format!("契約書(最終版)_Vertragsübersicht_договор{annexes}"),
        extension: "pdf",
        result: "timeout",
        action: "none, none",
        details: Some(
            "Sandbox did not finish in time\r\nTime taken: 0 hrs, 10 min, 0 sec".to_owned(),
        ),
        subject: "Vertrag \u{1F4C4} zur Prüfung",
        hash: String::new(),
        ..safe(scene, files, "hélène.dubois@proseware.example".to_owned())
    }
}

/// A file that leaves the company and was not trusted.
fn outbound(scene: &mut Scene, files: usize) -> File {
    let number = scene.message.index(cast::STAFF);
    File {
        name: "export".to_owned(),
        extension: "zip",
        result: "unsafe",
        action: scene
            .row
            .pick(&["hold, none", "hold, none", "hold, none", "none"]),
        details: None,
        route: "outbound",
        definition: Some("Default Outbound Attachment Protect Definition"),
        ..safe(scene, files, cast::staff(number).address)
    }
}

/// The sandbox failed.
fn failure(scene: &mut Scene, files: usize) -> File {
    let short = scene.message.hex(40);
    File {
        extension: "7z",
        result: "error",
        details: Some(
            "Error: archive is encrypted or C:\\temp\\unpack is full\tcode 17".to_owned(),
        ),
        // SHA-1, as some older rows have.
        hash: short,
        ..safe(scene, files, format!("scans@printers.{COMPANY}"))
    }
}

/// A row without policy and type.
fn unlabelled(scene: &mut Scene, files: usize) -> File {
    File {
        extension: "",
        result: "unknown",
        definition: None,
        ..safe(scene, files, "archive@litware.example".to_owned())
    }
}

/// An office document that is what it says; the story replaces what is different.
pub(super) fn safe(scene: &mut Scene, files: usize, from: String) -> File {
    let domain = scene::domain_of(&from).trim_end_matches('>');
    let domain = if domain == "<" { COMPANY } else { domain };
    let message_id = scene::message_id(&mut scene.message, domain);
    let subject = scene.message.pick(&cast::SUBJECTS);
    // Two files of one message differ in everything that is rolled from here on.
    let dice = &mut scene.message;
    if scene.nth % files == 1 {
        dice.roll();
    }
    let name = dice.pick(&[
        "Q1 forecast",
        "Q1 deck.final.v2",
        "Protokoll Lenkungsausschuss",
        "合同草案",
        "Résumé",
        "список поставок",
        "site plan (rev. 4)",
        "données \"brutes\"",
        "\u{1F4CA} KPI",
    ]);
    let extension = dice.pick(&["xlsx", "pptx", "docx", "pdf", "pdf", "zip"]);
    let seconds = dice.below(60);
    File {
        from,
        name: name.to_owned(),
        extension,
        result: "safe",
        action: dice.pick(&["user release, none", "none, none", "none"]),
        details: Some(format!(
            "{:50}\r\nTime taken: 0 hrs, 0 min, {seconds} sec",
            "Safe"
        )),
        route: "inbound",
        message_id,
        subject,
        hash: dice.hex(64),
        definition: Some(SANDBOX),
    }
}

pub(super) fn members(scene: &mut Scene, to: String, file: File) -> Members {
    let date = scene.when();
    let dice = &mut scene.row;
    let name = if file.extension.is_empty() {
        format!("{} {}", file.name, scene.serial)
    } else {
        format!("{} {}.{}", file.name, scene.serial, file.extension)
    };
    let mut members: Members = vec![
        ("senderAddress", file.from.into()),
        ("recipientAddress", to.into()),
        ("fileName", name.into()),
    ];
    push(&mut members, "fileType", file_type(file.extension));
    members.push(("result", file.result.into()));
    members.push(("actionTriggered", file.action.into()));
    members.push(("date", date.into()));
    push(&mut members, "details", file.details);
    members.push(("route", file.route.into()));
    push(
        &mut members,
        "messageId",
        present(dice, 990).then_some(file.message_id),
    );
    push(
        &mut members,
        "subject",
        present(dice, 985).then_some(file.subject),
    );
    members.push(("fileHash", file.hash.into()));
    push(&mut members, "definition", file.definition);
    members
}

fn present(dice: &mut Dice, per_mille: u64) -> bool {
    dice.per_mille(per_mille)
}

fn file_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docm" => "application/vnd.ms-word.document.macroEnabled.12",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "7z" => "application/x-7z-compressed",
        _ => return None,
    })
}

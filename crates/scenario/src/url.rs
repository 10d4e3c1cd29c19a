//! Clicks on rewritten links, and links found in arriving mail.

use super::{
    cast::{self, COMPANY},
    dice::Dice,
    json::{Json, Members},
    scene::{self, Scene, push},
    url_tags,
};

const AGGRESSIVE: &str = "Inbound URL 'Aggressive'";
const INBOUND: &str = "Default Inbound URL Protect Definition";
pub(super) const INTERNAL: &str = "Default Internal URL Protect Definition";
const OUTBOUND: &str = "Default Outbound URL Protect Definition";

/// What a story says about a link.
pub(super) struct Click {
    pub(super) from: String,
    /// The whole link, with the serial.
    pub(super) url: String,
    pub(super) definition: &'static str,
    pub(super) subject: &'static str,
    pub(super) action: &'static str,
    pub(super) scan_result: &'static str,
    pub(super) category: &'static str,
    pub(super) sending_ip: String,
    pub(super) route: &'static str,
    pub(super) message_id: String,
    pub(super) tags: Option<Members>,
    pub(super) phishing: Option<Members>,
    /// What was done about it, where the story depends on that.
    pub(super) reader: Option<Reader>,
}

/// What people did about a link.
pub(super) struct Reader {
    pub(super) method: &'static str,
    pub(super) awareness: &'static str,
    pub(super) admin_override: &'static str,
    pub(super) user_override: &'static str,
}

impl Reader {
    /// Whatever fits the action.
    fn roll(action: &str, dice: &mut Dice) -> Self {
        let stopped = action == "block";
        let scanned = dice.per_mille(250);
        Self {
            method: if scanned { "Entry Scan" } else { "User Click" },
            admin_override: if stopped {
                dice.pick(&["N/A", "Block", "N/A"])
            } else {
                "N/A"
            },
            user_override: if dice.per_mille(20) { "Allow" } else { "None" },
            awareness: if stopped {
                "N/A"
            } else {
                dice.pick(&["Continue", "N/A", "NA"])
            },
        }
    }
}

/// The JSON text of a record.
pub(super) fn record(mut scene: Scene) -> String {
    // Recipients differ, and every other time one recipient has several links.
    let one_reader = scene.message.per_mille(350);
    let nth = if one_reader { scene.nth / 3 } else { scene.nth };
    let user = scene.recipient(nth).address;
    let old_style = scene.message.per_mille(60);
    let click = story(&mut scene);
    let members = members(&mut scene, user, click, old_style);
    scene.write(members)
}

fn story(scene: &mut Scene) -> Click {
    if scene.in_wave() {
        return campaign(scene);
    }
    match scene.message.below(100) {
        0..=44 => mailing(scene),
        45..=74 => partner(scene),
        75..=82 => internal(scene),
        83..=87 => outbound(scene),
        88..=91 => download(scene),
        92..=96 => credential_theft(scene),
        _ => managed(scene),
    }
}

/// A newsletter that was sent once that day and that many click.
fn mailing(scene: &mut Scene) -> Click {
    let number = scene.message.index(cast::MAILINGS.len());
    let [from, host, slug, subject] = cast::MAILINGS[number];
    let mut dice = scene.mailing(u64::try_from(number).unwrap_or(0));
    let (campaign, user) = (dice.below(1000), scene.row.below(100_000));
    let base = format!("https://{host}/t?c={campaign}&u={user}");
    let base = lengthened(base, &mut scene.row);
    Click {
        url: format!(
            "{base}&l={slug}-{}{}",
            scene.serial,
            scene.row.pick(&["", "", "#top"])
        ),
        subject,
        category: scene.row.pick(&["Business", "Shopping", "Marketing"]),
        sending_ip: scene::ip(&mut dice),
        message_id: scene::message_id(&mut dice, scene::domain_of(from)),
        action: if scene.row.per_mille(30) {
            "warn"
        } else {
            "allow"
        },
        ..ordinary(scene, from.to_owned())
    }
}

/// Trackers make long links longer: one in ten by some hundred letters, one in a hundred by more
/// than a thousand.
fn lengthened(mut base: String, dice: &mut Dice) -> String {
    let digits = match dice.below(100) {
        0 => 900 + dice.index(350),
        1..=10 => 100 + dice.index(250),
        _ => return base,
    };
    base.push_str("&qs=");
    base.push_str(&dice.hex(digits));
    base.push_str("&utm_source=newsletter&utm_campaign=%D0%B2%D0%B5%D1%81%D0%BD%D0%B0");
    base.push_str("&redir=https%3A%2F%2Fwww.adventure-works.example%2Foffers%3Fa%3D1%26b%3D2");
    base
}

/// A document or page of someone the company works with.
fn partner(scene: &mut Scene) -> Click {
    let domain = scene.message.pick(&cast::PARTNERS);
    let sender = scene
        .message
        .pick(&["j.weber", "orders", "o'connor", "sales+emea", "店長"]);
    let place = scene.row.pick(&[
        "https://wiki.{}/start",
        "https://share.{}/s/plans/2026/Übersicht",
        "http://www.{}/catalogue/list.php",
        "docs.{}/войти/登录",
        "https://meet.{}/join/room",
    ]);
    Click {
        url: format!(
            "{}?next=%2F&v={}&l=doc-{}",
            place.replace("{}", domain),
            scene.row.hex(8),
            scene.serial
        ),
        category: scene.row.pick(&[
            "Business",
            "Computers & Technology",
            "Search Engines & Portals",
        ]),
        ..ordinary(scene, format!("{sender}@{domain}"))
    }
}

/// A link that a colleague sent.
fn internal(scene: &mut Scene) -> Click {
    let number = scene.message.index(cast::STAFF);
    let from = cast::staff(number).address;
    Click {
        url: format!(
            "http://intranet.{COMPANY}/pages/view.aspx?id=42&l=news-{}",
            scene.serial
        ),
        definition: INTERNAL,
        sending_ip: "Internal IP".to_owned(),
        category: "Uncategorized",
        route: "internal",
        ..ordinary(scene, from)
    }
}

/// A link in mail that leaves the company.
fn outbound(scene: &mut Scene) -> Click {
    let number = scene.message.index(cast::STAFF);
    let from = cast::staff(number).address;
    Click {
        url: format!(
            "https://files.{COMPANY}/pub/{}/list.zip?l=share-{}",
            scene.row.hex(6),
            scene.serial
        ),
        definition: OUTBOUND,
        route: "outbound",
        ..ordinary(scene, from)
    }
}

/// The campaign: one domain a day, many readers, most stopped, some not.
fn campaign(scene: &mut Scene) -> Click {
    let mut dice = scene.mailing(1000);
    let domain = dice.pick(&cast::LOOKALIKES);
    let from = format!("no-reply@{domain}");
    let url = format!(
        "https://{domain}/{}/verify?id=é\u{1F512}&u={}&l=account-{}",
        dice.pick(&["signin", "войти/登录", "account%2Frenew"]),
        scene.row.hex(10),
        scene.serial
    );
    Click {
        subject: dice.pick(&[
            "Your password expires today",
            "Ihr Konto läuft ab \u{26A0}\u{FE0F} – 您的帐户 – حسابك",
            "Action required: confirm your mailbox \"quota\"",
        ]),
        sending_ip: scene::ip(&mut dice),
        message_id: scene::message_id(&mut dice, domain),
        action: scene.row.pick(&[
            "block", "block", "block", "block", "block", "block", "block", "warn", "allow",
        ]),
        tags: Some(url_tags::reputation("Phishing & Fraud", &url)),
        category: "Phishing & Fraud",
        scan_result: "malicious",
        url,
        ..ordinary(scene, from)
    }
}

/// A program behind a link.
fn download(scene: &mut Scene) -> Click {
    let extension = scene.row.pick(&["exe", "dll", "msi", "js"]);
    let url = format!(
        "http://files.tailspin.example/setup/{}/ViewerUpdate.{extension}?l=update-{}",
        scene.row.hex(4),
        scene.serial
    );
    Click {
        subject: "ACTION REQUIRED: viewer update",
        action: "block",
        scan_result: "malicious",
        category: scene.row.pick(&["Dangerous file extension", "Compromised"]),
        tags: Some(url_tags::dangerous_file(extension, &url)),
        url,
        ..ordinary(scene, format!("it.helpdesk@{COMPANY}"))
    }
}

/// A log-in page that sends the password elsewhere.
fn credential_theft(scene: &mut Scene) -> Click {
    let brand = scene
        .message
        .pick(&["Litware Mail", "Woodgrove Bank", "Fabrikam", "銀行"]);
    let host = scene.message.hex(8);
    // Whether the members hold text or lists is not known, so both are made.
    let listed = scene.row.per_mille(400);
    Click {
        url: format!(
            "https://{host}.sites.example/login/{brand}?next=%2F&l=login-{}",
            scene.serial
        ),
        subject: "Ihr Konto läuft ab \u{26A0}\u{FE0F} – bitte \"jetzt\" bestätigen",
        action: scene.row.pick(&["block", "block", "block", "warn"]),
        scan_result: "malicious",
        category: "Phishing & Fraud",
        tags: Some(url_tags::advanced_phishing(brand)),
        phishing: scene
            .row
            .per_mille(700)
            .then(|| url_tags::credential_theft(brand, listed)),
        ..ordinary(scene, format!("support@{host}.sites.example"))
    }
}

/// A link that the administrator blocked, or the virus scanner did.
fn managed(scene: &mut Scene) -> Click {
    let scanned = scene.row.per_mille(400);
    Click {
        url: format!("ftp.tailspin.example/pub/list.zip?l=list-{}", scene.serial),
        action: "block",
        scan_result: "malicious",
        category: "Blocked",
        tags: Some(url_tags::managed("tailspin.example", scanned)),
        ..ordinary(scene, "archive@tailspin.example".to_owned())
    }
}

/// A harmless link in arriving mail; the story replaces what is different.
pub(super) fn ordinary(scene: &mut Scene, from: String) -> Click {
    let dice = &mut scene.message;
    Click {
        url: String::new(),
        definition: dice.pick(&[AGGRESSIVE, INBOUND]),
        subject: dice.pick(&cast::SUBJECTS),
        action: "allow",
        scan_result: "clean",
        category: "Business",
        sending_ip: scene::ip(dice),
        route: "inbound",
        message_id: scene::message_id(dice, scene::domain_of(&from)),
        tags: dice.per_mille(100).then(url_tags::clean),
        phishing: None,
        reader: None,
        from,
    }
}

pub(super) fn members(scene: &mut Scene, user: String, click: Click, old_style: bool) -> Members {
    let date = scene.when();
    let dice = &mut scene.row;
    let reader = click
        .reader
        .unwrap_or_else(|| Reader::roll(click.action, dice));
    let mut members: Members = vec![("userEmailAddress", user.into())];
    // Rows of around 2020 have only half of the members.
    let recent = |value: Json| (!old_style).then_some(value);
    push(
        &mut members,
        "fromUserEmailAddress",
        recent(click.from.into()),
    );
    members.push(("url", click.url.into()));
    members.push(("ttpDefinition", click.definition.into()));
    push(&mut members, "subject", recent(click.subject.into()));
    members.push(("action", click.action.into()));
    members.push(("adminOverride", reader.admin_override.into()));
    members.push(("userOverride", reader.user_override.into()));
    members.push(("scanResult", click.scan_result.into()));
    members.push(("category", click.category.into()));
    push(&mut members, "sendingIp", recent(click.sending_ip.into()));
    members.push(("userAwarenessAction", reader.awareness.into()));
    members.push(("date", date.into()));
    push(
        &mut members,
        "actions",
        recent(actions(click.action, dice).into()),
    );
    members.push(("route", click.route.into()));
    push(&mut members, "creationMethod", recent(reader.method.into()));
    push(
        &mut members,
        "emailPartsDescription",
        recent(parts(dice).into()),
    );
    push(&mut members, "messageId", recent(click.message_id.into()));
    push(
        &mut members,
        "advancedPhishingResult",
        click.phishing.map(Json::Object),
    );
    push(&mut members, "tagMap", click.tags.map(Json::Object));
    members
}

fn actions(action: &str, dice: &mut Dice) -> &'static str {
    match action {
        "block" => dice.pick(&["Block", "Block", "Hold, None"]),
        "warn" => "Warn",
        _ => dice.pick(&["Allow", "Allow", "None"]),
    }
}

fn parts(dice: &mut Dice) -> Vec<&'static str> {
    match dice.below(100) {
        0..=87 => vec!["Body"],
        88..=93 => vec!["Attachment"],
        94..=97 => vec!["Body", "Attachment"],
        _ => Vec::new(),
    }
}

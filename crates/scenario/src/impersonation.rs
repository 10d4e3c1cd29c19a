//! Mails that pretend to come from someone known.

use super::{
    cast::{self, CHIEF, COMPANY},
    json::{Json, Members},
    scene::{self, Scene, push},
};

/// What a story says about a mail.
pub(super) struct Pretence {
    pub(super) from: String,
    pub(super) subject: &'static str,
    pub(super) definition: &'static str,
    pub(super) hits: Vec<Hit>,
    pub(super) action: &'static str,
    pub(super) malicious: bool,
}

/// One check that matched.
pub(super) struct Hit {
    pub(super) identifier: &'static str,
    /// What was found in the message.
    pub(super) found: String,
    /// What it resembles, where the check knows.
    pub(super) resembles: Option<String>,
}

/// The JSON text of a record.
pub(super) fn record(mut scene: Scene) -> String {
    let to = scene.recipient(scene.nth).address;
    let pretence = story(&mut scene);
    let members = members(&mut scene, to, pretence);
    scene.write(members)
}

fn story(scene: &mut Scene) -> Pretence {
    if scene.in_wave() {
        return chief(scene);
    }
    match scene.message.below(100) {
        0..=34 => lookalike(scene),
        35..=59 => colleague(scene),
        60..=79 => new_domain(scene),
        80..=89 => dictionary(scene),
        _ => nothing(),
    }
}

/// The campaign: the chief executive needs money, today.
fn chief(scene: &mut Scene) -> Pretence {
    let mut dice = scene.mailing(1000);
    let mailer = dice.pick(&["freemail.example", "postfach.example", "почта.example"]);
    let (name, address) = CHIEF;
    Pretence {
        from: format!("ceo.office{}@{mailer}", dice.below(100)),
        subject: dice.pick(&[
            "Urgent: wire today",
            "支払いのお願い \u{1F4B4}",
            "Are you at your desk?",
        ]),
        definition: "IP - 2 hits (Hold for Review / User Hold)",
        hits: vec![name_hit(name, address), words("urgent,wire,transfer")],
        action: scene.row.pick(&["hold", "hold", "bounce"]),
        malicious: true,
    }
}

/// A domain that differs from the company's by a letter.
fn lookalike(scene: &mut Scene) -> Pretence {
    let domain = scene.message.pick(&cast::LOOKALIKES);
    let malicious = scene.message.per_mille(300);
    let identifier = scene.message.pick(&[
        "similar_internal_domain",
        "advanced_similar_internal_domain",
    ]);
    Pretence {
        from: format!(
            "{}@{domain}",
            scene.message.pick(&["hr", "payroll", "søren.åkesson"])
        ),
        subject: scene.message.pick(&[
            "Updated holiday policy",
            "Neue Bankverbindung",
            "Re: \"salary\" slip",
        ]),
        definition: "IP - 1 hit (Tag email)",
        hits: vec![Hit {
            identifier,
            found: domain.to_owned(),
            resembles: Some(COMPANY.to_owned()),
        }],
        action: stopped(scene, malicious, "hold"),
        malicious,
    }
}

/// A colleague's name on a stranger's address.
fn colleague(scene: &mut Scene) -> Pretence {
    let number = scene.message.index(cast::STAFF);
    let person = cast::staff(number);
    let mut hits = vec![name_hit(&person.name, &person.address)];
    if scene.message.per_mille(300) {
        hits.push(words("gift card,voucher"));
    }
    Pretence {
        from: format!("{}@freemail.example", scene.message.hex(7)),
        subject: scene
            .message
            .pick(&["Quick favour", "Petite question", "मदद चाहिए", "طلب عاجل"]),
        definition: "Low Confidence Phishing Indicators",
        action: if hits.len() > 1 { "hold" } else { "none" },
        malicious: hits.len() > 1,
        hits,
    }
}

/// A domain first seen this week whose answers go elsewhere.
fn new_domain(scene: &mut Scene) -> Pretence {
    let domain = format!(
        "{}.example",
        scene
            .message
            .pick(&["примерпочты", "neue-post", "例え", "fresh-mail"])
    );
    let mut hits = vec![Hit {
        identifier: "newly_observed_domain",
        found: domain.clone(),
        resembles: None,
    }];
    if scene.message.per_mille(600) {
        hits.push(Hit {
            identifier: "reply_address_mismatch",
            found: String::new(),
            resembles: Some("reply@elsewhere.example".to_owned()),
        });
    }
    Pretence {
        from: format!("søren.åkesson@{domain}"),
        subject: scene.message.pick(&cast::SUBJECTS),
        definition: "IP - neue Domäne",
        action: stopped(scene, hits.len() > 1, "bounce"),
        malicious: hits.len() > 1,
        hits,
    }
}

/// Most of what is malicious is stopped, and nothing else.
fn stopped(scene: &mut Scene, malicious: bool, how: &'static str) -> &'static str {
    if malicious && scene.message.per_mille(900) {
        how
    } else {
        "none"
    }
}

/// Only suspicious words.
fn dictionary(scene: &mut Scene) -> Pretence {
    Pretence {
        from: format!("billing@{}", scene.message.pick(&cast::PARTNERS)),
        subject: "Invoice attached: change of bank account",
        definition: "IP - 1 hit (Tag email)",
        hits: vec![words("bank account,invoice")],
        action: "none",
        malicious: false,
    }
}

/// The policy looked and found nothing.
fn nothing() -> Pretence {
    Pretence {
        from: "alerts@litware.example".to_owned(),
        subject: "Nightly backup: finished with 0 errors",
        definition: "IP - 1 hit (Tag email)",
        hits: Vec::new(),
        action: "none",
        malicious: false,
    }
}

pub(super) fn name_hit(name: &str, address: &str) -> Hit {
    Hit {
        identifier: "internal_user_name",
        found: name.to_owned(),
        resembles: Some(format!("{name} <{address}>")),
    }
}

pub(super) fn words(found: &str) -> Hit {
    Hit {
        identifier: "targeted_threat_dictionary",
        found: found.to_owned(),
        resembles: None,
    }
}

/// Results of the dictionary have neither optional member.
fn result(hit: Hit) -> Json {
    let listed = hit.identifier != "targeted_threat_dictionary";
    let mut members: Members = vec![("impersonationDomainSource", hit.identifier.into())];
    push(&mut members, "similarDomain", hit.resembles);
    members.push(("stringSimilarToDomain", hit.found.into()));
    push(&mut members, "checkerResult", listed.then_some("hit"));
    Json::Object(members)
}

pub(super) fn members(scene: &mut Scene, to: String, pretence: Pretence) -> Members {
    let sender_ip = scene::ip(&mut scene.message);
    let message_id = scene::message_id(&mut scene.message, scene::domain_of(&pretence.from));
    let known = scene.message.per_mille(980);
    let date = scene.when();
    // The real text is base64 of a packed number per recipient: opaque, so any will do.
    let id = format!(
        "MTOKEN:eNqrVkouLS7Jz00tSs5PSVWyUnKOijIwcDRU0lHKTFGyMjE0NDUwMDDUUSpLLSrOzM9TsjLUU{}-{}",
        scene.row.hex(8),
        scene.serial
    );
    let identifiers: Vec<_> = pretence.hits.iter().map(|hit| hit.identifier).collect();
    let hits = u64::try_from(pretence.hits.len()).unwrap_or(0);
    let results: Vec<_> = pretence.hits.into_iter().map(result).collect();
    let mut members: Members = vec![
        ("id", id.into()),
        ("senderAddress", pretence.from.into()),
        ("recipientAddress", to.into()),
        ("subject", pretence.subject.into()),
        ("definition", pretence.definition.into()),
        ("hits", hits.into()),
        ("identifiers", identifiers.into()),
        ("action", pretence.action.into()),
        (
            "taggedExternal",
            (pretence.action == "none" && hits > 0).into(),
        ),
        ("taggedMalicious", pretence.malicious.into()),
        ("senderIpAddress", sender_ip.into()),
        ("eventTime", date.into()),
        ("impersonationResults", results.into()),
    ];
    push(&mut members, "messageId", known.then_some(message_id));
    members
}

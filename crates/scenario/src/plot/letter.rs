//! The letters of a plot, from people who are not who they say.

use super::Set;
use crate::{
    beat::{Beat, Chapter, Ending},
    cast::{self, CHIEF, COMPANY},
    impersonation::{self, Hit, Pretence},
    json::Members,
    scene::Scene,
};

pub(super) fn members(scene: &mut Scene, beat: &Beat, set: &Set) -> Members {
    let letter = Pretence {
        action: if beat.ending == Ending::Stopped {
            "hold"
        } else {
            "none"
        },
        ..story(scene, beat, set)
    };
    impersonation::members(scene, set.reader(beat).address, letter)
}

fn story(scene: &mut Scene, beat: &Beat, set: &Set) -> Pretence {
    let two_hits = Pretence {
        from: set.namesake(),
        subject: "Are you at your desk?",
        definition: "IP - 2 hits (Hold for Review / User Hold)",
        hits: vec![
            impersonation::name_hit(CHIEF.0, CHIEF.1),
            Hit {
                identifier: "similar_internal_domain",
                found: set.lookalike.to_owned(),
                resembles: Some(COMPANY.to_owned()),
            },
        ],
        action: "hold",
        malicious: true,
    };
    if beat.chapter == Chapter::Chief {
        return two_hits;
    }
    let colleague = cast::staff(scene.message.index(cast::STAFF));
    Pretence {
        from: format!("{}@freemail.example", scene.message.hex(7)),
        subject: "A small thing before five",
        hits: vec![
            impersonation::name_hit(&colleague.name, &colleague.address),
            impersonation::words("gift card,voucher"),
        ],
        ..two_hits
    }
}

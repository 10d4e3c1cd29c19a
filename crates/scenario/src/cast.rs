//! The people of the story and the words they use. All are invented.

use super::dice::Dice;

/// The company whose mail is protected.
pub(super) const COMPANY: &str = "fabrikam.example";

/// How many people work there.
pub(super) const STAFF: usize = 400;

/// The chief executive, whom others pretend to be.
pub(super) const CHIEF: (&str, &str) = ("Ingrid Halvorsen", "ingrid.halvorsen@fabrikam.example");

/// Someone with a mailbox.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) address: String,
}

/// First and last names that go together.
type Names = (&'static [&'static str], &'static [&'static str]);

const PLAIN: Names = (
    &[
        "Amara", "Lena", "Raj", "Tomas", "Grace", "Oliver", "Priya", "Marta", "Kofi", "Elif",
        "Nora", "Samuel",
    ],
    &[
        "Okafor",
        "Sommer",
        "Patel",
        "Novak",
        "Whitfield",
        "Demir",
        "Lindqvist",
        "Marchetti",
        "Mensah",
        "Brandt",
    ],
);
const ACCENTS: Names = (
    &["Søren", "Hélène", "Jürgen", "Zoë", "Łukasz", "Åsa", "José"],
    &[
        "Åkesson",
        "Dubois",
        "Müller",
        "Peña",
        "Wiśniewski",
        "Özdemir",
    ],
);
const CYRILLIC: Names = (
    &["Ирина", "Олег", "Дарья"],
    &["Соколова", "Бондар", "Кузнец"],
);
const HAN: Names = (&["花子", "明", "小龙"], &["田中", "鈴木", "陈"]);
const ARABIC: Names = (&["ليلى", "سامي"], &["حداد", "منصور"]);

/// A member of staff; numbers beyond [`STAFF`] begin again.
pub(super) fn staff(number: usize) -> Person {
    let number = number % STAFF;
    // The same share of every script, whatever the size of the staff.
    let (firsts, lasts) = match number % 20 {
        0..=13 => PLAIN,
        14..=16 => ACCENTS,
        17 => CYRILLIC,
        18 => HAN,
        _ => ARABIC,
    };
    // The staff is the same in all scenarios, so that its members are met again.
    let mut dice = Dice::new(0, &[u64::try_from(number).unwrap_or(0)]);
    let (first, last) = (dice.pick(firsts), dice.pick(lasts));
    let local = format!("{}.{}", first.to_lowercase(), last.to_lowercase());
    Person {
        name: format!("{first} {last}"),
        address: format!("{local}@{COMPANY}"),
    }
}

/// Mailings that people read and click: sender, host of its links, name of the link, subject.
pub(super) const MAILINGS: [[&str; 4]; 8] = [
    [
        "news@contoso-mail.example",
        "links.contoso-mail.example",
        "spring-sale",
        "Spring sale: 20% off everything in the shop until Sunday",
    ],
    [
        "promo@adventure-works.example",
        "click.adventure-works.example",
        "весна",
        "Наши путешествия этой весной – скидки до 15 %",
    ],
    [
        "digest@proseware.example",
        "digest.proseware.example",
        "weekly",
        "Your weekly digest: \"ten habits\" of calm teams \u{1F4DA}",
    ],
    [
        "kundenservice@alpineskihouse.example",
        "mail.alpineskihouse.example",
        "hütte",
        "Frühbucher: Hüttenwochenenden für Gruppen & Vereine",
    ],
    [
        "newsletter@margiestravel.example",
        "go.margiestravel.example",
        "été",
        "L'été arrive : nos idées de séjours à la dernière minute",
    ],
    [
        "info@wingtiptoys.example",
        "t.wingtiptoys.example",
        "新商品",
        "新商品のお知らせ(4月号)",
    ],
    [
        "events@fourthcoffee.example",
        "rsvp.fourthcoffee.example",
        "tasting",
        "You are invited: coffee tasting on Thursday \u{2615}\u{FE0F}",
    ],
    [
        "noreply@lucernepublishing.example",
        "e.lucernepublishing.example",
        "books",
        "כתב עת חדש / New titles / عناوين جديدة",
    ],
];

/// Firms that the company works with.
pub(super) const PARTNERS: [&str; 6] = [
    "northwind.example",
    "woodgrove.example",
    "litware.example",
    "tailspin.example",
    "graphicdesigninstitute.example",
    "münchen-druck.example",
];

/// What colleagues and partners write about.
pub(super) const SUBJECTS: [&str; 14] = [
    "Re: Agenda for Tuesday",
    "FW: Q1 numbers",
    "RE: RE: Contract draft v3 (final) / comments",
    "Minutes of the steering committee, please review before Friday",
    "Vertragsentwurf zur Prüfung \u{1F4C4}",
    "Compte rendu de la réunion du 2 mars",
    "会議資料の送付について",
    "Предложение по проекту «Север»",
    "Delivery note 48213 and pallet list",
    "Re: visit of the auditors – rooms, badges, lunch",
    "Rechnung \"2026/0417\" – bitte um Freigabe",
    "عرض السعر المحدث",
    "प्रस्ताव की प्रति",
    "Shared folder: site photographs from the Gdańsk plant",
];

/// Domains that look like the company's or like a known service.
pub(super) const LOOKALIKES: [&str; 5] = [
    "fabrikarn.example",
    "fabrlkam.example",
    "fabrikam-login.example",
    "xn--mcrosoft-c2a.example",
    "фабрикам.example",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_staff_has_many_people_in_several_scripts() {
        let all: std::collections::HashSet<_> =
            (0..STAFF).map(|number| staff(number).address).collect();
        assert!(all.len() > 120, "{}", all.len());
        for letter in ['å', 'с', '田', 'ح'] {
            assert!(all.iter().any(|address| address.contains(letter)));
        }
        assert!(all.iter().all(|address| address.ends_with(COMPANY)));
    }
}

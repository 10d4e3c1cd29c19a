//! What varies in every row: how it writes the time, and what is missing from it.

use chrono::DateTime;

use super::{
    dice::Dice,
    json::{Json, Members},
};

/// A Unix time as the API writes it; with `odd`, rarely in one of the other forms that it accepts.
pub(super) fn when(at: i64, odd: bool, dice: &mut Dice) -> String {
    let time = DateTime::from_timestamp(at, 0).unwrap_or_default();
    // Rolled in any case, so that the rest of the record is the same with and without.
    let (roll, millis) = (dice.below(1000), dice.below(1000));
    let time = time.format("%Y-%m-%dT%H:%M:%S");
    match roll {
        0..=1 if odd => format!("{time}Z"),
        2 if odd => format!("{time}.{millis:03}Z"),
        3 if odd => format!("{time}.{millis:03}+0000"),
        4 if odd => format!("{time}.{:01}Z", millis / 100),
        _ => format!("{time}+0000"),
    }
}

/// Rows of some years ago have few members, and any row may lack a value. The members `kept` stay
/// as they are.
pub(super) fn wear(members: &mut Members, kept: [&str; 2], dice: &mut Dice) {
    if dice.per_mille(25) {
        members.retain(|(name, _)| kept.contains(name) || !dice.per_mille(300));
    }
    // One roll for the row instead of one for each member: most rows are whole.
    if !dice.per_mille(80) {
        return;
    }
    for (name, value) in members {
        if !kept.contains(name) && dice.per_mille(120) {
            *value = match value {
                Json::Text(_) if dice.per_mille(500) => "".into(),
                Json::List(_) if dice.per_mille(500) => Json::List(Vec::new()),
                _ => Json::Null,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_times_are_rare_and_only_written_on_request() {
        let mut dice = Dice::new(1, &[]);
        let plain: Vec<_> = (0..2000).map(|_| when(0, false, &mut dice)).collect();
        assert!(plain.iter().all(|text| text == "1970-01-01T00:00:00+0000"));
        let texts: Vec<_> = (0..20_000).map(|_| when(0, true, &mut dice)).collect();
        let odd: Vec<_> = texts.iter().filter(|text| **text != plain[0]).collect();
        assert!((60..150).contains(&odd.len()), "{}", odd.len());
        assert!(odd.iter().any(|text| *text == "1970-01-01T00:00:00Z"));
        assert!(
            odd.iter()
                .any(|text| text.contains('.') && text.ends_with("+0000"))
        );
        for text in odd {
            let zoned = text.replace("+0000", "Z");
            let read: DateTime<chrono::Utc> = zoned.parse().unwrap();
            assert_eq!(read.timestamp(), 0, "{text}");
        }
    }

    #[test]
    fn the_members_that_identify_a_row_never_wear() {
        let mut dice = Dice::new(1, &[]);
        for _ in 0..5000 {
            let mut members: Members =
                vec![("id", "x".into()), ("a", "b".into()), ("t", "0".into())];
            wear(&mut members, ["id", "t"], &mut dice);
            let whole = |name| {
                members.iter().any(|(other, value)| {
                    *other == name && matches!(value, Json::Text(text) if !text.is_empty())
                })
            };
            assert!(whole("id") && whole("t"), "{members:?}");
        }
    }
}

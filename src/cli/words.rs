//! Lengths of time as people say them.

use chrono::TimeDelta;

/// `5 min`, `6 d 23 h`: the two largest units.
pub(super) fn in_words(length: TimeDelta) -> String {
    let seconds = length.num_seconds();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let parts = parts
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2);
    let parts: Vec<_> = parts
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if parts.is_empty() {
        "0 s".to_owned()
    } else {
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_in_its_two_largest_units() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (300, "5 min"),
            (3660, "1 h 1 min"),
            (3601, "1 h"),
            (6 * 86_400 + 23 * 3600 + 59, "6 d 23 h"),
        ] {
            assert_eq!(in_words(TimeDelta::seconds(seconds)), words);
        }
    }
}

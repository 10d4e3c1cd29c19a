//! Names that were meant to be settings. A misspelt one is not an error to the platform: its default applies, and
//! nobody is told.

use super::{NAMES, schedule};

/// A name is taken for a misspelt one up to so many changed, left out, added or exchanged characters.
const MAX_CHANGES: usize = 2;

/// Those of `names` that are no settings and look much like one, each with the one that was probably meant.
pub fn misspelt<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<(&'a str, &'static str)> {
    let known = || NAMES.iter().copied().chain([schedule::NAME]);
    let probably = |name: &str| {
        let changes = known().map(|known| (distance(name, known), known));
        let (changes, meant) = changes.min()?;
        (changes <= MAX_CHANGES).then_some(meant)
    };
    let names = names
        .into_iter()
        .filter(|name| known().all(|known| known != *name));
    names
        .filter_map(|name| Some((name, probably(name)?)))
        .collect()
}

/// How far two names are apart, whatever their case and whether words are parted by `_`, `-` or a blank.
fn distance(one: &str, other: &str) -> usize {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', ' ', '.'], "_");
    strsim::damerau_levenshtein(&plain(one), &plain(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_with_the_one_that_was_meant() {
        for (name, meant) in [
            ("lookback_day", "lookback_days"),
            ("mimecast-client-id", "mimecast_client_id"),
            ("MIMECAST_BASE_URL", "mimecast_base_url"),
            ("mimecast_cleint_secret", "mimecast_client_secret"),
            ("AzureWebJobStorage", "AzureWebJobsStorage"),
            ("timer_shedule", "timer_schedule"),
        ] {
            assert_eq!(misspelt([name]), [(name, meant)]);
        }
    }

    #[test]
    fn settings_and_what_is_of_others_are_not_told() {
        let others = [
            "PATH",
            "AzureWebJobsStorage__queueServiceUri",
            "AzureWebJobsDashboard",
            "AzureWebJobsFeatureFlags",
            "FUNCTIONS_WORKER_RUNTIME",
            "APPLICATIONINSIGHTS_CONNECTION_STRING",
            "WEBSITE_RUN_FROM_PACKAGE",
        ];
        let names = NAMES.iter().copied().chain(others).chain([schedule::NAME]);
        assert_eq!(misspelt(names), []);
    }
}

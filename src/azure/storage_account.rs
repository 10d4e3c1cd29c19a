//! Names of storage accounts.

/// Whether Azure allows the name. Source: "Storage account overview", storage account name.
#[must_use]
pub fn is_account_name(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_name_has_3_to_24_lower_case_letters_and_digits() {
        for name in ["abc", "devstoreaccount1", "123456789012345678901234"] {
            assert!(is_account_name(name), "{name}");
        }
        for name in [
            "",
            "ab",
            "1234567890123456789012345",
            "Acct",
            "my-acct",
            "a.evil.test/",
            "abc@host",
            "abé",
        ] {
            assert!(!is_account_name(name), "{name}");
        }
    }
}

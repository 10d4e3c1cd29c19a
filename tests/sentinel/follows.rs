//! Files that follow from others: tests compare them, and write them anew when they are asked to.

/// The file holds this text. `WRITE_SENTINEL=1 cargo test --test sentinel` makes it so.
pub fn holds(file: &str, text: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "asked of a test run, no setting of the program"
    )]
    let asked = std::env::var_os("WRITE_SENTINEL").is_some();
    if asked {
        std::fs::write(file, text).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == text,
        "{file} is not true any more; WRITE_SENTINEL=1 cargo test --test sentinel writes it anew"
    );
}

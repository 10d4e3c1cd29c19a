//! Files that follow from others: tests compare them, and write them anew when they are asked to.

/// The file holds this text. `WRITE_FILES=1` before the command of the test makes it so.
#[allow(clippy::unwrap_used, reason = "this is test code")]
pub(crate) fn holds(file: &str, text: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "asked of a test run, no setting of the program"
    )]
    let asked = std::env::var_os("WRITE_FILES").is_some();
    if asked {
        std::fs::write(file, text).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == text,
        "{file} is not what follows from its sources any more; WRITE_FILES=1 cargo test --test {} writes it anew",
        env!("CARGO_CRATE_NAME")
    );
}

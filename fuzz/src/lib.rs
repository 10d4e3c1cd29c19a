//! What the targets share with the seeded run of `cargo test`.

#[path = "../../tests/fuzzing/entry.rs"]
pub mod entry;

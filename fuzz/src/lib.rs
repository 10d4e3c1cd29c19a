//! What the targets share with the seeded run of `cargo test`.

#[path = "../../tests/fuzzing/entry/mod.rs"]
pub mod entry;

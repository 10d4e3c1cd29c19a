//! Some files of this repository follow from others. This crate writes them, and says when one is stale.
//!
//! - [`files`] reads and writes files, with errors that name them.
//! - [`content`] reads the folder `sentinel/`.
//! - [`sentinel_template`] makes `deploy/sentinel.json` of it.
//! - [`solution`] makes a package for the Content Hub of it.
//! - [`nested`] puts the templates of `deploy/` into `azuredeploy.json`.
//! - [`generated`] lists the files that follow from others.
//! - [`queries`] has the tests of the queries write their list, `docs/sentinel-queries.md`.
//! - [`release`] checks what a release needs.

pub mod content;
pub mod files;
pub mod generated;
pub mod nested;
pub mod queries;
pub mod release;
pub mod sentinel_template;
pub mod solution;

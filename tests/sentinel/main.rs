//! The Sentinel content is what it promises to be: every query is parsed and bound by the official
//! Kusto language service, and executed on rows as the connector delivers them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "this is test code"
)]

mod alerts;
mod binding;
mod clean_clicks;
mod content;
mod deployment;
mod entities;
mod evaluator;
mod execution;
mod hunts;
mod judgement;
mod listing;
mod noise;
mod package;
mod parsers;
mod peers;
mod plots;
mod repository;
mod rules;
mod runs;
mod second_engine;
mod steps;
mod stories;
mod structure;
#[path = "../support/mod.rs"]
mod support;
mod texts;
mod transforms;
mod workbook;
mod workspace;

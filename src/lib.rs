//! Mimecast Targeted Threat Protection logs, delivered to Log Analytics.
//!
//! An Azure Functions custom handler: at every timer call it reads the three logs (URL Protect,
//! Attachment Protect, Impersonation Protect) from the Mimecast API and delivers what is new to Log
//! Analytics, where Microsoft Sentinel reads it.
//!
//! # Promises
//!
//! 1. **No record is lost.** A checkpoint moves only after acknowledged batches and ranges that were
//!    read to their end; records that appear late are read again, or found by count.
//! 2. **No record is delivered twice**, save where the answer to a post was lost or the process died
//!    between an acknowledgement and the save after it; then at most the batches of a feed that were
//!    under way (one with the Data Collector API, three with the Logs Ingestion API), and every row
//!    carries its fingerprint.
//! 3. **Nothing gets stuck.** Refused page tokens, batches too large, records that are refused for good,
//!    deadlines: each has a way on.
//! 4. **Memory is flat**: a few pages and two batches of each feed (four with the Logs Ingestion API),
//!    and a bounded part of the backlog that is read ahead, however long the backlog is.
//! 5. **Two runs cannot harm each other**: writes of a checkpoint are conditional.
//! 6. **Failures are loud and exact**, and never show a secret.
//!
//! # Map
//!
//! | module | job |
//! |---|---|
//! | [`model`] | the rules as plain values: feeds, ranges, records, fingerprints, batches, checkpoints |
//! | [`ingest`] | the pass over the feeds, and the ports through which it reaches the services |
//! | [`ingest::error`] | what a service or the store answered, with its cause |
//! | [`mimecast`], [`log_analytics`], [`storage`] | the adapters that implement the ports |
//! | [`net`], [`azure`], [`system`] | what the adapters share: HTTP, retries, tokens, keys, the clock |
//! | [`functions`], [`cli`] | the entry points: the host's calls and the commands |
//! | [`settings`], [`telemetry`] | settings and log lines |
//!
//! Imports point one way: `functions` and `cli` know `ingest`, `ingest` knows `model`, adapters know
//! the ports and `model`; only `cli` sees both sides.
//!
//! The rest of the workspace runs the product on one machine, and checks it: `crates/simulators` (the
//! services and the Functions host), `crates/scenario` (a company's mail, and the verdict over what was
//! delivered), `crates/template-check` (Azure's template engine), `xtask` (generated files, releases).
//! The feature `simulator` adds the commands that need the first two.

pub mod azure;
pub mod cli;
pub mod functions;
pub mod ingest;
pub mod log_analytics;
pub mod mimecast;
pub mod model;
pub mod net;
pub mod settings;
pub mod storage;
pub mod system;
pub mod telemetry;

//! The command line.

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Parser, Subcommand};

use super::paint::ColorChoice;
#[cfg(feature = "simulator")]
use super::simulated::SinkKind;
use crate::model::{event_time, feed::Feed, fingerprint::Fingerprint};

/// Delivers the Mimecast Targeted Threat Protection logs to Log Analytics.
///
/// Without a command it runs as an Azure Functions custom handler. It reads its settings from the
/// environment, where the host puts app settings; README.md lists them.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 a feed failed or nothing was changed, 2 settings or command line at fault."
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Read settings from this file: a local.settings.json, or lines of NAME=VALUE. What it does not name is
    /// taken from the environment.
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) settings: Option<std::path::PathBuf>,
    /// When output has colours.
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub(super) color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the Functions host's calls on 127.0.0.1 (the default command).
    Serve(Serve),
    /// Run one pass now.
    Run(Run),
    /// Find out whether everything works: settings, clock, network, Mimecast, storage, Log Analytics.
    ///
    /// One line each: OK, WARN, or FAIL with what to do. Nothing that counts is changed: Mimecast is asked for one record
    /// of each feed, Log Analytics gets posts without rows, and storage keeps a small blob for a moment. Whether rows reach their tables
    /// cannot be seen from here.
    #[command(
        after_help = "Exit codes: 0 everything works (warnings included), 1 a check failed, 2 settings or command line at fault."
    )]
    Check(Check),
    /// See how far each feed is, and why.
    ///
    /// `well`: everything is delivered, but for what is said to be in quarantine or in a gap. `new`: no run has been here. `waiting`: a service asked for a wait. `late`: runs do
    /// not keep up. `silent`: there was no run for an hour. `failing`: the last run failed. `unreadable`: what is saved cannot be read.
    #[command(
        visible_alias = "explain",
        after_help = "Exit codes: 0 every feed is well, new or waiting, 1 one is not, 2 settings or command line at fault."
    )]
    Status(Status),
    /// Look at a feed's progress, or set it back so that records are read again.
    #[command(subcommand)]
    Checkpoint(Checkpoint),
    /// Look at records that Log Analytics refused for good, post them again, or give them up.
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Play some days on this machine alone: simulators, the real handler, the host's calls, and a check
    /// of every row. Needs no settings.
    #[cfg(feature = "simulator")]
    Demo(Demo),
    /// Measure a pass on this machine alone: time, processor, memory, calls. Needs no settings.
    ///
    /// The simulators run in this process. The real program is started as the host starts it, does one
    /// pass over a backlog, and is measured from outside. Every row that arrives is compared with its
    /// record; if one is missing, doubled or altered, no table is printed and the exit code is 1.
    #[cfg(feature = "simulator")]
    Bench(super::bench::Options),
    /// Serve the simulators of Mimecast and Log Analytics alone, for `func start` or `run`.
    #[cfg(feature = "simulator")]
    Simulate(Simulate),
}

impl Command {
    /// Whether it reads settings that a person may keep in a file: the Functions host sets those of `serve`, and the
    /// simulators need none.
    pub(super) const fn reads_settings(&self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::Check(_)
                | Self::Status(_)
                | Self::Checkpoint(_)
                | Self::Quarantine(_)
        )
    }
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(Serve { port: None })
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// The port to listen on; by default the one that the host sets in `FUNCTIONS_CUSTOMHANDLER_PORT`.
    #[arg(long)]
    pub(super) port: Option<u16>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    /// Only this feed: url, attachment or impersonation. May be given more than once.
    #[arg(long = "feed", value_name = "FEED")]
    pub(super) feeds: Vec<Feed>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Read as a run does, and say what would be delivered, with three rows of each feed. Nothing is posted or saved.
    /// The rows are printed as they are: with addresses and subjects.
    #[arg(long = "dry-run")]
    pub(super) is_dry: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Only this feed: url, attachment or impersonation. May be given more than once.
    #[arg(long = "feed", value_name = "FEED")]
    pub(super) feeds: Vec<Feed>,
    /// Look again every five seconds, until it is interrupted.
    #[arg(long)]
    pub(super) watch: bool,
    /// Print JSON.
    #[arg(long, conflicts_with = "watch")]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Checkpoint {
    /// Show what is saved: watermark, remembered fingerprints, waits, and the last moves with their reasons.
    Show(Show),
    /// Set a feed back. The next run reads everything from that time on again. What the ledger knows,
    /// the last `reconcile_hours`, is not delivered again; anything before that is, and the command says
    /// so first. Mimecast keeps its logs for 30 days. Asks before it writes.
    Rewind(Rewind),
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Only this feed: url, attachment or impersonation. May be given more than once.
    #[arg(long = "feed", value_name = "FEED")]
    pub(super) feeds: Vec<Feed>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Rewind {
    /// The feed: url, attachment or impersonation.
    #[arg(long, value_name = "FEED")]
    pub(super) feed: Feed,
    /// The time to go back to, such as 2026-11-24T05:00:00Z, 2026-11-24T06:00:00+01:00, or 2026-11-24 for the
    /// beginning of that day in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) to: DateTime<Utc>,
    /// Do not ask.
    #[arg(long)]
    pub(super) yes: bool,
}

/// A time, or the beginning of a day.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0);
    event_time::parse(text)
        .or_else(|| Some(day()?.and_utc()))
        .ok_or_else(|| {
            "not a time; write it as 2026-11-24T05:00:00Z, or a day as 2026-11-24".to_owned()
        })
}

#[derive(Debug, Subcommand)]
pub(super) enum Quarantine {
    /// List the records in quarantine, oldest first.
    List(Listing),
    /// Show one record: why it was refused, and the row itself.
    Show(QuarantineShow),
    /// Post records again, unchanged; those that are taken leave the quarantine. Asks before it posts.
    Replay(Chosen),
    /// Remove records for good. Asks before it does.
    Drop(Chosen),
}

#[derive(Debug, clap::Args)]
pub(super) struct Listing {
    /// Only this feed: url, attachment or impersonation. May be given more than once.
    #[arg(long = "feed", value_name = "FEED")]
    pub(super) feeds: Vec<Feed>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct QuarantineShow {
    /// The record, as `quarantine list` names it.
    pub(super) fingerprint: Fingerprint,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(super) struct Chosen {
    /// The records, as `quarantine list` names them.
    #[arg(value_name = "FINGERPRINT", group = "which")]
    pub(super) fingerprints: Vec<Fingerprint>,
    /// All records in quarantine.
    #[arg(long, group = "which")]
    pub(super) all: bool,
    /// Do not ask.
    #[arg(long)]
    pub(super) yes: bool,
}

/// The API that the simulated Mimecast offers.
#[cfg(feature = "simulator")]
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum ApiVersion {
    #[value(name = "1.0")]
    V1,
    #[value(name = "2.0")]
    V2,
}

#[cfg(feature = "simulator")]
impl From<ApiVersion> for simulators::mimecast::Api {
    fn from(version: ApiVersion) -> Self {
        match version {
            ApiVersion::V1 => Self::V1,
            ApiVersion::V2 => Self::V2,
        }
    }
}

#[cfg(feature = "simulator")]
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// How many records to make, over the three feeds.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(super) records: usize,
    /// The seed; another one makes another story with other records.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// Which Mimecast API to simulate: 1.0, which uses signatures, or 2.0, which uses tokens.
    #[arg(long, value_name = "API", value_enum, default_value_t = ApiVersion::V1)]
    pub(super) api: ApiVersion,
    /// Which API of Log Analytics to simulate: the Data Collector API, or the Logs Ingestion API.
    #[arg(long, value_name = "SINK", value_enum, default_value_t = SinkKind::DataCollector)]
    pub(super) sink: SinkKind,
    /// The folder for the delivered rows, one NDJSON file for each table. The files are replaced.
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    pub(super) out: std::path::PathBuf,
    /// Draw the workbooks' charts of the delivered rows into this file: an HTML page that needs no network.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<std::path::PathBuf>,
    /// Store one post and lose its answer: the one case in which rows arrive twice. The check finds
    /// them, so the demo ends with exit code 1.
    #[arg(long)]
    pub(super) lost_answer: bool,
}

#[cfg(feature = "simulator")]
#[derive(Debug, clap::Args)]
pub(super) struct Simulate {
    /// The port of the simulated Mimecast; 0 picks a free one.
    #[arg(long, value_name = "P", default_value_t = 8010)]
    pub(super) mimecast_port: u16,
    /// The port of the simulated Log Analytics; 0 picks a free one.
    #[arg(long, value_name = "P", default_value_t = 8020)]
    pub(super) log_analytics_port: u16,
    /// Which Mimecast API to simulate: 1.0, which uses signatures, or 2.0, which uses tokens.
    #[arg(long, value_name = "API", value_enum, default_value_t = ApiVersion::V1)]
    pub(super) api: ApiVersion,
    /// Which API of Log Analytics to simulate: the Data Collector API, or the Logs Ingestion API.
    #[arg(long, value_name = "SINK", value_enum, default_value_t = SinkKind::DataCollector)]
    pub(super) sink: SinkKind,
    /// How many records to make, over the three feeds and fourteen days around now.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(super) records: usize,
    /// The seed; another one makes another story with other records.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        let args = Args::try_parse_from(["mimecast-ttp"]).unwrap();
        assert!(matches!(
            args.command.unwrap_or_default(),
            Command::Serve(Serve { port: None })
        ));
        let run = Args::try_parse_from([
            "mimecast-ttp",
            "run",
            "--feed",
            "url",
            "--feed",
            "attachment",
            "--json",
        ])
        .unwrap();
        assert!(
            matches!(run.command, Some(Command::Run(Run { feeds, json: true, is_dry: false })) if feeds == [Feed::Url, Feed::Attachment])
        );
        assert!(Args::try_parse_from(["mimecast-ttp", "run", "--feed", "mail"]).is_err());
    }

    #[test]
    fn what_is_written_to_must_be_named() {
        let parse = |line: &str| Args::try_parse_from(line.split(' '));
        assert!(
            parse("mimecast-ttp checkpoint rewind --feed url --to 2026-11-24T05:00:00Z").is_ok()
        );
        assert!(parse("mimecast-ttp checkpoint rewind --feed url --to 2026-11-24").is_ok());
        for line in [
            "mimecast-ttp checkpoint rewind --feed url",
            "mimecast-ttp checkpoint rewind --feed url --to yesterday",
            "mimecast-ttp checkpoint rewind --to 2026-11-24T05:00:00Z",
            "mimecast-ttp quarantine drop",
            "mimecast-ttp quarantine drop --yes",
            "mimecast-ttp quarantine replay everything",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("mimecast-ttp quarantine drop --all").is_ok());
    }
}

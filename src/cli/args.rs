//! The command line.

use clap::{Parser, Subcommand};

use crate::model::feed::Feed;

/// Delivers the Mimecast Targeted Threat Protection logs to Log Analytics.
///
/// Without a command it serves as an Azure Functions custom handler. Settings come from the
/// environment, as app settings do; README.md lists them.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 a feed failed, 2 settings or command line at fault."
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the Functions host's calls on 127.0.0.1 (what runs without a command).
    Serve(Serve),
    /// Run one pass now with the settings of the environment.
    Run(Run),
    /// Play some days on this machine alone: simulators, the real handler, the host's calls, a check of
    /// every row. Needs no settings.
    #[cfg(feature = "simulator")]
    Demo(Demo),
    /// Serve the simulators of Mimecast and Log Analytics alone, for `func start` or `run`.
    #[cfg(feature = "simulator")]
    Simulate(Simulate),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(Serve { port: None })
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// The port to listen on; by default what the host says in `FUNCTIONS_CUSTOMHANDLER_PORT`.
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
}

#[cfg(feature = "simulator")]
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// How many records to make up, over the three feeds.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(super) records: usize,
    /// Makes another story with other records.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(super) seed: u64,
    /// The folder for the delivered rows, one NDJSON file for each table. The files are replaced.
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    pub(super) out: std::path::PathBuf,
    /// Let one post be stored and its answer get lost: the one case in which rows arrive twice. The
    /// check finds them, so the demo ends with exit code 1.
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
    /// How many records to make up, over the three feeds and fourteen days around now.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(super) records: usize,
    /// Makes another story with other records.
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
            matches!(run.command, Some(Command::Run(Run { feeds, json: true })) if feeds == [Feed::Url, Feed::Attachment])
        );
        assert!(Args::try_parse_from(["mimecast-ttp", "run", "--feed", "mail"]).is_err());
    }
}

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

//! Colour on a terminal.

use std::io::{self, IsTerminal};

use clap::ValueEnum;

/// When output has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always, also into a file or a pipe.
    Always,
    /// Never.
    Never,
}

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warning,
    Bad,
}

/// Puts colours on texts, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint {
    is_on: bool,
}

impl Paint {
    /// For what is printed to stdout. `NO_COLOR` counts whatever it says (no-color.org).
    pub(super) fn for_stdout(choice: ColorChoice, lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let is_on = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let is_dumb = lookup("TERM").is_some_and(|term| term == "dumb");
                let refuses = lookup("NO_COLOR").is_some_and(|value| !value.is_empty());
                io::stdout().is_terminal() && !refuses && !is_dumb
            }
        };
        Self { is_on }
    }

    /// A text in the colour of its meaning.
    pub(super) fn over(self, tone: Tone, text: &str) -> String {
        if !self.is_on {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "1;31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

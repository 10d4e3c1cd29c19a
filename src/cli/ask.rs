//! Asking before something is changed.

use std::io::{self, BufRead, IsTerminal, Write};

/// Whether to go on: `yes` was given, or the person at the terminal says so. Where nobody can be asked
/// the answer is no, with the way out. What there is to know about it is said in any case.
pub(super) fn go_on(question: &str, to_know: &str, yes: bool) -> bool {
    if !to_know.is_empty() {
        super::say(to_know);
    }
    if yes {
        return true;
    }
    if !io::stdin().is_terminal() {
        super::say_error(&format!(
            "{question}\nThere is no terminal to confirm on: add --yes. Nothing was changed."
        ));
        return false;
    }
    drop(write!(io::stdout(), "{question} [y/N] "));
    drop(io::stdout().flush());
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    let agreed = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
    if !agreed {
        super::say("Nothing was changed.");
    }
    agreed
}

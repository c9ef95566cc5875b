//! Where a password comes from.

use crate::Failure;
use crate::args::Password;
use std::io::{IsTerminal as _, Read as _, stdin};

/// Longest line read from standard input.
const MAX: u64 = 4096;

/// From the option, standard input, or a prompt that asks twice.
pub(crate) fn read(from: Password) -> Result<String, Failure> {
    let command = |text: &str| Failure::Command(text.to_owned());
    if let Some(password) = from.password {
        return Ok(password);
    }
    if from.password_stdin {
        let mut text = String::new();
        stdin().take(MAX).read_to_string(&mut text).map_err(|_| command("standard input is not text"))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    if !stdin().is_terminal() {
        return Err(command("no password: give --password-stdin (or --password) where there is no terminal"));
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt).map_err(|_| command("cannot read from the terminal"))
    };
    let password = ask("Password: ")?;
    if ask("Again: ")? != password {
        return Err(command("the two passwords are not the same"));
    }
    Ok(password)
}

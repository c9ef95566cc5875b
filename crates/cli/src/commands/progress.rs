//! Long work shows a bar, on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::io::IsTerminal as _;

/// A bar on standard error; silent where that is no terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self(ProgressBar::with_draw_target(None, target))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl prepare::Progress for Bar {
    fn step(&mut self, name: &str, total: u64) {
        // Milliseconds of the film; how many of them a second is how many times faster than playing.
        let style = ProgressStyle::with_template("{msg:16} [{bar:40}] {percent:>3} % {rate} {eta}");
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.1}x", state.per_sec() / 1000.0);
        };
        if let Ok(style) = style {
            self.0.set_style(style.progress_chars("=> ").with_key("rate", rate));
        }
        self.begin(name, total);
    }

    fn at(&mut self, done: u64) {
        self.0.set_position(done);
    }
}

impl Bar {
    fn begin(&self, name: &str, total: u64) {
        self.0.set_message(name.to_owned());
        self.0.set_length(total);
        self.0.set_position(0);
        self.0.reset_elapsed();
        self.0.reset_eta();
    }
}

impl packager::Progress for Bar {
    fn stage(&mut self, name: &str, total: u64) {
        let style =
            ProgressStyle::with_template("{msg:11} [{bar:40}] {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        if let Ok(style) = style {
            self.0.set_style(style.progress_chars("=> "));
        }
        self.begin(name, total);
    }

    fn advance(&mut self, amount: u64) {
        self.0.inc(amount);
    }

    fn warn(&mut self, what: &str) {
        self.0.suspend(|| eprintln!("matinee: warning: {}", what.replace(char::is_control, " ")));
    }
}

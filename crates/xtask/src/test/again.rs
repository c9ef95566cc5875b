//! Tests that failed once, tried again with the machine for themselves.
//!
//! A test that fails beside others and passes alone is a defect of the test or of the product. It is written
//! down as unstable, not passed over; but it does not hide what the other tests say.

use std::process::Command;

use crate::command;
use crate::error::Error;

/// So many tests that fail at once are no chance: they are not tried again.
const MOST: usize = 3;

/// How often a test is tried again.
const TRIES: usize = 2;

/// What a run of test programs came to.
#[derive(Debug)]
pub(super) struct Run {
    outcome: Result<(), Error>,
    /// Names of the tests that failed.
    failed: Vec<String>,
    /// How many programs began, and did not come to their end: what else would have failed is not known.
    broken_off: usize,
}

impl Run {
    /// Runs test programs; shows what they print.
    pub(super) fn of(test: &mut Command) -> Self {
        let (mut failed, mut begun, mut ended) = (Vec::new(), 0, 0);
        let outcome = command::run_seen(test, |line| {
            failed.extend(failing(line));
            begun += usize::from(line.starts_with("running "));
            ended += usize::from(line.starts_with("test result: "));
        });
        Self { outcome, failed, broken_off: usize::from(begun == 0).max(begun.saturating_sub(ended)) }
    }

    /// Both, as one.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            outcome: self.outcome.and(other.outcome),
            failed: [self.failed, other.failed].concat(),
            broken_off: self.broken_off + other.broken_off,
        }
    }

    /// What the run came to.
    ///
    /// # Errors
    /// When a test failed.
    pub(super) fn of_first_try(self) -> Result<(), Error> {
        self.outcome
    }

    /// What the run came to, after the few tests that failed in it have been tried again one by one. `alone`
    /// runs the test of a name.
    ///
    /// # Errors
    /// When a test fails each time; the others are tried all the same.
    pub(super) fn tried_again(self, alone: impl Fn(&str) -> Self) -> Result<(), Error> {
        if self.outcome.is_ok() || self.broken_off > 0 || self.failed.is_empty() || self.failed.len() > MOST {
            return self.outcome;
        }
        println!("\ntried again, alone: {}", self.failed.join(", "));
        let mut unstable = Vec::new();
        let mut outcome = Ok(());
        for name in &self.failed {
            let passed = (0..TRIES).try_fold(Ok(()), |_, _| match alone(name).outcome {
                // Enough.
                Ok(()) => Err(()),
                Err(error) => Ok(Err(error)),
            });
            match passed {
                Err(()) => unstable.push(name.as_str()),
                Ok(failed) => outcome = outcome.and(failed),
            }
        }
        if !unstable.is_empty() {
            println!(
                "\nUNSTABLE (failed, then passed alone; please report or mend): {}",
                unstable.join(", ")
            );
        }
        outcome
    }
}

/// The name of the test that this line of a test program's output says has failed.
fn failing(line: &str) -> Option<String> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn failing_tests_are_named() {
        assert_eq!(failing("test tracks::sound ... FAILED").as_deref(), Some("tracks::sound"));
        assert_eq!(failing("test tracks::sound ... ok"), None);
        assert_eq!(failing("test result: FAILED. 63 passed; 1 failed"), None);
    }

    fn printed(text: &str, status: u8) -> Run {
        Run::of(Command::new("sh").args(["-c", &format!("printf '{text}'; exit {status}")]))
    }

    const TWO_FAIL: &str =
        "running 2 tests\\ntest a ... FAILED\\ntest b ... FAILED\\ntest result: FAILED. 0 passed\\n";

    #[test]
    fn what_fails_each_time_fails_and_the_others_are_tried() {
        let tried = RefCell::new(Vec::new());
        let again = printed(TWO_FAIL, 1).tried_again(|name| {
            tried.borrow_mut().push(name.to_owned());
            printed("running 1 test\\ntest result: \\n", u8::from(name == "a"))
        });
        assert!(again.is_err());
        assert_eq!(tried.into_inner(), ["a", "a", "b"]);
    }

    #[test]
    fn what_passes_alone_passes() {
        let again = printed(TWO_FAIL, 1).tried_again(|_| printed("running 1 test\\ntest result: \\n", 0));
        assert!(again.is_ok());
    }

    #[test]
    fn what_broke_off_or_failed_without_a_name_is_not_tried_again() {
        let never = |_: &str| -> Run { panic!("tried again") };
        let many = "test a ... FAILED\\n".repeat(MOST + 1);
        for text in [
            // A program that crashed beside one that failed.
            &format!("{TWO_FAIL}running 4 tests\\ntest c ... ok\\n"),
            // Nothing was compiled.
            "",
            "running 0 tests\\ntest result: ok\\n",
            &format!("running 9 tests\\n{many}test result: FAILED\\n"),
        ] {
            assert!(printed(text, 1).tried_again(never).is_err(), "{text}");
        }
        assert!(printed("running 0 tests\\ntest result: ok\\n", 0).tried_again(never).is_ok());
    }
}

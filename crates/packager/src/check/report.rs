//! What a check says.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Findings of one check that are told; more are counted.
const TOLD: usize = 8;

/// What was checked of a pack. [`Display`](fmt::Display) is for people, a line for each check;
/// [`Serialize`] for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The pack's folder.
    pub path: PathBuf,
    /// Its id, where `pack.json` can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack_id: Option<String>,
    /// Whether nothing is wrong.
    pub good: bool,
    /// The checks, in order.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked: `files`, `index`, ….
    pub name: &'static str,
    /// The representation or subtitle whose it is; absent where it is the whole pack's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// All is as it must be.
    Ok {
        /// What was seen, in words.
        seen: String,
    },
    /// It could not be checked, which says nothing of the pack.
    Skipped {
        /// Why, and what would help.
        why: String,
    },
    /// Something is wrong.
    Wrong {
        /// What and where, one line each.
        found: Vec<String>,
        /// Further findings of the same check.
        more: u64,
    },
}

impl CheckReport {
    pub(super) fn new(path: PathBuf, pack_id: Option<String>, checks: Vec<Check>) -> Self {
        let good = !checks.iter().any(|check| matches!(check.outcome, Outcome::Wrong { .. }));
        Self { path, pack_id, good, checks }
    }

    /// The findings of a check, of all representations.
    pub fn found(&self, name: &str) -> Vec<&str> {
        let of = self.checks.iter().filter(|check| check.name == name);
        let lists = of.filter_map(|check| match &check.outcome {
            Outcome::Wrong { found, .. } => Some(found),
            _ => None,
        });
        lists.flatten().map(String::as_str).collect()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let name = match &check.of {
                Some(of) => format!("{of} {}", check.name),
                None => check.name.to_owned(),
            };
            match &check.outcome {
                Outcome::Ok { seen } => writeln!(f, "ok       {name}: {seen}")?,
                Outcome::Skipped { why } => writeln!(f, "skipped  {name}: {why}")?,
                Outcome::Wrong { found, more } => {
                    let mut text = found.join("; ");
                    if *more > 0 {
                        text += &format!("; and {more} more");
                    }
                    writeln!(f, "WRONG    {name}: {text}")?;
                }
            }
        }
        Ok(())
    }
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<String>,
    more: u64,
}

impl Findings {
    pub(super) fn add(&mut self, what: impl Into<String>) {
        if self.found.len() < TOLD {
            self.found.push(what.into());
        } else {
            self.more += 1;
        }
    }

    /// What must hold, and what to say where it does not.
    pub(super) fn must(&mut self, holds: bool, what: impl FnOnce() -> String) -> bool {
        if !holds {
            self.add(what());
        }
        holds
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn into_check(self, name: &'static str, of: Option<&str>, seen: String) -> Check {
        let outcome = match self.found.is_empty() {
            true => Outcome::Ok { seen },
            false => Outcome::Wrong { found: self.found, more: self.more },
        };
        Check { name, of: of.map(str::to_owned), outcome }
    }
}

pub(super) fn skipped(name: &'static str, of: Option<&str>, why: impl Into<String>) -> Check {
    Check { name, of: of.map(str::to_owned), outcome: Outcome::Skipped { why: why.into() } }
}

/// A number of things, in words.
pub(super) fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// What was found of a file, by what it is about.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) boxes: Findings,
    pub(super) index: Findings,
    pub(super) times: Findings,
    pub(super) samples: Findings,
    pub(super) keys: Findings,
}

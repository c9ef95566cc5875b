//! docs/conformance.md names, for each requirement that is met, the files whose tests show it. Tests name
//! requirements, in a comment or in their own name (`a34_renewal_with_another_customers_cookies`); the
//! table's last column follows from that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::Error;
use crate::project::Project;

const TABLE: &str = "docs/conformance.md";
/// The tests below name rows that they only play with.
const THIS_FILE: &str = "xtask/src/check/conformance.rs";
/// In the last column of what is not done.
const NOTHING: &str = "–";
/// In the last column of what is done in part and not tested.
const NO_TEST: &str = "no test yet";

/// Files by the id of the requirement that their tests name; `crates/` is left off.
type Named = BTreeMap<String, BTreeSet<String>>;

/// The table says what the tests say, and nothing is called met without a test.
///
/// # Errors
/// [`Error::Rule`] with the rows where that is not so.
pub(super) fn check(project: &Project) -> Result<(), Error> {
    let (text, outcome) = compare(project)?;
    if !outcome.untested.is_empty() {
        let rows = outcome.untested.join(", ");
        return Err(Error::Rule(format!("{TABLE} calls {rows} met, but no test names them")));
    }
    let differing: Vec<&str> = text
        .lines()
        .zip(outcome.text.lines())
        .filter(|(is, should)| is != should)
        .map(|(is, _)| is)
        .collect();
    if let Some(first) = differing.first() {
        return Err(Error::Rule(format!(
            "{TABLE} and the tests do not name each other in {} rows, first in `{first}`: `cargo xtask check --fix` mends the table",
            differing.len()
        )));
    }
    println!("{TABLE}: {}", outcome.counts);
    Ok(())
}

/// Writes the table's last column and the counts above it anew.
///
/// # Errors
/// [`Error::File`].
pub(super) fn mend(project: &Project) -> Result<(), Error> {
    let (text, outcome) = compare(project)?;
    if text == outcome.text {
        return Ok(());
    }
    let file = project.root.join(TABLE);
    std::fs::write(&file, outcome.text).map_err(Error::file(&file))
}

fn compare(project: &Project) -> Result<(String, Outcome), Error> {
    let file = project.root.join(TABLE);
    let text = std::fs::read_to_string(&file).map_err(Error::file(&file))?;
    let mut named = Named::new();
    for folder in ["src", "tests", "crates"] {
        collect(&project.root, Path::new(folder), &mut named)?;
    }
    let outcome = rewrite(&text, &named);
    Ok((text, outcome))
}

/// Notes what the tests in all Rust files of a folder name.
fn collect(root: &Path, folder: &Path, named: &mut Named) -> Result<(), Error> {
    let here = root.join(folder);
    for entry in std::fs::read_dir(&here).map_err(Error::file(&here))? {
        let entry = entry.map_err(Error::file(&here))?;
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            collect(root, &path, named)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with(THIS_FILE) {
            let text = std::fs::read_to_string(entry.path()).map_err(Error::file(&entry.path()))?;
            let shown = path.strip_prefix("crates").unwrap_or(&path).display().to_string();
            for id in test_code(&path, &text).lines().flat_map(ids) {
                named.entry(id).or_default().insert(shown.clone());
            }
        }
    }
    Ok(())
}

/// The part of a file that is compiled for tests only.
fn test_code<'a>(path: &Path, text: &'a str) -> &'a str {
    let is_test = path.components().any(|part| part.as_os_str() == "tests")
        || path.file_name().is_some_and(|name| name == "tests.rs");
    // Of a whole file (`#![cfg(test)]`) or of a module at its end.
    if is_test { text } else { text.find("[cfg(test)]").map_or("", |start| &text[start..]) }
}

/// The ids of requirements that a line names: in its comment, or as a part of a function's name.
fn ids(line: &str) -> Vec<String> {
    let comment = line.split_once("//").map_or("", |(_, comment)| comment);
    let words = comment.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned);
    let function = line.split_once("fn ").and_then(|(_, rest)| rest.split('(').next()).unwrap_or_default();
    let parts =
        function.split('_').filter(|part| part.starts_with(char::is_lowercase)).map(str::to_uppercase);
    words.chain(parts).filter(|word| is_id(word)).collect()
}

/// `A1` to `C999`.
fn is_id(word: &str) -> bool {
    let number = word.strip_prefix(['A', 'B', 'C']).unwrap_or_default();
    (1..=3).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit())
}

/// The table as it should be.
#[derive(Debug)]
struct Outcome {
    text: String,
    /// Ids of rows that are called met and that no test names.
    untested: Vec<String>,
    /// The line that counts the rows.
    counts: String,
}

fn rewrite(text: &str, named: &Named) -> Outcome {
    let (mut met, mut partly, mut not_yet) = (0, 0, 0);
    let (mut lines, mut untested) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let Some(row) = Row::parse(line) else {
            lines.push(line.to_owned());
            continue;
        };
        let tests = named.get(row.id).into_iter().flatten().map(|file| format!("`{file}`"));
        let tests = tests.collect::<Vec<_>>().join(", ");
        let shown = if row.does.starts_with("not yet") {
            not_yet += 1;
            NOTHING.to_owned()
        } else if row.does.starts_with("partly") {
            partly += 1;
            if tests.is_empty() { NO_TEST.to_owned() } else { tests }
        } else {
            met += 1;
            if tests.is_empty() {
                untested.push(row.id.to_owned());
            }
            tests
        };
        lines.push(format!("{}| {shown} |", row.before));
    }
    let counts =
        format!("Of {} rows: {met} met, {partly} partly, {not_yet} not yet.", met + partly + not_yet);
    for line in &mut lines {
        if line.starts_with("Of ") && line.contains(" rows: ") {
            line.clone_from(&counts);
        }
    }
    Outcome { text: lines.join("\n") + "\n", untested, counts }
}

/// `| id | requirement | what Matinee does | shown by |`.
struct Row<'a> {
    id: &'a str,
    does: &'a str,
    /// Everything before the last cell.
    before: &'a str,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // A bar within a cell has a backslash before it.
        let bars: Vec<usize> =
            line.match_indices('|').map(|(at, _)| at).filter(|at| !line[..*at].ends_with('\\')).collect();
        let &[first, second, third, fourth, _] = bars.as_slice() else { return None };
        let id = line[first + 1..second].trim();
        is_id(id).then(|| Self { id, does: line[third + 1..fourth].trim(), before: &line[..fourth] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Conformance\n\nOf 1 rows: 9 met.\n\n| id | requirement | what Matinee does | shown by |\n|---|---|---|---|\n\
                        | A1 | login | cookies `a\\|b` | `old.rs` |\n| A2 | boxes | not yet | `x.rs` |\n| B1 | more | partly | – |\n";

    #[test]
    fn the_last_column_follows_from_the_tests() {
        let files = BTreeSet::from(["cli/tests/b.rs".to_owned(), "cli/tests/a.rs".to_owned()]);
        let named = Named::from([("A1".to_owned(), files.clone()), ("A2".to_owned(), files)]);
        let outcome = rewrite(TEXT, &named);
        assert!(outcome.untested.is_empty(), "{outcome:?}");
        assert!(
            outcome.text.contains("| A1 | login | cookies `a\\|b` | `cli/tests/a.rs`, `cli/tests/b.rs` |\n")
        );
        assert!(
            outcome.text.contains("| A2 | boxes | not yet | – |\n| B1 | more | partly | no test yet |\n")
        );
        assert!(outcome.text.contains("\nOf 3 rows: 1 met, 1 partly, 1 not yet.\n"));
        assert_eq!(rewrite(&outcome.text, &named).text, outcome.text);
    }

    #[test]
    fn what_is_met_needs_a_test() {
        assert_eq!(rewrite(TEXT, &Named::new()).untested, ["A1"]);
    }

    #[test]
    fn tests_name_rows_in_comments_and_in_their_names() {
        assert_eq!(ids("/// A12, B7: said twice (C3). Not A12b, XA1, A, D4 or A1234."), ["A12", "B7", "C3"]);
        assert_eq!(ids("    async fn b56_b60_displays_are_watched() {"), ["B56", "B60"]);
        assert_eq!(ids("let a = \"A12\"; fn a() {} // B1"), ["B1"]);
    }

    #[test]
    fn only_test_code_counts() {
        let text = "// A1\n#[cfg(test)]\nmod tests { /* */ }\n";
        assert!(!test_code(Path::new("src/a.rs"), text).contains("A1"));
        assert!(test_code(Path::new("crates/x/tests/suite/a.rs"), text).contains("A1"));
        assert!(test_code(Path::new("crates/x/src/a/tests.rs"), text).contains("A1"));
        assert_eq!(test_code(Path::new("src/a.rs"), "// A1"), "");
    }
}

//! What documents point at is there: files and headings of each other, sections of docs/protocol.md that code
//! and documents cite, and the files and folders that docs/architecture.md names.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::command;
use crate::error::Error;
use crate::project::Project;

const ARCHITECTURE: &str = "docs/architecture.md";
const PROTOCOL: &str = "docs/protocol.md";
/// This file's tests cite sections that there are not.
const THIS_FILE: &str = "xtask/src/check/documents.rs";
/// Endings of files that cite sections.
const CITING: [&str; 6] = ["css", "html", "js", "md", "rs", "toml"];

/// Checks them.
///
/// # Errors
/// [`Error::Rule`] with all that point at nothing.
pub(super) fn check(project: &Project) -> Result<(), Error> {
    let files = files(project)?;
    let tree = Tree::of(&files);
    let read = |file: &str| {
        let path = project.root.join(file);
        std::fs::read_to_string(&path).map_err(Error::file(&path))
    };
    let sections = sections(&read(PROTOCOL)?);
    let mut wrong = Vec::new();
    let (mut links, mut citations) = (0, 0);
    for file in &files {
        let ending = Path::new(file).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if !CITING.contains(&ending) || file.ends_with(THIS_FILE) {
            continue;
        }
        let text = read(file)?;
        for section in cited(&text, file == PROTOCOL) {
            citations += 1;
            if !sections.contains(&section) {
                wrong.push(format!("{file} cites §{section} of {PROTOCOL}, which has no such section"));
            }
        }
        if ending != "md" {
            continue;
        }
        for target in links_of(&text) {
            links += 1;
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { file.clone() } else { beside(file, path) };
            if !tree.has(&path) {
                wrong.push(format!("{file} links to {path}, which is not there"));
            } else if !heading.is_empty()
                && path.ends_with(".md")
                && !anchors(&read(&path)?).contains(heading)
            {
                wrong.push(format!("{file} links to a heading #{heading} of {path}, which is not there"));
            }
        }
    }
    for named in paths(&read(ARCHITECTURE)?) {
        if !tree.names(&named) {
            wrong.push(format!("{ARCHITECTURE} names `{named}`, which is not there"));
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Rule(wrong.join("\n")));
    }
    println!("{links} links and {citations} citations of {PROTOCOL} point at something");
    Ok(())
}

/// The repository's files, from the root: what git has or would take in. Where there is no repository (an
/// archive of the sources), or git is missing, all that is there.
fn files(project: &Project) -> Result<Vec<String>, Error> {
    let mut git = command::command(project, "git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    // Not a repository around this folder, which knows nothing of it.
    if project.root.join(".git").exists()
        && let Ok(listed) = command::output(&mut git)
    {
        // What was deleted and not committed is listed, too.
        let listed = listed.split('\0').filter(|file| project.root.join(file).is_file());
        return Ok(listed.map(str::to_owned).collect());
    }
    let mut files = Vec::new();
    gather(&project.root, Path::new(""), &mut files)?;
    Ok(files)
}

/// All files below a folder, from the root, but for what is made there.
fn gather(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<(), Error> {
    let here = root.join(folder);
    for entry in std::fs::read_dir(&here).map_err(Error::file(&here))? {
        let entry = entry.map_err(Error::file(&here))?;
        let path = folder.join(entry.file_name());
        if !entry.file_type().map_err(Error::file(&here))?.is_dir() {
            files.push(path.display().to_string());
        } else if !["target", "node_modules", ".git", "data"].iter().any(|made| path.ends_with(made)) {
            gather(root, &path, files)?;
        }
    }
    Ok(())
}

/// The repository's files and folders.
struct Tree(BTreeSet<String>);

impl Tree {
    fn of(files: &[String]) -> Self {
        let mut all = BTreeSet::new();
        for file in files {
            all.extend(Path::new(file).ancestors().map(|path| path.display().to_string()));
        }
        Self(all)
    }

    fn has(&self, path: &str) -> bool {
        self.0.contains(path)
    }

    /// Whether a document may name something so: from the root, or by the end of its path, with the folder
    /// `src` of a crate left out (`server/src/http`, `live/ladder`, `packager/input`).
    fn names(&self, named: &str) -> bool {
        let with_src = named.replacen('/', "/src/", 1);
        self.0.iter().any(|path| {
            [named, &with_src]
                .into_iter()
                .any(|end| path == end || path.strip_suffix(end).is_some_and(|before| before.ends_with('/')))
        })
    }
}

/// A link's target, from the root.
fn beside(file: &str, target: &str) -> String {
    let mut path = PathBuf::from(file);
    path.pop();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path.display().to_string()
}

/// The lines of a document that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_fence && !is_code
    })
}

/// Targets of a document's links that are not addresses.
fn links_of(text: &str) -> impl Iterator<Item = &str> {
    let targets = prose(text).flat_map(|line| line.split("](").skip(1));
    let targets = targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets.filter(|target| !target.contains(':'))
}

/// How headings are linked to: as GitHub makes it of their text.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let headings =
        prose(text).filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').zip(Some(line)));
    for (heading, _) in headings.filter(|(_, line)| line.starts_with('#')) {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        // A second one of the same words has a number.
        let number = (1..).map(|n| format!("{anchor}-{n}"));
        let free = std::iter::once(anchor.clone()).chain(number).find(|name| !anchors.contains(name));
        anchors.extend(free);
    }
    anchors
}

/// The numbers of a document's chapters: `## 7. Keys and IVs`.
fn sections(text: &str) -> BTreeSet<u32> {
    let numbers = prose(text).filter_map(|line| line.strip_prefix("## ")?.split_once('.')?.0.parse().ok());
    numbers.collect()
}

/// Which sections of docs/protocol.md a text cites: what follows its name, up to two of them (`protocol.md §2
/// to §4`). In the document itself `§7` is enough where no standard's name stands in front of it.
fn cited(text: &str, is_protocol: bool) -> Vec<u32> {
    let number = |text: &str| {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        let is_whole = !text[digits.len()..].starts_with('.')
            || !text[digits.len() + 1..].starts_with(|c: char| c.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|_| is_whole)
    };
    if is_protocol {
        let of_standards = |before: &str| {
            let before = before.trim_end().trim_end_matches(',');
            before
                .rsplit([' ', '(', '\n'])
                .next()
                .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        };
        let all = text.match_indices('§').filter(|(at, _)| !of_standards(&text[..*at]));
        return all.filter_map(|(at, sign)| number(&text[at + sign.len()..])).collect();
    }
    // Lines of comments are one text.
    let words = text.lines().map(|line| line.trim().trim_start_matches(['/', '!', '#', '*']).trim());
    let text = words.collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for rest in text.split("protocol.md").skip(1) {
        let rest = rest.trim_start_matches(['`', ')', ',', ' ']);
        let Some(rest) = rest.strip_prefix('§') else { continue };
        found.extend(number(rest));
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let second = [" to §", " and §"].into_iter().find_map(|between| rest.strip_prefix(between));
        found.extend(second.and_then(number));
    }
    found
}

/// What stands in backticks and is a path of files or folders; `{a,b}` names several.
fn paths(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(text) {
        for code in line.split('`').skip(1).step_by(2) {
            let is_path = code.chars().all(|c| c.is_ascii_alphanumeric() || "_-./{},*".contains(c));
            let begins = ["crates/", "docs/", "fuzz/", "media/", "pkg/", "src/", "tests/", "www/"];
            let is_ours = code.ends_with(".rs") || begins.iter().any(|folder| code.starts_with(folder));
            let is_deep = code.contains("/src/") || code.contains("/tests/");
            if !is_path || !(is_ours || is_deep) || code.contains('*') {
                continue;
            }
            let code = code.trim_end_matches('/');
            match code.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
                Some((before, (names, after))) => {
                    found.extend(names.split(',').map(|name| format!("{before}{}{after}", name.trim())));
                }
                None => drop(found.insert(code.to_owned())),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_cited_by_the_documents_name() {
        let text = "//! As `docs/protocol.md`, §2, has it, and [p](protocol.md) §4 to §6.\n/// (docs/protocol.md\n/// §10). RFC 8216 §5.2 no.";
        assert_eq!(cited(text, false), [2, 4, 6, 10]);
        assert!(cited("protocol.md says what\n§99 of another", false).is_empty());
        assert_eq!(cited("see §7, RFC 9052 §4.2, (§13) and RFC 4648 §5 without", true), [7, 13]);
        assert_eq!(
            sections("## 1. Routes\n### Status\n## 12. Clients\n```\n## 3. Code\n```\n"),
            BTreeSet::from([1, 12])
        );
    }

    #[test]
    fn headings_have_the_names_that_links_give_them() {
        let names = anchors("# What ids like A43 mean\n## `POST /login`\n## Same\n#no\n## Same\n");
        let expected = ["what-ids-like-a43-mean", "post-login", "same", "same-1"];
        assert_eq!(names, expected.map(str::to_owned).into());
    }

    #[test]
    fn links_are_files_and_headings() {
        let text =
            "[a](b.md#c) and [d](https://e.example/f) and ![g](images/h.jpg)\n```\n[no](x)\n```\n[i](#j)";
        assert_eq!(links_of(text).collect::<Vec<_>>(), ["b.md#c", "images/h.jpg", "#j"]);
        assert_eq!(beside("docs/a.md", "../README.md"), "README.md");
        assert_eq!(beside("README.md", "docs/a.md"), "docs/a.md");
    }

    #[test]
    fn paths_are_those_of_the_tree() {
        let text = "`crates/a/src/b.rs`, `live/{c,d}.rs`, `e/`, `/embed`, `let x = 1`, `src/`";
        let expected = ["crates/a/src/b.rs", "live/c.rs", "live/d.rs", "src"];
        assert_eq!(paths(text), expected.map(str::to_owned).into());
        let tree = Tree::of(&["crates/a/src/b.rs", "crates/server/src/live/c.rs"].map(str::to_owned));
        for there in ["crates/a/src/b.rs", "crates/a", "a/src/b.rs", "a/b.rs", "live/c.rs", "b.rs"] {
            assert!(tree.names(there), "{there}");
        }
        assert!(!tree.names("live/d.rs") && !tree.names("xb.rs") && !tree.names("a/c.rs"));
    }
}

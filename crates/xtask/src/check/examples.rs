#![cfg(test)]
//! Where a manifest says that there are no examples in the documentation (`doctest = false`), there are none
//! that nobody runs.

use std::path::Path;

use crate::project::Project;

/// Whether a file's documentation has a block that would be compiled and run.
fn has_example(text: &str) -> bool {
    let blocks = text.lines().filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("/// ```").or_else(|| line.strip_prefix("//! ```"))
    });
    // Every second one ends a block.
    blocks
        .step_by(2)
        .any(|kind| matches!(kind.trim(), "" | "rust" | "no_run" | "should_panic" | "compile_fail"))
}

fn examples(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            examples(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && has_example(&std::fs::read_to_string(&path).unwrap())
        {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn crates_without_doctests_have_no_examples() {
    let root = Project::find().unwrap().root;
    let crates = std::fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for folder in crates.chain([root]) {
        let Ok(manifest) = std::fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let manifest: toml::Table = manifest.parse().unwrap();
        let doctest = manifest.get("lib").and_then(|lib| lib.get("doctest")?.as_bool());
        // A package may be compiled of another's sources, which are looked at there.
        let sources = folder.join("src");
        if doctest == Some(false) && sources.is_dir() {
            examples(&sources, &mut found);
        }
    }
    assert!(found.is_empty(), "examples that no test runs, for `doctest = false`: {found:?}");
}

#[test]
fn only_what_is_compiled_is_an_example() {
    assert!(has_example("/// ```\n/// f();\n/// ```\n"));
    assert!(!has_example("//! ```text\n//! f();\n//! ```\n"));
    assert!(has_example("//! ```text\n//! f();\n//! ```\n/// ```no_run\n"));
}

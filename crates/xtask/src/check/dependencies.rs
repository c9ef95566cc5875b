//! Who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{cargo, output};
use crate::error::Error;
use crate::project::Project;

/// Which of our own crates each of them may depend on, outside of its tests. docs/architecture.md prints this
/// as the last column of its table of folders. What is not listed depends on none.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("aes-simd", &[]),
    ("cenc", &["aes-simd"]),
    (
        "cli",
        &[
            "cenc", "cpix", "license", "live", "nccp", "pack", "packager", "prepare", "server", "storage",
            "tv-box",
        ],
    ),
    ("cmaf", &["cenc", "isobmff"]),
    ("control-client", &["nccp"]),
    ("cpix", &["cenc", "pack"]),
    ("decrypt-bench", &["aes-simd"]),
    ("decryptor", &["cenc", "drm-api", "isobmff", "license", "nccp"]),
    ("demo-film", &[]),
    ("drm-api", &[]),
    ("e2e", &["cenc", "demo-film", "license", "nccp", "pack", "shaper", "test-ports"]),
    ("engine", &[]),
    ("fluent-compiler", &[]),
    ("isobmff", &[]),
    ("ladder", &[]),
    ("license", &["aes-simd", "cenc"]),
    ("live", &["cenc", "cmaf", "isobmff", "ladder", "nccp", "pack", "rtmp"]),
    ("localization", &[]),
    ("manifest", &["cenc", "isobmff", "pack"]),
    ("matinee", &["drm-api", "engine", "localization", "nccp", "web-player"]),
    ("nccp", &[]),
    ("origin", &["cenc", "cmaf", "isobmff", "pack"]),
    ("pack", &["cenc", "isobmff"]),
    ("packager", &["cenc", "cmaf", "cpix", "isobmff", "pack", "storage", "subtitles"]),
    ("playback", &["engine", "isobmff", "nccp"]),
    ("prepare", &["ladder", "pack", "packager", "subtitles"]),
    ("rtmp", &[]),
    (
        "server",
        &["cenc", "license", "live", "manifest", "nccp", "origin", "pack", "rtmp", "storage", "urltoken"],
    ),
    ("shaper", &["nccp"]),
    ("storage", &[]),
    ("subtitles", &[]),
    ("test-ports", &[]),
    ("tv-box", &["control-client", "decryptor", "engine", "isobmff", "license", "nccp", "playback"]),
    ("urltoken", &[]),
    ("watch", &["drm-api", "engine", "localization", "nccp", "web-player"]),
    ("web-player", &["control-client", "drm-api", "engine", "localization", "nccp", "playback"]),
    ("xtask", &["fluent-compiler"]),
];
const DOCUMENT: &str = "docs/architecture.md";

/// What the page is made of.
const PAGE: [&str; 3] = ["matinee", "watch", "web-player"];
/// Crates that can name a content key, or lead to one: the page must not have them, by whatever way.
const NOT_IN_THE_PAGE: [&str; 3] = ["cenc", "license", "decryptor"];

/// Our crates by what each of them has.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The crates keep to the table, the document prints it, and the page has nothing that can name a content
/// key.
///
/// # Errors
/// [`Error::Rule`] for the first that is not so.
pub(super) fn check(project: &Project) -> Result<(), Error> {
    let allowed: Graph = MAY_DEPEND_ON
        .iter()
        .map(|(name, of)| ((*name).to_owned(), of.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    let mut metadata = cargo(project);
    let metadata = output(metadata.args(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    let found = graph(&metadata)
        .map_err(|error| Error::Rule(format!("`cargo metadata` is not understood: {error}")))?;
    let mut broken = broken(&found, &allowed);
    let file = project.root.join(DOCUMENT);
    let document = std::fs::read_to_string(&file).map_err(Error::file(&file))?;
    broken.extend(differences(&printed(&document), &allowed));
    if !broken.is_empty() {
        return Err(Error::Rule(broken.join("\n")));
    }
    println!("{} crates keep to the table in {DOCUMENT}", found.len());
    PAGE.iter().try_for_each(|package| page(project, package))
}

/// What `cargo metadata --no-deps` says of our crates.
fn graph(metadata: &str) -> Result<Graph, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(serde::Deserialize)]
    struct Package {
        name: String,
        dependencies: Vec<Dependency>,
    }
    #[derive(serde::Deserialize)]
    struct Dependency {
        name: String,
        /// None for an ordinary one.
        kind: Option<String>,
    }
    let Metadata { packages } = serde_json::from_str(metadata)?;
    let ours: BTreeSet<String> = packages.iter().map(|package| package.name.clone()).collect();
    let normal = |package: Package| {
        let all = package.dependencies.into_iter().filter(|dependency| dependency.kind.is_none());
        let names = all.map(|dependency| dependency.name).filter(|name| ours.contains(name)).collect();
        (package.name, names)
    };
    Ok(packages.into_iter().map(normal).collect())
}

/// Crates that are not in the table, what is depended on without its leave, and leaves that nobody uses.
fn broken(found: &Graph, allowed: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, dependencies) in found {
        let Some(allowed) = allowed.get(name) else {
            broken.push(format!("{name} is not in the table of crates/xtask/src/check/dependencies.rs"));
            continue;
        };
        let more = dependencies.difference(allowed);
        broken.extend(more.map(|other| {
            format!(
                "{name} must not depend on {other} (crates/xtask/src/check/dependencies.rs has the rules)"
            )
        }));
        let unused = allowed.difference(dependencies);
        broken.extend(unused.map(|other| {
            format!(
                "{name} does not depend on {other}: take it out of crates/xtask/src/check/dependencies.rs"
            )
        }));
    }
    let gone = allowed.keys().filter(|name| !found.contains_key(*name));
    broken.extend(gone.map(|name| format!("{name} is in the table, but is no crate of ours")));
    broken
}

/// What the document's table says: rows `| folder | what | may depend on |`.
fn printed(document: &str) -> Graph {
    let row = |line: &str| {
        let cells: Vec<&str> =
            line.strip_prefix("| `")?.strip_suffix('|')?.split(" | ").map(str::trim).collect();
        let &[folder, .., may] = cells.as_slice() else { return None };
        let name = match folder.trim_end_matches('`') {
            "src/" => "matinee",
            folder => folder.strip_prefix("crates/")?.trim_end_matches('/'),
        };
        let names = may.split(", ").map(str::trim).filter(|name| !matches!(*name, "" | "–"));
        Some((name.to_owned(), names.map(str::to_owned).collect()))
    };
    document.lines().filter_map(row).collect()
}

/// Rows in which the document is not what the table is.
fn differences(printed: &Graph, allowed: &Graph) -> Vec<String> {
    let row = |(name, may): (&String, &BTreeSet<String>)| {
        if printed.get(name) == Some(may) {
            return None;
        }
        let may = may.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let may = if may.is_empty() { "–" } else { &may };
        Some(format!("{DOCUMENT} must say of `{name}`, in the column “may depend on”: {may}"))
    };
    let gone = printed.keys().filter(|name| !allowed.contains_key(*name));
    let gone = gone.map(|name| format!("{DOCUMENT} has a row for `{name}`, which is no crate of ours"));
    allowed.iter().filter_map(row).chain(gone).collect()
}

/// The rule that the page's crates cannot name a content key.
fn page(project: &Project, package: &str) -> Result<(), Error> {
    let mut tree = cargo(project);
    tree.args(["tree", "--locked", "--edges", "normal", "--target", "wasm32-unknown-unknown"]);
    let tree = output(tree.args(["--package", package, "--prefix", "none", "--format", "{p}"]))?;
    let found = forbidden(&tree);
    if found.is_empty() {
        println!("{package} depends on none of {}", NOT_IN_THE_PAGE.join(", "));
        return Ok(());
    }
    Err(Error::Rule(format!(
        "{package}, which is in the page, depends on {}, which can name a content key; see `cargo tree --package {package} --edges normal \
         --target wasm32-unknown-unknown --invert {}`",
        found.join(", "),
        found[0]
    )))
}

/// The forbidden packages in the output of `cargo tree --prefix none --format {p}`.
fn forbidden(tree: &str) -> Vec<&'static str> {
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    NOT_IN_THE_PAGE.into_iter().filter(|name| names.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph_of(rows: &[(&str, &[&str])]) -> Graph {
        rows.iter()
            .map(|(name, of)| ((*name).to_owned(), of.iter().map(|name| (*name).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn only_ordinary_dependencies_on_our_own_crates_count() {
        let metadata = r#"{"packages": [
            {"name": "a", "dependencies": [{"name": "b", "kind": null}, {"name": "serde", "kind": null}, {"name": "c", "kind": "dev"}]},
            {"name": "b", "dependencies": []}, {"name": "c", "dependencies": []}]}"#;
        assert_eq!(graph(metadata).unwrap(), graph_of(&[("a", &["b"]), ("b", &[]), ("c", &[])]));
    }

    #[test]
    fn what_the_table_does_not_allow_is_found() {
        let found = graph_of(&[("a", &["b", "c"]), ("b", &[]), ("c", &[])]);
        assert!(broken(&found, &found).is_empty());
        let broken = broken(&found, &graph_of(&[("a", &["b"]), ("b", &["c"]), ("d", &[])]));
        assert_eq!(broken.len(), 4, "{broken:?}");
        assert!(broken[0].starts_with("a must not depend on c"), "{broken:?}");
        assert!(broken[1].starts_with("b does not depend on c"), "{broken:?}");
    }

    #[test]
    fn the_document_prints_the_table() {
        let document = "| folder | what | may depend on |\n|---|---|---|\n| `src/` | the app | b, c |\n| `www/` | pages | |\n\
                        | `crates/b` | a, b or `c` | – |\n| `crates/c` | c | b |\n";
        let printed = printed(document);
        assert_eq!(printed, graph_of(&[("matinee", &["b", "c"]), ("b", &[]), ("c", &["b"])]));
        assert!(differences(&printed, &printed).is_empty());
        let wanted = graph_of(&[("matinee", &["b"]), ("b", &[]), ("d", &[])]);
        let differences = differences(&printed, &wanted);
        assert_eq!(differences.len(), 3, "{differences:?}");
        assert!(differences[0].contains("`d`") && differences[0].ends_with('–'), "{differences:?}");
        assert!(differences[1].contains("`matinee`") && differences[1].ends_with(": b"), "{differences:?}");
        assert!(differences[2].contains("a row for `c`"), "{differences:?}");
    }

    #[test]
    fn a_forbidden_crate_anywhere_in_the_tree_is_found() {
        let tree =
            "matinee v0.1.0 (/x)\ndrm-api v0.1.0\ncenc v0.1.0 (/x/crates/cenc)\ncenc-like v1.0.0 (*)\n";
        assert_eq!(forbidden(tree), ["cenc"]);
        assert_eq!(forbidden("matinee v0.1.0\nlicensed v1.0.0\n"), [""; 0]);
    }
}

//! Modules do not import each other by their paths in circles, nor do folders of them. A module and what lies
//! in it are one thing: a child that uses its parent's type is no circle. Tests do not count.
//!
//! What a parent re-exports counts as the parent's: `crate::Error` is the root's, wherever the root has it
//! from, and the root is everybody's parent. So circles that go by such names (`crate::Error`,
//! `crate::Service`) are not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::Error;
use crate::project::Project;

/// A module's path in its crate; the crate's root is empty.
type Module = Vec<String>;
/// The text of each module.
type Texts = BTreeMap<Module, String>;
/// Which modules use which.
type Uses = BTreeMap<Module, BTreeSet<Module>>;

/// Looks at every crate.
///
/// # Errors
/// [`Error::Rule`] with all circles.
pub(super) fn check(project: &Project) -> Result<(), Error> {
    let crates = project.root.join("crates");
    let mut sources = vec![("matinee".to_owned(), project.root.join("src"))];
    for entry in std::fs::read_dir(&crates).map_err(Error::file(&crates))? {
        let entry = entry.map_err(Error::file(&crates))?;
        sources.push((entry.file_name().to_string_lossy().into_owned(), entry.path().join("src")));
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, source) in sources {
        let mut texts = Texts::new();
        if source.is_dir() {
            gather(&source, &[], &mut texts)?;
        }
        count += texts.len();
        let uses = siblings(&texts);
        wrong.extend(circles(&uses).iter().map(|(from, to)| {
            format!("{name}: {} uses {}, which leads back to it", from.join("::"), to.join("::"))
        }));
    }
    if !wrong.is_empty() {
        return Err(Error::Rule(wrong.join("\n")));
    }
    println!("{count} modules, none of which use each other by path in a circle");
    Ok(())
}

/// Reads all modules of a folder.
fn gather(folder: &Path, module: &[String], texts: &mut Texts) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
        let path = entry.map_err(Error::file(folder))?.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        let mut inner = module.to_vec();
        if path.is_dir() {
            inner.push(name.to_owned());
            gather(&path, &inner, texts)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests" {
            if !matches!(name, "mod" | "lib" | "main") {
                inner.push(name.to_owned());
            }
            let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
            texts.insert(inner, text);
        }
    }
    Ok(())
}

/// Uses between modules that have one parent; those of what lies in them count for them.
fn siblings(texts: &Texts) -> Uses {
    let mut all = Uses::new();
    for (module, text) in texts {
        for used in used(module, text, texts) {
            let common = module.iter().zip(&used).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (module.get(..=common), used.get(..=common)) {
                all.entry(from.to_vec()).or_default().insert(to.to_vec());
            }
        }
    }
    all
}

/// The modules that a module's text names, by `crate::` or `super::`.
fn used(module: &[String], text: &str, texts: &Texts) -> BTreeSet<Module> {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join("\n");
    let mut paths = Vec::new();
    for root in ["crate::", "super::"] {
        for (at, _) in text.match_indices(root) {
            let is_inside = text[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c));
            if !is_inside {
                read_path(&text[at..], &[], &mut paths);
            }
        }
    }
    paths.into_iter().map(|path| resolved(module, &path, texts)).collect()
}

/// Reads a path and, in braces, those that go on from it; gives what is behind.
fn read_path<'a>(text: &'a str, before: &[String], paths: &mut Vec<Module>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = read_path(rest, before, paths).trim_start();
            let Some(next) = rest.strip_prefix(',') else { break };
            rest = next;
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let mut path = before.to_vec();
    path.extend((!name.is_empty()).then(|| name.to_owned()));
    match rest.strip_prefix("::") {
        Some(more) if !name.is_empty() => read_path(more, &path, paths),
        _ => {
            paths.push(path);
            // `*`, or another name for it.
            rest.trim_start_matches(|c: char| !",};".contains(c))
        }
    }
}

/// The module that a path leads to, as far as it is one.
fn resolved(module: &[String], path: &[String], texts: &Texts) -> Module {
    let mut rest = path.iter().map(String::as_str).peekable();
    let mut at = module.to_vec();
    if rest.next_if_eq(&"crate").is_some() {
        at.clear();
    }
    while rest.next_if_eq(&"super").is_some() {
        at.pop();
    }
    for name in rest {
        at.push(name.to_owned());
        if !texts.contains_key(&at) {
            at.pop();
            break;
        }
    }
    at
}

/// Uses that lead back to where they come from.
fn circles(uses: &Uses) -> Vec<(&Module, &Module)> {
    let all = uses.iter().flat_map(|(from, used)| used.iter().map(move |to| (from, to)));
    all.filter(|(from, to)| leads(uses, to, from, &mut BTreeSet::new())).collect()
}

fn leads<'a>(uses: &'a Uses, from: &'a [String], to: &[String], seen: &mut BTreeSet<&'a [String]>) -> bool {
    from == to
        || seen.insert(from) && uses.get(from).into_iter().flatten().any(|next| leads(uses, next, to, seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(modules: &[(&str, &str)]) -> Vec<String> {
        let module =
            |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let texts: Texts = modules.iter().map(|(name, text)| (module(name), (*text).to_owned())).collect();
        let uses = siblings(&texts);
        circles(&uses).iter().map(|(from, to)| format!("{} -> {}", from.join("::"), to.join("::"))).collect()
    }

    #[test]
    fn circles_are_found_through_braces_and_others() {
        let modules = [
            ("", "mod a; mod b; mod c;"),
            ("a", "use crate::{b::{B, self as other}, d::*};"),
            ("b", "fn f() -> super::c::C {}"),
            ("c", "use super::a::A;"),
            ("d", "// use crate::a::A;\n#[cfg(test)]\nmod tests { use crate::a::A; }"),
        ];
        assert_eq!(found(&modules), ["a -> b", "b -> c", "c -> a"]);
    }

    #[test]
    fn folders_count_as_what_lies_in_them() {
        let modules =
            [("", ""), ("a", ""), ("a::x", "use crate::b::B;"), ("b", "use crate::a::y::Y;"), ("a::y", "")];
        assert_eq!(found(&modules), ["a -> b", "b -> a"]);
    }

    #[test]
    fn parents_and_children_are_one_thing() {
        let modules = [("", "use a::A;"), ("a", "use x::X;"), ("a::x", "use super::A; use crate::Root;")];
        assert!(found(&modules).is_empty());
    }
}

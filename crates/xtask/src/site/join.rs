//! ES modules, joined into one classic script: pages load the shim (`pkg/eme/src`) by a plain `<script>`.
//!
//! All modules get into one function, each behind those that it imports. That gives the same script because
//! of a strict rule, and a module that does not keep it is an error:
//!
//! * Imports stand first, one on a line: `import { one, two } from "./file.js";`.
//! * Exports are declarations: `export const`, `let`, `class`, `function` or `async function`, and a name.
//! * Whatever is declared in a module's outermost scope has one name (no destructuring), which no other
//!   module declares. The outermost scope is what begins in the first column, so nothing else may: template
//!   literals end on the line on which they begin.
//! * Each name that is imported is exported by that file. There are no circles, and no module that none
//!   imports.
//!
//! A name that is used without being imported is not seen here. Comments that have a line of their own stay
//! in the modules, but for those at the top of the entry: pages load what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::Error;

/// Words that begin a declaration, the longer ones first.
const DECLARATIONS: [&str; 5] = ["async function ", "function ", "class ", "const ", "let "];

/// One module, taken apart.
#[derive(Debug, Default)]
struct Module {
    /// What it imports: file and name.
    imports: Vec<(String, String)>,
    /// Names that others may import.
    exports: BTreeSet<String>,
    /// All names of its outermost scope.
    declared: Vec<String>,
    /// The comment that it begins with, by lines: the script's, if it is the entry.
    head: String,
    /// Its code, without imports and the word `export`.
    body: String,
}

/// Joins the modules of a folder, of which `entry` runs last, into one script. The comment that `entry`
/// begins with stands at its top.
///
/// # Errors
/// [`Error::Content`] where a module does not keep the rule; [`Error::File`].
pub(crate) fn join(folder: &Path, entry: &str) -> Result<String, Error> {
    let mut modules = BTreeMap::new();
    for file in std::fs::read_dir(folder).map_err(Error::file(folder))? {
        let path = file.map_err(Error::file(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".js") {
            let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
            let module = parse(&text).map_err(|problem| Error::Content { path, problem })?;
            modules.insert(name, module);
        }
    }
    joined(&modules, entry).map_err(|problem| Error::Content { path: folder.to_owned(), problem })
}

/// Takes a module apart, or says what is against the rule.
fn parse(text: &str) -> Result<Module, String> {
    let mut module = Module::default();
    for (number, line) in text.lines().enumerate() {
        let wrong = |what: &str| Err(format!("line {}: {what}", number + 1));
        if line.matches('`').count() % 2 == 1 {
            return wrong("a template literal has to end on its line");
        }
        if line.contains("import.meta") || line.trim_start().starts_with("export default") {
            return wrong("a classic script has no import.meta and no default export");
        }
        let begun = !module.body.trim().is_empty();
        if let Some(rest) = line.strip_prefix("import ") {
            let Some((file, names)) = import(rest) else {
                return wrong("imports have the form `import { one, two } from \"./file.js\";`");
            };
            if begun {
                return wrong("imports stand before everything else");
            }
            module.imports.extend(names.into_iter().map(|name| (file.to_owned(), name.to_owned())));
            continue;
        }
        if module.body.is_empty() && module.imports.is_empty() && line.starts_with("//") {
            module.head += line;
            module.head.push('\n');
            continue;
        }
        if line.trim_start().starts_with("//") {
            continue;
        }
        let plain = line.strip_prefix("export ").unwrap_or(line);
        if let Some(rest) = DECLARATIONS.iter().find_map(|word| plain.strip_prefix(word)) {
            let name: String = rest.chars().take_while(|&letter| is_of_names(letter)).collect();
            if name.is_empty() {
                return wrong("a declaration in the outermost scope has one plain name");
            }
            if plain.len() < line.len() {
                module.exports.insert(name.clone());
            }
            module.declared.push(name);
        } else if plain.len() < line.len() {
            return wrong("exports are declarations");
        } else if line.starts_with("var ") || line.trim_start().starts_with("export ") {
            return wrong("neither `var`, nor exports within something else");
        }
        module.body += plain;
        module.body.push('\n');
    }
    Ok(module)
}

/// `{ one, two } from "./file.js";`: the file and the names.
fn import(text: &str) -> Option<(&str, Vec<&str>)> {
    let (names, file) = text.strip_prefix('{')?.split_once("} from \"./")?;
    let file = file.strip_suffix("\";")?;
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let are_plain = names.iter().all(|name| !name.is_empty() && name.chars().all(is_of_names));
    are_plain.then_some((file, names))
}

/// Whether names are made of it.
fn is_of_names(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '$'
}

/// The script, or what does not fit together.
fn joined(modules: &BTreeMap<String, Module>, entry: &str) -> Result<String, String> {
    let order = Order::of(modules, entry)?;
    if let Some(name) = modules.keys().find(|name| !order.iter().any(|in_order| in_order == name)) {
        return Err(format!("no module imports {name}"));
    }
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (file, module) in modules {
        for name in &module.declared {
            if let Some(other) = owners.insert(name, file) {
                return Err(format!("{name} is declared in {other} and in {file}"));
            }
        }
        for (from, name) in &module.imports {
            if !modules.get(from).is_some_and(|module| module.exports.contains(name)) {
                return Err(format!("{file} imports {name}, which {from} does not export"));
            }
        }
    }
    let head = modules.get(entry).map_or("", |module| module.head.as_str());
    let mut script = format!("{head}(() => {{\n\"use strict\";\n");
    for file in order {
        let module = &modules[file];
        script.push('\n');
        script += module.body.trim_matches('\n');
        script.push('\n');
    }
    script += "})();\n";
    Ok(script)
}

/// Modules behind what they import.
struct Order<'a> {
    modules: &'a BTreeMap<String, Module>,
    done: Vec<&'a str>,
    /// The way from the entry to here.
    way: Vec<&'a str>,
}

impl<'a> Order<'a> {
    fn of(modules: &'a BTreeMap<String, Module>, entry: &str) -> Result<Vec<&'a str>, String> {
        let mut order = Self { modules, done: Vec::new(), way: Vec::new() };
        order.visit(entry)?;
        Ok(order.done)
    }

    fn visit(&mut self, file: &str) -> Result<(), String> {
        let Some((file, module)) = self.modules.get_key_value(file) else {
            let by = self.way.last().map_or_else(String::new, |by| format!(", which {by} imports"));
            return Err(format!("there is no {file}{by}"));
        };
        let file = file.as_str();
        if self.done.contains(&file) {
            return Ok(());
        }
        if self.way.contains(&file) {
            return Err(format!("these import each other: {} {file}", self.way.join(" ")));
        }
        self.way.push(file);
        for (from, _) in &module.imports {
            self.visit(from)?;
        }
        self.way.pop();
        self.done.push(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::project::Project;

    const ENTRY: &str = "// The script.\n\nimport { two } from \"./two.js\";\nimport { ONE } from \"./one.js\";\n\n\
        const all = [ONE, two()];\nif (all) {\n  use(`${all}`);\n}\n";
    const TWO: &str = "// Two.\n\nimport { ONE } from \"./one.js\";\n\n\
        // Doubles.\nexport function two() {\n  return 2 * ONE;\n}\n";
    const ONE: &str = "export const ONE = 1;\n";

    /// Joins these files.
    fn make(files: &[(&str, &str)]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        join(folder.path(), "main.js").map_err(|error| error.to_string())
    }

    #[test]
    fn modules_stand_behind_what_they_import() {
        let script = make(&[("main.js", ENTRY), ("two.js", TWO), ("one.js", ONE)]).unwrap();
        let expected = "// The script.\n(() => {\n\"use strict\";\n\nconst ONE = 1;\n\n\
            function two() {\n  return 2 * ONE;\n}\n\n\
            const all = [ONE, two()];\nif (all) {\n  use(`${all}`);\n}\n})();\n";
        assert_eq!(script, expected);
    }

    #[test]
    fn what_is_against_the_rule_is_an_error_that_names_it() {
        for (files, problem) in [
            (
                vec![("main.js", "import one from \"./one.js\";\n"), ("one.js", ONE)],
                "line 1: imports have the form",
            ),
            (
                vec![("main.js", "import { ONE as one } from \"./one.js\";\n"), ("one.js", ONE)],
                "imports have the form",
            ),
            (
                vec![("main.js", "import {\n  ONE,\n} from \"./one.js\";\n"), ("one.js", ONE)],
                "imports have the form",
            ),
            (
                vec![("main.js", "use();\nimport { ONE } from \"./one.js\";\n"), ("one.js", ONE)],
                "line 2: imports stand before",
            ),
            (
                vec![("main.js", "import { TWO } from \"./one.js\";\n"), ("one.js", ONE)],
                "imports TWO, which one.js does not",
            ),
            (
                vec![("main.js", "import { ONE } from \"./none.js\";\n")],
                "there is no none.js, which main.js imports",
            ),
            (
                vec![("main.js", "import { ONE } from \"./one.js\";\nconst ONE = 2;\n"), ("one.js", ONE)],
                "ONE is declared in main.js and in one.js",
            ),
            (vec![("main.js", ONE), ("one.js", "use();\n")], "no module imports one.js"),
            (vec![("main.js", "const [one, two] = all;\n")], "has one plain name"),
            (vec![("main.js", "var one = 1;\n")], "neither `var`"),
            (vec![("main.js", "export { one };\n")], "exports are declarations"),
            (vec![("main.js", "export default 1;\n")], "no default export"),
            (vec![("main.js", "use(import.meta.url);\n")], "no import.meta"),
            (vec![("main.js", "use(`one\nexport const two = 2;`);\n")], "has to end on its line"),
            (
                vec![
                    ("main.js", "import { a } from \"./a.js\";\n"),
                    ("a.js", "import { b } from \"./b.js\";\nexport const a = b;\n"),
                    ("b.js", "import { a } from \"./a.js\";\nexport const b = a;\n"),
                ],
                "these import each other: main.js a.js b.js a.js",
            ),
        ] {
            let error = make(&files).unwrap_err();
            assert!(error.contains(problem), "{files:?}: {error}");
        }
    }

    /// The shim itself keeps the rule, and is small enough for pages of others.
    #[test]
    fn the_shim_can_be_joined() {
        let script = join(&Project::find().unwrap().root.join("pkg/eme/src"), "main.js").unwrap();
        assert!(script.starts_with("// @matinee/eme") && script.ends_with("})();\n"), "{script}");
        for line in script.lines() {
            assert!(!line.starts_with("import ") && !line.starts_with("export "), "{line}");
        }
    }
}

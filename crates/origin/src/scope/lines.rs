use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

/// On which line of a TOML file each name is set: `encryption.own.scheme`, `set.0.prefix`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(HashMap<String, usize>);

impl Lines {
    /// Reads the file's text; what cannot be parsed has no lines.
    pub fn read(text: &str) -> Self {
        let mut lines = HashMap::new();
        if let Ok(table) = DeTable::parse(text) {
            walk(text, "", table.get_ref(), &mut lines);
        }
        Self(lines)
    }

    /// The line of a name, from 1.
    pub fn of(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }

    /// Every name that has a value, by its line.
    pub fn names(&self) -> Vec<(&str, usize)> {
        let mut names: Vec<_> = self.0.iter().map(|(name, line)| (&name[..], *line)).collect();
        names.sort_by_key(|(name, line)| (*line, *name));
        names
    }
}

fn walk(text: &str, above: &str, table: &DeTable<'_>, lines: &mut HashMap<String, usize>) {
    for (key, value) in table {
        let name = match above {
            "" => key.get_ref().to_string(),
            _ => format!("{above}.{}", key.get_ref()),
        };
        let before = text.get(..key.span().start).unwrap_or_default();
        lines.insert(name.clone(), before.matches('\n').count() + 1);
        match value.get_ref() {
            DeValue::Table(table) => walk(text, &name, table, lines),
            DeValue::Array(array) => {
                for (n, entry) in array.iter().enumerate() {
                    if let DeValue::Table(table) = entry.get_ref() {
                        walk(text, &format!("{name}.{n}"), table, lines);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_line() {
        let text = "a = 1\n\n[encryption.own]\nscheme = \"cenc\"\n[[set]]\nprefix = \"a\"\n[[set]]\nprefix = \"b\"\n";
        let lines = Lines::read(text);
        let of =
            ["a", "encryption.own.scheme", "set.0.prefix", "set.1.prefix", "b"].map(|name| lines.of(name));
        assert_eq!(of, [Some(1), Some(4), Some(6), Some(8), None]);
        assert_eq!(Lines::read("a = "), Lines::default());
    }
}

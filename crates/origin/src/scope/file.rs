use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Form, Forms, Lines};

/// A file that has tables for forms of delivery: the server's, or a folder's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettingsFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its tables.
    pub forms: Forms,
    /// Its lines.
    pub lines: Lines,
}

/// What is wrong with a folder's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// Line, name and what is expected there.
    pub reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    encryption: Forms,
}

impl SettingsFile {
    /// Reads a file that has these tables and nothing else.
    ///
    /// # Errors
    /// [`FileError`] with line and name.
    pub fn parse(path: impl AsRef<Path>, text: &str) -> Result<Self, FileError> {
        let path = path.as_ref();
        let wrong = |reason| FileError { path: path.to_owned(), reason };
        let File { encryption } = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let message = error.message().replace('\n', " ");
            wrong(format!("line {}: {message}", before.matches('\n').count() + 1))
        })?;
        Self::of(path, encryption, Lines::read(text))
    }

    /// Of tables that were read with others.
    ///
    /// # Errors
    /// [`FileError`] for values that cannot be.
    pub fn of(path: &Path, forms: Forms, lines: Lines) -> Result<Self, FileError> {
        let this = Self { path: path.to_owned(), forms, lines };
        for form in Form::ALL {
            if let Some(Err((name, what))) = this.forms.of(form).map(super::Table::check) {
                let reason = format!("{}: {what}", this.place(form, name));
                return Err(FileError { path: path.to_owned(), reason });
            }
        }
        Ok(this)
    }

    /// As [`parse`](Self::parse), of a content's folder, where no scope is set.
    ///
    /// # Errors
    /// As there.
    pub fn of_folder(path: impl AsRef<Path>, text: &str) -> Result<Self, FileError> {
        let this = Self::parse(path, text)?;
        match Form::ALL.iter().find(|form| this.forms.of(**form).is_some_and(|table| table.scope.is_some())) {
            Some(form) => {
                let reason =
                    format!("{}: only the server's configuration has a scope", this.place(*form, "scope"));
                Err(FileError { path: this.path, reason })
            }
            None => Ok(this),
        }
    }

    fn place(&self, form: Form, name: &str) -> String {
        let full = format!("encryption.{}.{name}", form.name());
        match self.lines.of(&full) {
            Some(line) => format!("line {line}, {full}"),
            None => full,
        }
    }
}

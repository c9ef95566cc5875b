//! `package.json` beside a generated module, as `wasm-pack build --target web` writes it, so that it can be
//! published.

use std::path::Path;

use serde_json::json;

use crate::error::Error;
use crate::project::Project;

/// One generated package.
pub(crate) struct Package<'a> {
    /// Name of the files (`{stem}.js`, `{stem}_bg.wasm`, `{stem}.d.ts`).
    pub(crate) stem: &'a str,
    /// Its name on npm.
    pub(crate) name: &'a str,
    /// The manifest that it comes from.
    pub(crate) manifest: &'a Path,
}

impl Package<'_> {
    /// Writes `package.json` and the licenses into `folder`.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Content`] where the manifests lack a field.
    pub(crate) fn write(&self, project: &Project, folder: &Path) -> Result<(), Error> {
        let own = manifest(self.manifest)?;
        let root_path = project.root.join("Cargo.toml");
        let root = manifest(&root_path)?;
        let shared = |key: &str| root.get("workspace")?.get("package")?.get(key)?.as_str().map(str::to_owned);
        let description = own.get("package").and_then(|package| package.get("description")?.as_str());
        let repository = root.get("package").and_then(|package| package.get("repository")?.as_str());
        let (Some(version), Some(license), Some(description)) =
            (shared("version"), shared("license"), description)
        else {
            let problem = "names no version, license or description".to_owned();
            return Err(Error::Content { path: root_path, problem });
        };
        let Self { stem, name, .. } = self;
        let text = json!({
            "name": name,
            "type": "module",
            "description": description,
            "version": version,
            "license": license,
            "repository": { "type": "git", "url": repository },
            "files": [format!("{stem}_bg.wasm"), format!("{stem}.js"), format!("{stem}.d.ts"), "LICENSE-MIT", "LICENSE-APACHE"],
            "main": format!("{stem}.js"),
            "types": format!("{stem}.d.ts"),
            "sideEffects": ["./snippets/*"],
        });
        let file = folder.join("package.json");
        std::fs::write(&file, format!("{text:#}\n")).map_err(Error::file(&file))?;
        for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let to = folder.join(license);
            std::fs::copy(project.root.join(license), &to).map_err(Error::file(&to))?;
        }
        Ok(())
    }
}

fn manifest(path: &Path) -> Result<toml::Table, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    text.parse().map_err(|error: toml::de::Error| Error::Content {
        path: path.to_owned(),
        problem: error.message().to_owned(),
    })
}

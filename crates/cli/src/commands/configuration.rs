//! `matinee config`.

use super::{block_on, now};
use crate::args::Configuration;
use crate::{Failure, output};
use serde_json::Value;
use server::{Config, contents, library};

pub(crate) fn run(config: &Config, command: Configuration) -> Result<(), Failure> {
    match command {
        Configuration::Check(json) => {
            let mut report = block_on(async { Ok(contents::check(config, now()).await?) })?;
            // A store elsewhere is asked, for its settings alone do not show whether they are right.
            if matches!(config.storage.url, storage::Address::S3 { .. }) {
                let asked = block_on(async { Ok(library::probe(&*library::open(config)?).await?) });
                report.errors.extend(asked.err().map(|error| format!("storage: {error}")));
            }
            // The server goes on without it: here it is an error.
            let unfit = server::live::unfit_encoder(config);
            report.errors.extend(unfit.map(|why| format!("live.ladder_encoder: {why}")));
            if json.json {
                output::json(&report)?;
            } else {
                report.errors.iter().try_for_each(|error| output::line(&format!("WRONG    {error}")))?;
                report.warnings.iter().try_for_each(|said| output::line(&format!("warning  {said}")))?;
                output::line(&format!("Looked at {} contents", report.contents))?;
            }
            match report.errors.len() {
                0 => Ok(()),
                count => Err(Failure::Command(format!("the configuration has {count} errors"))),
            }
        }
        Configuration::Show { path: None, json, .. } => {
            let shown = contents::of_server(config)?;
            if json.json { output::json(&shown) } else { table(&rows("", &shown)) }
        }
        Configuration::Show { path: Some(path), set, json } => {
            let shown = block_on(async { Ok(contents::by_path(config, &path, set.as_deref()).await?) })?;
            if json.json {
                return output::json(&shown);
            }
            let mut all = Vec::new();
            for (form, said) in shown["forms"].as_object().into_iter().flatten() {
                match said["reason"].as_str() {
                    Some(reason) => all.push(vec![form.clone(), "not served".to_owned(), reason.to_owned()]),
                    None => all.extend(rows(&format!("{form}."), &said["settings"])),
                }
            }
            table(&all)
        }
    }
}

/// A row for each name: name, value, and where it is from.
fn rows(prefix: &str, shown: &Value) -> Vec<Vec<String>> {
    let row = |(name, said): (&String, &Value)| {
        let value = match &said["value"] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let from = match (said["file"].as_str(), said["line"].as_u64()) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            _ => said["from"].as_str().unwrap_or("default").to_owned(),
        };
        vec![format!("{prefix}{name}"), value, from]
    };
    shown.as_object().into_iter().flatten().map(row).collect()
}

fn table(rows: &[Vec<String>]) -> Result<(), Failure> {
    output::table(&["NAME", "VALUE", "FROM"], rows)
}

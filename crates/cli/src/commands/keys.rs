//! `matinee keys`.

use super::now;
use crate::args::Keys;
use crate::{Failure, output};
use server::Config;
use server::keys::{self, KeyInfo};

pub(crate) fn run(config: &Config, command: Keys) -> Result<(), Failure> {
    let folder = config.keys();
    match command {
        Keys::Generate(json) => {
            let new = keys::generate(&folder, &config.public_url, now())?;
            if json.json {
                return output::json(&new);
            }
            if new.is_empty() {
                return output::line("Nothing was missing");
            }
            print(&new)
        }
        Keys::List(json) => {
            let list = if keys::exist(&folder)? { keys::list(&folder)? } else { Vec::new() };
            if json.json { output::json(&list) } else { print(&list) }
        }
    }
}

fn print(list: &[KeyInfo]) -> Result<(), Failure> {
    let row = |key: &KeyInfo| {
        let typ = key.typ.clone().unwrap_or_default();
        vec![
            key.kind.as_str().to_owned(),
            key.id.clone(),
            key.state.as_str().to_owned(),
            output::time(key.created),
            typ,
        ]
    };
    output::table(&["KIND", "ID", "STATE", "CREATED", "SIGNS"], &list.iter().map(row).collect::<Vec<_>>())
}

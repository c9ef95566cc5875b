//! `matinee share`.

use super::{block_on, now, open_existing, password};
use crate::args::{Password, Share};
use crate::{Failure, output};
use serde_json::json;
use server::{Config, shares};
use std::io::{IsTerminal as _, stdin};
use std::time::UNIX_EPOCH;

pub(crate) fn run(config: &Config, command: Share) -> Result<(), Failure> {
    match command {
        Share::Create { movie, until, password, password_stdin, devices, json } => {
            let wanted = password.is_some() || password_stdin;
            let password_stdin = password_stdin || !stdin().is_terminal();
            let asked = Password { password: password.filter(|given| !given.is_empty()), password_stdin };
            let password = wanted.then(|| password::read(asked)).transpose()?;
            let ends = until.map(|until| until.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()));
            block_on(async {
                let store = open_existing(config).await?;
                let new = shares::NewShare { movie, ends, password: password.as_deref(), devices };
                let (share, path) = shares::create(&*store, &new, now()).await?;
                store.close().await;
                let url = format!("{}{}", config.public_url, *path);
                if json.json {
                    let id = share.id;
                    return output::json(
                        &json!({"id": id, "url": url, "movie_id": share.movie, "ends": share.ends}),
                    );
                }
                // Alone, for scripts.
                output::line(&url)
            })
        }
        Share::List(json) => block_on(async {
            let store = open_existing(config).await?;
            let shares = shares::list(&*store).await?;
            store.close().await;
            if json.json {
                let list = shares.iter().map(|share| {
                    json!({"id": share.id, "movie_id": share.movie, "ends": share.ends, "devices": share.devices,
                        "password": share.password_hash.is_some(), "created": share.created})
                });
                return output::json(&list.collect::<Vec<_>>());
            }
            let row = |share: &server::store::Share| {
                vec![
                    share.id.clone(),
                    share.movie.to_string(),
                    share.ends.map_or("never".to_owned(), output::time),
                    share.devices.to_string(),
                    if share.password_hash.is_some() { "yes" } else { "no" }.to_owned(),
                    output::time(share.created),
                ]
            };
            let headings = ["ID", "MOVIE", "ENDS", "DEVICES", "PASSWORD", "CREATED"];
            output::table(&headings, &shares.iter().map(row).collect::<Vec<_>>())
        }),
        Share::Revoke { link, json } => block_on(async {
            let store = open_existing(config).await?;
            let id = shares::revoke(&*store, &link).await?;
            store.close().await;
            if json.json {
                return output::json(&json!({"id": id}));
            }
            output::line(&format!("Revoked the link {id}: nobody opens it, and nothing plays by it any more"))
        }),
    }
}

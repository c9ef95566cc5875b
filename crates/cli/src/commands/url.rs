//! `matinee url`.

use super::audit::{audited, entry};
use super::{block_on, now, open_existing};
use crate::args::{Url, UrlForm};
use crate::{Failure, output};
use serde_json::json;
use server::store::AuditEntry;
use server::urls::{self, Form};
use server::{Config, contents, library, movies};
use std::time::UNIX_EPOCH;

pub(crate) fn run(config: &Config, url: &Url) -> Result<(), Failure> {
    let now = now();
    let movie = block_on(async {
        let store = open_existing(config).await?;
        let movie = movies::find(&*store, url.movie.get()).await?;
        store.close().await;
        Ok(movie)
    })?;
    let keys = server::keys::open(&config.keys(), &config.public_url, &[], now)?;
    let content = block_on(async { Ok(contents::describe_named(config, &movie.pack).await) })?;
    let pack = match (content, url.form) {
        // The files of a content are named by what they are encrypted with.
        (Some(_), UrlForm::File) => {
            let keys = server::keys::open(&config.keys(), &config.public_url, &[], now)?;
            block_on(async { Ok(contents::lay_out(config, keys, &movie.pack, now).await?) })?
        }
        (Some(content), _) => content?,
        (None, _) => block_on(async { Ok(movies::read(&*library::open(config)?, &movie.pack).await?) })?,
    };
    let told = url.expires.map(|time| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()));
    let expires = told.unwrap_or_else(|| urls::default_end(config, &pack, now));
    if expires <= now {
        return Err(Failure::Usage("--expires is over already: name a moment that is to come".to_owned()));
    }
    let (form, name) = match url.form {
        UrlForm::Dash => (Form::Dash, "dash"),
        UrlForm::Hls => (Form::Hls, "hls"),
        UrlForm::HlsAes128 => (Form::HlsWhole, "hls-aes128"),
        UrlForm::File => (Form::File, "file"),
    };
    // Who has a URL has the film: that it was made is written down.
    let entry = entry("url", [("form", name.into()), ("expires", expires.into())]);
    let entry = AuditEntry { movie: Some(movie.id), ..entry };
    let made = audited(config, entry, || Ok(urls::of(config, &keys, &pack, form, (expires, now))?))?;
    if url.json.json {
        return output::json(&json!({"movie_id": movie.id, "form": name, "expires": expires, "urls": made}));
    }
    made.iter().try_for_each(|url| output::line(url))
}

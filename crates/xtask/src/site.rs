//! The site's folder, `target/site`: what the server serves, found at run time (`MATINEE_SITE_DIR`) or taken
//! into the release binary at compile time.
//!
//! # What goes in
//!
//! * `www/`: pages (`*.html`) and their files (style sheets, scripts, pictures; sub-folders allowed);
//! * `pkg/*.js`, `pkg/*.wasm`: the app; `pkg/watch/*`: the player's pages alone; `pkg/decryptor/*` and
//!   `pkg/decryptor-compat/*`: the DRM module's two builds.
//!
//! # What comes out
//!
//! * Everything but pages lies in `assets/` as `{stem}-{hash}.{ending}`, the hash being the first 16 hex
//!   digits of the SHA-256 of its final bytes, so that it never changes under its name.
//! * In scripts and style sheets, a quoted or bracketed reference `./{name}` or `{name}` to another of these
//!   files (say `import init from "./matinee.js"`, `new URL('matinee_bg.wasm', import.meta.url)`,
//!   `url(./dots.svg)`) is rewritten to the hashed name. References in a circle are an error.
//! * Pages lie in the root under their own names. `{{name}}` in a page is replaced by the URL of a file, its
//!   name with `.`, `-` and `/` as `_`: `matinee.js` is `{{matinee_js}}`, `matinee_bg.wasm`
//!   `{{matinee_bg_wasm}}`, `decryptor-worker.js` `{{decryptor_worker_js}}`. Short names: `{{app_js}}`,
//!   `{{app_wasm}}` (the app's glue and module), `{{watch_js}}`, `{{watch_wasm}}` (the player's),
//!   `{{app_css}}`, `{{boot_js}}`, `{{decryptor_js}}`, `{{decryptor_wasm}}`, `{{worker_js}}` (the worker's
//!   loader). A placeholder that names nothing is an error, as is an inline script or style (the site's CSP
//!   forbids them).
//! * `pkg/player/matinee-player.js` lies in the root as `player.js`, `pkg/eme/eme.js` as `eme.js`: pages of
//!   other sites name them. The latter is joined from the modules in `pkg/eme/src` before ([`mod@join`]).
//!   `www/examples` are for such pages, and not part of the site.
//! * Of `www/languages/*.ftl` each but the English file, which the app has in it, becomes a table
//!   `assets/languages-{tag}-{hash}.json`; `{{languages}}` in a page lists them as
//!   `tag,direction,URL,manifest`, with spaces between; the last is the web manifest in that language
//!   (`site-{tag}.webmanifest`). `{{without_scripts}}` is what a page without scripts says in each of them.
//! * Beside each text or wasm file that gets smaller by it lies `{file}.br`, Brotli at quality 11.
//! * `site.json` lists it all ([`Manifest`]).

mod assemble;
mod join;
mod languages;
mod reference;
mod webmanifest;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use assemble::assemble;
pub(crate) use join::join;

/// `site.json`.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Version of this form: 1.
    pub(crate) version: u32,
    /// URL path by placeholder name: `app_js` → `/assets/matinee-….js`.
    pub(crate) entries: BTreeMap<String, String>,
    /// All files, by URL path.
    pub(crate) files: Vec<File>,
}

/// One file of the site.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct File {
    /// Its URL path, and with the first slash taken off its path in the folder.
    pub(crate) path: String,
    /// Value for `Content-Type`.
    pub(crate) content_type: String,
    /// SHA-256 of its bytes, lowercase hex.
    pub(crate) sha256: String,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// Length of the Brotli form `{path}.br`, where there is one.
    pub(crate) brotli: Option<u64>,
    /// Whether it may be cached for ever.
    pub(crate) immutable: bool,
}

//! The built site: read at start from the folder that `cargo xtask build` makes, or from the binary itself
//! (feature `embed-site`). `site.json` in it lists every file.

use crate::Error;
use crate::secret::sha256;
use axum::body::Bytes;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

#[cfg(feature = "embed-site")]
static EMBEDDED: include_dir::Dir<'_> = include_dir::include_dir!("$MATINEE_SITE_DIR");

/// What to do where the site's files are missing.
pub const HOW_TO_BUILD: &str = "the site's files are not here: run `cargo xtask build`, then start with \
    `--site target/site` (or MATINEE_SITE_DIR), or use the release binary that carries them";

/// The list of files.
#[derive(Debug, Deserialize)]
struct Listing {
    version: u32,
    entries: BTreeMap<String, String>,
    files: Vec<ListedFile>,
}

#[derive(Debug, Deserialize)]
struct ListedFile {
    /// URL path; without its slash, path in the folder.
    path: String,
    content_type: String,
    /// Hex.
    sha256: String,
    /// There is a `{path}.br`.
    brotli: Option<u64>,
    immutable: bool,
}

/// A file of the site.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
    pub(crate) brotli: Option<Bytes>,
    /// Strong, by content.
    pub(crate) etag: String,
    pub(crate) immutable: bool,
}

/// Where the DRM module is.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    pub(crate) js: String,
    pub(crate) wasm: String,
    pub(crate) sha256: [u8; 32],
}

/// Gives a file of the folder by its name; `None` where there is none.
type ReadFile<'a> = dyn Fn(&str) -> Result<Option<Cow<'a, [u8]>>, Error> + 'a;

/// The site's files in memory.
#[derive(Debug)]
pub(crate) struct Site {
    assets: HashMap<String, Asset>,
    module: Option<Module>,
    compat: Option<Module>,
}

impl Site {
    /// Reads the folder, or what the binary carries; `None` where there is neither.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Option<Self>, Error> {
        match folder {
            Some(folder) => {
                let read = |name: &str| match std::fs::read(folder.join(name)) {
                    Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(e) => Err(Error::io(folder.join(name))(e)),
                };
                let site = Self::read(&read)?;
                if site.is_none() {
                    let reason = format!("{} has no site.json: {HOW_TO_BUILD}", folder.display());
                    return Err(Error::Site(reason));
                }
                Ok(site)
            }
            #[cfg(feature = "embed-site")]
            None => {
                Self::read(&|name| Ok(EMBEDDED.get_file(name).map(|file| Cow::Borrowed(file.contents()))))
            }
            #[cfg(not(feature = "embed-site"))]
            None => Ok(None),
        }
    }

    fn read(read: &ReadFile<'_>) -> Result<Option<Self>, Error> {
        let Some(listing) = read("site.json")? else { return Ok(None) };
        let listing: Listing =
            serde_json::from_slice(&listing).map_err(|e| Error::Site(format!("site.json: {e}")))?;
        if listing.version != 1 {
            return Err(Error::Site(format!(
                "site.json has version {}, this server reads 1",
                listing.version
            )));
        }
        let file = |name: &str| {
            read(name)?.ok_or_else(|| Error::Site(format!("{name} is listed in site.json but not there")))
        };
        let mut assets = HashMap::new();
        for listed in listing.files {
            let name = listed.path.trim_start_matches('/');
            let bytes = Bytes::from(file(name)?.into_owned());
            if hex::encode(sha256(&bytes)) != listed.sha256 {
                return Err(Error::Site(format!("{name} is not what site.json lists; build again")));
            }
            let brotli = match listed.brotli {
                Some(_) => Some(Bytes::from(file(&format!("{name}.br"))?.into_owned())),
                None => None,
            };
            let asset = Asset {
                etag: format!("\"{}\"", &listed.sha256[..32]),
                content_type: listed.content_type,
                immutable: listed.immutable,
                bytes,
                brotli,
            };
            assets.insert(format!("/{name}"), asset);
        }
        if !assets.contains_key("/index.html") {
            return Err(Error::Site("there is no index.html".to_owned()));
        }
        let module = |js: &str, wasm: &str| {
            let (js, wasm) = (listing.entries.get(js)?.clone(), listing.entries.get(wasm)?.clone());
            let sha256 = sha256(&assets.get(&wasm)?.bytes);
            Some(Module { js, wasm, sha256 })
        };
        let compat = module("decryptor_compat_js", "decryptor_compat_bg_wasm");
        Ok(Some(Self { module: module("decryptor_js", "decryptor_bg_wasm"), compat, assets }))
    }

    /// The file at a URL path.
    pub(crate) fn asset(&self, path: &str) -> Option<&Asset> {
        self.assets.get(path)
    }

    /// All files by their URL paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Asset)> {
        self.assets.iter().map(|(path, asset)| (path.as_str(), asset))
    }

    /// The DRM module.
    pub(crate) fn module(&self) -> Option<&Module> {
        self.module.as_ref()
    }

    /// The module for browsers without SIMD or `crypto.subtle`.
    pub(crate) fn compat(&self) -> Option<&Module> {
        self.compat.as_ref()
    }
}

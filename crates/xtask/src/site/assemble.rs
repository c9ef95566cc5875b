//! Putting the site together.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::languages::{Table, tables};
use super::reference::{references, rewrite};
use super::{File, Manifest, webmanifest};
use crate::error::Error;

/// Scripts for pages of other sites: folder in `pkg`, file, its name in the site, its placeholder name.
const FOR_OTHERS: [(&str, &str, &str, &str); 2] =
    [("player", "matinee-player.js", "player.js", "player_js"), ("eme", "eme.js", "eme.js", "eme_js")];
/// Short placeholder names.
const SHORT: [(&str, &str); 7] = [
    ("app_js", "matinee.js"),
    ("app_wasm", "matinee_bg.wasm"),
    ("watch_js", "matinee_watch.js"),
    ("watch_wasm", "matinee_watch_bg.wasm"),
    ("decryptor_wasm", "decryptor_bg.wasm"),
    ("worker_js", "decryptor-worker.js"),
    ("compat_wasm", "decryptor_compat_bg.wasm"),
];

/// Makes `to` anew from the folders `www` and `pkg`. It is put in place whole: readers see the old one or the
/// new one.
///
/// # Errors
/// [`Error::Site`] where the files do not fit together; [`Error::File`].
pub(crate) fn assemble(www: &Path, pkg: &Path, to: &Path) -> Result<Manifest, Error> {
    let mut assets = BTreeMap::new();
    let mut pages = BTreeMap::new();
    let mut messages = BTreeMap::new();
    collect(www, "", true, &mut |name, bytes| {
        // Examples are for pages of other sites.
        if name.starts_with("examples/") {
            return;
        }
        if let Some(tag) = name.strip_prefix("languages/").and_then(|name| name.strip_suffix(".ftl")) {
            messages.insert(tag.to_owned(), bytes);
        } else if name.ends_with(".html") {
            pages.insert(name, bytes);
        } else {
            assets.insert(name, bytes);
        }
    })?;
    let tables = tables(&texts(messages)?)?;
    for table in &tables {
        assets.insert(table_name(table), table.json.clone());
    }
    if let Some(english) = assets.remove(webmanifest::FILE) {
        assets.extend(webmanifest::manifests(&english, &tables)?);
    }
    for folder in [pkg.to_owned(), pkg.join("watch"), pkg.join("decryptor"), pkg.join("decryptor-compat")] {
        if !folder.is_dir() {
            continue;
        }
        collect(&folder, "", false, &mut |name, bytes| {
            if name.ends_with(".js") || name.ends_with(".wasm") {
                assets.insert(name, bytes);
            }
        })?;
        let snippets = folder.join("snippets");
        if snippets.is_dir() {
            collect(&snippets, "snippets/", true, &mut |name, bytes| {
                assets.insert(name, bytes);
            })?;
        }
    }

    if !pages.contains_key("index.html") {
        return Err(Error::Site(format!("{} has no index.html", www.display())));
    }

    let hashed = hash(assets)?;
    let mut entries: BTreeMap<String, String> =
        hashed.iter().map(|(name, (new, _))| (placeholder(name), format!("/assets/{new}"))).collect();
    for (short, name) in SHORT {
        if let Some((new, _)) = hashed.get(name) {
            entries.insert(short.to_owned(), format!("/assets/{new}"));
        }
    }

    let listed = tables.iter().map(|table| {
        let address = |name: &str| entries.get(&placeholder(name)).cloned().unwrap_or_default();
        let (words, manifest) = (address(&table_name(table)), address(&webmanifest::name(&table.tag)));
        format!("{},{},{words},{manifest}", table.tag, table.direction)
    });
    let listed = listed.collect::<Vec<_>>().join(" ");
    let without_scripts: String = tables.iter().filter_map(without_scripts).collect();

    let fresh = to.with_extension("new");
    remove(&fresh)?;
    let mut files = Vec::new();
    for (new, bytes) in hashed.values() {
        files.push(write(&fresh, &format!("assets/{new}"), bytes, true)?);
    }
    for (name, bytes) in pages {
        let text = String::from_utf8(bytes).map_err(|_| Error::Site(format!("{name} is not UTF-8")))?;
        let mut values = entries.clone();
        values.insert("languages".to_owned(), listed.clone());
        values.insert("without_scripts".to_owned(), without_scripts.clone());
        let page = fill(&name, &text, &values)?;
        files.push(write(&fresh, &name, page.as_bytes(), false)?);
    }
    // Under names that pages of other sites can know.
    for (folder, file, name, entry) in FOR_OTHERS {
        let file = pkg.join(folder).join(file);
        if file.is_file() {
            let script = std::fs::read(&file).map_err(Error::file(&file))?;
            files.push(write(&fresh, name, &script, false)?);
            entries.insert(entry.to_owned(), format!("/{name}"));
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let manifest = Manifest { version: 1, entries, files };
    let json = serde_json::to_vec_pretty(&manifest).map_err(|error| Error::Site(error.to_string()))?;
    let file = fresh.join("site.json");
    std::fs::write(&file, json).map_err(Error::file(&file))?;
    if same(&fresh, to)? {
        // Left alone, so that a binary with the site in it is not compiled again for nothing.
        remove(&fresh)?;
    } else {
        remove(to)?;
        std::fs::rename(&fresh, to).map_err(Error::file(to))?;
    }
    Ok(manifest)
}

/// The name of a language's table.
fn table_name(table: &Table) -> String {
    format!("languages/{}.json", table.tag)
}

/// What a page says in a language where no script runs: nobody can choose then, so all languages are said.
fn without_scripts(table: &Table) -> Option<String> {
    let text = table.early.get("early-needs-scripts")?;
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    Some(format!("<p class=\"notice\" lang=\"{}\" dir=\"{}\">{text}</p>", table.tag, table.direction))
}

/// Files as text, by name.
fn texts(files: BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, String>, Error> {
    let text = |(name, bytes): (String, Vec<u8>)| match String::from_utf8(bytes) {
        Ok(text) => Ok((name, text)),
        Err(_) => Err(Error::Site(format!("languages/{name}.ftl is not UTF-8"))),
    };
    files.into_iter().map(text).collect()
}

/// Whether all files of `fresh` are in `old`, with the same bytes.
fn same(fresh: &Path, old: &Path) -> Result<bool, Error> {
    let mut same = true;
    collect(fresh, "", true, &mut |name, bytes| {
        same = same && std::fs::read(old.join(name)).is_ok_and(|before| before == bytes);
    })?;
    Ok(same)
}

fn remove(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(folder)(error)),
        _ => Ok(()),
    }
}

/// Gives every file of a folder to `take`, with its path below the folder.
fn collect(
    folder: &Path,
    prefix: &str,
    deep: bool,
    take: &mut dyn FnMut(String, Vec<u8>),
) -> Result<(), Error> {
    let entries = std::fs::read_dir(folder).map_err(Error::file(folder))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(Error::file(folder))?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if deep {
                collect(&path, &format!("{prefix}{name}/"), true, take)?;
            }
        } else {
            take(format!("{prefix}{name}"), std::fs::read(&path).map_err(Error::file(&path))?);
        }
    }
    Ok(())
}

/// Gives every file its hashed name, files that are referred to before those that refer to them.
fn hash(mut waiting: BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, (String, Vec<u8>)>, Error> {
    let mut new_names = BTreeMap::new();
    let mut done = BTreeMap::new();
    while !waiting.is_empty() {
        let ready: Vec<String> = waiting
            .iter()
            .filter(|(name, bytes)| {
                text(name, bytes).is_none_or(|text| {
                    references(text, waiting.keys().map(String::as_str)).iter().all(|r| r.name == *name)
                })
            })
            .map(|(name, _)| name.clone())
            .collect();
        if ready.is_empty() {
            let names: Vec<&str> = waiting.keys().map(String::as_str).collect();
            return Err(Error::Site(format!("these refer to each other in a circle: {}", names.join(", "))));
        }
        for name in ready {
            let Some(bytes) = waiting.remove(&name) else { continue };
            let bytes =
                text(&name, &bytes).map_or_else(|| bytes.clone(), |text| rewrite(text, &new_names).into());
            let new = hashed_name(&name, &bytes);
            new_names.insert(name.clone(), new.clone());
            done.insert(name, (new, bytes));
        }
    }
    Ok(done)
}

/// The text of a file in which references are rewritten.
fn text<'a>(name: &str, bytes: &'a [u8]) -> Option<&'a str> {
    let refers = [".js", ".css", ".webmanifest"].iter().any(|ending| name.ends_with(ending));
    refers.then(|| std::str::from_utf8(bytes).ok()).flatten()
}

/// `dir/name.ending` → `dir-name-{hash}.ending`.
fn hashed_name(name: &str, bytes: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(bytes));
    let flat = name.replace('/', "-");
    let (stem, ending) = flat.rsplit_once('.').unwrap_or((&flat, "bin"));
    format!("{stem}-{}.{ending}", &digest[..16])
}

/// A file's name as a placeholder.
fn placeholder(name: &str) -> String {
    name.replace(['.', '-', '/'], "_")
}

/// Replaces the placeholders of a page and refuses what the CSP would.
fn fill(name: &str, page: &str, entries: &BTreeMap<String, String>) -> Result<String, Error> {
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("{{") {
        let (key, after) = after
            .split_once("}}")
            .ok_or_else(|| Error::Site(format!("{name}: a placeholder without end")))?;
        let url = entries.get(key.trim()).ok_or_else(|| {
            let known: BTreeSet<&str> = entries.keys().map(String::as_str).collect();
            Error::Site(format!("{name}: no file for {{{{{key}}}}}; there are {known:?}"))
        })?;
        out.push_str(before);
        out.push_str(url);
        rest = after;
    }
    out.push_str(rest);
    let lower = out.to_lowercase();
    let inline_script = lower.match_indices("<script").any(|(at, _)| {
        let tag = lower[at..].split('>').next().unwrap_or_default();
        !tag.contains("src=") && !tag.contains("application/json")
    });
    if inline_script || lower.contains("<style") || lower.contains(" style=") {
        return Err(Error::Site(format!("{name} has an inline script or style")));
    }
    Ok(out)
}

/// Writes a file and, where it helps, its Brotli form.
fn write(folder: &Path, name: &str, bytes: &[u8], immutable: bool) -> Result<File, Error> {
    let file = folder.join(name);
    let parent = file.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent).map_err(Error::file(parent))?;
    std::fs::write(&file, bytes).map_err(Error::file(&file))?;
    let content_type = content_type(name);
    let mut brotli = None;
    if content_type.starts_with("text/")
        || content_type.contains("json")
        || content_type.contains("wasm")
        || content_type.contains("svg")
    {
        let small = compress(bytes).map_err(Error::file(&file))?;
        if small.len() < bytes.len() {
            let mut path = file.into_os_string();
            path.push(".br");
            let path = PathBuf::from(path);
            std::fs::write(&path, &small).map_err(Error::file(&path))?;
            brotli = Some(small.len() as u64);
        }
    }
    Ok(File {
        path: format!("/{name}"),
        content_type: content_type.to_owned(),
        sha256: hex::encode(Sha256::digest(bytes)),
        size: bytes.len() as u64,
        brotli,
        immutable,
    })
}

/// Brotli at its best.
fn compress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, 1 << 16, 11, 22);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(out)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "text/xml; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A small site: page, style, boot script, app, module, worker.
    fn sources() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        put(
            "www/index.html",
            "<link href=\"{{app_css}}\"><meta content=\"{{languages}}\"><noscript>No scripts{{without_scripts}}</noscript><script type=\"module\" src=\"{{boot_js}}\" data-wasm=\"{{ app_wasm }}\" data-worker=\"{{worker_js}}\"></script>",
        );
        put("www/app.css", &".button { colour: red } /* url(./nothing.svg) */\n".repeat(40));
        put("www/icon.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
        let manifest = "{\"icons\": [{\"src\": \"./icon.svg\"}], \"say\": {\"description\": \"early-what\"}}";
        put("www/site.webmanifest", manifest);
        put("www/boot.js", "(alone ? import('./matinee_watch.js') : import('./matinee.js'));");
        put("www/decryptor-worker.js", "import init from './decryptor.js';");
        put("pkg/matinee.js", "new URL('matinee_bg.wasm', import.meta.url)");
        put("pkg/matinee_bg.wasm", "\0asm");
        put("pkg/matinee.d.ts", "types");
        put("pkg/watch/matinee_watch.js", "new URL('matinee_watch_bg.wasm', import.meta.url)");
        put("pkg/watch/matinee_watch_bg.wasm", "\0asm player");
        put("pkg/decryptor/decryptor.js", "new URL('decryptor_bg.wasm', import.meta.url)");
        put("pkg/decryptor/decryptor_bg.wasm", "\0asm decryptor");
        put("pkg/player/matinee-player.js", "customElements.define('matinee-player', Player);");
        put("pkg/player/package.json", "{}");
        put("pkg/eme/eme.js", "globalThis.Matinee = {};");
        let early = "early-what = Films\nearly-needs-scripts = No scripts\n";
        put("www/languages/en.ftl", &format!("direction = ltr\nplay = Play\n{early}"));
        let early = "early-what = Filme\nearly-needs-scripts = Keine <Skripte>\n";
        put("www/languages/de.ftl", &format!("direction = ltr\nplay = Abspielen\n{early}"));
        put("www/examples/player.html", "<script>for (const another of sites) use(it);</script>");
        folder
    }

    fn make(folder: &Path) -> Result<Manifest, Error> {
        assemble(&folder.join("www"), &folder.join("pkg"), &folder.join("site"))
    }

    #[test]
    fn names_carry_the_hash_of_what_is_served_and_references_follow() {
        let folder = sources();
        let manifest = make(folder.path()).unwrap();
        let site = folder.path().join("site");
        for file in &manifest.files {
            let bytes = fs::read(site.join(&file.path[1..])).unwrap();
            assert_eq!(hex::encode(Sha256::digest(&bytes)), file.sha256);
            assert_eq!(bytes.len() as u64, file.size);
            assert_eq!(file.immutable, file.path.starts_with("/assets/"));
            assert!(!file.immutable || file.path.contains(&file.sha256[..16]), "{}", file.path);
        }
        let page = fs::read_to_string(site.join("index.html")).unwrap();
        for key in ["app_css", "boot_js", "app_wasm", "worker_js"] {
            assert!(page.contains(&manifest.entries[key]), "{key}");
        }
        let app = fs::read_to_string(site.join(&manifest.entries["site_webmanifest"][1..])).unwrap();
        let icon = manifest.entries["icon_svg"].trim_start_matches("/assets/");
        assert!(app.contains(&format!("\"./{icon}\"")), "beside it: {app}");
        let boot = fs::read_to_string(site.join(&manifest.entries["boot_js"][1..])).unwrap();
        let app = manifest.entries["app_js"].rsplit('/').next().unwrap();
        let player = manifest.entries["watch_js"].rsplit('/').next().unwrap();
        assert_eq!(boot, format!("(alone ? import('./{player}') : import('./{app}'));"));
        let saved: Manifest = serde_json::from_slice(&fs::read(site.join("site.json")).unwrap()).unwrap();
        assert_eq!(saved, manifest);
        assert!(!manifest.files.iter().any(|file| file.path.ends_with(".ts")));
        assert_eq!(manifest.entries["player_js"], "/player.js", "a name that other sites know");
        assert_eq!(manifest.entries["eme_js"], "/eme.js", "a name that other sites know");
        assert!(!manifest.files.iter().any(|file| file.path.contains("example")));
        let (words, install) =
            (&manifest.entries["languages_de_json"], &manifest.entries["site_de_webmanifest"]);
        assert!(page.contains(&format!("content=\"de,ltr,{words},{install}\"")), "{page}");
        let german = fs::read_to_string(site.join(&install[1..])).unwrap();
        assert!(
            german.contains("\"description\":\"Filme\"") && german.contains(&format!("\"./{icon}\"")),
            "{german}"
        );
        assert!(
            page.contains(
                "No scripts<p class=\"notice\" lang=\"de\" dir=\"ltr\">Keine &lt;Skripte></p></noscript>"
            ),
            "{page}"
        );
        assert!(
            !manifest
                .files
                .iter()
                .any(|file| file.path.contains("ftl") || file.path.contains("languages-en"))
        );
    }

    #[test]
    fn a_change_below_changes_every_name_above() {
        let folder = sources();
        let before = make(folder.path()).unwrap();
        fs::write(folder.path().join("pkg/matinee_bg.wasm"), "\0asm changed").unwrap();
        let after = make(folder.path()).unwrap();
        for key in ["app_wasm", "app_js", "boot_js"] {
            assert_ne!(before.entries[key], after.entries[key], "{key}");
        }
        for key in ["app_css", "watch_wasm", "watch_js", "worker_js", "decryptor_js"] {
            assert_eq!(before.entries[key], after.entries[key], "{key}");
        }
    }

    #[test]
    fn a_site_that_would_be_the_same_is_left_alone_and_a_damaged_one_is_not() {
        let folder = sources();
        make(folder.path()).unwrap();
        let listing = folder.path().join("site/site.json");
        let made = listing.metadata().unwrap().modified().unwrap();
        make(folder.path()).unwrap();
        assert_eq!(listing.metadata().unwrap().modified().unwrap(), made);
        assert!(!folder.path().join("site.new").exists());
        let page = folder.path().join("site/index.html");
        let good = fs::read(&page).unwrap();
        fs::write(&page, "damaged").unwrap();
        make(folder.path()).unwrap();
        assert_eq!(fs::read(&page).unwrap(), good);
    }

    #[test]
    fn brotli_gives_the_same_bytes_back() {
        let folder = sources();
        let manifest = make(folder.path()).unwrap();
        let css = &manifest.entries["app_css"];
        let file = manifest.files.iter().find(|file| file.path == *css).unwrap();
        assert!(file.brotli.unwrap() < file.size);
        let site = folder.path().join("site");
        let small = fs::read(site.join(format!("{}.br", &css[1..]))).unwrap();
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut small.as_slice(), &mut plain).unwrap();
        assert_eq!(plain, fs::read(site.join(&css[1..])).unwrap());
    }

    #[test]
    fn unknown_placeholders_inline_code_and_circles_are_refused() {
        for (file, text, problem) in [
            ("www/index.html", "{{nothing_js}}", "no file for {{nothing_js}}"),
            ("www/index.html", "<script>alert(1)</script>", "inline"),
            ("www/index.html", "<p style=\"color:red\">", "inline"),
            ("www/index.html", "{{app_js", "without end"),
            ("pkg/matinee.js", "import './boot.js'", "circle: boot.js, matinee.js"),
        ] {
            let folder = sources();
            fs::write(folder.path().join(file), text).unwrap();
            let error = make(folder.path()).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}

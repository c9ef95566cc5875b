//! Every command of docs/packaging.md does what stands there: it is run as it is written, by a shell, in a
//! folder with the files that it names.

use crate::add::{clip, has_ffmpeg};
use crate::site::{Site, demo, text};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What the page has for the folder of a film, and for a file in it.
const SOME_PACK: &str = "1f0c…";
const SOME_FILE: &str = "541/1811192541.mp4";

/// The page's key server, which is nobody's; nobody listens at this port.
const KEY_SERVER: [&str; 2] = ["https://keys.example.org/", "http://127.0.0.1:9/"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The commands of a page: indented lines, each with those that go on with it.
fn commands(page: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in page.lines() {
        if line.starts_with("    matinee ") {
            commands.push(line.trim().to_owned());
        } else if let Some(last) = commands.last_mut().filter(|_| goes_on) {
            *last += "\n";
            *last += line;
        }
        goes_on = line.ends_with('\\') && (goes_on || line.starts_with("    matinee "));
    }
    commands
}

/// Runs a command by a shell to which `matinee` is the program under test, in the site's folder.
fn shell(site: &Site, command: &str) -> Output {
    let binary = env!("CARGO_BIN_EXE_matinee");
    let script = format!("matinee() {{ \"{binary}\" --data data \"$@\"; }}\n{command}");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]).current_dir(site.path("")).stdin(Stdio::null()).env("MATINEE_LOG", "error");
    for variable in ["MATINEE_DATA", "MATINEE_SITE_DIR", "MATINEE_PASSWORD", "MATINEE_LISTEN"] {
        shell.env_remove(variable);
    }
    shell.output().unwrap()
}

fn ok(site: &Site, command: &str) {
    let output = shell(site, command);
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Writes what only its owner can read.
fn secret(path: &Path, content: impl AsRef<[u8]>) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A folder with the files that the page names: four seconds of the demo film under many names.
fn site() -> Site {
    let site = Site::new();
    symlink(repository().join("media"), site.path("media")).unwrap();
    let cut = |from: &str, to: &str| {
        clip(&site.path(to), &format!("-t 4 -i {} -map 0 -c copy", text(&demo(from))));
    };
    for (from, to) in [
        ("240p.mp4", "film-480.mp4"),
        ("240p.mp4", "film.mp4"),
        ("240p.mp4", "The Walk.mkv"),
        ("360p.mp4", "film-1080.mp4"),
        ("sound.de.m4a", "de.m4a"),
        ("sound.de.m4a", "ad.m4a"),
    ] {
        cut(from, to);
    }
    for name in ["de.srt", "The Walk.de.srt"] {
        std::fs::write(site.path(name), "1\n00:00:00,500 --> 00:00:01,000\nHallo\n").unwrap();
    }
    for name in ["en.vtt", "signs.vtt"] {
        std::fs::write(site.path(name), "WEBVTT\n\n00:00.500 --> 00:01.000\nHello\n").unwrap();
    }
    let openssl = repository().join("crates/cpix/tests/openssl");
    secret(&site.path("packager.pem"), std::fs::read(openssl.join("key.pem")).unwrap());
    std::fs::copy(openssl.join("certificate.pem"), site.path("partner.pem")).unwrap();
    let key = "00112233445566778899aabbccddeeff";
    secret(&site.path("keys.txt"), format!("{key}:{key}\n"));
    secret(&site.path("headers.txt"), "Authorization: Basic eDp5\n");
    let package = "matinee package film-480.mp4 film-1080.mp4 --movie";
    ok(&site, &format!("{package} 1 --cpix-out plain.xml"));
    ok(&site, &format!("{package} 2 --cpix-out sealed.xml --cpix-recipient partner.pem"));
    site
}

/// The only film of the site: its folder's name, and a file within.
fn some_pack(site: &Site) -> (String, String) {
    let pack = site.library().into_iter().find(|name| !name.starts_with('.')).unwrap();
    let path = site.path("data/library").join(&pack).join("pack.json");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    (pack, json["representations"][0]["path"].as_str().unwrap().to_owned())
}

#[test]
fn every_command_of_the_page_is_run() {
    if !has_ffmpeg() {
        return;
    }
    let page = std::fs::read_to_string(repository().join("docs/packaging.md")).unwrap();
    let commands = commands(&page);
    assert!(commands.len() >= 20, "{commands:?}");
    let site = site();
    for command in &commands {
        // Each has a new site, but what follows on the one before.
        if !command.contains("matinee decrypt ") {
            for left in ["data", "films"] {
                let _ = std::fs::remove_dir_all(site.path(left));
            }
            let _ = std::fs::remove_file(site.path("film-7.xml"));
        }
        if ["matinee inspect ", "matinee check "].iter().any(|start| command.starts_with(start)) {
            ok(&site, "matinee package film-480.mp4 film-1080.mp4 --movie 7 --key-file keys.txt");
        }
        let document = if command.contains("--cpix-key ") { "sealed.xml" } else { "plain.xml" };
        std::fs::copy(site.path(document), site.path("keys.xml")).unwrap();
        let mut command = command.replace(KEY_SERVER[0], KEY_SERVER[1]);
        if command.contains(SOME_PACK) {
            let (pack, file) = some_pack(&site);
            command = command.replace(SOME_PACK, &pack).replace(SOME_FILE, &file);
        }
        let output = shell(&site, &command);
        let errors = String::from_utf8_lossy(&output.stderr);
        if command.contains(KEY_SERVER[1]) {
            assert!(errors.contains("the key server: it cannot be reached"), "{command}: {errors}");
        } else {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && errors.is_empty(), "{command}: {errors}{said}");
        }
    }
}

#[test]
fn commands_go_on_behind_a_backslash() {
    let page = "Text\n    matinee a \\\n        --b\n\n    matinee c\n\nand `matinee d` \\\n    e\n";
    assert_eq!(commands(page), ["matinee a \\\n        --b", "matinee c"]);
}

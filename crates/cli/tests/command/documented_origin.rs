//! What docs/origin.md tells an operator to type works as it stands there, one step after another.

use super::site::{Running, Site, demo};
use std::path::Path;
use std::process::{Command, Stdio};

/// A block of code: its language, and what is in it.
fn blocks(document: &str) -> impl Iterator<Item = (&str, &str)> {
    let fenced = document.split("\n```").collect::<Vec<_>>();
    // Every second one is in between.
    let inside = fenced.into_iter().skip(1).step_by(2);
    inside.map(|block| block.split_once('\n').unwrap_or((block, "")))
}

/// A command as it stands there, without `--data`.
fn matinee(site: &Site, line: &str) -> Command {
    let like = site.command(&[]);
    let mut command = Command::new(like.get_program());
    for (name, value) in like.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("matinee"), "{line}");
    command.args(words).current_dir(site.path("")).stdin(Stdio::null());
    command
}

/// B111: settings are put where their first line says, commands are run, the server is started. What is told
/// of a bucket, which is made up, is not.
#[test]
fn b111_commands_of_the_origin_run() {
    let site = Site::new();
    for (film, name) in [("240p.mp4", "film-480.mp4"), ("360p.mp4", "film-1080.mp4")] {
        std::fs::copy(demo(film), site.path(name)).unwrap();
    }
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/origin.md");
    let document = std::fs::read_to_string(document).unwrap();
    let (mut ran, mut served) = (Vec::new(), false);
    for (language, text) in blocks(&document) {
        match language {
            _ if text.contains("s3://") => {}
            "toml" => {
                let name = text.lines().next().unwrap().strip_prefix("# ").unwrap();
                let place = match name.strip_prefix("sources/") {
                    Some(below) => site.path("matinee-data/sources").join(below),
                    None => site.path(name),
                };
                std::fs::create_dir_all(place.parent().unwrap()).unwrap();
                std::fs::write(place, text).unwrap();
            }
            "sh" => {
                for line in text.lines() {
                    if line == "matinee serve" {
                        let mut serve = matinee(&site, "matinee serve --listen 127.0.0.1:0");
                        let server = Running::of(&mut serve);
                        served = server.request("GET", "/", "", "").starts_with("HTTP/1.1 ");
                        assert_eq!(server.stop("-TERM"), Some(0));
                    } else {
                        let done = matinee(&site, line).output().unwrap();
                        let said = [done.stdout, done.stderr].concat();
                        let said = String::from_utf8_lossy(&said);
                        assert!(done.status.success(), "{line}: {said}");
                        ran.push((line, said.into_owned()));
                    }
                }
            }
            other => panic!("a block of another kind: {other}"),
        }
    }
    assert!(served && ran.len() >= 8, "{served} {ran:#?}");
    let said = |command: &str| &ran.iter().find(|(line, _)| *line == command).unwrap().1;
    assert!(said("matinee config check").contains("Looked at 1 contents"), "{ran:#?}");
    assert!(said("matinee movie add --content films/a").contains("vod/films/a"), "{ran:#?}");
    assert!(said("matinee movie add --content films/a --set schools --movie 8").contains("schools/films/a"));
    assert!(said("matinee config show --path films/a --set schools --json").contains("ck-2"), "{ran:#?}");
}

//! `matinee check`: one line for each check, JSON, and the status.

use crate::add::has_ffmpeg;
use crate::site::{Site, demo, text};

#[test]
fn a_film_is_checked_by_its_number_and_by_its_folder() {
    let site = Site::new();
    let film = demo("240p.mp4");
    site.ok(&["package", text(&film), "--movie", "7", "--title", "Check me"]);
    let said = site.ok(&["check", "7"]);
    for line in ["ok       pack.json: pack ", "ok       files: 2 files of ", "ok       IVs: "] {
        assert!(said.lines().any(|found| found.starts_with(line)), "{line}: {said}");
    }
    // The site has the film's key: where there is ffmpeg, it decodes.
    let decoding =
        if has_ffmpeg() { "decoding: ffmpeg has nothing" } else { "skipped  decoding: ffmpeg is not" };
    assert!(said.contains(decoding) && !said.contains("no key is given"), "{said}");
    let folder = site.path("data/library").join(site.library().remove(0));
    let said = site.ok(&["check", text(&folder)]);
    assert!(!has_ffmpeg() || said.contains("decoding: no key is given for KID"), "{said}");
    let report = site.json(&["check", text(&folder), "--json"]);
    assert_eq!((&report["good"], &report["checks"][0]["outcome"]), (&true.into(), &"ok".into()));

    std::fs::write(folder.join("stranger"), "x").unwrap();
    let output = site.run(&["check", "7"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("WRONG    files: stranger is there, and pack.json does not name it"), "{said}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("something is wrong in 1 check"), "{said}");
    assert!(site.fails(&["check", "8"]).contains('8'));
    assert!(site.fails(&["check", text(&site.path("nowhere"))]).contains("cannot open"));
}

//! `matinee package --thumbnails`.

use crate::add::{assert_tidy, has_ffmpeg, pack};
use crate::site::{Site, demo, text};

/// A23: thumbnails of the largest picture go into the pack, as a BIF file and on sheets; nothing of the work
/// is left, and the same film gives the same pack. Without ffmpeg the film goes on without them, and that is
/// said.
#[test]
fn a23_thumbnails_of_finished_files() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    let (small, large) = (demo("240p.mp4"), demo("360p.mp4"));
    let package = ["package", text(&small), text(&large), "--movie", "7", "--thumbnails"];
    site.ok(&package);
    let thumbnails = pack(&site, "7")["thumbnails"].clone();
    assert_eq!((&thumbnails["interval"], &thumbnails["count"]), (&600.into(), &100.into()), "{thumbnails}");
    assert_eq!((&thumbnails["width"], &thumbnails["height"]), (&320.into(), &180.into()));
    let library = site.path("data/library").join(pack(&site, "7")["pack_id"].as_str().unwrap());
    let bif = std::fs::read(library.join("thumbnails/320.bif")).unwrap();
    assert_eq!(bif[..8], [0x89, 0x42, 0x49, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
    assert!(library.join("thumbnails/1.jpg").is_file());
    assert_tidy(&site);

    let folder = site.path("out");
    let mut elsewhere = package.to_vec();
    elsewhere.extend(["--output", text(&folder)]);
    site.ok(&elsewhere);
    let same =
        |name: &str| std::fs::read(folder.join(name)).unwrap() == std::fs::read(library.join(name)).unwrap();
    assert!(same("pack.json") && same("thumbnails/320.bif"));
    let left: Vec<_> = std::fs::read_dir(folder.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");

    let output = site
        .command(&["package", text(&small), "--movie", "8", "--thumbnails"])
        .env("PATH", site.path("empty"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("no thumbnails") && said.contains("apt install ffmpeg"),
        "{said}"
    );
    assert!(pack(&site, "8")["thumbnails"].is_null());
}

//! The edge's URLs: whatever is asked for, only what was signed is given, under the path that was signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use server::media_url::{MediaPath, MediaSecret, sign, verify};
use server::playlist_url::{self, PlaylistPath};

const BASE: &str = "http://localhost:8080";
const NOW: u64 = 1_790_000_000;

fuzz_target!(|input: (&str, &str, u64)| {
    let (path, query, expires) = input;
    let Some(secret) = MediaSecret::new(vec![0x30; 32]) else { return };
    let secrets = [secret];
    let given = verify(&secrets, &[BASE], path, Some(query), NOW);
    let parsed = MediaPath::parse(path);
    if let Ok(granted) = &given {
        assert_eq!(Some(&granted.path), parsed.as_ref());
        assert!(granted.expires > NOW);
    }
    if let Some(playlist) = PlaylistPath::parse(path) {
        assert_eq!(path, playlist.file_path());
        assert!(parsed.is_none(), "a manifest is no file");
        let url = playlist_url::sign(&secrets[0], BASE, &playlist, expires);
        let token = url.split_once('?').map(|(_, token)| token);
        assert_eq!(playlist_url::verify(&secrets, &[BASE], path, token, NOW).is_ok(), expires > NOW);
    }
    let Some(media) = parsed else { return };
    assert!(path.starts_with(&media.file_path()));
    let url = sign(&secrets[0], BASE, &media, expires);
    let (at, token) = url.split_once('?').expect("a token");
    assert_eq!(at, format!("{BASE}{}", media.file_path()));
    let again = verify(&secrets, &[BASE], path, Some(token), NOW);
    assert_eq!(again.is_ok(), expires > NOW, "{again:?}");
    if query != token {
        // Any other query that passes must be a token that was signed for this file, too: nobody finds one.
        assert!(given.is_err());
    }
});

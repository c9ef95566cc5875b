//! The edge's URLs: whatever is asked for, only what was signed is given, under the path that was signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use server::media_url::{Door, MediaPath, sign, verify};
use server::playlist_url::{self, PlaylistPath};
use std::sync::LazyLock;
use urltoken::{Dialect, Secret, Settings, Signer};

const BASE: &str = "http://localhost:8080";
const NOW: u64 = 1_790_000_000;

/// One for each dialect with a secret that needs no making.
static SIGNERS: LazyLock<Vec<Signer>> = LazyLock::new(|| {
    let dialects = [
        (Dialect::MediaVault, "0".repeat(32)),
        (Dialect::Matinee, "0".repeat(32)),
        (Dialect::EdgeAuth, "00".repeat(32)),
        (Dialect::Nginx, "0".repeat(32)),
        (Dialect::Bunny, "0".repeat(32)),
        (Dialect::Cat, "00".repeat(32)),
        (Dialect::Google, "A".repeat(43)),
        (Dialect::Cloudflare, "0".repeat(32)),
    ];
    let signer = |(dialect, secret): (Dialect, String)| {
        let named = [Dialect::Cat, Dialect::Google].contains(&dialect).then(|| "k".to_owned());
        let lifetime = dialect.is_exact().then_some(1);
        let settings = Settings { key_id: named, lifetime, ..Settings::default() };
        Signer::new(dialect, &settings, &[Secret::from(&*secret)]).expect("it can be used")
    };
    dialects.into_iter().map(signer).collect()
});

fuzz_target!(|input: (u8, &str, &str, u64)| {
    let (dialect, path, query, expires) = input;
    let signer = &SIGNERS[usize::from(dialect) % SIGNERS.len()];
    let doors = [Door { signer, bases: vec![BASE] }];
    let given = verify(&doors, path, Some(query), NOW);
    let parsed = MediaPath::parse(path);
    if let Ok(granted) = &given {
        assert_eq!(Some(&granted.path), parsed.as_ref());
        assert!(granted.expires > NOW);
    }
    if let Some(playlist) = PlaylistPath::parse(path) {
        assert_eq!(path, playlist.file_path());
        assert!(parsed.is_none(), "a manifest is no file");
        let url = playlist_url::sign(signer, BASE, &playlist, expires, NOW).url;
        let token = url.split_once('?').map(|(_, token)| token);
        assert_eq!(playlist_url::verify(&doors, path, token, NOW).is_ok(), expires > NOW);
    }
    let Some(media) = parsed else { return };
    assert!(path.starts_with(&media.file_path()));
    let url = sign(signer, BASE, &media, expires, NOW).url;
    let (at, token) = url.split_once('?').expect("a token");
    assert_eq!(at, format!("{BASE}{}", media.file_path()));
    let again = verify(&doors, &media.file_path(), Some(token), NOW);
    assert_eq!(again.is_ok(), expires > NOW, "{again:?}");
    if query != token {
        // Any other query that passes must be a token that was signed for this file, too: nobody finds one.
        assert!(given.is_err());
    }
});

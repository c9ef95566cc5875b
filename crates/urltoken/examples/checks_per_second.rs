//! How many tokens a core checks in a second, in each form. `cargo xtask bench tokens` runs it;
//! docs/performance.md has numbers.

use std::hint::black_box;
use std::time::{Duration, Instant};

use urltoken::{Dialect, Place, Reach, Secret, Settings, Signer};

const EXPIRES: u64 = 1_790_002_800;
const NOW: u64 = EXPIRES - 3600;
/// How long each is measured.
const LONG: Duration = Duration::from_secs(1);

fn signer(dialect: Dialect) -> Option<Signer> {
    let secret = match dialect {
        Dialect::EdgeAuth | Dialect::Cat => "01".repeat(32),
        Dialect::CloudFront => include_str!("../tests/keys/rsa.pem").to_owned(),
        Dialect::Google => "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned(),
        _ => "001".repeat(12),
    };
    let is_named = [Dialect::CloudFront, Dialect::Google, Dialect::Cat].contains(&dialect);
    let settings = Settings {
        reach: Reach::File,
        key_id: is_named.then(|| "K1".to_owned()),
        lifetime: dialect.is_exact().then_some(7200),
        parameter: None,
    };
    Signer::new(dialect, &settings, &[Secret::from(&*secret)]).ok()
}

fn main() {
    let place = Place::new("https://cdn.example/films", "/s/0/", "541/1811192541.mp4");
    for dialect in Dialect::ALL {
        let Some(signer) = signer(dialect) else {
            println!("{dialect:?}: its key is not understood");
            continue;
        };
        let url = signer.sign(&place, EXPIRES, NOW).url;
        let Some((_, query)) = url.split_once('?') else { continue };
        let (begun, mut checks, mut good) = (Instant::now(), 0_u64, true);
        while begun.elapsed() < LONG {
            for _ in 0..100 {
                good &= signer.check(black_box(&place), black_box(query), NOW).is_ok();
            }
            checks += 100;
        }
        let each = checks as f64 / begun.elapsed().as_secs_f64();
        println!(
            "{:<12} {each:>12.0} checks/s{}",
            dialect.as_str(),
            if good { "" } else { ", and refuses them" }
        );
    }
}

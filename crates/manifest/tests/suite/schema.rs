//! MPDs against the schema of ISO/IEC 23009-1, by a validator of others (PyPI `xmlschema`).
//!
//! The schema is not free to be copied into a repository, and no registry of packages has it. Whoever has it
//! (<https://github.com/MPEGGroup/DASHSchema>) names its file `DASH-MPD.xsd` in `MATINEE_DASH_SCHEMA`.

use crate::films::{KIDS, audio, film, hdr, pathways, protected, token, video, whole};
use manifest::{Delivery, Steering, dash};
use serde_json::json;

mod validator;

/// Without the element that names the steering server. The sixth edition has it in `ServiceDescription`, and
/// the fifth not at all; Shaka Player and video.js look for it where ours is.
fn unsteered(mpd: &str) -> String {
    let (before, rest) = mpd.split_once("<ContentSteering ").unwrap();
    let (_, after) = rest.split_once("</ContentSteering>").unwrap();
    format!("{before}{after}")
}

/// All that an MPD of a film can have, in each order that it can have it.
#[test]
fn mpds_of_films_are_what_the_schema_says() {
    let Some(validator) = validator::Validator::find() else { return };
    let plain = || Delivery::new(&token);
    let (server, pathways) = ("https://films.example/steering?s=0123456789abcdef", pathways());
    let steered = Delivery { steering: Some(Steering { server, pathways: &pathways }), ..plain() };
    let keys = Delivery {
        clear_key: Some("https://x/interop/clearkey?a=1&b=2"),
        drm_metadata: Some("hFgjowEnBEhlCI/z"),
        ..plain()
    };
    let mut systems = protected("cbcs", 2, 0);
    let others = json!([
        {"system_id": "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed", "kid": KIDS[0],
            "pssh": "AAAAIHBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAAAA="},
        {"system_id": "9a04f079-9840-4286-ab92-e65be0885f95", "kid": KIDS[0],
            "content_protection": "<mspr:pro xmlns:mspr=\"urn:microsoft:playready\">AA==</mspr:pro>"},
    ]);
    systems.protection.as_mut().unwrap().systems = serde_json::from_value(others).unwrap();
    let pictures =
        [video(1, 240), hdr(2, 240, "PQ"), video(3, 720), hdr(4, 720, "HLG"), audio(5, "und", "main", true)];
    validator.check(&[
        ("whole", dash::mpd(&whole(), &plain())),
        ("rooted", dash::mpd(&whole(), &Delivery { root: "/films/s/8e06/", ..plain() })),
        ("without thumbnails", dash::mpd(&whole(), &Delivery { sheets: false, ..plain() })),
        ("steered", unsteered(&dash::mpd(&whole(), &steered))),
        ("cenc", dash::mpd(&protected("cenc", 2, 1), &keys)),
        ("cbcs", dash::mpd(&protected("cbcs", 1, 0), &plain())),
        ("other systems", dash::mpd(&systems, &keys)),
        ("HDR", dash::mpd(&film(&pictures, &json!({})), &plain())),
    ]);
}

//! MPDs.

use crate::films::{KIDS, film, hdr, pathways, protected, token, video, whole};
use manifest::{Delivery, Steering, dash};
use serde_json::json;

/// All that a film can have, letter by letter.
#[test]
fn a_clear_film() {
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:cenc="urn:mpeg:cenc:2013" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static" mediaPresentationDuration="PT10.01S" minBufferTime="PT4.004S">
  <ProgramInformation>
    <Title>Tom &amp; &quot;Jerry&quot; &lt;1&gt;</Title>
  </ProgramInformation>
  <Period id="1" start="PT0S" duration="PT10.01S">
    <AdaptationSet id="1" contentType="video" mimeType="video/mp4" maxWidth="1280" maxHeight="720" subsegmentAlignment="true" subsegmentStartsWithSAP="1">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <Representation id="v240-1" codecs="avc1.64001F" bandwidth="200000" width="426" height="240" frameRate="24000/1001" sar="1:1">
        <BaseURL>001/1811192001.mp4?t=001_1811192001.mp4&amp;h=1</BaseURL>
        <SegmentBase timescale="24000" indexRange="800-999">
          <Initialization range="0-799"/>
        </SegmentBase>
      </Representation>
      <Representation id="v720-2" codecs="avc1.64001F" bandwidth="400000" width="1280" height="720" frameRate="24000/1001" sar="1:1">
        <BaseURL>002/1811192002.mp4?t=002_1811192002.mp4&amp;h=1</BaseURL>
        <SegmentBase timescale="24000" indexRange="800-999">
          <Initialization range="0-799"/>
        </SegmentBase>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" lang="en" selectionPriority="2" subsegmentAlignment="true" subsegmentStartsWithSAP="1">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <Representation id="a-en-3" codecs="mp4a.40.2" bandwidth="600000" audioSamplingRate="48000">
        <AudioChannelConfiguration schemeIdUri="urn:mpeg:mpegB:cicp:ChannelConfiguration" value="2"/>
        <BaseURL>003/1811192003.mp4?t=003_1811192003.mp4&amp;h=1</BaseURL>
        <SegmentBase timescale="24000" indexRange="800-999">
          <Initialization range="0-799"/>
        </SegmentBase>
      </Representation>
    </AdaptationSet>
"#;
    let text = dash::mpd(&whole(), &Delivery::new(&token));
    assert!(text.starts_with(expected), "{text}");
    for part in [
        r#"<Role schemeIdUri="urn:mpeg:dash:role:2011" value="dub"/>"#,
        r#"<Label>English, &quot;described&quot;</Label>
      <Accessibility schemeIdUri="urn:tva:metadata:cs:AudioPurposeCS:2007" value="1"/>
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="description"/>"#,
        r#"<AdaptationSet id="6" contentType="text" mimeType="text/vtt" lang="en">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="caption"/>
      <Representation id="s-en-1" bandwidth="1000">
        <BaseURL>subtitles/s-en-1.vtt?t=subtitles_s-en-1.vtt&amp;h=1</BaseURL>
      </Representation>"#,
        r#"value="forced-subtitle"/>"#,
        r#"<AdaptationSet id="8" contentType="image" mimeType="image/jpeg">
      <SegmentTemplate media="thumbnails/$Number$.jpg?t=thumbnails_&amp;h=1" timescale="1000" duration="8000" startNumber="1"/>
      <Representation id="thumbnails" bandwidth="4000" width="640" height="360">
        <EssentialProperty schemeIdUri="http://dashif.org/guidelines/thumbnail_tile" value="2x2"/>
      </Representation>"#,
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("ContentProtection") && !text.contains("dashif:"));
    // Where no query is good for a whole folder.
    let without = dash::mpd(&whole(), &Delivery { sheets: false, ..Delivery::new(&token) });
    assert!(
        !without.contains("contentType=\"image\"") && without.contains("subtitles/s-en-1.vtt"),
        "{without}"
    );
    let rooted = dash::mpd(&whole(), &Delivery { root: "/films/s/8e06/", ..Delivery::new(&token) });
    assert_eq!(rooted.matches("<BaseURL>/films/s/8e06/").count(), rooted.matches("<BaseURL>").count());
}

/// B97: our system, with what the scheme's standard says; ClearKey only where it is wanted.
#[test]
fn protection() {
    for scheme in ["cenc", "cbcs"] {
        let film = protected(scheme, 2, 0);
        let text = dash::mpd(&film, &Delivery::new(&token));
        let common = format!(
            "<ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"{scheme}\" \
             cenc:default_KID=\"00112233-4455-6677-8899-aabbccddeeff\"/>"
        );
        assert_eq!(text.matches(&common).count(), 2, "{text}");
        let ours = "<ContentProtection schemeIdUri=\"urn:uuid:6d617469-6e65-6580-8000-64726d000001\">\n        <cenc:pssh>AAAA";
        assert_eq!(text.matches(ours).count(), 2, "{text}");
        assert!(!text.contains("e2719d58"));
        let clear_key =
            Delivery { clear_key: Some("https://x/interop/clearkey?a=1&b=2"), ..Delivery::new(&token) };
        let text = dash::mpd(&film, &clear_key);
        let expected = "<ContentProtection schemeIdUri=\"urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e\" value=\"ClearKey1.0\">\n        \
                        <dashif:Laurl licenseType=\"EME-1.0\">https://x/interop/clearkey?a=1&amp;b=2</dashif:Laurl>";
        assert!(
            text.contains(expected) && text.contains("xmlns:dashif=\"https://dashif.org/CPS\""),
            "{text}"
        );
    }
}

/// Other systems: their XML as it was given, or their boxes; of each representation's keys only.
#[test]
fn other_systems() {
    let (widevine, playready) =
        ("edef8ba9-79d6-4ace-a3c8-27dcd51d21ed", "9a04f079-9840-4286-ab92-e65be0885f95");
    // A box without data: 32 octets.
    let pssh = "AAAAIHBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAAAA=";
    let mut film = protected("cbcs", 2, 0);
    let systems = json!([
        {"system_id": widevine, "kid": KIDS[0], "pssh": pssh},
        {"system_id": widevine, "kid": KIDS[1], "pssh": pssh},
        {"system_id": playready, "kid": KIDS[0], "content_protection": "<mspr:pro xmlns:mspr=\"urn:microsoft:playready\">AA==</mspr:pro>"},
    ]);
    film.protection.as_mut().unwrap().systems = serde_json::from_value(systems).unwrap();
    let text = dash::mpd(&film, &Delivery::new(&token));
    for part in [
        format!(
            "<ContentProtection schemeIdUri=\"urn:uuid:{widevine}\">\n        <cenc:pssh>{pssh}</cenc:pssh>\n      </ContentProtection>"
        ),
        format!(
            "<ContentProtection schemeIdUri=\"urn:uuid:{playready}\"><mspr:pro xmlns:mspr=\"urn:microsoft:playready\">AA==</mspr:pro></ContentProtection>"
        ),
    ] {
        assert_eq!(text.matches(&part).count(), 2, "{part}\n{text}");
    }
}

/// Heights with keys of their own, or other codecs, are sets of their own, between which players may switch.
#[test]
fn keys_and_codecs_of_their_own() {
    let mut high = video(2, 720);
    high["label"] = "main/720".into();
    let mut other = video(3, 480);
    other["codecs"] = "hvc1.1.6.L93.B0".into();
    let key = |kid: &str, label: Option<&str>| {
        let mut key = json!({"kid": kid, "period": 0, "start": {"value": 0, "timescale": 1}});
        if let Some(label) = label {
            key["label"] = label.into();
        }
        key
    };
    let film = film(
        &[video(1, 240), high, other],
        &json!({"scheme": "cenc", "protection": {"content_id": "movie/7", "label": "main", "common_key_id": "k1",
            "keys": [key(KIDS[0], None), key(KIDS[1], Some("main/720"))]}}),
    );
    let text = dash::mpd(&film, &Delivery::new(&token));
    let switching =
        "<SupplementalProperty schemeIdUri=\"urn:mpeg:dash:adaptation-set-switching:2016\" value=";
    for others in ["\"2,3\"/>", "\"1,3\"/>", "\"1,2\"/>"] {
        assert!(text.contains(&format!("{switching}{others}")), "{text}");
    }
    assert_eq!(text.matches("cenc:default_KID=\"00112233-").count(), 2);
    assert_eq!(text.matches("cenc:default_KID=\"10112233-").count(), 1);
}

/// HDR is a set of its own, which players that do not know PQ leave alone, and which none switches to from
/// SDR.
#[test]
fn hdr_beside_sdr() {
    let both = film(&[video(1, 240), hdr(2, 240, "PQ"), video(3, 720), hdr(4, 720, "PQ")], &json!({}));
    let text = dash::mpd(&both, &Delivery::new(&token));
    let sets: Vec<&str> = text.split("<AdaptationSet ").skip(1).collect();
    let [sdr, pq] = &sets[..] else { panic!("{text}") };
    let property = "Property schemeIdUri=\"urn:mpeg:mpegB:cicp:TransferCharacteristics\" value=";
    assert!(pq.contains(&format!("<Essential{property}\"16\"/>")) && !sdr.contains(property), "{text}");
    assert_eq!(
        (sdr.matches("codecs=\"avc1").count(), pq.matches("codecs=\"hvc1.2.4.L120.B0\"").count()),
        (2, 2)
    );
    assert!(!text.contains("adaptation-set-switching"), "{text}");
    let hlg = dash::mpd(&film(&[hdr(1, 240, "HLG")], &json!({})), &Delivery::new(&token));
    assert!(hlg.contains(&format!("<Supplemental{property}\"18\"/>")), "{hlg}");
}

/// Content steering: the server in front of the period, and each file at each place; thumbnails where the MPD
/// is.
#[test]
fn content_steering() {
    let (server, pathways) = ("https://films.example/steering?s=0123456789abcdef", pathways());
    let steering = Some(Steering { server, pathways: &pathways });
    let text = dash::mpd(&whole(), &Delivery { steering, ..Delivery::new(&token) });
    let expected = format!(
        "  </ProgramInformation>\n  <ContentSteering defaultServiceLocation=\"2\" queryBeforeStart=\"false\">{server}\
         </ContentSteering>\n  <Period "
    );
    assert!(text.contains(&expected), "{text}");
    for (path, name) in
        [("001/1811192001.mp4", "001_1811192001.mp4"), ("subtitles/s-en-1.vtt", "subtitles_s-en-1.vtt")]
    {
        let url = |id: u32| {
            format!(
                "<BaseURL serviceLocation=\"{id}\">https://c{id}.example/s/8e06/{path}?c={id}&amp;t={name}&amp;h=1</BaseURL>"
            )
        };
        let both = text.split(&url(2)).nth(1).unwrap_or_else(|| panic!("{text}"));
        assert!(both.trim_start().starts_with(&url(1)), "{both}");
    }
    assert_eq!(text.matches("<BaseURL").count(), 2 * text.matches("<Representation ").count() - 2);
    assert!(text.contains("media=\"thumbnails/$Number$.jpg?t=thumbnails_&amp;h=1\""));
}

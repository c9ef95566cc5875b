//! What the player understands of the outside: manifests, indexes, the browser it runs in.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, clippy::unwrap_used)]

use engine::{
    index::Location,
    model::{ByteRange, RangeForm, TrackKind},
};
use js_sys::{Function, Object, Reflect};
use nccp::{Downloadable, Manifest};
use playback::{Fit, PictureGroup};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_player::{
    capability::{self, Missing},
    player::{HeadAssembly, parse_index, presentation},
};

wasm_bindgen_test_configure!(run_in_browser);

/// The manifest as the study of 2009 shows it, with its element tree, white space and host.
const STUDY: &str = r#"<nccp:authorization xmlns:nccp="urn:matinee:nccp:1" movie_id="60027274">
  <nccp:downloadable>
    <nccp:downloadableid>1811192541</nccp:downloadableid>
    <nccp:size>1067043503</nccp:size>
    <nccp:bitrate>1500</nccp:bitrate>
    <nccp:contentprofile>
      playready-vc1ap-none
    </nccp:contentprofile>
    <nccp:downloadurls>
      <nccp:downloadurl>
        <nccp:expiration>1238103632</nccp:expiration>
        <nccp:cdnid>4</nccp:cdnid>
        <nccp:url>
          http://netflix-274.vo.llnwd.net/s/s1/541/1811192541.wmv?p=55&amp;e=1238103632&amp;h=c2ff68a253b2602e9f905479db3e0d3d
        </nccp:url>
      </nccp:downloadurl>
    </nccp:downloadurls>
    <nccp:resolution><nccp:width>720</nccp:width><nccp:height>404</nccp:height></nccp:resolution>
  </nccp:downloadable>
</nccp:authorization>"#;

#[wasm_bindgen_test]
fn c15_the_studys_manifest_is_understood() {
    let manifest = Manifest::parse(STUDY.as_bytes()).unwrap();
    assert_eq!(manifest.movie_id.get(), 60_027_274);
    let downloadable = &manifest.downloadables[0];
    assert_eq!(
        (downloadable.id.as_str(), downloadable.size, downloadable.bitrate),
        ("1811192541", 1_067_043_503, 1500)
    );
    let url = &downloadable.urls[0];
    assert_eq!((url.cdn_id, url.expiration), (4, 1_238_103_632));
    assert!(
        url.url.ends_with("1811192541.wmv?p=55&e=1238103632&h=c2ff68a253b2602e9f905479db3e0d3d"),
        "{}",
        url.url
    );
    let size = downloadable.resolution.as_ref().unwrap();
    assert_eq!((size.width, size.height), (720, 404));
    // It has no ranges and no codec that a browser plays, so there is nothing to fetch; and no panic.
    assert!(presentation(&manifest, 0.0, |_| false).representations.is_empty());
    assert!(presentation(&manifest, 0.0, |_| true).representations.is_empty());
}

const OURS: &str = r#"<a:authorization xmlns:a="urn:matinee:nccp:1" movie_id="7">
  <a:type>static</a:type><a:duration>921600/15360</a:duration><a:resumeposition>12.500</a:resumeposition>
  <a:expiration>1790025600</a:expiration>
  <a:cdns>
    <a:cdn><a:id>2</a:id><a:name>far</a:name><a:weight>60</a:weight><a:ranges>header</a:ranges></a:cdn>
    <a:cdn><a:id>1</a:id><a:name>near</a:name><a:weight>140</a:weight><a:ranges>path</a:ranges></a:cdn>
  </a:cdns>
  <a:downloadable>
    <a:downloadableid>0000000001</a:downloadableid><a:size>500000</a:size><a:bitrate>60</a:bitrate>
    <a:contentprofile>matinee-h264-cenc</a:contentprofile>
    <a:downloadurls>
      <a:downloadurl><a:expiration>1790025600</a:expiration><a:cdnid>1</a:cdnid><a:url>https://one/1.mp4?p=1</a:url></a:downloadurl>
      <a:downloadurl><a:expiration>1790025600</a:expiration><a:cdnid>2</a:cdnid><a:url>https://two/1.mp4?p=1</a:url></a:downloadurl>
    </a:downloadurls>
    <a:resolution><a:width>1280</a:width><a:height>720</a:height></a:resolution>
    <a:mediatype>video</a:mediatype><a:mimetype>video/mp4</a:mimetype><a:codecs>avc1.64001F</a:codecs>
    <a:group>video</a:group><a:peakbandwidth>90000</a:peakbandwidth><a:timescale>12288</a:timescale>
    <a:scheme>cenc</a:scheme><a:level>high</a:level><a:pack_id>00</a:pack_id>
    <a:initrange>0-1402</a:initrange><a:indexrange>1403-1614</a:indexrange>
    <a:startrange>91615-121300</a:startrange><a:starttime>147456</a:starttime><a:future>7</a:future>
  </a:downloadable>
  <a:downloadable>
    <a:downloadableid>0000000002</a:downloadableid><a:size>500000</a:size><a:bitrate>60</a:bitrate>
    <a:contentprofile>matinee-h264-cenc</a:contentprofile>
    <a:downloadurls/>
    <a:mediatype>video</a:mediatype><a:mimetype>video/mp4</a:mimetype><a:codecs>vp6.0</a:codecs>
    <a:group>video</a:group><a:peakbandwidth>90000</a:peakbandwidth><a:timescale>12288</a:timescale>
    <a:scheme>cenc</a:scheme><a:level>high</a:level><a:pack_id>00</a:pack_id>
    <a:initrange>0-1402</a:initrange><a:indexrange>1403-1614</a:indexrange>
  </a:downloadable>
</a:authorization>"#;

#[wasm_bindgen_test]
fn a_manifest_becomes_what_the_engine_needs() {
    let manifest = Manifest::parse(OURS.as_bytes()).unwrap();
    let global = js_sys::global();
    let film = presentation(&manifest, 1_790_025_000.0, |mime| capability::is_type_supported(&global, mime));
    assert_eq!((film.duration(), film.start, film.urls_valid.as_secs()), (Some(60.0), Some(12.5), 600));
    let cdns: Vec<_> = film.cdns.iter().map(|cdn| (cdn.id.as_str(), cdn.ranges)).collect();
    assert_eq!(cdns, [("2", RangeForm::Header), ("1", RangeForm::Path)], "in the server's order (A68)");
    assert_eq!(film.representations.len(), 1, "what the browser cannot decode is left out");
    let video = &film.representations[0];
    assert_eq!((video.kind, video.bandwidth, video.size), (TrackKind::Video, 90_000, Some((1280, 720))));
    assert_eq!(video.single_file().unwrap().head(), ByteRange::new(0, 1614).unwrap());
    let start = video.start().unwrap();
    assert_eq!((start.range.start, start.range.end, start.time), (91_615, 121_300, 12.0));
    assert_eq!(video.sources[1].cdn, "2");
}

/// HDR is shown well by who decodes it and has a screen for it; the window says both.
#[wasm_bindgen_test]
fn hdr_wants_a_screen_of_its_own() {
    let mut picture = Manifest::parse(OURS.as_bytes()).unwrap().downloadables.remove(0);
    let window = |screen: &str| {
        let make = "const MediaSource = function () {}; \
                    MediaSource.isTypeSupported = type => type.includes('avc1'); \
                    return {MediaSource, matchMedia: query => ({matches: query === screen})}";
        Function::new_with_args("screen", make).call1(&JsValue::NULL, &screen.into()).unwrap()
    };
    let fit = |picture: &Downloadable, screen: &str| capability::fit(&window(screen), &[], picture);
    assert_eq!(fit(&picture, ""), Fit::Well);
    picture.video_range = Some("PQ".into());
    assert_eq!(fit(&picture, ""), Fit::Poorly);
    for screen in ["(dynamic-range: high)", "(video-dynamic-range: high)"] {
        assert_eq!(fit(&picture, screen), Fit::Well);
    }
    picture.codecs = "hvc1.2.4.L120.B0".into();
    assert_eq!(fit(&picture, "(dynamic-range: high)"), Fit::Not);
}

/// Of several codecs the browser is asked which it decodes without dropping pictures.
#[wasm_bindgen_test]
async fn what_is_too_much_is_not_taken() {
    let first = Manifest::parse(OURS.as_bytes()).unwrap().downloadables.remove(0);
    let hdr =
        Downloadable { codecs: "hvc1.2.4.L120.B0".into(), video_range: Some("PQ".into()), ..first.clone() };
    let make = "const decodingInfo = ({type, video}) => Promise.resolve({smooth: type === 'media-source' && \
                video.width === 1280 && video.transferFunction !== 'pq'}); \
                return {navigator: {mediaCapabilities: {decodingInfo}}}";
    let window = Function::new_with_args("", make).call0(&JsValue::NULL).unwrap();
    let groups = [PictureGroup::of(&first).unwrap(), PictureGroup::of(&hdr).unwrap()];
    let files = [first, hdr];
    assert_eq!(capability::too_much(&window, &files).await, groups[1..]);
    assert!(capability::too_much(&window, &files[1..]).await.is_empty(), "there is no other");
    assert!(capability::too_much(&JsValue::from(Object::new()), &files).await.is_empty(), "who says nothing");
}

/// A `sidx` (version 0, timescale 1000) with two references, as ISO/IEC 14496-12 §8.16.3 lays it out.
fn sidx() -> Vec<u8> {
    let mut out = Vec::new();
    let mut words = |words: &[u32]| out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    words(&[56, u32::from_be_bytes(*b"sidx"), 0, 1, 1000, 0, 0, 2]);
    words(&[700, 4000, 0x9000_0000, 300, 2500, 0x9000_0000]);
    out
}

#[wasm_bindgen_test]
fn an_index_gives_bytes_and_times() {
    let range = ByteRange::new(100, 155).unwrap();
    let index = parse_index(&sidx(), range).unwrap();
    assert_eq!(index.numbers(), 0..2);
    let second = index.get(1).unwrap();
    assert_eq!(second.location, Location::Range(ByteRange::new(856, 1155).unwrap()));
    assert_eq!((second.start, second.end), (4.0, 6.5));
    for cut in 0..sidx().len() {
        assert_eq!(parse_index(&sidx()[..cut], range), None, "cut at {cut}");
    }
    let mut nested = sidx();
    nested[32] |= 0x80;
    assert_eq!(parse_index(&nested, range), None, "a reference to another index");
}

#[wasm_bindgen_test]
fn a_head_is_put_together_from_any_pieces() {
    let mut head = HeadAssembly::new(10);
    head.take(&[0, 1, 2]);
    assert_eq!(head.missing(), 7);
    assert_eq!(head.part(ByteRange::new(2, 3).unwrap()), None);
    head.take(&[3, 4, 5, 6, 7, 8, 9, 99]);
    assert_eq!(head.missing(), 0);
    assert_eq!(head.part(ByteRange::new(2, 3).unwrap()), Some(&[2, 3][..]));
    assert_eq!(head.part(ByteRange::new(9, 10).unwrap()), None);
    assert_eq!(HeadAssembly::new(0).missing(), 0);
}

#[wasm_bindgen_test]
fn a10_this_browser_has_all_that_is_needed() {
    assert_eq!(capability::missing_here(), []);
}

/// A stand-in for the window with everything but what is named.
fn without(names: &[&str]) -> Object {
    let copy = Object::new();
    for name in ["WebAssembly", "Worker", "MediaSource", "indexedDB", "crypto"] {
        if !names.contains(&name) {
            let value = Reflect::get(&js_sys::global(), &name.into()).unwrap();
            Reflect::set(&copy, &name.into(), &value).unwrap();
        }
    }
    copy
}

#[wasm_bindgen_test]
fn a10_what_is_missing_is_named() {
    for (name, missing) in [
        ("WebAssembly", Missing::WebAssembly),
        ("Worker", Missing::Worker),
        ("MediaSource", Missing::MediaSource),
        ("indexedDB", Missing::IndexedDb),
        ("crypto", Missing::Random),
    ] {
        assert_eq!(capability::missing(&without(&[name])), [missing]);
        assert!(missing.name().to_lowercase().contains(&name.to_lowercase()), "{}", missing.name());
    }
    let both = capability::missing(&without(&["Worker", "MediaSource"]));
    assert_eq!(both, [Missing::Worker, Missing::MediaSource]);
}

#[wasm_bindgen_test]
fn a10_a_managed_media_source_will_do_and_missing_codecs_will_not() {
    let global = without(&["MediaSource"]);
    let real = Reflect::get(&js_sys::global(), &"MediaSource".into()).unwrap();
    Reflect::set(&global, &"ManagedMediaSource".into(), &real).unwrap();
    assert_eq!(capability::missing(&global), []);
    assert!(capability::media_source(&global).unwrap().1);

    let global = without(&[]);
    let deaf = Function::new_no_args("");
    let never = Function::new_no_args("return false");
    Reflect::set(&deaf, &"isTypeSupported".into(), &never).unwrap();
    Reflect::set(&global, &"MediaSource".into(), &deaf).unwrap();
    assert_eq!(capability::missing(&global), [Missing::Codecs]);
    Reflect::set(&global, &"crypto".into(), &JsValue::from(Object::new())).unwrap();
    assert_eq!(capability::missing(&global), [Missing::Codecs, Missing::Random]);

    // A plain-http page: no crypto.subtle, but random numbers.
    let global = without(&["crypto"]);
    let crypto = Object::new();
    Reflect::set(&crypto, &"getRandomValues".into(), &never).unwrap();
    Reflect::set(&global, &"crypto".into(), &crypto).unwrap();
    assert_eq!(capability::missing(&global), []);
}

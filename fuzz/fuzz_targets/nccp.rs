//! The control protocol, both sides: what is read is written in a form that reads as the same; and the small
//! texts around it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nccp::{BoxCode, ByteRange, DeviceId, Manifest, MovieId, RangeHeader, Request, Response, json, stream};

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = Request::parse(data) {
        assert_eq!(Request::parse(request.to_xml().as_bytes()), Ok(request));
    }
    if let Ok(response) = Response::parse(data) {
        assert_eq!(Response::parse(response.to_xml().as_bytes()), Ok(response));
    }
    if let Ok(manifest) = Manifest::parse(data) {
        let _ = playback::presentation(&manifest, 1_790_000_000.0, |_| true);
        assert_eq!(Manifest::parse(manifest.to_xml().as_bytes()), Ok(manifest));
    }
    if let Some(index) = playback::LiveIndex::parse(data) {
        let _ = (
            index.update(true),
            index.update(false),
            index.first_unlicensed(|_| false),
            playback::wall_of(&index.runs, 1.0),
        );
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(range) = RangeHeader::parse(text).and_then(|header| header.resolve(1 << 40)) {
        assert!(range.first() <= range.last() && range.last() < 1 << 40);
    }
    if let Ok(code) = text.parse::<BoxCode>() {
        assert_eq!(code.as_str().parse(), Ok(code));
    }
    if let Ok(range) = text.parse::<ByteRange>() {
        assert_eq!(range.to_string().parse(), Ok(range));
    }
    let _ = (text.parse::<MovieId>(), text.parse::<DeviceId>());
    let _ = serde_json::from_slice::<json::Login>(data);
    let _ = serde_json::from_slice::<json::Library>(data);
    let _ = serde_json::from_slice::<json::ErrorBody>(data);
    let _ = serde_json::from_slice::<stream::Ask>(data);
    let _ = serde_json::from_slice::<stream::Told>(data);
    let _ = stream::Piece::read(data);
});

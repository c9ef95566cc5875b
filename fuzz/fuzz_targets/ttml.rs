//! TTML: read or refused; what is read is written and read again. Once as a document, once as the body of
//! one.
#![no_main]

use libfuzzer_sys::fuzz_target;

const HEAD: &str = r#"<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
xmlns:tts="http://www.w3.org/ns/ttml#styling" ttp:frameRate="25" ttp:tickRate="1000"><head><styling>
<style xml:id="a" tts:fontStyle="italic"/><style xml:id="b" style="a" tts:fontWeight="bold"/></styling>
<layout><region xml:id="r" tts:origin="5% 5%" tts:extent="50% 90%" tts:displayAlign="after"/></layout></head><body>"#;

fn read(document: &[u8]) {
    if let Ok(track) = subtitles::read_ttml(document) {
        assert!(track.cues.iter().all(|cue| cue.start < cue.end && !cue.text.is_empty()));
        assert!(track.cues.is_sorted_by_key(|cue| cue.start));
        assert_eq!(subtitles::read_webvtt(track.to_webvtt().as_bytes()), Ok(track));
    }
}

fuzz_target!(|data: &[u8]| {
    read(data);
    read(&[HEAD.as_bytes(), data, b"</body></tt>"].concat());
});

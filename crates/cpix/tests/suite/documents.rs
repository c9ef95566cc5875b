//! Documents in the shape of those that key servers send, and such as must not pass.
#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cenc::{Cek, Kid, KidAndKey, Scheme};
use cpix::{ContentKey, Document, Error, MAX_DOCUMENT, Request, TrackFilter, UsageRule};
use pack::{PackSystem, SystemId, SystemPssh};
use proptest::prelude::*;

const HEAD: &str = r#"xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc""#;
const SD: &str = "0a0b0c0d-0e0f-1011-1213-141516171819";
const HD: &str = "2a2b2c2d-2e2f-3031-3233-343536373839";

fn key(kid: &str, rest: &str) -> String {
    let value = BASE64.encode([kid.as_bytes()[0]; 16]);
    format!(
        "<cpix:ContentKey kid=\"{kid}\"{rest}><cpix:Data><pskc:Secret><pskc:PlainValue>{value}</pskc:PlainValue>\
         </pskc:Secret></cpix:Data></cpix:ContentKey>"
    )
}

fn document(keys: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><cpix:CPIX contentId=\"film\" version=\"2.3\" {HEAD}>\
         <cpix:ContentKeyList>{keys}</cpix:ContentKeyList>{more}</cpix:CPIX>"
    )
}

fn read(text: &str) -> Result<Document, Error> {
    Document::parse(text.as_bytes())
}

fn widevine() -> Vec<u8> {
    let pssh = isobmff::Pssh { system_id: SystemId::WIDEVINE.0, kids: vec![], data: vec![8, 1, 18, 0] };
    SystemPssh(pssh).to_box()
}

/// The shape of an answer of SPEKE v2: two keys for two heights, one of them for the sound too; Widevine,
/// PlayReady, FairPlay, and what is for others.
#[test]
fn an_answer_of_a_key_server() {
    let pssh = BASE64.encode(widevine());
    let dash = BASE64.encode(r#"<pssh xmlns="urn:mpeg:cenc:2013">AAAA</pssh>"#);
    let media = BASE64.encode("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://1\",KEYFORMATVERSIONS=\"1\"\r\n");
    let master = BASE64.encode("#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://1\"");
    let keys =
        key(SD, " explicitIV=\"AAAAAAAAAAAAAAAAAAAAAA==\" commonEncryptionScheme=\"cbcs\"") + &key(HD, "");
    let more = format!(
        "<cpix:DRMSystemList>
           <cpix:DRMSystem kid=\"{SD}\" systemId=\"EDEF8BA9-79D6-4ACE-A3C8-27DCD51D21ED\">
             <cpix:PSSH>\n {pssh} \n</cpix:PSSH><cpix:ContentProtectionData>{dash}</cpix:ContentProtectionData>
             <cpix:SmoothStreamingProtectionHeaderData>AAAA</cpix:SmoothStreamingProtectionHeaderData>
           </cpix:DRMSystem>
           <cpix:DRMSystem kid=\"{HD}\" systemId=\"94ce86fb-07ff-4f43-adb8-93d2fa968ca2\">
             <cpix:HLSSignalingData playlist=\"media\">{media}</cpix:HLSSignalingData>
             <cpix:HLSSignalingData playlist=\"master\">{master}</cpix:HLSSignalingData>
           </cpix:DRMSystem>
           <cpix:DRMSystem kid=\"{HD}\" systemId=\"9a04f079-9840-4286-ab92-e65be0885f95\"><cpix:PSSH/></cpix:DRMSystem>
         </cpix:DRMSystemList>
         <cpix:ContentKeyPeriodList><cpix:ContentKeyPeriod id=\"b\" index=\"8\"/>
           <cpix:ContentKeyPeriod id=\"a\" index=\"7\"/></cpix:ContentKeyPeriodList>
         <cpix:ContentKeyUsageRuleList>
           <cpix:ContentKeyUsageRule kid=\"{SD}\" intendedTrackType=\"SD\"><cpix:KeyPeriodFilter periodId=\"b\"/>
             <cpix:VideoFilter maxPixels=\"442368\"/><cpix:AudioFilter/></cpix:ContentKeyUsageRule>
           <cpix:ContentKeyUsageRule kid=\"{HD}\"><cpix:VideoFilter minPixels=\"442369\"/></cpix:ContentKeyUsageRule>
         </cpix:ContentKeyUsageRuleList>
         <ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo/></ds:Signature>"
    );
    let read = read(&document(&keys, &more)).unwrap();
    assert_eq!((read.keys[0].iv, read.keys[1].iv), (Some([0; 16]), None));
    assert_eq!(read.content_id.as_deref(), Some("film"));
    let (sd, hd): (Kid, Kid) = (SD.parse().unwrap(), HD.parse().unwrap());
    assert_eq!(read.keys[0].key, KidAndKey { kid: sd, cek: Cek::new(*b"0000000000000000") });
    assert_eq!((read.keys[0].scheme, read.keys[1].scheme), (Some(Scheme::Cbcs), None));
    // PlayReady has nothing in it.
    assert_eq!(read.systems.len(), 2);
    assert_eq!(read.systems[0].pssh.as_ref().unwrap().to_box(), widevine());
    let dash = read.systems[0].content_protection.as_deref();
    assert_eq!(dash, Some(r#"<pssh xmlns="urn:mpeg:cenc:2013">AAAA</pssh>"#));
    assert_eq!((read.systems[1].system_id, read.systems[1].kid), (SystemId::FAIRPLAY, hd));
    let media = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://1\",KEYFORMATVERSIONS=\"1\"";
    assert_eq!(read.systems[1].hls_media.as_deref(), Some(media));
    assert!(read.systems[1].hls_master.as_deref().unwrap().starts_with("#EXT-X-SESSION-KEY:"));
    let low = vec![TrackFilter::Video { pixels: 0..=442_368 }, TrackFilter::AUDIO];
    let high = vec![TrackFilter::Video { pixels: 442_369..=u64::MAX }];
    assert_eq!(
        read.rules,
        [
            UsageRule { kid: sd, periods: vec![1], tracks: low },
            UsageRule { kid: hd, periods: vec![], tracks: high }
        ]
    );
    let written = read.to_xml();
    assert_eq!(Document::parse(written.as_bytes()).unwrap(), read);
    assert!(!format!("{read:?}").contains("48, 48"), "Debug shows no key");
}

/// A default namespace, as some writers have it, is the same.
#[test]
fn prefixes_are_free() {
    let text = document(&key(SD, ""), "").replace("xmlns:cpix", "xmlns").replace("cpix:C", "C");
    assert_eq!(read(&text.replace("cpix:", "")).unwrap().keys.len(), 1);
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let one = key(SD, "");
    let rule = |filter: &str| {
        document(
            &one,
            &format!(
                "<cpix:ContentKeyUsageRuleList><cpix:ContentKeyUsageRule kid=\"{SD}\">{filter}\
                 </cpix:ContentKeyUsageRule></cpix:ContentKeyUsageRuleList>"
            ),
        )
    };
    let system = |inner: &str| {
        document(
            &one,
            &format!(
                "<cpix:DRMSystemList><cpix:DRMSystem kid=\"{SD}\" systemId=\"{}\">{inner}</cpix:DRMSystem>\
                 </cpix:DRMSystemList>",
                SystemId::WIDEVINE
            ),
        )
    };
    let data = |text: &str| {
        system(&format!("<cpix:ContentProtectionData>{}</cpix:ContentProtectionData>", BASE64.encode(text)))
    };
    let hls = |text: &str| {
        system(&format!("<cpix:HLSSignalingData>{}</cpix:HLSSignalingData>", BASE64.encode(text)))
    };
    let foreign = BASE64.encode(
        SystemPssh(isobmff::Pssh { system_id: SystemId::PLAYREADY.0, kids: vec![], data: vec![] }).to_box(),
    );
    for (text, words) in [
        (rule("<cpix:BitrateFilter minBitrate=\"1\"/>"), "BitrateFilter in a usage rule"),
        (rule("<cpix:LabelFilter label=\"a\"/>"), "LabelFilter"),
        (rule("<cpix:VideoFilter hdr=\"true\"/>"), "VideoFilter@hdr"),
        (rule("<cpix:VideoFilter maxPixels=\"-1\"/>"), "maxPixels"),
        (rule("<cpix:KeyPeriodFilter periodId=\"p\"/>"), "periodId"),
        (rule("<x:VideoFilter xmlns:x=\"urn:x\"/>"), "another namespace"),
        (rule("").replace(&format!("Rule kid=\"{SD}\""), &format!("Rule kid=\"{HD}\"")), "does not have"),
        (system("<cpix:PSSH>AAAA</cpix:PSSH>"), "no pssh box"),
        (system(&format!("<cpix:PSSH>{foreign}</cpix:PSSH>")), "another system's"),
        (data("<cenc:pssh>AAAA</cenc:pssh>"), "namespaces declared"),
        (data("</x><x>"), "namespaces declared"),
        (data("<a b='1' b='2'/>"), "namespaces declared"),
        (data("<!DOCTYPE a>"), "namespaces declared"),
        (hls("https://example.org/0.ts"), "no tags"),
        (document(&format!("{one}{one}"), ""), "twice"),
        (document(&key(SD, " dependsOnKey=\"1\""), ""), "dependsOnKey"),
        (document(&key(SD, " commonEncryptionScheme=\"cens\""), ""), "cens"),
        (document("", ""), "no keys"),
        (document(&one.replace("MDAw", "MD"), ""), "PlainValue"),
        (document(&format!("<cpix:ContentKey kid=\"{SD}\"/>"), ""), "no value for key"),
        (document(&one.replace("PlainValue", "EncryptedValue"), ""), "keys are encrypted"),
        (document(&one, "<cpix:DeliveryDataList><cpix:DeliveryData/></cpix:DeliveryDataList>"), "encrypted"),
        (document(&one, "").replace("2.3", "3.0"), "version 3.0"),
        (document(&one, "").replace("urn:dashif:org:cpix", "urn:other"), "root"),
        (document(&one, "&unknown;"), "reference"),
        (document(&one, "&#0;"), "reference"),
        (document(&one, "<?php ?>"), "processing instruction"),
        (document(&one, "").replace("<cpix:CPIX", "<!DOCTYPE x []><cpix:CPIX"), "document type"),
        (document(&one, "<y:z/>"), "not declared"),
        (document(&one, &"<cpix:a>".repeat(20)), "too deep"),
        (document(&one, &"<cpix:a/>".repeat(70_000)), "too many elements"),
        (document(&one, "") + "<a/>", "well-formed"),
        (document(&one, "").replace("</cpix:CPIX>", ""), "well-formed"),
        (" ".repeat(MAX_DOCUMENT + 1), "too large"),
    ] {
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}\n{}", &text[..text.len().min(2000)]);
        assert!(!error.contains("MDAw"), "no key is repeated: {error}");
    }
    assert!(Document::parse(b"\xff").is_err());
}

/// What SPEKE v2 asks with: version 2.3, content id, scheme of each key, empty elements for what is wanted,
/// and the rule for one key of all tracks.
#[test]
fn a_request_has_what_speke_wants() {
    let systems = [SystemId::WIDEVINE, SystemId::FAIRPLAY];
    let kid: Kid = SD.parse().unwrap();
    let request = Request {
        content_id: "movie/7 & \"8\"",
        kid,
        scheme: Scheme::Cbcs,
        systems: &systems,
        recipient: None,
    };
    let text = request.to_xml();
    for part in [
        "contentId=\"movie/7 &amp; &quot;8&quot;\" version=\"2.3\"",
        &format!("<cpix:ContentKey kid=\"{SD}\" commonEncryptionScheme=\"cbcs\"/>"),
        &format!("<cpix:DRMSystem kid=\"{SD}\" systemId=\"{}\">", SystemId::FAIRPLAY),
        "<cpix:HLSSignalingData playlist=\"master\"/>",
        "intendedTrackType=\"ALL\">\n      <cpix:VideoFilter/>\n      <cpix:AudioFilter/>\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(text.matches("<cpix:PSSH/>").count(), 1, "FairPlay has none");
    // It is a document, but for the key.
    assert_eq!(read(&text), Err(Error::NoValue(kid)));
}

fn systems(kids: Vec<[u8; 16]>) -> impl Strategy<Value = Vec<PackSystem>> {
    let one = (
        any::<[u8; 16]>(),
        any::<prop::sample::Index>(),
        any::<Option<Vec<u8>>>(),
        "[ -~]{0,20}",
        any::<bool>(),
    )
        .prop_map(move |(id, kid, data, text, master)| {
            let line = format!("#EXT{}", text.trim());
            PackSystem {
                system_id: SystemId(id),
                kid: Kid(*kid.get(&kids)),
                pssh: data.map(|data| SystemPssh(isobmff::Pssh { system_id: id, kids: vec![], data })),
                content_protection: Some("<a xmlns=\"urn:x\">1</a>".to_owned()),
                hls_media: (!master).then(|| line.clone()),
                hls_master: master.then_some(line),
            }
        });
    prop::collection::vec(one, 0..4)
}

fn rules(kids: Vec<[u8; 16]>) -> impl Strategy<Value = Vec<UsageRule>> {
    let track = (any::<bool>(), any::<u64>(), any::<u64>()).prop_map(|(video, from, to)| match video {
        true => TrackFilter::Video { pixels: from..=to },
        false => TrackFilter::Audio { channels: from..=to },
    });
    let tracks = prop::collection::vec(track, 0..3);
    let one = (any::<prop::sample::Index>(), prop::collection::vec(0u32..30, 0..3), tracks)
        .prop_map(move |(kid, periods, tracks)| UsageRule { kid: Kid(*kid.get(&kids)), periods, tracks });
    prop::collection::vec(one, 0..4)
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        (kids, systems, rules) in prop::collection::btree_set(any::<[u8; 16]>(), 1..5)
            .prop_map(|kids| kids.into_iter().collect::<Vec<_>>())
            .prop_flat_map(|kids| (Just(kids.clone()), systems(kids.clone()), rules(kids))),
        id in prop::option::of("[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{fffe}\u{ffff}]{1,10}"),
    ) {
        let key = |kid: &[u8; 16]| ContentKey {
            key: KidAndKey { kid: Kid(*kid), cek: Cek::new(*kid) },
            scheme: [None, Some(Scheme::Cenc), Some(Scheme::Cbcs)][usize::from(kid[0] % 3)],
            iv: (kid[1] < 128).then_some(*kid),
        };
        let document = Document { content_id: id, keys: kids.iter().map(key).collect(), systems, rules };
        let written = document.to_xml();
        prop_assert_eq!(Document::parse(written.as_bytes()).unwrap(), document);
    }

    #[test]
    fn any_text_is_read_or_refused(octets: Vec<u8>, inner in "[<>/&;a-z:=\"' !?\\[\\]-]{0,60}") {
        let _ = Document::parse(&octets);
        let _ = read(&inner);
        if let Ok(document) = read(&document(&key(SD, ""), &inner)) {
            prop_assert_eq!(Document::parse(document.to_xml().as_bytes()).unwrap(), document);
        }
    }
}

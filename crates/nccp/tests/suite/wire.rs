//! The wire format: examples of docs/protocol.md, limits.

use nccp::json::{Library, PlayerEvent, PlayerEventKind};
use nccp::*;

use crate::{HEAD, movie};

fn request(inner: &str) -> Result<Request, Refused> {
    Request::parse(format!("{HEAD}{inner}</nccp:request>").as_bytes())
}

#[test]
fn reads_the_documented_request_with_any_prefix() {
    let body = r#"<?xml version="1.0" encoding="UTF-8"?>
        <request xmlns="urn:matinee:nccp:1" xmlns:x="urn:other" device="d-5f0c" sequence="17" time="1790000000"
          client="matinee-web/0.1.0" x:sequence="99">
          <!-- a comment --><x:extra><x:more/></x:extra>
          <moviemetadata movie_id="60027274"><later/></moviemetadata>
          <authorization movie_id="60027274" later="1"/>
        </request>"#;
    let request = Request::parse(body.as_bytes()).unwrap();
    assert_eq!(request.device.unwrap().as_str(), "d-5f0c");
    assert_eq!((request.sequence.get(), request.time), (17, 1_790_000_000));
    assert_eq!(request.client, "matinee-web/0.1.0");
    let id = movie(60027274);
    assert_eq!(
        request.messages,
        [RequestMessage::MovieMetadata { movie_id: id }, RequestMessage::Authorization { movie_id: id }]
    );
}

#[test]
fn refuses_what_the_protocol_forbids_and_names_the_sequence_when_it_could() {
    let error = |inner: &str| request(inner).unwrap_err();
    assert_eq!(error(""), Refused { sequence: 17, error: Error::MessageCount });
    assert_eq!(error(&"<nccp:ping/>".repeat(17)).error, Error::MessageCount);
    assert_eq!(error("<nccp:unheard/>"), Refused { sequence: 17, error: Error::UnknownMessage });
    assert_eq!(error("<nccp:authorization/>").error, Error::Missing("movie_id"));
    assert_eq!(error(r#"<nccp:authorization movie_id="-1"/>"#).error, Error::Value("movie_id"));
    assert_eq!(error(r#"<nccp:authorization movie_id="9007199254740992"/>"#).error, Error::Value("movie_id"));
    assert!(request(r#"<nccp:authorization movie_id="9007199254740991"/>"#).is_ok());
    assert_eq!(
        error("<nccp:authenticationrenewal><nccp:deviceid>d-</nccp:deviceid></nccp:authenticationrenewal>")
            .error,
        Error::Value("deviceid")
    );
    // Depth 8 in all: the root, the message and six more.
    let nested =
        |n: usize| format!("<nccp:ping>{}{}</nccp:ping>", "<nccp:a>".repeat(n), "</nccp:a>".repeat(n));
    assert!(request(&nested(6)).is_ok());
    assert_eq!(error(&nested(7)), Refused { sequence: 0, error: Error::Malformed("too deep") });
    for bad in [
        "",
        "<",
        "plain text",
        "<nccp:request sequence='1' time='1'><nccp:ping/></nccp:request>",
        "<request sequence='1' time='1'><ping/></request>",
        "<n:request xmlns:n='urn:matinee:nccp:2' sequence='1' time='1'><n:ping/></n:request>",
        "<n:other xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><n:ping/></n:other>",
        "<!DOCTYPE a><n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><n:ping/></n:request>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><n:ping/></n:request>",
        "<?pi x?><n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><n:ping/></n:request>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><?pi x?><n:ping/></n:request>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><n:ping/></n:request>trailing",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><n:ping/></n:request><n:request/>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><n:ping/>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><n:ping></n:request></n:ping>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1' sequence='2' time='1'><n:ping/></n:request>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='0' time='1'><n:ping/></n:request>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='+1' time='1'><n:ping/></n:request>",
        "<n:request xmlns:n='urn:matinee:nccp:1' time='1'><n:ping/></n:request>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1'><n:ping/></n:request>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='&x;'><n:ping/></n:request>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><n:ping>&#0;</n:ping></n:request>",
        "<n:request xmlns:n='urn:matinee:nccp:1' sequence='1' time='1'><m:ping/></n:request>",
    ] {
        assert!(Request::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    assert_eq!(Request::parse(b"\xff\xfe<\0a\0").unwrap_err().error, Error::Malformed("not UTF-8"));
}

#[test]
fn takes_256_kib_and_not_an_octet_more() {
    let body = format!("{HEAD}<nccp:ping/></nccp:request>");
    let padded = |n: usize| format!("{body}{}", " ".repeat(n - body.len()));
    assert!(Request::parse(padded(262_144).as_bytes()).is_ok());
    assert_eq!(Request::parse(padded(262_145).as_bytes()).unwrap_err().error, Error::TooLarge);
}

#[test]
fn bounds_names_and_counters() {
    let register = |name: &str| {
        request(&format!(
            "<nccp:register><nccp:certificate>AAEC</nccp:certificate><nccp:name>{name}</nccp:name></nccp:register>"
        ))
    };
    assert!(register(&"ä".repeat(80)).is_ok());
    assert_eq!(register(&"ä".repeat(81)).unwrap_err().error, Error::Value("name"));
    let log = |counters: &str| {
        request(&format!(
            r#"<nccp:logblob movie_id="1"><nccp:position>12.5</nccp:position><nccp:counters>{counters}</nccp:counters></nccp:logblob>"#
        ))
    };
    let counter = r#"<nccp:counter name="stalls">3</nccp:counter>"#;
    assert_eq!(
        log(counter).unwrap().messages,
        [RequestMessage::LogBlob(LogBlob {
            movie_id: movie(1),
            position: 12.5,
            event: LogEvent::Interval,
            counters: vec![("stalls".into(), 3)],
            policy_version: None,
        })]
    );
    assert!(log(&counter.repeat(32)).is_ok());
    assert!(log(&counter.repeat(33)).is_err());
    assert!(log(r#"<nccp:counter name="Stalls">3</nccp:counter>"#).is_err());
    assert!(log(r#"<nccp:counter name="stalls">-3</nccp:counter>"#).is_err());
    for position in ["-1", "NaN", "inf", "1e3", ""] {
        let xml =
            format!(r#"<nccp:logblob movie_id="1"><nccp:position>{position}</nccp:position></nccp:logblob>"#);
        assert!(request(&xml).is_err(), "{position}");
    }
}

/// The manifest as the study prints it (seeds/000, step 10), where it shows the elements: a line break inside
/// the URL is the print's own.
const STUDY: &str = r#"<nccp:authorization xmlns:nccp="urn:matinee:nccp:1" movie_id="60027274">
 [Information about CDNs, and their relative weight]
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
                  http://netflix-

274.vo.llnwd.net/s/s1/541/1811192541.wmv
?p=55&amp;e=1238103632&amp;
h=c2ff68a253b2602e9f905479db3e0d3d

                </nccp:url>
               </nccp:downloadurl>
               [ download URLs for other CDNs ]
       </nccp:downloadurls>
       <nccp:resolution>
               <nccp:width>720</nccp:width>
               <nccp:height>404</nccp:height>
       </nccp:resolution>
  </nccp:downloadable>
 </nccp:authorization>"#;

/// A43, A59, A61 to A65, C15: the study's element tree.
#[test]
fn reads_the_studys_manifest() {
    let manifest = Manifest::parse(STUDY.as_bytes()).unwrap();
    assert_eq!(manifest.movie_id, movie(60027274));
    assert_eq!(manifest.expiration, 1238103632);
    assert_eq!(manifest.movie_type, MovieType::Static);
    let [file] = &manifest.downloadables[..] else { panic!("one downloadable") };
    assert_eq!((file.id.as_str(), file.size, file.bitrate), ("1811192541", 1067043503, 1500));
    assert_eq!(file.content_profile, ContentProfile::Other("playready-vc1ap-none".into()));
    assert_eq!(file.resolution, Some(Resolution { width: 720, height: 404 }));
    assert_eq!(file.media_type, MediaType::Video);
    let [url] = &file.urls[..] else { panic!("one URL") };
    assert_eq!((url.expiration, url.cdn_id), (1238103632, 4));
    let plain = "http://netflix-274.vo.llnwd.net/s/s1/541/1811192541.wmv?p=55&e=1238103632&h=c2ff68a253b2602e9f905479db3e0d3d";
    assert_eq!(url.url, plain);
    assert_eq!(
        with_range(&url.url, ByteRange::new(0, 23).unwrap()),
        "http://netflix-274.vo.llnwd.net/s/s1/541/1811192541.wmv/range/0-23?p=55&e=1238103632&h=c2ff68a253b2602e9f905479db3e0d3d"
    );
    // What was read can be written and read again.
    assert_eq!(Manifest::parse(manifest.to_xml().as_bytes()).unwrap(), manifest);
}

#[test]
fn the_signed_lines_are_the_documented_ones() {
    let input = signing_input("http://localhost:8080/nccp/controller", &[0; 32], &[255; 32]);
    assert_eq!(
        input,
        "matinee-nccp-1\nPOST\nhttp://localhost:8080/nccp/controller\n\
         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n__________________________________________8"
    );
}

#[test]
fn range_headers() {
    let parse = RangeHeader::parse;
    let range = |a, b| ByteRange::new(a, b).unwrap();
    assert_eq!(parse("bytes=100-199"), Some(RangeHeader::Bounded(range(100, 199))));
    assert_eq!(parse("bytes=5-"), Some(RangeHeader::From(5)));
    assert_eq!(parse("bytes=-5"), Some(RangeHeader::Suffix(5)));
    for several in
        ["bytes=0-1,3-4", "bytes=0-,0-,0-", "bytes=0-1, 3-4", "bytes=,0-1", "bytes=0-1,", "bytes=-1,-2"]
    {
        assert_eq!(parse(several), None, "{several}");
    }
    for ignored in ["bytes", "items=0-1", "bytes=", "bytes=-", "bytes=9-1", "bytes=a-b", "bytes=+1-2"] {
        assert_eq!(parse(ignored), None, "{ignored}");
    }
    let resolve = |value: &str, size| parse(value).unwrap().resolve(size);
    assert_eq!(resolve("bytes=0-9", 5), Some(range(0, 4)));
    assert_eq!(resolve("bytes=5-9", 5), None);
    assert_eq!(resolve("bytes=-9", 5), Some(range(0, 4)));
    assert_eq!(resolve("bytes=-0", 5), None);
    assert_eq!(resolve("bytes=0-0", 0), None);
    assert_eq!(range(7, 7).length(), 1);
    assert_eq!(ByteRange::new(0, u64::MAX), Err(Error::Value("range")));
}

#[test]
fn every_error_has_words_an_action_and_a_way_back() {
    for &code in ErrorCode::ALL {
        assert!(!code.text().is_empty());
        assert_eq!(code.as_str().parse(), Ok(code));
        assert_eq!(Action::parse(code.action().as_str()), code.action());
        let refused = Response::refused(3, 4, code);
        assert_eq!(Response::parse(refused.to_xml().as_bytes()).unwrap(), refused);
    }
    assert_eq!("LATER_CODE".parse(), Ok(ErrorCode::Other));
    assert_eq!(ErrorCode::StreamLimit.action().as_str(), "takeover");
    assert_eq!(
        ErrorCode::RenewOtherCustomer.text(),
        "Auth Renew called using different customer's shopper ID"
    );
    assert_eq!(ErrorCode::SequenceOutOfOrder.text(), "Sequence Number out of order");
    assert_eq!(ErrorCode::DeviceLimitReached.text(), "Device Limit Reached");
}

#[test]
fn a_client_skips_what_it_does_not_know() {
    let body = r#"<r:response xmlns:r="urn:matinee:nccp:1" sequence="1" time="2"><r:later/>
        <r:error message="later" code="X"/><r:error message="license" code="NEW" action="explode">words</r:error></r:response>"#;
    let response = Response::parse(body.as_bytes()).unwrap();
    let error =
        WireError { code: ErrorCode::Other, action: Action::Fail, text: "words".into(), playing: vec![] };
    assert_eq!(
        response.outcome,
        Outcome::Answers(vec![Answer::Failed { message: MessageName::License, error }])
    );
}

/// How an answer says that a lease goes on, and that playback ends: by an element, with or without names.
#[test]
fn answers_bring_leases_and_stop_playback() {
    use nccp::ResponseMessage;
    let answer = |children: &str| {
        let body = format!(
            r#"<response xmlns="urn:matinee:nccp:1" sequence="1" time="2"><logblob movie_id="7"><accepted>2</accepted>{children}</logblob></response>"#
        );
        match Response::parse(body.as_bytes()).map(|response| response.outcome) {
            Ok(Outcome::Answers(answers)) => match answers.into_iter().next() {
                Some(Answer::Done(ResponseMessage::LogBlob { lease, stopped, .. })) => Ok((lease, stopped)),
                other => panic!("{other:?}"),
            },
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error),
        }
    };
    assert_eq!(answer(""), Ok((None, None)));
    assert_eq!(answer(r#"<lease expires="1790000240"/>"#), Ok((Some(1_790_000_240), None)));
    assert_eq!(answer("<stop/>"), Ok((None, Some(String::new()))));
    let named = Ok((None, Some("Kitchen".to_owned())));
    assert_eq!(answer("<stop/><stopped>Kitchen</stopped>"), named);
    assert_eq!(answer("<stopped>Kitchen</stopped>"), named, "as earlier servers say it");
    assert!(answer("<lease/>").is_err() && answer(r#"<lease expires="soon"/>"#).is_err());
}

#[test]
fn tickets_and_passwords_do_not_print() {
    let registration = Registration {
        device_id: "d-1".parse().unwrap(),
        ticket: "sesame".into(),
        expiration: 1,
        renewal: 1,
        domain_keys: vec![nccp::DomainKey { domain: "all".into(), epoch: 690, key: b"sesame".to_vec() }],
    };
    assert!(!format!("{:?}", ResponseMessage::Register(registration)).contains("sesame"));
    let login = json::Login { email: "a@b".into(), password: "sesame".into(), next: None };
    assert!(!format!("{login:?}").contains("sesame"));
}

#[test]
fn json_bodies_are_the_documented_ones() {
    let library: Library = serde_json::from_str(
        r#"{"account":"a-3f","email":"ada@example.org","movies":[{"movie_id":60027274,"title":"T","runtime":60.0,
            "cast":[],"art":[{"url":"/art/3f/poster.jpg","width":1280,"height":720}],"queued":false,"playable":true}]}"#,
    )
    .unwrap();
    assert_eq!(library.movies[0].art[0].width, 1280);
    assert_eq!(library.movies[0].year, None);
    let event = PlayerEvent {
        movie_id: movie(7),
        event: PlayerEventKind::Ready,
        code: None,
        position: None,
        ticket: None,
    };
    assert_eq!(serde_json::to_string(&event).unwrap(), r#"{"movie_id":7,"event":"ready"}"#);
    assert!(serde_json::from_str::<PlayerEvent>(r#"{"movie_id":9007199254740992,"event":"ready"}"#).is_err());
    assert_eq!(
        serde_json::to_string(&json::ErrorBody::from(ErrorCode::LoginFailed)).unwrap(),
        r#"{"error":{"code":"LOGIN_FAILED","message":"Email or password is wrong."}}"#
    );
}

//! Values of requests: nothing stands around them.

use nccp::json::PlayerEvent;
use nccp::{Error, LogBlob, Register, Request, RequestMessage, single_line};

use crate::HEAD;

fn request(inner: &str) -> Result<RequestMessage, Error> {
    let request = Request::parse(format!("{HEAD}{inner}</nccp:request>").as_bytes());
    request.map(|mut request| request.messages.remove(0)).map_err(|refused| refused.error)
}

fn log(position: &str, rest: &str) -> Result<LogBlob, Error> {
    let log = format!(
        r#"<nccp:logblob movie_id="1"><nccp:position>{position}</nccp:position>{rest}</nccp:logblob>"#
    );
    request(&log).map(|message| match message {
        RequestMessage::LogBlob(log) => log,
        other => panic!("{other:?}"),
    })
}

/// Blanks of XML, of Unicode and of other kinds.
const BLANKS: [&str; 8] = [" ", "\t", "\n", "&#10;", "&#13;", "\u{A0}", "\u{2003}", "\u{FEFF}"];

#[test]
fn blanks_around_a_value_are_refused() {
    for blank in BLANKS {
        let around = |value: &str| [format!("{blank}{value}"), format!("{value}{blank}")];
        for id in around("1") {
            let refused = request(&format!(r#"<nccp:authorization movie_id="{id}"/>"#));
            assert_eq!(refused, Err(Error::Value("movie_id")), "{id:?}");
            assert_eq!(log(&id, ""), Err(Error::Value("position")), "{id:?}");
            let counter =
                format!(r#"<nccp:counters><nccp:counter name="stalls">{id}</nccp:counter></nccp:counters>"#);
            assert_eq!(log("1", &counter), Err(Error::Value("counter")), "{id:?}");
            let version = format!("<nccp:policyversion>{id}</nccp:policyversion>");
            assert_eq!(log("1", &version), Err(Error::Value("policyversion")), "{id:?}");
            for (name, head) in [
                ("sequence", HEAD.replace("\"17\"", &format!("\"{id}\""))),
                ("time", HEAD.replace("\"1790000000\"", &format!("\"{id}\""))),
            ] {
                let refused = Request::parse(format!("{head}<nccp:ping/></nccp:request>").as_bytes());
                assert_eq!(refused.unwrap_err().error, Error::Value(name), "{id:?}");
            }
        }
        for event in around("pause") {
            let event = format!("<nccp:event>{event}</nccp:event>");
            assert_eq!(log("1", &event), Err(Error::Value("event")), "{event:?}");
        }
        for id in around("d-1") {
            let renewal = format!(
                "<nccp:authenticationrenewal><nccp:deviceid>{id}</nccp:deviceid></nccp:authenticationrenewal>"
            );
            assert_eq!(request(&renewal), Err(Error::Value("deviceid")), "{id:?}");
            let head = HEAD.replace("d-5f0c", &id);
            let refused = Request::parse(format!("{head}<nccp:ping/></nccp:request>").as_bytes());
            assert_eq!(refused.unwrap_err().error, Error::Value("device"), "{id:?}");
        }
    }
    assert!(
        log("1", "<nccp:event/><nccp:policyversion/><nccp:counters/>").is_ok(),
        "empty ones count as absent"
    );
}

#[test]
fn base64_may_be_wrapped() {
    let license = |text: &str| {
        request(&format!(
            r#"<nccp:license stream_id="1"><nccp:challenge>{text}</nccp:challenge></nccp:license>"#
        ))
    };
    assert!(license("\n  AAEC\r\n  AwQF\n").is_ok());
    assert_eq!(license("AAEC\u{A0}AwQF"), Err(Error::Value("challenge")));
    assert_eq!(license("AAE"), Err(Error::Value("challenge")), "padding is not left out");
}

#[test]
fn grants_are_short_and_visible() {
    let register = |grant: &str| {
        let message = format!(
            "<nccp:register><nccp:certificate>AAEC</nccp:certificate><nccp:name/><nccp:machine/>{grant}</nccp:register>"
        );
        request(&message).map(|message| match message {
            RequestMessage::Register(Register { grant, .. }) => {
                grant.map(|grant| (grant.token, grant.origin))
            }
            other => panic!("{other:?}"),
        })
    };
    let plain = |token: &str| register(&format!("<nccp:grant>{token}</nccp:grant>"));
    assert_eq!(plain("a-1.abc"), Ok(Some(("a-1.abc".into(), None))));
    let origin = |origin: &str| register(&format!("<nccp:grant origin=\"{origin}\">a</nccp:grant>"));
    assert_eq!(origin("https://a.example"), Ok(Some(("a".into(), Some("https://a.example".into())))));
    assert_eq!(origin(""), Ok(Some(("a".into(), None))));
    assert_eq!((register(""), plain("")), (Ok(None), Ok(None)));
    assert!(plain(&"a".repeat(4096)).is_ok());
    for wrong in
        [plain(&"a".repeat(4097)), plain("a b"), plain("\u{e9}"), origin(&"a".repeat(301)), origin("a b")]
    {
        assert_eq!(wrong, Err(Error::Value("grant")));
    }
}

#[test]
fn names_stand_on_one_line() {
    let register = |name: &str| {
        let message = format!(
            "<nccp:register><nccp:certificate>AAEC</nccp:certificate><nccp:name>{name}</nccp:name><nccp:machine>{name}</nccp:machine></nccp:register>"
        );
        request(&message).map(|message| match message {
            RequestMessage::Register(Register { name, machine, .. }) => {
                assert_eq!(name, machine);
                name
            }
            other => panic!("{other:?}"),
        })
    };
    for (name, line) in [
        (" Ada\u{2019}s  laptop\u{A0}", "Ada\u{2019}s  laptop"),
        ("Ada\nadmin\r\n\u{85}&#9;1\u{2028}2", "Ada admin   1 2"),
        ("abc\u{202E}gpj.exe\u{2066}\u{200F}\u{61C}", "abcgpj.exe"),
        ("\u{5E9}\u{5DC}\u{5D5}\u{5DD}", "\u{5E9}\u{5DC}\u{5D5}\u{5DD}"),
        ("\u{7F}\u{202E} \u{2069}", ""),
    ] {
        assert_eq!(register(name).as_deref(), Ok(line), "{name:?}");
        assert_eq!(single_line(line), line);
    }
    assert!(register(&format!("{}\u{202E}", "x".repeat(80))).is_ok(), "what goes does not count");
}

#[test]
fn a_policy_version_is_a_word() {
    let version = |text: &str| log("1", &format!("<nccp:policyversion>{text}</nccp:policyversion>"));
    assert_eq!(version("c2a9~!").unwrap().policy_version.as_deref(), Some("c2a9~!"));
    assert!(version(&"x".repeat(64)).is_ok());
    for bad in ["a b", "a\nb", "a\u{202E}b", "\u{E9}", &"x".repeat(65)] {
        assert_eq!(version(bad), Err(Error::Value("policyversion")), "{bad:?}");
    }
}

/// `logblob` and `playerevent` take the same positions, and both round to milliseconds.
#[test]
fn positions_are_the_same_in_both_reports() {
    let event = |position: &str| {
        let event = format!(r#"{{"movie_id":1,"event":"hide","position":{position}}}"#);
        serde_json::from_str::<PlayerEvent>(&event).ok().and_then(|event| event.position)
    };
    for (written, read) in [
        ("0", Some(0.0)),
        ("12.5", Some(12.5)),
        ("12.3456", Some(12.346)),
        ("999999999.999", Some(999_999_999.999)),
        ("999999999.9999", None),
        ("1000000000", None),
        ("-1", None),
        ("1e308", None),
    ] {
        assert_eq!(log(written, "").ok().map(|log| log.position), read, "{written}");
        assert_eq!(event(written), read, "{written}");
    }
    assert_eq!(event("null"), None);
    assert!(serde_json::from_str::<PlayerEvent>(r#"{"movie_id":1,"event":"hide","position":-1}"#).is_err());
}

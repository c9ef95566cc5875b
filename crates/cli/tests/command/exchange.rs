//! Keys from elsewhere: `package --cpix`, `--cpix-out`, and `--speke` with a key server of the test's own.

use crate::site::{Site, demo, text};
use cenc::{Cek, KidAndKey};
use cpix::{ContentKey, Document, Recipient};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::thread::JoinHandle;

/// A recipient of encrypted keys, and the private key.
const CERTIFICATE: &str = include_str!("../../../cpix/tests/openssl/certificate.pem");
const PRIVATE_KEY: &str = include_str!("../../../cpix/tests/openssl/key.pem");

const KID: &str = "0a0b0c0d-0e0f-4011-9213-141516171819";

fn document(kid: &str, more: &str) -> String {
    format!(
        "<cpix:CPIX contentId=\"film\" version=\"2.3\" xmlns:cpix=\"urn:dashif:org:cpix\"
           xmlns:pskc=\"urn:ietf:params:xml:ns:keyprov:pskc\"><cpix:ContentKeyList><cpix:ContentKey kid=\"{kid}\">
           <cpix:Data><pskc:Secret><pskc:PlainValue>AAECAwQFBgcICQoLDA0ODw==</pskc:PlainValue></pskc:Secret>
           </cpix:Data></cpix:ContentKey></cpix:ContentKeyList>{more}</cpix:CPIX>"
    )
}

fn write_secret(path: &Path, content: &str) {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
}

fn pack_json(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("pack.json")).unwrap()).unwrap()
}

fn sealed(site: &Site) -> String {
    let pack = site.library().pop().unwrap();
    std::fs::read_to_string(site.path("data/library").join(pack).join("keys.sealed")).unwrap()
}

/// A film is packaged with a document's keys, which go with it; its own document takes them to the next one,
/// and is a file of secrets.
#[test]
fn documents_in_and_out() {
    let site = Site::new();
    let (film, from, to) = (demo("240p.mp4"), site.path("in.xml"), site.path("out.xml"));
    write_secret(&from, &document(KID, ""));
    let folder = site.path("packed");
    let package = ["package", text(&film), "--movie", "7", "--cpix", text(&from)];
    site.ok(&[&package[..], &["--output", text(&folder), "--cpix-out", text(&to)]].concat());
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let pack = pack_json(&folder);
    let kid = KID.replace('-', "");
    assert_eq!(pack["protection"]["keys"][0]["kid"], kid);
    assert!(!pack.to_string().contains("AAECAwQFBgcICQoLDA0ODw"));

    // The film's own document decrypts it, publishes it, and makes it again.
    let media = folder.join(pack["representations"][0]["path"].as_str().unwrap());
    let done = site.ok(&["decrypt", text(&media), "--output", "clear.mp4", "--cpix", text(&to)]);
    assert!(done.starts_with("Decrypted 1432 of 1440 samples"), "{done}");
    site.ok(&["movie", "add", text(&folder), "--cpix", text(&to)]);
    assert!(sealed(&site).contains(&kid));
    site.ok(&["package", text(&film), "--movie", "7", "--replace", "--cpix", text(&to)]);
    assert_eq!(site.library(), [pack["pack_id"].as_str().unwrap()]);

    // Never over what is there; and what fails leaves no file.
    let before = std::fs::read(&to).unwrap();
    let said = site.fails(&[&package[..], &["--replace", "--cpix-out", text(&to)]].concat());
    assert!(said.contains("--cpix-out") && std::fs::read(&to).unwrap() == before, "{said}");
    let new = site.path("new.xml");
    site.fails(&["package", "missing.mp4", "--movie", "9", "--cpix", text(&from), "--cpix-out", text(&new)]);
    assert!(!new.exists());
    // The site's own keys, too.
    site.ok(&["package", text(&film), "--movie", "8", "--cpix-out", text(&new)]);
    assert!(std::fs::read_to_string(&new).unwrap().contains("intendedTrackType=\"ALL\""));
}

#[test]
fn documents_that_do_not_fit_are_refused() {
    let site = Site::new();
    let (film, file) = (demo("240p.mp4"), site.path("in.xml"));
    let package = ["package", text(&film), "--movie", "7", "--cpix", text(&file)];
    write_secret(&file, "");
    let rules = format!(
        "<cpix:ContentKeyUsageRuleList><cpix:ContentKeyUsageRule kid=\"{KID}\"><cpix:BitrateFilter/>\
         </cpix:ContentKeyUsageRule></cpix:ContentKeyUsageRuleList>"
    );
    for (content, words) in [
        (document(KID, "").replace("PlainValue", "EncryptedValue"), "keys are encrypted"),
        (document(KID, &rules), "BitrateFilter"),
        ("<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"b\">]><x/>".to_owned(), "document type"),
    ] {
        std::fs::write(&file, content).unwrap();
        let output = site.run(&package);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(words), "{said}");
    }
    std::fs::write(&file, document(KID, "")).unwrap();
    for more in [
        &["--scheme", "none"][..],
        &["--label-by-height"],
        &["--key", "a:b"],
        &["--speke", "https://example.org"],
        &["--speke", "https://example.org", "--speke-system", "widevine"],
    ] {
        assert_eq!(site.run(&[&package[..], more].concat()).status.code(), Some(2), "{more:?}");
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(site.fails(&package).contains("chmod 600"));
    assert!(site.library().is_empty());
}

/// Status and body of an answer to a request.
type Answer = fn(&str) -> (&'static str, String);

/// A server that gives these answers, one to each connection; the requests that it got.
fn key_server(answers: Vec<Answer>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/speke/v2", listener.local_addr().unwrap());
    let serve = move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let complete = |request: &[u8]| {
                let text = String::from_utf8_lossy(request).into_owned();
                let (head, body) = text.split_once("\r\n\r\n")?;
                let head = head.to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1)?.lines().next()?.parse::<usize>().ok()?;
                (body.len() == length).then_some(text)
            };
            let text = loop {
                let mut octets = [0; 4096];
                let count = stream.read(&mut octets).unwrap();
                assert!(count > 0, "the request broke off");
                request.extend_from_slice(&octets[..count]);
                if let Some(text) = complete(&request) {
                    break text;
                }
            };
            let (status, body) = answer(&text);
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nConnection: close\r\n");
            write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}").unwrap();
            requests.push(text);
        }
        requests
    };
    (url, std::thread::spawn(serve))
}

/// The KID that a request asks for.
fn asked(request: &str) -> &str {
    request.split("ContentKey kid=\"").nth(1).unwrap().split('"').next().unwrap()
}

/// What a key server answers: the key, and what Widevine and FairPlay are told of it.
fn answer(request: &str) -> (&'static str, String) {
    let kid = asked(request);
    // A box of Widevine's with four octets of data; `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://7"`.
    let systems = format!(
        "<cpix:DRMSystemList><cpix:DRMSystem kid=\"{kid}\" systemId=\"edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\">
           <cpix:PSSH>AAAAJHBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAAAQIARIA</cpix:PSSH></cpix:DRMSystem>
         <cpix:DRMSystem kid=\"{kid}\" systemId=\"94ce86fb-07ff-4f43-adb8-93d2fa968ca2\">
           <cpix:HLSSignalingData playlist=\"media\">I0VYVC1YLUtFWTpNRVRIT0Q9U0FNUExFLUFFUyxVUkk9InNrZDovLzci\
         </cpix:HLSSignalingData></cpix:DRMSystem></cpix:DRMSystemList>"
    );
    ("200 OK", document(kid, &systems))
}

/// SPEKE v2 over a real connection: what is sent, that a server that is not ready yet is asked again, and
/// that the film has the key and what the systems are told.
#[test]
fn a_key_server_is_asked() {
    let site = Site::new();
    let headers = site.path("headers.txt");
    write_secret(&headers, "# the key server's\nAuthorization: Basic c2VjcmV0\n");
    let busy: Answer = |_| ("503 Service Unavailable", String::new());
    let (url, server) = key_server(vec![busy, answer]);
    let film = demo("240p.mp4");
    let package = ["package", text(&film), "--movie", "7", "--scheme", "cbcs", "--speke", &url];
    let systems = ["--speke-system", "widevine", "--speke-system", "fairplay"];
    let header = ["--speke-header-file", text(&headers)];
    site.ok(&[&package[..], &systems, &header].concat());
    let requests = server.join().unwrap();
    assert_eq!(asked(&requests[0]), asked(&requests[1]));
    let request = &requests[1];
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    for line in [
        "post /speke/v2 http/1.1",
        "x-speke-version: 2.0",
        "x-speke-user-agent: matinee/",
        "content-type: application/xml",
        "authorization: basic c2vjcmv0",
    ] {
        assert!(head.contains(line), "{line}\n{head}");
    }
    assert!(body.contains("contentId=\"movie/7\" version=\"2.3\""), "{body}");
    assert!(body.contains("commonEncryptionScheme=\"cbcs\"") && body.contains("intendedTrackType=\"ALL\""));
    let kid = asked(request).replace('-', "");
    let folder = site.path("data/library").join(site.library().pop().unwrap());
    let pack = pack_json(&folder);
    assert_eq!(pack["protection"]["keys"][0]["kid"], kid);
    let systems = &pack["protection"]["systems"];
    assert_eq!(systems[0]["pssh"], "AAAAJHBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7QAAAAQIARIA");
    assert_eq!(systems[1]["hls_media"], "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://7\"");
    assert!(sealed(&site).contains(&kid));
    let media = folder.join(pack["representations"][0]["path"].as_str().unwrap());
    let report = site.json(&["inspect", text(&media), "--json"]);
    assert_eq!(report["pssh"][1]["system_id"], "edef8ba979d64acea3c827dcd51d21ed");
}

/// What a key server refuses is said; its answers are looked at; and keys do not travel in the clear.
#[test]
fn what_a_key_server_answers_is_looked_at() {
    let site = Site::new();
    let film = demo("240p.mp4");
    let package = |url: &str| {
        let arguments =
            ["package", text(&film), "--movie", "7", "--speke-system", "playready", "--speke", url];
        site.run(&arguments)
    };
    let answers: [(Answer, &str); 4] = [
        (
            |_| ("422 Unprocessable Entity", "Unsupported\nCPIX@version".to_owned()),
            "422: Unsupported CPIX@version",
        ),
        (|_| ("200 OK", document(KID, "")), "not the key that was asked for"),
        (|_| ("200 OK", "<html/>".to_owned()), "no CPIX document"),
        (|_| ("302 Found", String::new()), "status 302"),
    ];
    for (answer, words) in answers {
        let (url, server) = key_server(vec![answer]);
        let output = package(&url);
        server.join().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(words), "{words}: {said}");
    }
    for (url, words) in [
        ("http://keys.example.org/", "https"),
        ("ftp://127.0.0.1/", "https"),
        ("keys.example.org", "no URL"),
        ("https://ada:secret@keys.example.org/", "--speke-header-file"),
    ] {
        let output = package(url);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(words), "{url}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
    assert!(site.library().is_empty());
}

/// A film's document is for a recipient, whose private key opens it, and without that key there is nothing to
/// read; a private key is a file of secrets, and what is not encrypted is not taken for what is.
#[test]
fn documents_for_recipients() {
    let site = Site::new();
    let (film, to, plain) = (demo("240p.mp4"), site.path("out.xml"), site.path("plain.xml"));
    let (certificate, key) = (site.path("certificate.pem"), site.path("key.pem"));
    std::fs::write(&certificate, CERTIFICATE).unwrap();
    write_secret(&key, PRIVATE_KEY);
    write_secret(&plain, &document(KID, ""));
    let out = ["--cpix-out", text(&to), "--cpix-recipient", text(&certificate)];
    site.ok(&[&["package", text(&film), "--movie", "7"][..], &out].concat());
    let written = std::fs::read_to_string(&to).unwrap();
    assert!(written.contains("EncryptedValue") && !written.contains("PlainValue"), "{written}");
    let folder = site.path("data/library").join(site.library().pop().unwrap());
    let pack = pack_json(&folder);
    let media = folder.join(pack["representations"][0]["path"].as_str().unwrap());
    let decrypt = ["decrypt", text(&media), "--output", "clear.mp4"];
    for (more, words) in [
        (&["--cpix", text(&to)][..], "--cpix-key"),
        (&["--cpix", text(&plain), "--cpix-key", text(&key)][..], "not encrypted"),
        (&["--cpix", text(&to), "--cpix-key", text(&to)][..], "same file"),
        (&["--cpix", text(&to), "--cpix-key", text(&plain)][..], "no RSA private key"),
        (&["--cpix-key", text(&key)][..], "--cpix"),
        (&["--key-file", text(&plain), "--cpix-key", text(&key)][..], "cannot be used"),
    ] {
        let output = site.run(&[&decrypt[..], more].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(words), "{more:?}: {said}");
    }
    site.ok(&[&decrypt[..], &["--cpix", text(&to), "--cpix-key", text(&key)]].concat());
    let refused = ["package", text(&film), "--movie", "8", "--cpix-recipient", text(&certificate)];
    assert_eq!(site.run(&refused).status.code(), Some(2), "without --cpix-out");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = site.fails(&[&decrypt[..], &["--cpix", text(&to), "--cpix-key", text(&key)]].concat());
    assert!(said.contains("chmod 600"), "{said}");
}

/// What a key server answers that encrypts for whom it is told.
fn encrypted_answer(request: &str) -> (&'static str, String) {
    assert!(request.contains("<cpix:DeliveryKey><ds:X509Data><ds:X509Certificate>MII"), "{request}");
    let key = KidAndKey { kid: asked(request).parse().unwrap(), cek: Cek::new([7; 16]) };
    let document = Document { keys: vec![ContentKey { key, scheme: None, iv: None }], ..Document::default() };
    ("200 OK", document.to_xml_for(&[Recipient::from_pem(CERTIFICATE).unwrap()]).unwrap())
}

/// A key server is told whom to encrypt for; an answer with a plain key is then none.
#[test]
fn a_key_server_encrypts_for_a_recipient() {
    let site = Site::new();
    let film = demo("240p.mp4");
    let (certificate, key) = (site.path("certificate.pem"), site.path("key.pem"));
    std::fs::write(&certificate, CERTIFICATE).unwrap();
    write_secret(&key, PRIVATE_KEY);
    let package = |url: &str| {
        let speke = ["package", text(&film), "--movie", "7", "--speke-system", "widevine", "--speke", url];
        let opened = ["--speke-certificate", text(&certificate), "--cpix-key", text(&key)];
        site.run(&[&speke[..], &opened].concat())
    };
    let (plain, encrypted): (Answer, Answer) = (answer, encrypted_answer);
    let (url, server) = key_server(vec![plain]);
    let output = package(&url);
    server.join().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("not encrypted"), "{said}");
    assert!(site.library().is_empty());
    let (url, server) = key_server(vec![encrypted]);
    let output = package(&url);
    let requests = server.join().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kid = asked(&requests[0]).replace('-', "");
    assert!(sealed(&site).contains(&kid));
    let folder = site.path("data/library").join(site.library().pop().unwrap());
    let pack = pack_json(&folder);
    let media = folder.join(pack["representations"][0]["path"].as_str().unwrap());
    let list = format!("{kid}:{}", "07".repeat(16));
    site.ok(&["decrypt", text(&media), "--output", "clear.mp4", "--key", &list]);
}

/// The film as it is published is encrypted; its clear form is kept for the owner of the data folder alone,
/// and a folder with a clear film is a source.
#[test]
fn a_clear_form_is_kept_for_an_origin() {
    let site = Site::new();
    let film = demo("240p.mp4");
    let said = site.ok(&["package", text(&film), "--movie", "7", "--clear-source"]);
    assert!(said.contains("Kept its clear form in"), "{said}");
    let sources = site.path("data/sources");
    for folder in [&sources, &sources.join("7")] {
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let source = std::fs::read(sources.join("7/source.json")).unwrap();
    let source: serde_json::Value = serde_json::from_slice(&source).unwrap();
    assert_eq!((&source["scheme"], &source["movie_id"]), (&"none".into(), &7.into()));
    assert_eq!(pack_json(&site.path("data/library").join(site.library().pop().unwrap()))["scheme"], "cenc");
    // Nothing need be configured for that.
    assert!(site.ok(&["config", "check"]).contains("Looked at 1 contents"));
    assert!(site.ok(&["movie", "add", "--content", "7", "--movie", "70"]).contains("vod/7"));
    let folder = site.path("clear");
    site.ok(&["package", text(&film), "--movie", "8", "--scheme", "none", "--output", text(&folder)]);
    assert!(folder.join("source.json").is_file());
    site.ok(&["movie", "add", text(&folder)]);
    site.ok(&["check", "8"]);
    let both = ["package", text(&film), "--movie", "9", "--clear-source", "--output", "x"];
    assert_eq!(site.run(&both).status.code(), Some(2));
}

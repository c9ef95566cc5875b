use super::*;
use proptest::prelude::*;

/// A document with what is between `<tt …>` and `</tt>`.
fn document(parameters: &str, content: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
    xmlns:tts="http://www.w3.org/ns/ttml#styling" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"
    xmlns:itts="http://www.w3.org/ns/ttml/profile/imsc1#styling" xml:lang="en" {parameters}>{content}</tt>"#
    )
}

/// The cues, each as `start end settings|text` in milliseconds.
fn cues(file: &str) -> Vec<String> {
    let track = read_ttml(file.as_bytes()).unwrap();
    assert_eq!(crate::read_webvtt(track.to_webvtt().as_bytes()).as_ref(), Ok(&track));
    let line = |cue: &Cue| format!("{} {} {}|{}", cue.start.0, cue.end.0, cue.settings, cue.text);
    track.cues.iter().map(line).collect()
}

fn body(content: &str) -> Vec<String> {
    cues(&document("", &format!("<body>{content}</body>")))
}

fn line(file: &str) -> (usize, &'static str) {
    match read_ttml(file.as_bytes()) {
        Err(Error::Line { line, what }) => (line, what),
        other => panic!("{other:?}"),
    }
}

/// After the examples of TTML2, sections 8.1 and 10: a head with styles and regions, a body that uses them.
#[test]
fn a_document_as_the_standard_shows_it() {
    let file = document(
        "",
        r##"
  <head>
    <metadata><ttm:title>Timed Text TTML Example</ttm:title></metadata>
    <styling>
      <style xml:id="s1" tts:color="white" tts:fontFamily="proportionalSansSerif" tts:textAlign="center"/>
      <style xml:id="s2" style="s1" tts:color="yellow"/>
      <style xml:id="s1Right" style="s1" tts:textAlign="end"/>
      <style xml:id="s2Italic" style="s2" tts:fontStyle="italic"/>
    </styling>
    <layout>
      <region xml:id="subtitleArea" style="s1" tts:extent="80% 20%" tts:origin="10% 75%" tts:padding="5px"
              tts:displayAlign="after"/>
      <region xml:id="top"><style tts:origin="10% 5%"/><style tts:extent="80% 20%"/></region>
    </layout>
  </head>
  <body region="subtitleArea"><div>
    <p xml:id="subtitle1" begin="0.76s" end="3.45s">
      It seems a paradox, does it not,
    </p>
    <p begin="5.0s" end="10.0s">
      that the image formed on<br/>
      the Retina should be inverted?
    </p>
    <p begin="10.0s" end="16.0s" style="s2">It is <span style="s2Italic">puzzling</span>, why
      is it <span tts:fontWeight="bold">we do</span> not see things <span tts:textDecoration="underline">upside-down</span>?
    </p>
    <p begin="17.2s" end="23.0s" style="s1Right">You have never &#x22;looked&#34; at your own eye &amp; <![CDATA[<retina>]]></p>
    <p begin="24s" end="25s" region="top" style="s1">Above</p>
  </div></body>"##,
    );
    assert_eq!(
        cues(&file),
        [
            "760 3450 |It seems a paradox, does it not,",
            "5000 10000 |that the image formed on\nthe Retina should be inverted?",
            "10000 16000 |It is <i>puzzling</i>, why is it <b>we do</b> not see things <u>upside-down</u>?",
            "17200 23000 position:90% size:80% align:end|You have never \"looked\" at your own eye &amp; &lt;retina&gt;",
            "24000 25000 line:5%|Above",
        ]
    );
}

/// EBU Tech 3380: times of the media, cells, lines of a paragraph as spans.
#[test]
fn ebu_tt_d() {
    let file = r#"<?xml version="1.0" encoding="UTF-8"?>
<tt:tt xmlns:tt="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
  xmlns:tts="http://www.w3.org/ns/ttml#styling" xmlns:ebuttm="urn:ebu:tt:metadata" xmlns:ebutts="urn:ebu:tt:style"
  ttp:timeBase="media" ttp:cellResolution="50 30" xml:lang="de">
  <tt:head>
    <tt:metadata><ebuttm:documentMetadata><ebuttm:conformsToStandard>urn:ebu:tt:distribution:2018-04</ebuttm:conformsToStandard></ebuttm:documentMetadata></tt:metadata>
    <tt:styling>
      <tt:style xml:id="textCenter" tts:textAlign="center" ebutts:linePadding="0.5c"/>
      <tt:style xml:id="textWhite" tts:color="ffffff" tts:backgroundColor="000000c2"/>
    </tt:styling>
    <tt:layout><tt:region xml:id="top" tts:origin="10% 10%" tts:extent="80% 80%" tts:displayAlign="before"/></tt:layout>
  </tt:head>
  <tt:body><tt:div>
    <tt:p xml:id="sub1" region="top" style="textCenter" begin="00:00:02.000" end="00:00:04.500">
      <tt:span style="textWhite">Guten Tag,</tt:span><tt:br/><tt:span style="textWhite">meine Damen.</tt:span>
    </tt:p>
  </tt:div></tt:body>
</tt:tt>"#;
    assert_eq!(cues(file), ["2000 4500 line:10%|Guten Tag,\nmeine Damen."]);
}

/// SMPTE ST 2052-1, and the draft that DFXP files are of.
#[test]
fn smpte_tt_and_dfxp() {
    let file = document(
        r#"ttp:timeBase="smpte" ttp:frameRate="30" ttp:frameRateMultiplier="1000 1001" ttp:dropMode="dropNTSC""#,
        r#"<body><div><p begin="00:01:00:02" end="00:02:00:02">Dropped</p></div></body>"#,
    );
    assert_eq!(cues(&file), ["60060 120053 |Dropped"]);
    let draft = r#"<tt xmlns="http://www.w3.org/2006/10/ttaf1" xmlns:tts="http://www.w3.org/2006/10/ttaf1#style">
        <head><styling><style id="i" tts:fontStyle="italic"/></styling></head>
        <body><div><p begin="00:00:01.00" dur="00:00:02.50" style="i">Draft</p></div></body></tt>"#;
    assert_eq!(cues(draft), ["1000 3500 |<i>Draft</i>"]);
}

/// TTML2, section 12: times count from the begin of what is around, or in a row from the end of what is
/// before; nothing outlasts what it is in.
#[test]
fn times_inside_times() {
    assert_eq!(
        body(
            r#"<div begin="10s" end="20s"><p begin="1s" end="2s">a</p><p begin="5s">b</p><p begin="30s" dur="1s">c</p></div>"#
        ),
        ["11000 12000 |a", "15000 20000 |b"]
    );
    assert_eq!(
        body(
            r#"<div timeContainer="seq" begin="1s"><p dur="2s">a</p><p begin="1s" dur="2s">b</p><metadata/><p dur="1s">c</p></div>"#
        ),
        ["1000 3000 |a", "4000 6000 |b", "6000 7000 |c"]
    );
    // A part of a row is as long as the longest in it.
    assert_eq!(
        body(
            r#"<div timeContainer="seq"><div><p dur="2s">a</p><p begin="1s" dur="3s">b</p></div><div><p dur="1s">c</p></div></div>"#
        ),
        ["0 2000 |a", "1000 4000 |b", "4000 5000 |c"]
    );
    // Of end and dur the earlier one.
    assert_eq!(body(r#"<div><p begin="1s" end="3s" dur="1s">a</p></div>"#), ["1000 2000 |a"]);
    // Pieces of a paragraph: a cue for each time in which the text does not change.
    assert_eq!(
        body(
            r#"<div><p begin="1s" end="4s"><span>One</span> <span begin="1s">two</span> <span begin="2s" tts:visibility="hidden">three</span></p></div>"#
        ),
        ["1000 2000 |One", "2000 4000 |One two"]
    );
    assert_eq!(
        body(
            r#"<div><p begin="1s" timeContainer="seq"><span dur="1s">One</span><span dur="1s">two</span></p></div>"#
        ),
        ["1000 2000 |One", "2000 3000 |two"]
    );
}

#[test]
fn paragraphs_of_one_moment_keep_their_order() {
    assert_eq!(
        body(
            r#"<div begin="1s" end="2s"><p>first</p><p tts:textAlign="left">left</p><p tts:textAlign="left">again</p></div>"#
        ),
        ["1000 2000 |first", "1000 2000 align:left|left\nagain"]
    );
}

#[test]
fn white_space_ruby_and_what_is_not_shown() {
    let p = |content: &str| body(&format!(r#"<div><p begin="0s" end="1s">{content}</p></div>"#));
    assert_eq!(p("  a\n   b  "), ["0 1000 |a b"]);
    assert_eq!(p("<span xml:space=\"preserve\">a  b\nc</span>"), ["0 1000 |a  b\nc"]);
    assert_eq!(
        p("a<span tts:display=\"none\">b<span>c</span></span><metadata>d</metadata><set begin=\"1s\"/>"),
        ["0 1000 |a"]
    );
    assert_eq!(
        p(
            r#"<span tts:ruby="container"><span tts:ruby="base">漢</span><span tts:ruby="delimiter">(</span><span tts:ruby="text">かん</span></span>"#
        ),
        ["0 1000 |<ruby>漢<rt>かん</rt></ruby>"]
    );
    let indented = r#"今 <span tts:ruby="container">
          <span tts:ruby="baseContainer">
            <span tts:ruby="base">漢</span>
            <span tts:ruby="base">字</span>
          </span>
          <span tts:ruby="textContainer">
            <span tts:ruby="text">かん</span>
            <span tts:ruby="text">じ</span>
          </span>
        </span>の"#;
    assert_eq!(p(indented), ["0 1000 |今 <ruby>漢字<rt>かんじ</rt></ruby>の"]);
    let empty = document("", "<body><div><p begin=\"0s\" end=\"1s\"> <br/> </p></div></body>");
    assert_eq!(read_ttml(empty.as_bytes()), Err(Error::Empty));
}

/// The samples of a track in MP4 are documents; what goes on over a border is in both.
#[test]
fn several_documents_are_one_track() {
    let part = |p: &str| document("", &format!("<body><div>{p}</div></body>"));
    let file = [
        part(r#"<p begin="1s" end="2s">a</p><p begin="3s" end="4s">b</p>"#),
        part(r#"<p begin="4s" end="5s">b</p><p begin="6s" end="9s">c</p>"#),
        part(r#"<p begin="6s" end="9s">c</p><p begin="10s" end="11s">c</p>"#),
    ];
    assert_eq!(
        cues(&file.join("\u{feff}\n")),
        ["1000 2000 |a", "3000 5000 |b", "6000 9000 |c", "10000 11000 |c"]
    );
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let of = |content: &str| line(&document("", content)).1;
    let p = |attributes: &str| of(&format!("<body><div><p {attributes}>x</p></div></body>"));
    assert!(p("begin='1' end='2s'").starts_with("no time such as"));
    assert!(p("begin='2s' end='1s'").starts_with("a cue that ends before"));
    assert!(p("begin='2s'").starts_with("text that never ends"));
    assert!(p("end='2s' timeContainer='excl'").contains("timeContainer"));
    let long = format!("<body end='1s'><div><p>{}</p></div></body>", "x".repeat(5000));
    assert_eq!(of(&long), "more text than a cue can have");
    let circle = "<head><styling><style xml:id='a' style='b'/><style xml:id='b' style='a'/></styling></head>";
    assert!(of(circle).starts_with("a style that refers to itself"));
    let row = "<p dur='9998h'>x</p>".repeat(3);
    assert!(of(&format!("<body><div timeContainer='seq'>{row}</div></body>")).contains("more than a year"));
    assert!(line(&document("ttp:timeBase='clock'", "")).1.contains("times of day"));
    assert_eq!(
        line("<tt xmlns='http://www.w3.org/ns/ttml'>\r\n<body>\r\n<div>\r<p begin='x'/></div></body></tt>").0,
        4
    );
}

/// No document type: nothing is read from elsewhere, and nothing grows by names for text.
#[test]
fn hostile_xml_is_refused() {
    let bomb = "<!DOCTYPE tt [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\n<tt xmlns='http://www.w3.org/ns/ttml'>&b;</tt>";
    assert!(line(bomb).1.starts_with("a document type"));
    for (content, what) in [
        ("&file;", "a reference to what is no character"),
        ("&#0;", "a reference to what is no character"),
        ("<x:p/>", "a prefix that is not declared"),
        ("<body>", "it is not well-formed XML"),
    ] {
        assert_eq!(line(&document("", content)).1, what, "{content}");
    }
    assert_eq!(line("<tt xmlns='http://www.w3.org/ns/ttml'><body>").1, "it ends in the middle of an element");
    let deep = document("", &("<div>".repeat(40) + &"</div>".repeat(40)));
    assert_eq!(line(&deep).1, "too many elements, or too deep");
    // Namespaces that are declared at once, not one after the other.
    let names: String = (0..20).map(|n| format!(" xmlns:n{n}='urn:{n}'")).collect();
    let named = |depth| format!("<div{names}>").repeat(depth) + &"</div>".repeat(depth);
    let file = |depth| document("", &format!("<body>{}</body>", named(depth).repeat(9)));
    assert_eq!(read_ttml(file(2).as_bytes()), Err(Error::Empty));
    assert_eq!(line(&file(3)).1, "too many namespaces at once");
    assert_eq!(line(&(document("", "") + "text")).1, "text outside of the document");
    for other in ["<html><body/></html>", "<x xmlns='http://www.w3.org/ns/ttml'/>", "a", ""] {
        assert_eq!(read_ttml(other.as_bytes()), Err(Error::Unknown), "{other}");
    }
}

/// Many changes in much text are more work than any subtitles are.
#[test]
fn work_is_bounded() {
    let spans: String =
        (0..3000).map(|n| format!("<span begin='{n}ms' end='{}ms'>x</span>", n + 1)).collect();
    let hidden = format!("<span tts:display='none'>{}</span>", "y".repeat(100_000));
    let file = document("", &format!("<body end='9s'><div><p>{hidden}{spans}</p></div></body>"));
    assert_eq!(read_ttml(file.as_bytes()), Err(Error::TooLarge));
}

/// Pieces of which documents are made, so that random ones come deep into the reader.
const PIECES: [&str; 28] = [
    "<div>",
    "<div timeContainer='seq' begin='1s'>",
    "</div>",
    "<p begin='1s' end='4s'>",
    "<p dur='2s' region='r' style='a'>",
    "<p xml:space='preserve' end='00:00:09:10'>",
    "</p>",
    "<span>",
    "<span begin='0.5s' dur='1s' style='b'>",
    "<span tts:fontStyle='italic' tts:textAlign='left'>",
    "<span tts:ruby='text'>",
    "<span region='r' tts:textDecoration='underline'>",
    "</span>",
    "<br/>",
    "<metadata>",
    "</metadata>",
    "text",
    " -->",
    "\n\r\n  ",
    "&amp;lt;",
    "&lt;i&gt;",
    "&#13;",
    "&#x200e;{\\an8}",
    "{\\",
    "}",
    "<![CDATA[<b>]]>",
    "\u{a0}",
    "\u{85}",
];

const HEAD: &str = "<head><styling><style xml:id='a' tts:fontWeight='bold'/><style xml:id='b' style='a'/></styling>\
    <layout><region xml:id='r' tts:origin='5% 5%' tts:extent='50% 90%'/></layout></head>";

proptest! {
    #[test]
    fn what_is_read_is_written_and_read_again(pieces in prop::collection::vec(0..PIECES.len(), 0..40), p in any::<bool>()) {
        let content: String = pieces.iter().map(|n| PIECES[*n]).collect();
        let content = if p { format!("<p begin='1s' end='3s'>{content}</p>") } else { content };
        let file = document("", &format!("{HEAD}<body>{content}</body>"));
        if let Ok(track) = read_ttml(file.as_bytes()) {
            prop_assert_eq!(crate::read_webvtt(track.to_webvtt().as_bytes()), Ok(track));
        }
    }

    /// Whatever text is given, it is shown as it is, but for white space.
    #[test]
    fn text_is_kept(text in "[a-z&<>'\"]{1,20}") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let track = read_ttml(document("", &format!("<body end='1s'><div><p>{escaped}</p></div></body>")).as_bytes());
        prop_assert_eq!(&track.unwrap().cues[0].text, &escaped);
    }

    #[test]
    fn a_document_that_is_cut_off_is_refused(at in 1usize..400) {
        let file = document("", &format!("{HEAD}<body end='1s'><div><p>x</p></div></body>"));
        let cut = &file[..at.min(file.len() - 1)];
        prop_assert!(read_ttml(cut.as_bytes()).is_err());
    }
}

//! Common Media Client Data (CTA-5004-A and -B, version 2) by query: what a CDN is told with a request, where
//! its operator wants that.
//!
//! [`Cmcd`] writes what the engine says of a download ([`engine::ClientData`]) behind its URL. It names the
//! playback (`sid`, drawn at random for each) and the film (`cid`, as the server calls it), and nobody who
//! watches. [`reports`] tell the operator how it goes, where one wants that.

pub mod reports;

use std::time::Duration;

use engine::{ClientData, FetchSpec, model::TrackKind};

/// Characters that a `cid` may have at most (CTA-5004-B, Table 1).
const MAX_CONTENT: usize = 128;

/// A value of a key, by its type in the standard: structured fields (RFC 8941).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Integer(u64),
    /// Numbers, each with the type of object that it is of, if it is of one.
    List(&'a [(u64, Option<&'a str>)]),
    /// A text, in quotes.
    Text(&'a str),
    /// One of the standard's words, without quotes.
    Token(&'a str),
    /// What is written as the standard has it already.
    Written(String),
    /// It is said by being there.
    True,
}

/// Writes keys and values as the standard has them: in the order of the alphabet, with commas between them.
///
/// ```
/// use playback::cmcd::{Value, encode};
///
/// let pairs = [("v", Value::Integer(2)), ("bl", Value::List(&[(2000, None)])), ("su", Value::True)];
/// assert_eq!(encode(&pairs), "bl=(2000),su,v=2");
/// ```
pub fn encode(pairs: &[(&str, Value<'_>)]) -> String {
    let mut pairs: Vec<_> = pairs.iter().collect();
    pairs.sort_by_key(|(key, _)| *key);
    let item = |(key, value): &(&str, Value<'_>)| match value {
        Value::Integer(number) => format!("{key}={number}"),
        Value::Token(word) => format!("{key}={word}"),
        Value::Written(text) => format!("{key}={text}"),
        Value::Text(text) => format!("{key}={}", quoted(text)),
        Value::True => (*key).to_owned(),
        Value::List(numbers) => {
            let of = |(number, kind): &(u64, Option<&str>)| match kind {
                Some(kind) => format!("{number};{kind}"),
                None => number.to_string(),
            };
            format!("{key}=({})", numbers.iter().map(of).collect::<Vec<_>>().join(" "))
        }
    };
    pairs.into_iter().map(item).collect::<Vec<_>>().join(",")
}

/// A string of structured fields (RFC 8941, section 4.1.6). It has printable ASCII alone: anything else is
/// left out.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars().filter(|c| (' '..='~').contains(c)) {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Everything but RFC 3986's unreserved characters percent-encoded, once.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

/// As the standard counts times, bit rates, and what it wants rounded.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn kilobits(bits: u64) -> u64 {
    bits.saturating_add(500) / 1000
}

fn hundreds(number: u64) -> u64 {
    number.saturating_add(50) / 100 * 100
}

/// What a playback tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cmcd {
    session: String,
    content: String,
}

impl Cmcd {
    /// A new playback of a film. `random`: drawn for it alone, and for nothing else. `content`: what the
    /// server calls the film here, which is cut to what a CDN takes.
    pub fn new(random: [u8; 16], content: &str) -> Self {
        // A UUID of version 4 (RFC 9562, section 5.4).
        let [mut high, mut low] = [0, 8].map(|at| {
            random.iter().skip(at).take(8).fold(0u64, |number, octet| number << 8 | u64::from(*octet))
        });
        high = high & !0xf000 | 0x4000;
        low = low & !(0b11 << 62) | 0b10 << 62;
        let session = format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        );
        Self { session, content: content.chars().take(MAX_CONTENT).collect() }
    }

    /// The URL to ask for, with what the CDN wants to be told, if it wants that.
    pub fn url(&self, spec: &FetchSpec) -> String {
        let Some(data) = &spec.client_data else { return spec.url.clone() };
        let joint = if spec.url.contains('?') { '&' } else { '?' };
        format!("{}{joint}CMCD={}", spec.url, percent(&self.text(spec, data)))
    }

    fn text(&self, spec: &FetchSpec, data: &ClientData) -> String {
        let kind = match spec.track {
            TrackKind::Video => "v",
            TrackKind::Audio => "a",
        };
        let bitrate = [(kilobits(data.bandwidth), Some(kind))];
        let top = [(kilobits(data.top), Some(kind))];
        let buffer = [(hundreds(millis(data.ahead)), Some(kind))];
        let throughput = data.throughput.map(|bits| [(hundreds(kilobits(bits)), None)]);
        let mut pairs = vec![
            ("br", Value::List(&bitrate)),
            ("cid", Value::Text(&self.content)),
            ("ot", Value::Token(if spec.segment { kind } else { "i" })),
            // A manifest of another kind than those that the standard names.
            ("sf", Value::Token("o")),
            ("sid", Value::Text(&self.session)),
            ("st", Value::Token(if data.live { "l" } else { "v" })),
            ("tb", Value::List(&top)),
            ("v", Value::Integer(2)),
        ];
        if spec.segment {
            pairs.push(("bl", Value::List(&buffer)));
        }
        if let Some(length) = data.length {
            pairs.push(("d", Value::Integer(millis(length))));
        }
        if let Some(deadline) = data.deadline {
            pairs.push(("dl", Value::Integer(hundreds(millis(deadline)))));
        }
        if let Some(throughput) = &throughput {
            pairs.push(("mtp", Value::List(throughput)));
        }
        if data.urgent {
            pairs.push(("su", Value::True));
        }
        // Of no object but one of the buffer that ran dry.
        if data.starved && spec.segment {
            pairs.push(("bs", Value::True));
        }
        encode(&pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::{FetchId, model::ByteRange};
    use proptest::prelude::*;

    /// The examples of CTA-5004-B, 8.1.1, 8.1.2, 8.1.4, 8.1.6 and 8.1.8, but for keys that have texts in a
    /// list.
    #[test]
    fn the_standards_examples() {
        use Value::{Integer, List, Text, Token, True};
        const VIDEO: Option<&str> = Some("v");
        const SOUND: Option<&str> = Some("a");
        let (cid, sid) = (("cid", Text("content-id-123")), ("sid", Text("session-id-123")));
        let [v, st] = [("v", Integer(2)), ("st", Token("v"))];
        for (expected, pairs) in [
            (
                "bl=(2000),br=(3000;v),cid=\"content-id-123\",d=4000,dl=1000,mtp=(15000),ot=v,rtp=12000,sf=d,\
                 sid=\"session-id-123\",st=v,sta=p,tb=(6000;v),v=2",
                vec![
                    v.clone(),
                    sid.clone(),
                    ("tb", List(&[(6000, VIDEO)])),
                    ("sta", Token("p")),
                    st.clone(),
                    ("sf", Token("d")),
                    ("rtp", Integer(12_000)),
                    ("ot", Token("v")),
                    ("mtp", List(&[(15_000, None)])),
                    ("dl", Integer(1000)),
                    ("d", Integer(4000)),
                    cid.clone(),
                    ("br", List(&[(3000, VIDEO)])),
                    ("bl", List(&[(2000, None)])),
                ],
            ),
            (
                "bl=(2000),br=(320),cid=\"content-id-123\",d=2000,mtp=(15000),ot=a,sid=\"session-id-123\",st=v,v=2",
                vec![
                    ("bl", List(&[(2000, None)])),
                    ("br", List(&[(320, None)])),
                    cid.clone(),
                    ("d", Integer(2000)),
                    ("mtp", List(&[(15_000, None)])),
                    ("ot", Token("a")),
                    sid.clone(),
                    st.clone(),
                    v.clone(),
                ],
            ),
            (
                "cid=\"content-id-123\",ot=m,sf=d,sid=\"session-id-123\",st=v,su,v=2",
                vec![
                    cid.clone(),
                    ("ot", Token("m")),
                    ("sf", Token("d")),
                    sid.clone(),
                    st,
                    ("su", True),
                    v.clone(),
                ],
            ),
            (
                "bl=(0;v 2000;a),bs,cid=\"content-id-123\",ot=v,sid=\"session-id-123\",sta=r,v=2",
                vec![
                    ("bl", List(&[(0, VIDEO), (2000, SOUND)])),
                    ("bs", True),
                    cid.clone(),
                    ("ot", Token("v")),
                    sid.clone(),
                    ("sta", Token("r")),
                    v.clone(),
                ],
            ),
            (
                "bg,bl=(2100;v 1800;a),br=(3000;v 164;a),bs,bsa=(3;v),bsd=(1200;v 100;a),bsda=(4150;v 300;a),\
                 cid=\"content-id-123\",cs=\"g48djn236sk2\",v=2",
                vec![
                    ("bg", True),
                    ("bsda", List(&[(4150, VIDEO), (300, SOUND)])),
                    ("bsd", List(&[(1200, VIDEO), (100, SOUND)])),
                    ("bsa", List(&[(3, VIDEO)])),
                    ("bs", True),
                    ("br", List(&[(3000, VIDEO), (164, SOUND)])),
                    ("bl", List(&[(2100, VIDEO), (1800, SOUND)])),
                    ("cs", Text("g48djn236sk2")),
                    cid,
                    v,
                ],
            ),
        ] {
            assert_eq!(encode(&pairs), expected);
        }
        assert_eq!(encode(&[("cid", Text("a \"b\" \\ ü\n"))]), r#"cid="a \"b\" \\ ""#);
    }

    /// As the alliance's library (`@svta/cml-cmcd`) encodes it.
    #[test]
    fn percent_encoding() {
        let pairs = [("br", Value::List(&[(1000, None)])), ("su", Value::True), ("v", Value::Integer(2))];
        assert_eq!(percent(&encode(&pairs)), "br%3D%281000%29%2Csu%2Cv%3D2");
        assert_eq!(percent("a-b_c.d~\"x y\";"), "a-b_c.d~%22x%20y%22%3B");
    }

    fn spec(url: &str, segment: bool, client_data: Option<ClientData>) -> FetchSpec {
        FetchSpec {
            fetch: FetchId(1),
            track: TrackKind::Video,
            representation: "1811192541".to_owned(),
            url: url.to_owned(),
            range_header: false,
            range: ByteRange::new(0, 999).unwrap(),
            sized: true,
            head: 0,
            offset: 0,
            segment,
            start: None,
            afresh: false,
            client_data,
        }
    }

    const DATA: ClientData = ClientData {
        bandwidth: 2_999_600,
        top: 6_000_499,
        length: Some(Duration::from_millis(4004)),
        ahead: Duration::from_millis(1951),
        deadline: Some(Duration::from_millis(1949)),
        throughput: Some(15_049_400),
        urgent: false,
        starved: true,
        live: false,
    };

    fn decoded(url: &str) -> String {
        let text = url.split_once("CMCD=").unwrap().1;
        let mut octets = Vec::new();
        let mut rest = text.bytes();
        while let Some(octet) = rest.next() {
            octets.push(match octet {
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                octet => octet,
            });
        }
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn a_request_tells_how_it_is_needed() {
        let cmcd = Cmcd::new([0xff; 16], "5ec2e7");
        let url = "https://cdn.example/s/0/541/1811192541.mp4/range/0-999?p=44&e=1&h=2";
        assert_eq!(cmcd.url(&spec(url, true, None)), url, "nobody asks");
        let told = cmcd.url(&spec(url, true, Some(DATA)));
        assert!(told.starts_with(&format!("{url}&CMCD=bl%3D%282000%3Bv%29%2C")), "{told}");
        assert_eq!(
            decoded(&told),
            "bl=(2000;v),br=(3000;v),bs,cid=\"5ec2e7\",d=4004,dl=1900,mtp=(15000),ot=v,sf=o,\
             sid=\"ffffffff-ffff-4fff-bfff-ffffffffffff\",st=v,tb=(6000;v),v=2"
        );
        let first =
            ClientData { length: None, deadline: None, throughput: None, urgent: true, live: true, ..DATA };
        let told = cmcd.url(&spec("https://cdn.example/init.mp4", false, Some(first)));
        assert!(told.starts_with("https://cdn.example/init.mp4?CMCD="), "{told}");
        assert_eq!(
            decoded(&told),
            "br=(3000;v),cid=\"5ec2e7\",ot=i,sf=o,sid=\"ffffffff-ffff-4fff-bfff-ffffffffffff\",st=l,su,tb=(6000;v),v=2"
        );
        assert_eq!(Cmcd::new([0; 16], "x").session, "00000000-0000-4000-8000-000000000000");
    }

    proptest! {
        /// Whatever the server calls a film, the URL stays one, and bounded.
        #[test]
        fn any_name_gives_a_clean_url(random: [u8; 16], content in "\\PC{0,300}", bandwidth: u64, ahead: u64) {
            let data = ClientData { bandwidth, ahead: Duration::from_millis(ahead), ..DATA };
            let url = Cmcd::new(random, &content).url(&spec("https://a.example/?h=1", true, Some(data)));
            let query = url.strip_prefix("https://a.example/?h=1&CMCD=").unwrap();
            prop_assert!(query.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            prop_assert!(query.len() < 1500);
        }
    }
}

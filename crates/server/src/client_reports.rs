//! What players report of themselves when something happens: Common Media Client Data, version 2, in event
//! mode (CTA-5004-B): lines, each a dictionary of structured fields (RFC 9651, section 3.2). Anybody may send
//! anything: nothing of it is believed, and addresses are left out, for they may have tokens.

/// Octets of a body at most.
pub(crate) const MOST_OCTETS: usize = 16 << 10;
/// Reports in a body at most, and octets of one.
const MOST_REPORTS: usize = 50;
const MOST_LINE: usize = 2048;

/// Events that are counted by their names.
const EVENTS: [&str; 18] =
    ["abe", "abs", "ae", "as", "b", "bc", "c", "ce", "e", "h", "m", "pc", "pe", "ps", "rr", "sk", "t", "um"];
/// Keys that are written down: numbers, tokens and short names, no addresses.
const KEPT: [&str; 41] = [
    "ab", "bg", "bl", "br", "bs", "bsa", "bsd", "bsda", "cdn", "cid", "cs", "d", "df", "dl", "e", "ec",
    "lab", "lb", "ltc", "msd", "mtp", "ot", "pr", "pt", "rc", "rtp", "sf", "sid", "sn", "st", "sta", "su",
    "tab", "tb", "tbl", "tpb", "ts", "ttfb", "ttfbb", "ttlb", "v",
];

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// What happened, as the standard calls it; `other`: something that it does not know.
    pub(crate) event: &'static str,
    /// What is written down of it, as it was sent.
    pub(crate) told: String,
}

/// The reports of a body; `None`: it is none, or too much.
pub(crate) fn reports(body: &[u8]) -> Option<Vec<Report>> {
    let text = std::str::from_utf8(body).ok()?;
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).take(MOST_REPORTS + 1).collect();
    if lines.is_empty() || lines.len() > MOST_REPORTS {
        return None;
    }
    lines.into_iter().map(report).collect()
}

/// A line that says what happened, and when.
fn report(line: &str) -> Option<Report> {
    if line.len() > MOST_LINE {
        return None;
    }
    let members = members(line)?;
    // Of two the last holds.
    let value = |name: &str| members.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let event = value("e")?;
    value("ts")?.parse::<u64>().ok()?;
    let event = EVENTS.into_iter().find(|known| *known == event).unwrap_or("other");
    let is_kept = |key: &str, value: &str| KEPT.contains(&key) && !value.contains(['?', '/']);
    let kept = members.iter().filter(|(key, value)| is_kept(key, value));
    let kept: Vec<String> = kept
        .map(|(key, value)| match value.is_empty() {
            true => (*key).to_owned(),
            false => format!("{key}={value}"),
        })
        .collect();
    Some(Report { event, told: kept.join(",") })
}

/// The members of a dictionary: key and value as they stand there; a key alone has an empty value.
fn members(line: &str) -> Option<Vec<(&str, &str)>> {
    let (mut found, mut begin, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for (at, octet) in line.bytes().enumerate() {
        match octet {
            _ if !(0x20..=0x7E).contains(&octet) => return None,
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                found.push(member(line.get(begin..at)?)?);
                begin = at + 1;
            }
            _ => {}
        }
    }
    found.push(member(line.get(begin..)?)?);
    (!quoted && depth == 0).then_some(found)
}

fn member(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_matches(' ');
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let is_of_key = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.*".contains(&b);
    (!key.is_empty() && key.bytes().all(is_of_key)).then_some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(line: &str) -> Option<Report> {
        reports(line.as_bytes()).map(|all| all.into_iter().next().unwrap())
    }

    #[test]
    fn reports_are_lines() {
        let body = b"e=ps,sid=\"s-1\",ts=1700000000000,sta=p,v=2\ne=t,ts=1700000001000,bl=(5000),bs,v=2\r\n";
        let all = reports(body).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].event, &all[0].told[..]), ("ps", "e=ps,sid=\"s-1\",ts=1700000000000,sta=p,v=2"));
        assert_eq!((all[1].event, &all[1].told[..]), ("t", "e=t,ts=1700000001000,bl=(5000),bs,v=2"));
        assert_eq!(one("e=new-one,ts=1").unwrap().event, "other");
    }

    /// A response's report has the address that was asked for, with its token.
    #[test]
    fn addresses_are_left_out() {
        let line = "e=rr,ts=1,url=\"https://a.example/s/0/1.mp4?p=1,e=2\",nor=(\"b.mp4?h=3\" \"c\"),cid=\"x?h=4\",rc=200";
        assert_eq!(one(line).unwrap().told, "e=rr,ts=1,rc=200");
        assert_eq!(
            one("e=rr,ts=1,com.example-x=\"secret\",ec=(\"a,b\" \"\\\"c\")").unwrap().told,
            "e=rr,ts=1,ec=(\"a,b\" \"\\\"c\")"
        );
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for line in [
            "",
            "\n",
            "bl=(5000)",
            "e=ps",
            "ts=1",
            "e=ps,ts=",
            "e=ps,ts=-1",
            "e=ps,ts=1,",
            "e=ps,ts=1,sid=\"a",
            "e=ps,ts=1,bl=(1",
            "e=ps,ts=1,bl=1)",
            "e=ps,ts=1,S=1",
            "e=ps,ts=1,\u{7f}",
            "e=ps,ts=1,sid=\"\u{e4}\"",
            "{\"e\":\"ps\",\"ts\":1}",
            "e=ps,ts=1\nx",
        ] {
            assert_eq!(reports(line.as_bytes()), None, "{line:?}");
        }
        assert_eq!(reports(b"e=ps,ts=1,sid=\"\xff\""), None);
        let many = |count: usize| "e=t,ts=1\n".repeat(count);
        assert_eq!(reports(many(50).as_bytes()).unwrap().len(), 50);
        assert_eq!(reports(many(51).as_bytes()), None);
        assert!(one(&format!("e=t,ts=1,sid=\"{}\"", "a".repeat(2000))).is_some());
        assert_eq!(one(&format!("e=t,ts=1,sid=\"{}\"", "a".repeat(2100))), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_taken_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = reports(&octets);
        }

        #[test]
        fn what_is_written_down_is_in_the_report(text in "e=[a-z]{1,3},ts=[0-9]{1,9}(,[a-z]{1,4}(=[\"(),a-z0-9?/ ]{0,9})?){0,5}") {
            if let Some(report) = one(&text) {
                prop_assert!(report.told.len() <= text.len() && !report.told.contains(['?', '/']));
            }
        }
    }
}

//! `policies.toml`: the operator's own policies, read rule by rule, so that each mistake has one line that
//! names it.

use super::{Heights, Interop, Policies, PolicyTemplate, Since};
use crate::Error;
use license::{Check, KeyLevel, Output, Player};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use toml::{Table, Value};

/// Words for values, as the file and `matinee policy list` write them.
pub(super) type Words<T> = &'static [(&'static str, T)];

pub(super) const SINCE: Words<Since> = &[("issue", Since::Issue), ("acquisition", Since::Acquisition)];
pub(super) const CHECK: Words<Check> = &[("start", Check::Start), ("continuous", Check::Continuous)];
pub(super) const LEVEL: Words<KeyLevel> =
    &[("software", KeyLevel::Software), ("webcrypto", KeyLevel::Webcrypto), ("box", KeyLevel::Box)];
pub(super) const OUTPUT: Words<Output> = &[
    ("not_required", Output::NotRequired),
    ("best_available", Output::BestAvailable),
    ("required", Output::Required),
];

/// The rules that a policy may have.
const RULES: &[&str] = &[
    "description",
    "validity",
    "validity_from",
    "ends",
    "playback",
    "check",
    "persistent",
    "renew_after",
    "key_level",
    "output",
    "max_height",
    "players",
    "interop",
];

/// Longest name.
const MAX_NAME: usize = 64;
/// Longest duration: a century. What is meant to be longer is meant to have no end.
const MAX_DURATION: Duration = Duration::from_secs(100 * 366 * 86_400);
/// Highest picture that means anything, in lines.
const MAX_HEIGHT: i64 = 65_535;

/// The word for a value.
pub(super) fn name_of<T: PartialEq>(words: Words<T>, value: T) -> &'static str {
    words.iter().find(|(_, of)| *of == value).map_or("", |(word, _)| word)
}

/// What is wrong, and with which rule.
struct Wrong {
    key: String,
    reason: String,
}

type Read<T> = Result<T, Wrong>;

fn wrong(key: &str, reason: impl Into<String>) -> Wrong {
    Wrong { key: key.to_owned(), reason: reason.into() }
}

impl Wrong {
    fn within(self, outer: &str) -> Self {
        Self { key: format!("{outer}.{}", self.key), reason: self.reason }
    }
}

/// Reads the file's text.
pub(super) fn parse(path: &Path, text: &str) -> Result<Policies, Error> {
    let config = |reason| Error::Config { path: path.to_owned(), reason };
    let table: Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        config(format!("line {}: {message}", before.matches('\n').count() + 1))
    })?;
    let mut policies = Policies::default();
    for (name, value) in &table {
        let policy = policy(&policies, name, value)
            .map_err(|Wrong { key, reason }| config(format!("{key}: {reason}")))?;
        policies.0.push(policy.into());
    }
    Ok(policies)
}

fn policy(known: &Policies, name: &str, value: &Value) -> Read<PolicyTemplate> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(allowed) {
        let reason =
            format!("a policy's name has 1 to {MAX_NAME} letters, digits, hyphens, underscores and dots");
        return Err(wrong(&format!("{name:?}"), reason));
    }
    if known.find(name).is_some() {
        return Err(wrong(name, "is a built-in policy, which cannot be changed; choose another name"));
    }
    let Value::Table(rules) = value else {
        return Err(wrong(name, format!("must be a table of rules: begin it with a line [{name}]")));
    };
    read(name, rules).map_err(|wrong| wrong.within(name))
}

fn read(name: &str, rules: &Table) -> Read<PolicyTemplate> {
    only(rules, RULES)?;
    let policy = PolicyTemplate {
        name: name.to_owned(),
        description: optional(rules, "description", text)?.unwrap_or_default(),
        built_in: false,
        validity: optional(rules, "validity", duration)?,
        since: optional(rules, "validity_from", word(SINCE))?.unwrap_or_default(),
        ends: optional(rules, "ends", moment)?,
        playback: optional(rules, "playback", duration)?,
        check: optional(rules, "check", word(CHECK))?.unwrap_or(Check::Start),
        persistent: optional(rules, "persistent", flag)?.unwrap_or_default(),
        renew_after: optional(rules, "renew_after", duration)?,
        key_level: optional(rules, "key_level", word(LEVEL))?.unwrap_or(KeyLevel::Software),
        digital: Output::NotRequired,
        analog: Output::NotRequired,
        max_height: optional(rules, "max_height", heights)?.unwrap_or_default(),
        players: optional(rules, "players", players)?,
        interop: optional(rules, "interop", interop)?.unwrap_or_default(),
    };
    let outputs = optional(rules, "output", outputs)?;
    let (digital, analog) = outputs.unwrap_or((Output::NotRequired, Output::NotRequired));
    if rules.contains_key("validity_from") && policy.validity.is_none() {
        return Err(wrong("validity_from", "says from when on `validity` counts; add that"));
    }
    if let (Some(after), Some(validity)) = (policy.renew_after, policy.validity)
        && after >= validity
    {
        return Err(wrong(
            "renew_after",
            "must be shorter than `validity`, or the license ends before it is renewed",
        ));
    }
    let policy = PolicyTemplate { digital, analog, ..policy };
    check_interop(&policy)?;
    Ok(policy)
}

/// Players of others keep none of a license's rules: where keys are given to them, rules that they would
/// break are a contradiction.
fn check_interop(policy: &PolicyTemplate) -> Read<()> {
    let broken = [
        (policy.key_level != KeyLevel::Software, "key_level"),
        (policy.digital == Output::Required, "output.digital"),
        (policy.analog == Output::Required, "output.analog"),
        (policy.players.is_some(), "players"),
        (policy.check == Check::Continuous, "check"),
    ];
    match broken.iter().find(|(broken, _)| *broken && policy.interop.is_any()) {
        Some((_, rule)) => Err(wrong(
            "interop",
            format!("gives keys to players that do not keep `{rule}`: leave one of them out"),
        )),
        None => Ok(()),
    }
}

/// No keys but these.
fn only(table: &Table, known: &[&str]) -> Read<()> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(wrong(key, format!("is not known; there are {}", known.join(", ")))),
        None => Ok(()),
    }
}

fn optional<T>(table: &Table, key: &str, read: impl Fn(&Value) -> Read<T>) -> Read<Option<T>> {
    let value = table.get(key).map(read).transpose();
    // What is wrong with the value itself has no key of its own.
    value.map_err(|w| if w.key.is_empty() { wrong(key, w.reason) } else { w.within(key) })
}

fn required<T>(table: &Table, key: &str, read: impl Fn(&Value) -> Read<T>) -> Read<T> {
    optional(table, key, read)?.ok_or_else(|| wrong(key, "is missing"))
}

fn text(value: &Value) -> Read<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong("", "must be text in quotes"))
}

fn flag(value: &Value) -> Read<bool> {
    value.as_bool().ok_or_else(|| wrong("", "must be true or false"))
}

/// A number of lines; 0 would let nothing play.
fn height(value: &Value) -> Read<u32> {
    let number = value.as_integer().filter(|n| (1..=MAX_HEIGHT).contains(n));
    let number = number.and_then(|n| u32::try_from(n).ok());
    number.ok_or_else(|| wrong("", "must be a picture's height in lines, like 720"))
}

fn duration(value: &Value) -> Read<u64> {
    let bad = || wrong("", "must be a duration like \"90s\", \"48h\" or \"30d\"");
    let duration = humantime::parse_duration(value.as_str().ok_or_else(bad)?).map_err(|_| bad())?;
    if duration.subsec_nanos() != 0 || duration.is_zero() || duration > MAX_DURATION {
        return Err(wrong("", "must be whole seconds, at least one and at most a century"));
    }
    Ok(duration.as_secs())
}

/// A moment in UTC, as a date of TOML or as text.
fn moment(value: &Value) -> Read<u64> {
    let bad = || wrong("", "must be a moment in UTC like 2027-01-31T23:59:59Z");
    let text = match value {
        Value::Datetime(moment) => moment.to_string(),
        Value::String(text) => text.clone(),
        _ => return Err(bad()),
    };
    let moment = humantime::parse_rfc3339(&text).map_err(|_| bad())?;
    Ok(moment.duration_since(UNIX_EPOCH).map_err(|_| bad())?.as_secs())
}

fn word<T: Copy>(words: Words<T>) -> impl Fn(&Value) -> Read<T> {
    move |value| {
        let word = value.as_str().unwrap_or_default();
        let found = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            wrong("", format!("must be {}", known.join(" or ")))
        })
    }
}

fn outputs(value: &Value) -> Read<(Output, Output)> {
    let Value::Table(outputs) = value else {
        return Err(wrong("", "is a table: write output.digital and output.analog"));
    };
    only(outputs, &["digital", "analog"])?;
    let of = |kind| Ok(optional(outputs, kind, word(OUTPUT))?.unwrap_or(Output::NotRequired));
    Ok((of("digital")?, of("analog")?))
}

fn interop(value: &Value) -> Read<Interop> {
    let Value::Table(forms) = value else {
        return Err(wrong("", "is a table: write interop.clearkey and interop.hls_keys"));
    };
    only(forms, &["clearkey", "hls_keys"])?;
    let of = |form| Ok(optional(forms, form, flag)?.unwrap_or_default());
    Ok(Interop { clear_key: of("clearkey")?, hls_keys: of("hls_keys")? })
}

/// One number for all key levels, or one for each.
fn heights(value: &Value) -> Read<Heights> {
    match value {
        Value::Table(levels) => {
            only(levels, &["software", "webcrypto", "box"])?;
            Ok(Heights {
                software: optional(levels, "software", height)?,
                webcrypto: optional(levels, "webcrypto", height)?,
                tv_box: optional(levels, "box", height)?,
            })
        }
        number => {
            let all = Some(height(number)?);
            Ok(Heights { software: all, webcrypto: all, tv_box: all })
        }
    }
}

fn players(value: &Value) -> Read<Vec<Player>> {
    let bad = || wrong("", "must be a list of origins, or of tables with `origin` and `release`");
    let players = value.as_array().ok_or_else(bad)?;
    if players.is_empty() {
        return Err(wrong("", "names nobody, so nothing would play; name a player or leave it out"));
    }
    players
        .iter()
        .map(|player| match player {
            Value::String(_) => Ok(Player { origin: origin(player)?, release: None }),
            Value::Table(table) => {
                only(table, &["origin", "release"])?;
                let release = optional(table, "release", release)?;
                Ok(Player { origin: required(table, "origin", origin)?, release })
            }
            _ => Err(bad()),
        })
        .collect()
}

fn origin(value: &Value) -> Read<String> {
    let text = text(value)?;
    match crate::config::check_origin("players", &text) {
        Ok(()) => Ok(text),
        Err(Error::Setting { reason, .. }) => Err(wrong("", format!("\"{text}\" {reason}"))),
        Err(other) => Err(wrong("", other.to_string())),
    }
}

fn release(value: &Value) -> Read<[u8; 32]> {
    let octets = value.as_str().and_then(|text| hex::decode(text).ok()?.try_into().ok());
    octets.ok_or_else(|| wrong("", "must be the SHA-256 of the player's wasm, 64 hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Policies, String> {
        parse(Path::new("policies.toml"), text).map_err(|error| error.to_string())
    }

    /// B9, B13, B54, B55, B76: every rule.
    #[test]
    fn every_rule_is_read() {
        let policies = parsed(
            "[everything]\ndescription = \"All of it\"\nvalidity = \"1h\"\nvalidity_from = \"acquisition\"\n\
             ends = 2027-01-31T23:59:59Z\nplayback = \"2d 12h\"\ncheck = \"continuous\"\npersistent = true\n\
             renew_after = \"50m\"\nkey_level = \"webcrypto\"\noutput.digital = \"required\"\noutput.analog = \"best_available\"\n\
             max_height = { webcrypto = 720, box = 2160 }\n[[everything.players]]\norigin = \"https://films.example.org\"\n\
             release = \"0707070707070707070707070707070707070707070707070707070707070707\"\n\
             [low]\nmax_height = 480\nplayers = [\"http://localhost:8080\"]\n",
        )
        .unwrap();
        let all = policies.find("everything").unwrap();
        let rules = all.rules(1_790_000_000, 1_790_000_100, KeyLevel::Webcrypto);
        assert_eq!(
            rules,
            license::Policy {
                name: "everything".into(),
                not_after: Some(1_790_003_600),
                play_until: Some(1_790_000_100 + 216_000),
                check: Check::Continuous,
                persistent: true,
                renew_after: Some(1_790_003_000),
                key_level: KeyLevel::Webcrypto,
                output_digital: Output::Required,
                output_analog: Output::BestAvailable,
                max_height: Some(720),
                players: Some(vec![Player {
                    origin: "https://films.example.org".into(),
                    release: Some([7; 32])
                }]),
            }
        );
        // The absolute end cuts the other short.
        assert_eq!(all.rules(1_801_439_000, 0, KeyLevel::Box).not_after, Some(1_801_439_999));
        assert_eq!(all.rules(0, 0, KeyLevel::Software).max_height, None);
        assert_eq!(
            all.summary(),
            "validity 1h from acquisition, ends 2027-01-31T23:59:59Z, playback 2days 12h, check continuous, persistent, \
             renew_after 50m, key_level webcrypto, output.digital required, output.analog best_available, \
             max_height.webcrypto 720, max_height.box 2160, players https://films.example.org"
        );
        let low = policies.find("low").unwrap();
        assert_eq!(low.summary(), "max_height 480, players http://localhost:8080");
        assert_ne!(low.version(), all.version());
        assert_eq!(policies.iter().count(), 7);
        assert!(!all.interop.is_any() && !low.interop.is_any(), "nothing for players of others by default");
        let open = parsed("[a]\ninterop = { clearkey = true }\n[b]\ninterop.hls_keys = true").unwrap();
        let of = |name: &str| open.find(name).unwrap().interop;
        assert_eq!(of("a"), Interop { clear_key: true, hls_keys: false });
        assert_eq!((of("b").clear_key, of("b").hls_keys), (false, true));
        assert_eq!(open.find("a").unwrap().summary(), "interop.clearkey");
    }

    /// The policy that docs/operations.md shows, with every rule.
    #[test]
    fn the_documented_policy_is_read() {
        let text = include_str!("../../../../docs/operations.md");
        let start = text.find("[weekend]").unwrap();
        let block = text[start..].split("```").next().unwrap();
        let policies = parsed(block).unwrap();
        assert!(RULES.iter().all(|rule| block.contains(rule)), "every rule is shown");
        assert_eq!(policies.find("weekend").unwrap().validity, Some(60 * 3600));
    }

    /// Each mistake: one line with the file, the key and what to do.
    #[test]
    fn mistakes_are_named() {
        for (text, key, word) in [
            ("[24h]\nvalidity = \"48h\"", "24h", "choose another name"),
            ("[a]\nvalidty = \"48h\"", "a.validty", "validity"),
            ("[a]\nvalidity = 48", "a.validity", "\"48h\""),
            ("[a]\nvalidity = \"soon\"", "a.validity", "\"48h\""),
            ("[a]\nvalidity = \"0s\"", "a.validity", "at least one"),
            ("[a]\nvalidity = \"100ms\"", "a.validity", "whole seconds"),
            ("[a]\nvalidity = \"10000000d\"", "a.validity", "century"),
            ("[a]\nvalidity_from = \"issue\"", "a.validity_from", "`validity`"),
            ("[a]\nvalidity = \"1h\"\nvalidity_from = \"birth\"", "a.validity_from", "\"acquisition\""),
            ("[a]\nends = 2027-01-31", "a.ends", "2027-01-31T23:59:59Z"),
            ("[a]\nends = 2027-01-31T23:59:59+01:00", "a.ends", "UTC"),
            ("[a]\ncheck = \"always\"", "a.check", "\"continuous\""),
            ("[a]\npersistent = \"yes\"", "a.persistent", "true or false"),
            ("[a]\nvalidity = \"1h\"\nrenew_after = \"1h\"", "a.renew_after", "shorter"),
            ("[a]\nkey_level = \"high\"", "a.key_level", "\"webcrypto\""),
            ("[a]\noutput = \"required\"", "a.output", "output.digital"),
            ("[a]\noutput.hdmi = \"required\"", "a.output.hdmi", "digital, analog"),
            ("[a]\noutput.digital = \"yes\"", "a.output.digital", "\"required\""),
            ("[a]\nmax_height = 0", "a.max_height", "720"),
            ("[a]\nmax_height.tv = 720", "a.max_height.tv", "webcrypto"),
            ("[a]\nmax_height.box = \"720p\"", "a.max_height.box", "720"),
            ("[a]\nplayers = []", "a.players", "nobody"),
            ("[a]\nplayers = [\"example.org\"]", "a.players", "example.org"),
            ("[[a.players]]\nrelease = \"00\"", "a.players.release", "64"),
            ("[[a.players]]", "a.players.origin", "missing"),
            ("[[a.players]]\norigin = \"https://a.example/x\"", "a.players.origin", "origin"),
            ("[a]\ninterop = true", "a.interop", "interop.clearkey"),
            ("[a]\ninterop.clearkeys = true", "a.interop.clearkeys", "clearkey, hls_keys"),
            ("[a]\ninterop.hls_keys = 1", "a.interop.hls_keys", "true or false"),
            ("[a]\ninterop.clearkey = true\nkey_level = \"box\"", "a.interop", "`key_level`"),
            ("[a]\ninterop.clearkey = true\noutput.digital = \"required\"", "a.interop", "`output.digital`"),
            ("[a]\ninterop.hls_keys = true\nplayers = [\"https://a.example\"]", "a.interop", "`players`"),
            ("[a]\ninterop.hls_keys = true\ncheck = \"continuous\"", "a.interop", "`check`"),
            ("a = 1", "a", "[a]"),
            ("[\"a b\"]", "\"a b\"", "letters"),
            ("[a]\n\n=", "line 3", ""),
            ("[a]\n[a]", "line 2", ""),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with(&format!("policies.toml: {key}: ")), "{text}: {error}");
            assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
        }
    }
}

//! From XML to a [`Document`].

use std::ops::RangeInclusive;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cenc::{Cek, Kid, KidAndKey, Scheme};
use pack::{MAX_SIGNAL, MAX_SYSTEMS, PackSystem, SystemId, SystemPssh};
use zeroize::Zeroizing;

use crate::sealed::Delivery;
use crate::xml::{self, Element};
use crate::{ContentKey, Document, Error, MAX_DOCUMENT, MAX_KEYS, RecipientKey, TrackFilter, UsageRule};

impl Document {
    /// Reads a document with plain keys.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(octets: &[u8]) -> Result<Self, Error> {
        Self::read(octets, None)
    }

    /// Reads a document whose keys are encrypted, all of them, for the recipient whose private key this is.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(octets: &[u8], key: &RecipientKey) -> Result<Self, Error> {
        Self::read(octets, Some(key))
    }

    fn read(octets: &[u8], key: Option<&RecipientKey>) -> Result<Self, Error> {
        if octets.len() > MAX_DOCUMENT {
            return Err(Error::TooLarge);
        }
        let text = std::str::from_utf8(octets).map_err(|_| Error::Xml("it is not UTF-8"))?;
        let root = xml::parse(text.strip_prefix('\u{FEFF}').unwrap_or(text))?;
        if root.name != "CPIX" {
            return Err(Error::Root);
        }
        if let Some(version) = root.attribute("version")
            && version.split('.').next() != Some("2")
        {
            return Err(Error::Version(version.chars().take(16).collect()));
        }
        let items = |list: &'static str, item: &'static str| {
            let lists = root.children.iter().filter(move |child| child.name == list);
            lists.flat_map(move |list| list.children.iter().filter(move |child| child.name == item))
        };
        let mut deliveries = items("DeliveryDataList", "DeliveryData").peekable();
        let delivery = match key {
            None if deliveries.peek().is_some() => return Err(Error::Encrypted),
            None => None,
            Some(key) => Some(Delivery::open(deliveries, key)?),
        };
        let keys = read_keys(items("ContentKeyList", "ContentKey"), delivery.as_ref())?;
        let known = |element, kid: Kid| match keys.iter().any(|key| key.key.kid == kid) {
            true => Ok(()),
            false => Err(Error::UnknownKey { element, kid }),
        };
        let mut systems = Vec::new();
        for element in items("DRMSystemList", "DRMSystem") {
            let Some(system) = read_system(element)? else { continue };
            known("DRMSystem", system.kid)?;
            systems.push(system);
        }
        if systems.len() > MAX_SYSTEMS {
            return Err(Error::Invalid { element: "DRMSystemList", what: "number of systems" });
        }
        let periods = Periods::read(items("ContentKeyPeriodList", "ContentKeyPeriod"))?;
        let mut rules = Vec::new();
        for element in items("ContentKeyUsageRuleList", "ContentKeyUsageRule") {
            let rule = read_rule(element, &periods)?;
            known("ContentKeyUsageRule", rule.kid)?;
            rules.push(rule);
        }
        let content_id = root.attribute("contentId").filter(|id| !id.is_empty()).map(str::to_owned);
        Ok(Self { content_id, keys, systems, rules })
    }
}

/// An attribute that must be there.
fn required<T: FromStr>(element: &Element, name: &'static str, what: &'static str) -> Result<T, Error> {
    let value = element.attribute(what).and_then(|value| value.trim().parse().ok());
    value.ok_or(Error::Invalid { element: name, what })
}

fn kid(element: &Element, name: &'static str) -> Result<Kid, Error> {
    required(element, name, "kid")
}

fn read_keys<'a>(
    elements: impl Iterator<Item = &'a Element>,
    delivery: Option<&Delivery>,
) -> Result<Vec<ContentKey>, Error> {
    let mut keys: Vec<ContentKey> = Vec::new();
    for element in elements {
        if keys.len() == MAX_KEYS {
            return Err(Error::TooManyKeys);
        }
        let kid = kid(element, "ContentKey")?;
        if keys.iter().any(|key| key.key.kid == kid) {
            return Err(Error::Twice(kid));
        }
        if element.attribute("dependsOnKey").is_some() {
            return Err(Error::Unsupported("ContentKey@dependsOnKey (root and leaf keys)".to_owned()));
        }
        let scheme = match element.attribute("commonEncryptionScheme") {
            None => None,
            Some(name) => Some(name.parse::<Scheme>().map_err(|_| {
                let name: String = name.chars().take(16).collect();
                Error::Unsupported(format!("commonEncryptionScheme {name}"))
            })?),
        };
        let iv = match element.attribute("explicitIV").map(str::trim).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => {
                let octets = BASE64.decode(text).ok().and_then(|octets| octets.try_into().ok());
                let what = "explicitIV (16 octets in base64)";
                Some(octets.ok_or(Error::Invalid { element: "ContentKey", what })?)
            }
        };
        let secret =
            element.first("Data").and_then(|data| data.first("Secret")).ok_or(Error::NoValue(kid))?;
        let (octets, what) = match delivery {
            Some(delivery) => (delivery.content_key(kid, secret)?, "EncryptedValue (of 16 octets)"),
            None => (plain_key(kid, secret)?, "PlainValue (16 octets in base64)"),
        };
        let cek =
            Cek::try_from(octets.as_slice()).map_err(|_| Error::Invalid { element: "ContentKey", what })?;
        keys.push(ContentKey { key: KidAndKey { kid, cek }, scheme, iv });
    }
    match keys.is_empty() {
        true => Err(Error::NoKeys),
        false => Ok(keys),
    }
}

/// A key that is not encrypted; no octets where it is not base64.
fn plain_key(kid: Kid, secret: &Element) -> Result<Zeroizing<Vec<u8>>, Error> {
    if secret.first("EncryptedValue").is_some() {
        return Err(Error::Encrypted);
    }
    let text = secret.first("PlainValue").ok_or(Error::NoValue(kid))?.compact();
    Ok(Zeroizing::new(BASE64.decode(text.as_bytes()).unwrap_or_default()))
}

/// What a system is told; `None` where it is nothing that is kept.
fn read_system(element: &Element) -> Result<Option<PackSystem>, Error> {
    let system_id: SystemId = required(element, "DRMSystem", "systemId")?;
    let mut system = PackSystem {
        system_id,
        kid: kid(element, "DRMSystem")?,
        pssh: None,
        content_protection: None,
        hls_media: None,
        hls_master: None,
    };
    let bad = |what| Error::System { system: system_id, what };
    for child in &element.children {
        let place = match (&child.name[..], child.attribute("playlist")) {
            ("PSSH", _) => {
                let text = child.compact();
                if !text.is_empty() {
                    let read =
                        BASE64.decode(text.as_bytes()).ok().and_then(|box_| SystemPssh::from_box(&box_));
                    system.pssh = Some(read.ok_or_else(|| bad("PSSH is no pssh box in base64"))?);
                }
                continue;
            }
            ("ContentProtectionData", _) => &mut system.content_protection,
            ("HLSSignalingData", Some("master")) => &mut system.hls_master,
            ("HLSSignalingData", None | Some("media")) => &mut system.hls_media,
            ("HLSSignalingData", Some(_)) => {
                return Err(bad("HLSSignalingData is for a playlist that is neither media nor master"));
            }
            _ => continue,
        };
        let text = child.compact();
        if text.is_empty() {
            continue;
        }
        let octets = BASE64.decode(text.as_bytes()).map_err(|_| bad("a text that is not base64"))?;
        let text = String::from_utf8(octets).map_err(|_| bad("a text that is not UTF-8"))?;
        let text = match child.name == "HLSSignalingData" {
            true => lines(&text),
            false => text.trim().to_owned(),
        };
        if place.is_some() {
            return Err(bad("the same twice"));
        }
        *place = Some(text).filter(|text| !text.is_empty());
    }
    let element = system.content_protection.as_deref();
    if element.is_some_and(|text| text.len() > MAX_SIGNAL || !xml::is_fragment(text)) {
        return Err(bad("ContentProtectionData is no well-formed XML with its namespaces declared"));
    }
    let kept = [&system.content_protection, &system.hls_media, &system.hls_master];
    // Matinee says all of its own by itself.
    if system_id == SystemId::MATINEE || (system.pssh.is_none() && kept.iter().all(|text| text.is_none())) {
        return Ok(None);
    }
    system.check().map_err(bad)?;
    Ok(Some(system))
}

/// The lines of a playlist that are not blank.
fn lines(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The ids of periods, in the order of their index.
struct Periods(Vec<String>);

impl Periods {
    fn read<'a>(elements: impl Iterator<Item = &'a Element>) -> Result<Self, Error> {
        let mut periods: Vec<(u64, String)> = Vec::new();
        for element in elements {
            if periods.len() == MAX_KEYS {
                return Err(Error::TooManyKeys);
            }
            let index = required(element, "ContentKeyPeriod", "index")?;
            periods.push((index, required(element, "ContentKeyPeriod", "id")?));
        }
        periods.sort();
        let twice = |pair: &[(u64, String)]| matches!(pair, [a, b] if a.0 == b.0);
        if periods.windows(2).any(twice) {
            return Err(Error::Invalid { element: "ContentKeyPeriod", what: "index of its own" });
        }
        Ok(Self(periods.into_iter().map(|(_, id)| id).collect()))
    }

    fn number(&self, id: &str) -> Result<u32, Error> {
        let found = self.0.iter().position(|period| period == id).and_then(|at| u32::try_from(at).ok());
        found.ok_or(Error::Invalid { element: "KeyPeriodFilter", what: "periodId" })
    }
}

fn read_rule(element: &Element, periods: &Periods) -> Result<UsageRule, Error> {
    let mut rule =
        UsageRule { kid: kid(element, "ContentKeyUsageRule")?, periods: Vec::new(), tracks: Vec::new() };
    for filter in &element.children {
        match &filter.name[..] {
            "KeyPeriodFilter" => {
                let id: String = required(filter, "KeyPeriodFilter", "periodId")?;
                rule.periods.push(periods.number(&id)?);
            }
            "VideoFilter" => {
                let pixels = range(filter, "VideoFilter", "minPixels", "maxPixels")?;
                rule.tracks.push(TrackFilter::Video { pixels });
            }
            "AudioFilter" => {
                let channels = range(filter, "AudioFilter", "minChannels", "maxChannels")?;
                rule.tracks.push(TrackFilter::Audio { channels });
            }
            other => {
                let name: String = other.chars().take(32).collect();
                let name = if name.is_empty() { "a filter of another namespace".to_owned() } else { name };
                return Err(Error::Unsupported(format!("{name} in a usage rule")));
            }
        }
    }
    Ok(rule)
}

/// Both bounds of a filter, inclusive; the filter has no other attributes.
fn range(
    filter: &Element,
    name: &'static str,
    min: &'static str,
    max: &'static str,
) -> Result<RangeInclusive<u64>, Error> {
    if let Some(other) = filter.attributes().find(|other| ![min, max].contains(other)) {
        let other: String = other.chars().take(32).collect();
        return Err(Error::Unsupported(format!("{name}@{other} in a usage rule")));
    }
    let bound = |what, default| match filter.attribute(what) {
        None => Ok(default),
        Some(_) => required(filter, name, what),
    };
    Ok(bound(min, 0)?..=bound(max, u64::MAX)?)
}

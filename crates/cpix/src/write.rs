//! From a [`Document`] to XML, and what its writers share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cenc::{Kid, KidAndKey, Scheme};
use pack::{PackSystem, SystemId};
use zeroize::Zeroizing;

use crate::sealed::Sealing;
use crate::xml::{self, is_xml_char, put};
use crate::{Document, Error, MAX_RECIPIENTS, Recipient, TrackFilter, UsageRule, VERSION};

impl Document {
    /// Writes the document, version 2.3. It has the keys in plain.
    pub fn to_xml(&self) -> Zeroizing<String> {
        let signals = |s: &PackSystem| {
            let texts = [&s.content_protection, &s.hls_media, &s.hls_master];
            texts.into_iter().flatten().map(String::len).sum::<usize>()
                + s.pssh.as_ref().map_or(0, |pssh| pssh.0.data.len() + 16 * pssh.0.kids.len())
        };
        // As much as it may need, so that it is not moved with its keys: base64 takes a third more.
        let room = 4096
            + 1024 * (self.keys.len() + self.systems.len())
            + self.rules.iter().map(|r| 512 + 192 * (r.tracks.len() + r.periods.len())).sum::<usize>()
            + 2 * self.systems.iter().map(signals).sum::<usize>();
        let mut out = Zeroizing::new(String::with_capacity(room));
        self.write(&mut out, None, |key, out| {
            out.push_str("<pskc:PlainValue>");
            BASE64.encode_string(key.cek.expose(), out);
            out.push_str("</pskc:PlainValue>");
        });
        out
    }

    /// Writes the document, version 2.3, with its keys encrypted so that any of these recipients can open
    /// them, and nobody else.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no recipients, or more than [`MAX_RECIPIENTS`]; [`Error::Random`].
    pub fn to_xml_for(&self, recipients: &[Recipient]) -> Result<String, Error> {
        if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
            return Err(Error::Invalid { element: "DeliveryDataList", what: "number of recipients" });
        }
        let sealing = Sealing::new()?;
        let deliveries = sealing.deliveries(recipients)?;
        let secrets = self.keys.iter().map(|key| sealing.secret(&key.key.cek));
        let mut secrets = secrets.collect::<Result<Vec<_>, Error>>()?.into_iter();
        let mut out = String::new();
        self.write(&mut out, Some(&deliveries), |_, out| out.extend(secrets.next()));
        Ok(out)
    }

    /// Writes everything; what stands in the `Secret` of each key is written by the function, in their order.
    fn write(
        &self,
        out: &mut String,
        deliveries: Option<&str>,
        mut secret: impl FnMut(&KidAndKey, &mut String),
    ) {
        open(out, self.content_id.as_deref(), deliveries.is_some());
        out.extend(deliveries);
        out.push_str("  <cpix:ContentKeyList>\n");
        for key in &self.keys {
            open_key(out, key.key.kid, key.scheme);
            if let Some(iv) = key.iv {
                put(out, format_args!(" explicitIV=\"{}\"", BASE64.encode(iv)));
            }
            out.push_str("><cpix:Data><pskc:Secret>");
            secret(&key.key, out);
            out.push_str("</pskc:Secret></cpix:Data></cpix:ContentKey>\n");
        }
        out.push_str("  </cpix:ContentKeyList>\n");
        if !self.systems.is_empty() {
            out.push_str("  <cpix:DRMSystemList>\n");
            self.systems.iter().for_each(|system| write_system(out, system));
            out.push_str("  </cpix:DRMSystemList>\n");
        }
        let periods = self.rules.iter().flat_map(|rule| &rule.periods).max().map_or(0, |last| last + 1);
        if periods > 0 {
            out.push_str("  <cpix:ContentKeyPeriodList>\n");
            for n in 0..periods {
                put(out, format_args!("    <cpix:ContentKeyPeriod id=\"p{n}\" index=\"{n}\"/>\n"));
            }
            out.push_str("  </cpix:ContentKeyPeriodList>\n");
        }
        write_rules(out, &self.rules);
        out.push_str("</cpix:CPIX>\n");
    }
}

/// A UUID as CPIX has them.
pub(crate) fn uuid(kid: Kid) -> SystemId {
    SystemId(kid.0)
}

/// The root's begin; where there are recipients, with the namespaces of what is said of them.
pub(crate) fn open(out: &mut String, content_id: Option<&str>, recipients: bool) {
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<cpix:CPIX");
    if let Some(id) = content_id {
        out.push_str(" contentId=\"");
        escape(id, out);
        out.push('"');
    }
    let (cpix, pskc) = (xml::CPIX, xml::PSKC);
    put(out, format_args!(" version=\"{VERSION}\" xmlns:cpix=\"{cpix}\" xmlns:pskc=\"{pskc}\""));
    if recipients {
        put(out, format_args!(" xmlns:ds=\"{}\" xmlns:enc=\"{}\"", xml::DS, xml::ENC));
    }
    out.push_str(">\n");
}

/// A key's begin, without the end of its tag.
pub(crate) fn open_key(out: &mut String, kid: Kid, scheme: Option<Scheme>) {
    put(out, format_args!("    <cpix:ContentKey kid=\"{}\"", uuid(kid)));
    if let Some(scheme) = scheme {
        put(out, format_args!(" commonEncryptionScheme=\"{scheme}\""));
    }
}

fn write_system(out: &mut String, system: &PackSystem) {
    let (id, kid) = (system.system_id, uuid(system.kid));
    put(out, format_args!("    <cpix:DRMSystem kid=\"{kid}\" systemId=\"{id}\">\n"));
    if let Some(pssh) = &system.pssh {
        put(out, format_args!("      <cpix:PSSH>{pssh}</cpix:PSSH>\n"));
    }
    for (text, name, attributes) in [
        (&system.content_protection, "ContentProtectionData", ""),
        (&system.hls_media, "HLSSignalingData", " playlist=\"media\""),
        (&system.hls_master, "HLSSignalingData", " playlist=\"master\""),
    ] {
        if let Some(text) = text {
            let text = BASE64.encode(text);
            put(out, format_args!("      <cpix:{name}{attributes}>{text}</cpix:{name}>\n"));
        }
    }
    out.push_str("    </cpix:DRMSystem>\n");
}

/// The list of rules, if there are any.
pub(crate) fn write_rules(out: &mut String, rules: &[UsageRule]) {
    if rules.is_empty() {
        return;
    }
    out.push_str("  <cpix:ContentKeyUsageRuleList>\n");
    for rule in rules {
        let (kid, tracks) = (uuid(rule.kid), track_type(&rule.tracks));
        put(
            out,
            format_args!("    <cpix:ContentKeyUsageRule kid=\"{kid}\" intendedTrackType=\"{tracks}\">\n"),
        );
        for n in &rule.periods {
            put(out, format_args!("      <cpix:KeyPeriodFilter periodId=\"p{n}\"/>\n"));
        }
        for track in &rule.tracks {
            let (name, unit, range) = match track {
                TrackFilter::Video { pixels } => ("VideoFilter", "Pixels", pixels),
                TrackFilter::Audio { channels } => ("AudioFilter", "Channels", channels),
            };
            put(out, format_args!("      <cpix:{name}"));
            if *range.start() > 0 {
                put(out, format_args!(" min{unit}=\"{}\"", range.start()));
            }
            if *range.end() < u64::MAX {
                put(out, format_args!(" max{unit}=\"{}\"", range.end()));
            }
            out.push_str("/>\n");
        }
        out.push_str("    </cpix:ContentKeyUsageRule>\n");
    }
    out.push_str("  </cpix:ContentKeyUsageRuleList>\n");
}

/// What people and key servers may read of which tracks these are: `ALL` (SPEKE's word for all of them), or a
/// part for each filter with `+` between.
fn track_type(tracks: &[TrackFilter]) -> String {
    let all = |track: &TrackFilter| *track == TrackFilter::VIDEO || *track == TrackFilter::AUDIO;
    if tracks.is_empty() || (tracks.len() == 2 && tracks[0] != tracks[1] && tracks.iter().all(all)) {
        return "ALL".to_owned();
    }
    let part = |track: &TrackFilter| match track {
        TrackFilter::Audio { channels } if *track != TrackFilter::AUDIO => format!("AUDIO{}", channels.end()),
        TrackFilter::Audio { .. } => "AUDIO".to_owned(),
        TrackFilter::Video { pixels } if *track != TrackFilter::VIDEO => format!("VIDEO{}", pixels.end()),
        TrackFilter::Video { .. } => "VIDEO".to_owned(),
    };
    tracks.iter().map(part).collect::<Vec<_>>().join("+")
}

/// Appends a text, escaped for an attribute. What XML cannot hold is dropped.
fn escape(text: &str, out: &mut String) {
    for c in text.chars().filter(|&c| is_xml_char(c)) {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => put(out, format_args!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
}

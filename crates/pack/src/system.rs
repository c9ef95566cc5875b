use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cenc::Kid;
use isobmff::{BoxWriter, Boxes, Pssh};
use serde::{Deserialize, Serialize};

use crate::as_text;

/// Most octets of anything that another system says of a key: of its `pssh` box, and of each of its texts.
pub const MAX_SIGNAL: usize = 64 * 1024;

/// Most entries of other systems: four for each of the most keys that a film may have.
pub const MAX_SYSTEMS: usize = 4000;

/// The id of a protection system, a UUID as DASH-IF registers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemId(pub [u8; 16]);

impl SystemId {
    /// Widevine, `edef8ba9-79d6-4ace-a3c8-27dcd51d21ed`.
    pub const WIDEVINE: Self = Self(*b"\xed\xef\x8b\xa9\x79\xd6\x4a\xce\xa3\xc8\x27\xdc\xd5\x1d\x21\xed");
    /// PlayReady, `9a04f079-9840-4286-ab92-e65be0885f95`.
    pub const PLAYREADY: Self = Self(*b"\x9a\x04\xf0\x79\x98\x40\x42\x86\xab\x92\xe6\x5b\xe0\x88\x5f\x95");
    /// FairPlay, `94ce86fb-07ff-4f43-adb8-93d2fa968ca2`.
    pub const FAIRPLAY: Self = Self(*b"\x94\xce\x86\xfb\x07\xff\x4f\x43\xad\xb8\x93\xd2\xfa\x96\x8c\xa2");
    /// Matinee's own, of which a pack says more elsewhere.
    pub const MATINEE: Self = Self(crate::SYSTEM_ID);
}

/// Displays as a UUID in lower case.
impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for SystemId {
    type Err = &'static str;

    /// Reads a UUID, in any case.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let uuid: Result<Kid, _> = text.parse();
        uuid.ok().filter(|_| text.len() == 36).map(|uuid| Self(uuid.0)).ok_or("not a UUID")
    }
}

/// What another protection system needs to be told of one of the film's keys. Nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackSystem {
    /// Which system.
    #[serde(with = "as_text")]
    pub system_id: SystemId,
    /// Which key: representations under other keys do not have this.
    #[serde(with = "as_text")]
    pub kid: Kid,
    /// Its `pssh` box, which is in the init segments of the key's representations; in `pack.json` as base64.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::optional")]
    pub pssh: Option<SystemPssh>,
    /// What stands in its `ContentProtection` element of an MPD: XML elements, well-formed, with their
    /// namespaces declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_protection: Option<String>,
    /// Lines of HLS media playlists (`#EXT-X-KEY:…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hls_media: Option<String>,
    /// Lines of the HLS multivariant playlist (`#EXT-X-SESSION-KEY:…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hls_master: Option<String>,
}

impl PackSystem {
    /// Whether it has the form that writers of manifests rely on.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), &'static str> {
        let must = |holds: bool, what| if holds { Ok(()) } else { Err(what) };
        must(self.system_id != SystemId::MATINEE, "it is Matinee, which needs no entry")?;
        let own = self.pssh.iter().all(|pssh| pssh.0.system_id == self.system_id.0);
        must(own, "`pssh` is another system's")?;
        let texts = [&self.content_protection, &self.hls_media, &self.hls_master].into_iter().flatten();
        must(
            texts.clone().all(|text| (1..=MAX_SIGNAL).contains(&text.len())),
            "a text is empty or too long",
        )?;
        let lines = [&self.hls_media, &self.hls_master].into_iter().flatten().flat_map(|text| text.lines());
        must(
            lines.into_iter().all(|line| line.starts_with("#EXT") && !line.contains(char::is_control)),
            "HLS has lines that are no tags",
        )
    }
}

/// The `pssh` box of another system. Its text form is base64 of the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemPssh(pub Pssh);

impl SystemPssh {
    /// Reads a whole box; `None` if it is anything else, has more than one box, or is too large.
    pub fn from_box(octets: &[u8]) -> Option<Self> {
        // PIFF's box for it, a `uuid`, is not what init segments and manifests have.
        if octets.len() > MAX_SIGNAL || octets.get(4..8) != Some(b"pssh") {
            return None;
        }
        let mut boxes = Boxes::new(octets);
        let whole = boxes.next()?.ok()?;
        Pssh::parse(&whole).ok().filter(|_| boxes.next().is_none()).map(Self)
    }

    /// The octets of the box.
    pub fn to_box(&self) -> Vec<u8> {
        let mut out = BoxWriter::new();
        self.0.write(&mut out);
        out.into_bytes()
    }
}

/// Displays as base64 of the box: what `cenc:pssh` in an MPD has.
impl fmt::Display for SystemPssh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.to_box()))
    }
}

impl FromStr for SystemPssh {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let octets = BASE64.decode(text).map_err(|_| "`pssh` is not base64")?;
        Self::from_box(&octets).ok_or("`pssh` is no pssh box")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_of_systems() {
        for (id, text) in [
            (SystemId::WIDEVINE, "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"),
            (SystemId::PLAYREADY, "9a04f079-9840-4286-ab92-e65be0885f95"),
            (SystemId::FAIRPLAY, "94ce86fb-07ff-4f43-adb8-93d2fa968ca2"),
            (SystemId::MATINEE, "6d617469-6e65-6580-8000-64726d000001"),
        ] {
            assert_eq!(id.to_string(), text);
            assert_eq!(text.to_uppercase().parse(), Ok(id));
        }
        assert!("edef8ba979d64acea3c827dcd51d21ed".parse::<SystemId>().is_err());
    }

    fn system() -> PackSystem {
        let pssh = Pssh { system_id: SystemId::WIDEVINE.0, kids: vec![[7; 16]], data: b"data".to_vec() };
        PackSystem {
            system_id: SystemId::WIDEVINE,
            kid: Kid([7; 16]),
            pssh: Some(SystemPssh(pssh)),
            content_protection: Some("<a/>".to_owned()),
            hls_media: Some("#EXT-X-KEY:METHOD=SAMPLE-AES\n".to_owned()),
            hls_master: None,
        }
    }

    #[test]
    fn what_is_kept_has_the_form_that_writers_rely_on() {
        let good = system();
        assert_eq!(good.check(), Ok(()));
        let json = serde_json::to_value(&good).unwrap();
        assert_eq!(serde_json::from_value::<PackSystem>(json).unwrap(), good);
        for bad in [
            PackSystem { system_id: SystemId::PLAYREADY, ..system() },
            PackSystem { system_id: SystemId::MATINEE, pssh: None, ..system() },
            PackSystem { hls_media: Some("#EXT-X-KEY:A\nhttp://evil/segment.ts".to_owned()), ..system() },
            PackSystem { hls_master: Some("#EXT-X-KEY:A\r#EXT".to_owned()), ..system() },
            PackSystem { content_protection: Some(String::new()), ..system() },
            PackSystem { content_protection: Some("x".repeat(MAX_SIGNAL + 1)), ..system() },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_a_box_or_not(octets: Vec<u8>, whole: bool) {
            let head = [(octets.len() as u32 + 8).to_be_bytes(), *b"pssh"].concat();
            let octets = if whole { [head, octets].concat() } else { octets };
            if let Some(pssh) = SystemPssh::from_box(&octets) {
                prop_assert_eq!(pssh.to_string().parse(), Ok(pssh));
            }
        }
    }
}

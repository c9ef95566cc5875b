//! The header of a representation: its places, its track, its protection, and what `pssh` says.

use cenc::{Iv, Kid};
use cmaf::VideoConfig;
use isobmff::{Boxes, FourCc, InitSegment, Pssh, Track, TrackEncryption};
use pack::{MediaType, Pack, PackProtection, PsshData, Representation, SYSTEM_ID, Scheme, SystemId};

use super::report::Findings;

/// What a pack says of the encryption of a representation.
#[derive(Debug, Clone)]
pub(super) struct Expected<'a> {
    pub(super) scheme: cenc::Scheme,
    protection: &'a PackProtection,
    /// By period.
    kids: Vec<Kid>,
    /// The first sample's IV, or that of all samples.
    pub(super) iv: Option<Iv>,
}

impl<'a> Expected<'a> {
    /// The IV of a sample, as pack.json counts them.
    pub(super) fn iv_of(&self, sample: u64) -> Option<Iv> {
        self.iv.map(|iv| iv.of_sample(sample))
    }

    /// `None`: the representation is clear.
    pub(super) fn of(pack: &'a Pack, r: &'a Representation, findings: &mut Findings) -> Option<Self> {
        let scheme = match pack.scheme {
            Scheme::None => return None,
            Scheme::Cenc => cenc::Scheme::Cenc,
            Scheme::Cbcs => cenc::Scheme::Cbcs,
        };
        let protection = pack.protection.as_ref()?;
        let size = if scheme == cenc::Scheme::Cenc { 8 } else { 16 };
        let iv = r.ivs.as_ref().and_then(|ivs| hex::decode(&ivs.first).ok()).filter(|iv| iv.len() == size);
        let iv = iv.and_then(|iv| Iv::from_slice(&iv).ok());
        findings.must(iv.is_some(), || format!("pack.json names no IV of {size} octets"));
        let kids = protection.keys_of(r.label.as_ref()).map(|key| key.kid).collect();
        Some(Self { scheme, protection, kids, iv })
    }

    /// The KID of a segment; `None`: it stays clear.
    pub(super) fn kid(&self, segment: usize) -> Option<Kid> {
        if segment < self.protection.clear_segments as usize {
            return None;
        }
        let period = segment.checked_div(self.protection.segments_per_key as usize).unwrap_or(0);
        self.kids.get(period).copied()
    }

    /// How samples under a key are to be encrypted.
    pub(super) fn encryption(&self, kid: Kid, media: MediaType) -> TrackEncryption {
        match (self.scheme, media) {
            (cenc::Scheme::Cenc, _) => TrackEncryption::per_sample_iv(kid.0, 8),
            (cenc::Scheme::Cbcs, media) => {
                let (crypt, skip) = if media == MediaType::Video { (1, 9) } else { (0, 0) };
                let iv = self.iv.map_or([0; 16], |iv| iv.block());
                TrackEncryption::with_constant_iv(kid.0, iv, crypt, skip)
            }
        }
    }
}

/// Checks the track and its protection.
pub(super) fn check(
    init: &InitSegment,
    (pack, r): (&Pack, &Representation),
    expected: Option<&Expected<'_>>,
    findings: &mut Findings,
) {
    let [track] = &init.tracks[..] else {
        return findings.add(format!("the file has {} tracks instead of 1", init.tracks.len()));
    };
    let handler = if r.media_type == MediaType::Video { b"vide" } else { b"soun" };
    findings
        .must(track.handler == handler, || format!("the track is `{}`, no {}", track.handler, r.media_type));
    findings.must(track.timescale == r.timescale, || {
        format!("the track has {} ticks a second, pack.json says {}", track.timescale, r.timescale)
    });
    findings.must(init.fragmented, || "`moov` has no `mvex`".to_owned());
    let format = r.codecs.split('.').next().unwrap_or_default();
    for entry in &track.entries {
        findings.must(names_format(format, entry.format), || {
            format!("the samples are `{}`, pack.json says {}", entry.format, r.codecs)
        });
    }
    match (expected, &pack.protection) {
        (Some(expected), Some(protection)) => {
            entries(track, r, expected, findings);
            pssh(init, r, protection, findings);
        }
        _ => {
            let clear = track.entries.iter().all(|entry| entry.kind != b"encv" && entry.kind != b"enca");
            findings.must(clear, || "a sample entry is protected, and pack.json says `none`".to_owned());
            findings.must(init.pssh.is_empty(), || "there is a `pssh`, and pack.json says `none`".to_owned());
        }
    }
}

/// Whether a codec string begins with this sample entry's name: they are the same but for case.
fn names_format(codec: &str, format: FourCc) -> bool {
    format.to_string().trim_end().eq_ignore_ascii_case(codec)
}

fn entries(track: &Track, r: &Representation, expected: &Expected<'_>, findings: &mut Findings) {
    let has_lead = expected.protection.clear_segments > 0;
    let number = if has_lead { 2 } else { 1 };
    findings.must(track.entries.len() == number, || {
        format!("there are {} sample entries instead of {number}", track.entries.len())
    });
    let protected = track.entries.first().and_then(|entry| entry.protection);
    let Some(protected) = protected else { return findings.add("the first sample entry is not protected") };
    let scheme = FourCc(expected.scheme.four_cc());
    findings
        .must(protected.scheme == scheme, || format!("`schm` says {} instead of {scheme}", protected.scheme));
    let kid = expected.kids.first().copied().unwrap_or(Kid([0; 16]));
    let named = Kid(protected.encryption.kid);
    let same = findings
        .must(named == kid, || format!("default_KID is {named}, and pack.json names {kid} for period 0"));
    let wanted = expected.encryption(kid, r.media_type);
    findings.must(!same || protected.encryption == wanted, || {
        "`tenc` has another pattern, IV size or constant IV than the pack's scheme and pack.json say"
            .to_owned()
    });
    let second = track.entries.get(1);
    findings.must(second.is_none_or(|entry| entry.protection.is_none()), || {
        "the second sample entry, for the clear lead, is protected".to_owned()
    });
}

fn pssh(init: &InitSegment, r: &Representation, protection: &PackProtection, findings: &mut Findings) {
    let wanted = PsshData::of(protection, r.label.as_ref()).to_box();
    let ours: Vec<_> = init.pssh.iter().filter(|pssh| pssh.system_id == SYSTEM_ID).collect();
    findings.must(ours.len() == 1, || format!("there are {} `pssh` of Matinee instead of 1", ours.len()));
    for pssh in ours {
        findings.must(pssh.kids == wanted.kids, || "`pssh` lists other KIDs than pack.json".to_owned());
        findings.must(pssh.data == wanted.data, || {
            "`pssh` has other data than content id, KIDs, common key and label of pack.json make".to_owned()
        });
    }
    let told: Vec<&Pssh> =
        protection.systems_of(r.label.as_ref()).filter_map(|system| Some(&system.pssh.as_ref()?.0)).collect();
    for pssh in init.pssh.iter().filter(|pssh| pssh.system_id != SYSTEM_ID) {
        findings.must(told.contains(&pssh), || {
            format!("`pssh` of system {} is not in pack.json", SystemId(pssh.system_id))
        });
    }
    for pssh in told {
        findings.must(init.pssh.contains(pssh), || {
            format!("pack.json has a `pssh` of system {} that is not there", SystemId(pssh.system_id))
        });
    }
}

/// The decoder configuration of a video in a header.
pub(super) fn video_config(header: &[u8]) -> Option<VideoConfig<'_>> {
    let mut found = Boxes::new(header).first(b"moov").ok()??;
    for kind in [b"trak", b"mdia", b"minf", b"stbl", b"stsd"] {
        found = found.child(kind).ok()??;
    }
    let entry = found.children(8).next()?.ok()?;
    entry.children(78).flatten().find_map(|child| VideoConfig::of_box(child.kind.0, child.payload))
}

use crate::sample_groups::parse_sgpd_seig;
use crate::{BoxRef, Boxes, Cursor, Edit, Error, FourCc, Pssh, SampleEntry, TrackEncryption};

/// An entry of an edit list (ISO/IEC 14496-12 §8.6.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditListEntry {
    /// Duration in the movie's timescale; 0 in a fragmented file: to the end.
    pub segment_duration: u64,
    /// Where in the media it begins, in the track's timescale; −1: nothing is shown.
    pub media_time: i64,
    /// Speed as 16.16 fixed point; 0x10000 is 1.
    pub rate: i32,
}

/// `trex`: what applies to samples where the fragment does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SampleDefaults {
    /// Index of the sample entry, from 1.
    pub description_index: u32,
    /// Duration in the track's timescale.
    pub duration: u32,
    /// Size in bytes.
    pub size: u32,
    /// Sample flags.
    pub flags: u32,
}

/// A track of a movie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Track id, from 1.
    pub id: u32,
    /// Handler type: `vide`, `soun`, ….
    pub handler: FourCc,
    /// Ticks a second.
    pub timescale: u32,
    /// Duration in these ticks; 0 where fragments say it.
    pub duration: u64,
    /// ISO 639-2 code, such as `eng` or `und`.
    pub language: [u8; 3],
    /// Width of the presentation as 16.16 fixed point.
    pub width: u32,
    /// Height of the presentation as 16.16 fixed point.
    pub height: u32,
    /// Transformation matrix of `tkhd`, as it is in the file.
    pub matrix: [u8; 36],
    /// Whether `tkhd` says that the track is enabled.
    pub enabled: bool,
    /// The edit list; empty if there is none.
    pub edit_list: Vec<EditListEntry>,
    /// The sample entries of `stsd`; sample description index 1 is the first.
    pub entries: Vec<SampleEntry>,
    /// `trex`; `None` if the track has no fragments.
    pub defaults: Option<SampleDefaults>,
    /// `seig` groups described in the track itself.
    pub seig: Vec<TrackEncryption>,
    /// Whether [`InitSegment::edits`] merges the sample entries into one.
    pub(crate) merges_entries: bool,
}

/// What `moov` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitSegment {
    /// Ticks a second of the movie's timeline (edit lists).
    pub timescale: u32,
    /// Whether fragments may follow (`mvex`).
    pub fragmented: bool,
    /// The tracks, in the order of the file.
    pub tracks: Vec<Track>,
    /// The protection system data in `moov`.
    pub pssh: Vec<Pssh>,
    edits: Vec<Edit>,
}

impl InitSegment {
    /// Reads `moov` from a slice of top-level boxes that contains it whole. What follows it may be cut off.
    ///
    /// # Errors
    /// [`Error::Missing`] without `moov` or one of the boxes that a movie needs, and all others for malformed
    /// ones.
    pub fn parse(data: &[u8]) -> Result<Self, Error> {
        let moov = Boxes::new(data)
            .first(b"moov")?
            .ok_or(Error::Missing { kind: FourCc(*b"moov"), parent: FourCc(*b"file") })?;
        let mut this = Self {
            timescale: parse_mvhd(&moov.required(b"mvhd")?)?,
            fragmented: false,
            tracks: Vec::new(),
            pssh: Vec::new(),
            edits: Vec::new(),
        };
        for child in moov.children(0) {
            let child = child?;
            match &child.kind.0 {
                b"trak" => this.tracks.push(Track::parse(&child, &mut this.edits)?),
                b"pssh" => {
                    this.pssh.push(Pssh::parse(&child)?);
                    this.edits.push(Edit::free(child.offset));
                }
                _ => {}
            }
        }
        if let Some(mvex) = moov.child(b"mvex")? {
            this.fragmented = true;
            this.parse_mvex(&mvex)?;
        }
        Ok(this)
    }

    /// The track with an id.
    pub fn track(&self, id: u32) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == id)
    }

    /// What makes the parsed bytes the init segment of a clear file: `encv` and `enca` become the original
    /// format, several sample entries of one format one, `sinf`, `seig` groups and `pssh` `free`.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    fn parse_mvex(&mut self, mvex: &BoxRef<'_>) -> Result<(), Error> {
        for trex in mvex.children(0) {
            let trex = trex?;
            if trex.kind != b"trex" {
                continue;
            }
            let (_, _, mut cursor) = trex.full()?;
            let id = cursor.u32()?;
            let defaults = SampleDefaults {
                description_index: cursor.u32()?,
                duration: cursor.u32()?,
                size: cursor.u32()?,
                flags: cursor.u32()?,
            };
            if let Some(track) = self.tracks.iter_mut().find(|track| track.id == id) {
                track.defaults = Some(defaults);
                if track.merges_entries && defaults.description_index != 1 {
                    let offset = trex.payload_offset() + 8;
                    self.edits.push(Edit { offset, bytes: 1u32.to_be_bytes() });
                }
            }
        }
        Ok(())
    }
}

fn parse_mvhd(mvhd: &BoxRef<'_>) -> Result<u32, Error> {
    let (version, _, mut cursor) = mvhd.full()?;
    cursor.take(if version == 1 { 16 } else { 8 })?;
    positive(cursor.u32()?, b"mvhd")
}

fn positive(timescale: u32, kind: &[u8; 4]) -> Result<u32, Error> {
    if timescale == 0 { Err(Error::invalid(kind, "the timescale is 0")) } else { Ok(timescale) }
}

impl Track {
    fn parse(trak: &BoxRef<'_>, edits: &mut Vec<Edit>) -> Result<Self, Error> {
        let mdia = trak.required(b"mdia")?;
        let (_, _, mut hdlr) = mdia.required(b"hdlr")?.full()?;
        hdlr.u32()?;
        let handler = hdlr.four_cc()?;
        let stbl = mdia.required(b"minf")?.required(b"stbl")?;
        let stsd = stbl.required(b"stsd")?;
        let entries = SampleEntry::parse_all(&stsd, handler)?;
        let before = edits.len();
        SampleEntry::clearing_edits(&stsd, &entries, edits);
        let merges_entries = entries.len() > 1 && edits.len() > before;
        let mut this = Self {
            id: 0,
            handler,
            timescale: 0,
            duration: 0,
            language: *b"und",
            width: 0,
            height: 0,
            matrix: [0; 36],
            enabled: false,
            edit_list: Vec::new(),
            entries,
            defaults: None,
            seig: Vec::new(),
            merges_entries,
        };
        this.parse_tkhd(&trak.required(b"tkhd")?)?;
        this.parse_mdhd(&mdia.required(b"mdhd")?)?;
        if let Some(edts) = trak.child(b"edts")?
            && let Some(elst) = edts.child(b"elst")?
        {
            this.edit_list = parse_elst(&elst)?;
        }
        for child in stbl.children(0) {
            let child = child?;
            if child.kind == b"sgpd"
                && let Some(entries) = parse_sgpd_seig(&child)?
            {
                this.seig = entries;
                edits.push(Edit::free(child.offset));
            } else if child.kind == b"sbgp" && child.cursor().rest().get(4..8) == Some(b"seig") {
                edits.push(Edit::free(child.offset));
            }
        }
        Ok(this)
    }

    fn parse_tkhd(&mut self, tkhd: &BoxRef<'_>) -> Result<(), Error> {
        let (version, flags, mut cursor) = tkhd.full()?;
        self.enabled = flags & 1 != 0;
        cursor.take(if version == 1 { 16 } else { 8 })?;
        self.id = cursor.u32()?;
        cursor.take(4 + if version == 1 { 8 } else { 4 } + 16)?;
        self.matrix = cursor.array()?;
        self.width = cursor.u32()?;
        self.height = cursor.u32()?;
        Ok(())
    }

    fn parse_mdhd(&mut self, mdhd: &BoxRef<'_>) -> Result<(), Error> {
        let (version, _, mut cursor) = mdhd.full()?;
        cursor.take(if version == 1 { 16 } else { 8 })?;
        self.timescale = positive(cursor.u32()?, b"mdhd")?;
        self.duration = cursor.u32_or_u64(version == 1)?;
        let packed = cursor.u16()?;
        let letters = [10, 5, 0].map(|shift| (packed >> shift & 0x1f) as u8 + 0x60);
        if letters.iter().all(u8::is_ascii_lowercase) {
            self.language = letters;
        }
        Ok(())
    }
}

fn parse_elst(elst: &BoxRef<'_>) -> Result<Vec<EditListEntry>, Error> {
    let (version, _, mut cursor) = elst.full()?;
    let wide = version == 1;
    let count = cursor.u32()?;
    // Proves that the entries are there before room is made for them.
    Cursor::table(&mut cursor.clone(), count, if wide { 20 } else { 12 })?;
    (0..count)
        .map(|_| {
            Ok(EditListEntry {
                segment_duration: cursor.u32_or_u64(wide)?,
                media_time: if wide { cursor.i64()? } else { i64::from(cursor.i32()?) },
                rate: cursor.i32()?,
            })
        })
        .collect()
}

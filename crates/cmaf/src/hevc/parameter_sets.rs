use crate::bits::Bits;
use crate::nal::unescaped;

/// Largest parameter set that is read; those of real streams have a hundred bytes.
const MOST: usize = 1 << 14;

/// A short-term reference picture set (§7.4.8), as far as others follow from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ShortTermSet {
    /// Differences of picture order to earlier and to later pictures, and whether the picture is used.
    pub(super) negative: Vec<(i32, bool)>,
    pub(super) positive: Vec<(i32, bool)>,
}

impl ShortTermSet {
    /// Reads `st_ref_pic_set(index)` (§7.3.7), where `sets` come before it: in a sequence parameter set as
    /// many as its index, in a slice header all of them.
    pub(super) fn read(bits: &mut Bits<'_>, sets: &[Self], in_slice: bool) -> Result<Self, &'static str> {
        let mut this = Self::default();
        if !sets.is_empty() && bits.flag()? {
            let back = if in_slice { bits.ue_up_to(sets.len() as u32 - 1)? as usize + 1 } else { 1 };
            let negative = bits.flag()?;
            let magnitude = bits.ue_up_to(0x7fff)? as i32 + 1;
            let delta = if negative { -magnitude } else { magnitude };
            let from = &sets[sets.len() - back];
            // (7-61), (7-62): the pictures of the other set and the one it belongs to, moved.
            let all = from.negative.iter().chain(&from.positive);
            let all: Vec<i32> = all.map(|(poc, _)| *poc).chain([0]).collect();
            let mut flags = Vec::with_capacity(all.len());
            for _ in &all {
                let used = bits.flag()?;
                flags.push((used, used || bits.flag()?));
            }
            for (poc, (used, kept)) in all.into_iter().zip(flags) {
                match poc + delta {
                    moved if kept && moved < 0 => this.negative.push((moved, used)),
                    moved if kept && moved > 0 => this.positive.push((moved, used)),
                    _ => {}
                }
            }
            this.negative.sort_by_key(|(poc, _)| -poc);
            this.positive.sort_by_key(|(poc, _)| *poc);
            if this.negative.len() > 16 || this.positive.len() > 16 {
                return Err("more reference pictures than there can be");
            }
            return Ok(this);
        }
        let (negative, positive) = (bits.ue_up_to(16)?, bits.ue_up_to(16)?);
        let mut read = |count: u32, sign: i32| {
            let mut poc = 0;
            (0..count)
                .map(|_| {
                    poc += sign * (bits.ue_up_to(0x7fff)? as i32 + 1);
                    Ok((poc, bits.flag()?))
                })
                .collect::<Result<Vec<_>, &'static str>>()
        };
        this.negative = read(negative, -1)?;
        this.positive = read(positive, 1)?;
        Ok(this)
    }

    /// How many of its pictures the current one may refer to.
    pub(super) fn used(&self) -> u32 {
        self.negative.iter().chain(&self.positive).filter(|(_, used)| *used).count() as u32
    }
}

/// What slice headers need of a sequence parameter set (§7.3.2.2), and what it says of the pictures.
#[derive(Debug, Clone)]
pub(super) struct Sps {
    pub(super) id: u32,
    pub(super) separate_colour_planes: bool,
    pub(super) chroma_array_type: u32,
    /// Width and height within the conformance window.
    pub(super) size: (u32, u32),
    pub(super) pic_size_in_ctbs: u32,
    pub(super) log2_max_poc_lsb: u32,
    pub(super) sample_adaptive_offset: bool,
    pub(super) short_term_sets: Vec<ShortTermSet>,
    pub(super) long_term_pictures: bool,
    /// For each of the long-term pictures that slices may name by number, whether it is used.
    pub(super) long_term: Vec<bool>,
    pub(super) temporal_mvp: bool,
    pub(super) motion_vector_resolution_control: u32,
    pub(super) sar: Option<[u32; 2]>,
    pub(super) transfer: Option<u8>,
}

impl Sps {
    /// Reads a NAL unit.
    pub(super) fn parse(nal: &[u8]) -> Result<Self, &'static str> {
        let payload = unescaped(nal.get(2..).unwrap_or_default(), MOST);
        let mut bits = Bits::new(&payload);
        bits.skip(4)?;
        let layers = bits.u(3)?;
        bits.skip(1)?;
        profile_tier_level(&mut bits, layers)?;
        let id = bits.ue_up_to(15)?;
        let chroma_format = bits.ue_up_to(3)?;
        let separate_colour_planes = chroma_format == 3 && bits.flag()?;
        let (width, height) = (bits.ue_up_to(1 << 16)?, bits.ue_up_to(1 << 16)?);
        let mut size = (width, height);
        if bits.flag()? {
            // The conformance window, in samples of the chroma (table 6-1).
            let horizontal = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
            let vertical = if chroma_format == 1 { 2 } else { 1 };
            let (left, right, top, bottom) = (bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?);
            let inside = |len: u32, unit: u32, a: u32, b: u32| {
                len.saturating_sub(a.saturating_add(b).saturating_mul(unit))
            };
            size = (inside(width, horizontal, left, right), inside(height, vertical, top, bottom));
        }
        bits.ue()?;
        bits.ue()?; // bit depths
        let log2_max_poc_lsb = bits.ue_up_to(12)? + 4;
        let for_all_layers = bits.flag()?;
        for _ in if for_all_layers { 0 } else { layers }..=layers {
            (0..3).try_for_each(|_| bits.ue().map(drop))?;
        }
        let log2_min_cb = bits.ue_up_to(3)? + 3;
        let log2_ctb = log2_min_cb + bits.ue_up_to(3)?;
        if log2_ctb > 6 {
            return Err("coding tree blocks that are too large");
        }
        (0..4).try_for_each(|_| bits.ue().map(drop))?; // transform blocks
        if bits.flag()? && bits.flag()? {
            scaling_list_data(&mut bits)?;
        }
        bits.flag()?; // asymmetric motion partitions
        let sample_adaptive_offset = bits.flag()?;
        if bits.flag()? {
            bits.skip(8)?; // PCM bit depths
            bits.ue()?;
            bits.ue()?;
            bits.flag()?;
        }
        let sets = bits.ue_up_to(64)?;
        let mut short_term_sets = Vec::new();
        for _ in 0..sets {
            short_term_sets.push(ShortTermSet::read(&mut bits, &short_term_sets, false)?);
        }
        let long_term_pictures = bits.flag()?;
        let mut long_term = Vec::new();
        if long_term_pictures {
            for _ in 0..bits.ue_up_to(32)? {
                bits.u(log2_max_poc_lsb)?;
                long_term.push(bits.flag()?);
            }
        }
        let temporal_mvp = bits.flag()?;
        bits.flag()?; // strong intra smoothing
        let ctbs = |len: u32| len.div_ceil(1 << log2_ctb);
        let mut this = Self {
            id,
            separate_colour_planes,
            chroma_array_type: if separate_colour_planes { 0 } else { chroma_format },
            size,
            pic_size_in_ctbs: ctbs(width)
                .checked_mul(ctbs(height))
                .filter(|count| *count > 0)
                .ok_or("pictures of no size, or of too large a one")?,
            log2_max_poc_lsb,
            sample_adaptive_offset,
            short_term_sets,
            long_term_pictures,
            long_term,
            temporal_mvp,
            motion_vector_resolution_control: 0,
            sar: None,
            transfer: None,
        };
        if bits.flag()? {
            this.read_vui(&mut bits, layers)?;
        }
        if bits.flag()? {
            let (range, multilayer, three_d, screen, more) =
                (bits.flag()?, bits.flag()?, bits.flag()?, bits.flag()?, bits.u(4)?);
            if multilayer || three_d || more != 0 {
                return Err("multilayer and 3D streams are not supported");
            }
            if range {
                bits.skip(9)?;
            }
            if screen {
                this.read_screen_extension(&mut bits)?;
            }
        }
        Ok(this)
    }

    /// `sps_scc_extension` (§7.3.2.2.3).
    fn read_screen_extension(&mut self, bits: &mut Bits<'_>) -> Result<(), &'static str> {
        bits.flag()?;
        if bits.flag()? {
            bits.ue()?;
            bits.ue()?;
            if bits.flag()? {
                return Err("palettes in parameter sets are not supported");
            }
        }
        self.motion_vector_resolution_control = bits.u(2)?;
        bits.flag()?;
        Ok(())
    }

    /// `vui_parameters` (§E.2.1).
    fn read_vui(&mut self, bits: &mut Bits<'_>, layers: u32) -> Result<(), &'static str> {
        if bits.flag()? {
            self.sar = match bits.u(8)? {
                255 => Some([bits.u(16)?, bits.u(16)?]),
                index => SAMPLE_ASPECT_RATIOS.get(index as usize).copied(),
            };
        }
        if bits.flag()? {
            bits.flag()?; // overscan
        }
        if bits.flag()? {
            bits.skip(4)?;
            if bits.flag()? {
                bits.skip(8)?;
                self.transfer = Some(bits.u(8)? as u8);
                bits.skip(8)?;
            }
        }
        if bits.flag()? {
            bits.ue()?;
            bits.ue()?; // chroma location
        }
        bits.skip(3)?;
        if bits.flag()? {
            (0..4).try_for_each(|_| bits.ue().map(drop))?; // default display window
        }
        if bits.flag()? {
            bits.skip(64)?;
            if bits.flag()? {
                bits.ue()?;
            }
            if bits.flag()? {
                hrd_parameters(bits, layers)?;
            }
        }
        if bits.flag()? {
            bits.skip(3)?;
            (0..5).try_for_each(|_| bits.ue().map(drop))?; // bitstream restriction
        }
        Ok(())
    }
}

/// Table E.1.
const SAMPLE_ASPECT_RATIOS: [[u32; 2]; 17] = [
    [0, 0],
    [1, 1],
    [12, 11],
    [10, 11],
    [16, 11],
    [40, 33],
    [24, 11],
    [20, 11],
    [32, 11],
    [80, 33],
    [18, 11],
    [15, 11],
    [64, 33],
    [160, 99],
    [4, 3],
    [3, 2],
    [2, 1],
];

/// `profile_tier_level` (§7.3.3).
fn profile_tier_level(bits: &mut Bits<'_>, layers: u32) -> Result<(), &'static str> {
    bits.skip(96)?;
    let present: Vec<_> =
        (0..layers).map(|_| Ok((bits.flag()?, bits.flag()?))).collect::<Result<_, &'static str>>()?;
    if layers > 0 {
        bits.skip(2 * (8 - layers as usize))?;
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Ok(())
}

/// `scaling_list_data` (§7.3.4).
fn scaling_list_data(bits: &mut Bits<'_>) -> Result<(), &'static str> {
    for size in 0..4 {
        for _ in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
            if !bits.flag()? {
                bits.ue()?;
                continue;
            }
            if size > 1 {
                bits.se()?;
            }
            for _ in 0..64.min(1 << (4 + 2 * size)) {
                bits.se()?;
            }
        }
    }
    Ok(())
}

/// `hrd_parameters` (§E.2.2), with those common to all layers.
fn hrd_parameters(bits: &mut Bits<'_>, layers: u32) -> Result<(), &'static str> {
    let (nal, vcl) = (bits.flag()?, bits.flag()?);
    let mut by_sub_pictures = false;
    if nal || vcl {
        by_sub_pictures = bits.flag()?;
        bits.skip(if by_sub_pictures { 19 } else { 0 })?;
        bits.skip(8)?;
        bits.skip(if by_sub_pictures { 4 } else { 0 })?;
        bits.skip(15)?;
    }
    for _ in 0..=layers {
        let general = bits.flag()?;
        let within = general || bits.flag()?;
        let mut low_delay = false;
        if within {
            bits.ue()?;
        } else {
            low_delay = bits.flag()?;
        }
        let count = if low_delay { 1 } else { bits.ue_up_to(31)? + 1 };
        for _ in 0..count * (u32::from(nal) + u32::from(vcl)) {
            (0..if by_sub_pictures { 4 } else { 2 }).try_for_each(|_| bits.ue().map(drop))?;
            bits.flag()?;
        }
    }
    Ok(())
}

/// What slice headers need of a picture parameter set (§7.3.2.3).
#[derive(Debug, Clone)]
pub(super) struct Pps {
    pub(super) id: u32,
    pub(super) sps: u32,
    pub(super) dependent_slices: bool,
    pub(super) output_flag: bool,
    pub(super) extra_header_bits: u32,
    pub(super) cabac_init: bool,
    pub(super) default_refs: [u32; 2],
    pub(super) slice_chroma_qp_offsets: bool,
    pub(super) weighted: [bool; 2],
    pub(super) entry_points: bool,
    pub(super) loop_filter_across_slices: bool,
    pub(super) deblocking_override: bool,
    pub(super) deblocking_disabled: bool,
    pub(super) lists_modification: bool,
    pub(super) header_extension: bool,
    pub(super) chroma_qp_offset_lists: bool,
    pub(super) current_picture_reference: bool,
    pub(super) slice_act_qp_offsets: bool,
}

impl Pps {
    /// Reads a NAL unit.
    pub(super) fn parse(nal: &[u8]) -> Result<Self, &'static str> {
        let payload = unescaped(nal.get(2..).unwrap_or_default(), MOST);
        let mut bits = Bits::new(&payload);
        let (id, sps) = (bits.ue_up_to(63)?, bits.ue_up_to(15)?);
        let (dependent_slices, output_flag, extra_header_bits) = (bits.flag()?, bits.flag()?, bits.u(3)?);
        bits.flag()?; // sign data hiding
        let cabac_init = bits.flag()?;
        let default_refs = [bits.ue_up_to(14)? + 1, bits.ue_up_to(14)? + 1];
        bits.se()?;
        bits.skip(1)?; // constrained intra
        let transform_skip = bits.flag()?;
        if bits.flag()? {
            bits.ue()?;
        }
        bits.se()?;
        bits.se()?;
        let slice_chroma_qp_offsets = bits.flag()?;
        let weighted = [bits.flag()?, bits.flag()?];
        bits.flag()?; // transquant bypass
        let (tiles, wavefronts) = (bits.flag()?, bits.flag()?);
        if tiles {
            let (columns, rows) = (bits.ue_up_to(1023)?, bits.ue_up_to(1023)?);
            if !bits.flag()? {
                (0..columns + rows).try_for_each(|_| bits.ue().map(drop))?;
            }
            bits.flag()?;
        }
        let loop_filter_across_slices = bits.flag()?;
        let (mut deblocking_override, mut deblocking_disabled) = (false, false);
        if bits.flag()? {
            deblocking_override = bits.flag()?;
            deblocking_disabled = bits.flag()?;
            if !deblocking_disabled {
                bits.se()?;
                bits.se()?;
            }
        }
        if bits.flag()? {
            scaling_list_data(&mut bits)?;
        }
        let lists_modification = bits.flag()?;
        bits.ue()?;
        let header_extension = bits.flag()?;
        let mut this = Self {
            id,
            sps,
            dependent_slices,
            output_flag,
            extra_header_bits,
            cabac_init,
            default_refs,
            slice_chroma_qp_offsets,
            weighted,
            entry_points: tiles || wavefronts,
            loop_filter_across_slices,
            deblocking_override,
            deblocking_disabled,
            lists_modification,
            header_extension,
            chroma_qp_offset_lists: false,
            current_picture_reference: false,
            slice_act_qp_offsets: false,
        };
        if bits.flag()? {
            let (range, multilayer, three_d, screen, more) =
                (bits.flag()?, bits.flag()?, bits.flag()?, bits.flag()?, bits.u(4)?);
            if multilayer || three_d || more != 0 {
                return Err("multilayer and 3D streams are not supported");
            }
            if range {
                if transform_skip {
                    bits.ue()?;
                }
                bits.flag()?;
                this.chroma_qp_offset_lists = bits.flag()?;
                if this.chroma_qp_offset_lists {
                    bits.ue()?;
                    for _ in 0..=bits.ue_up_to(5)? {
                        bits.se()?;
                        bits.se()?;
                    }
                }
                bits.ue()?;
                bits.ue()?;
            }
            if screen {
                this.current_picture_reference = bits.flag()?;
                if bits.flag()? {
                    this.slice_act_qp_offsets = bits.flag()?;
                }
            }
        }
        Ok(this)
    }
}

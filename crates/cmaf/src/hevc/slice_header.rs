use crate::bits::Bits;
use crate::nal::{escaped_len, unescaped};

use super::parameter_sets::{Pps, ShortTermSet, Sps};

/// Longest slice header that is read, without emulation prevention. Entry points make them long.
const MOST: usize = 1 << 14;

/// Parameter sets by their ids.
#[derive(Debug, Default)]
pub(super) struct ParameterSets {
    sps: Vec<Sps>,
    pps: Vec<Pps>,
}

impl ParameterSets {
    /// Takes the sets of a NAL unit; others pass.
    pub(super) fn take(&mut self, nal: &[u8]) -> Result<(), String> {
        let wrong = |what| format!("parameter set: {what}");
        match unit_type(nal) {
            Some(33) => {
                let sps = Sps::parse(nal).map_err(wrong)?;
                self.sps.retain(|other| other.id != sps.id);
                self.sps.push(sps);
            }
            Some(34) => {
                let pps = Pps::parse(nal).map_err(wrong)?;
                self.pps.retain(|other| other.id != pps.id);
                self.pps.push(pps);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn first_sps(&self) -> Option<&Sps> {
        self.sps.first()
    }

    fn of_slice(&self, pps: u32) -> Result<(&Sps, &Pps), &'static str> {
        let missing = "a slice whose parameter sets are not there";
        let pps = self.pps.iter().find(|set| set.id == pps).ok_or(missing)?;
        let sps = self.sps.iter().find(|set| set.id == pps.sps).ok_or(missing)?;
        Ok((sps, pps))
    }
}

/// `nal_unit_type`; `None` for a unit without a whole header.
pub(super) fn unit_type(nal: &[u8]) -> Option<u8> {
    (nal.len() >= 2).then(|| nal[0] >> 1 & 0x3f)
}

/// Number of bytes of a slice segment's NAL unit that hold its NAL header and slice segment header
/// (§7.3.6.1), byte alignment included, emulation prevention bytes counted.
pub(super) fn slice_header_len(sets: &ParameterSets, nal: &[u8]) -> Result<usize, &'static str> {
    let body = nal.get(2..).ok_or("an empty slice")?;
    let payload = unescaped(body, MOST);
    let mut bits = Bits::new(&payload);
    read(sets, unit_type(nal).unwrap_or_default(), &mut bits)?;
    // byte_alignment(): a one, and zeros to the next byte.
    bits.skip(1)?;
    Ok(2 + escaped_len(body, bits.bytes() as u64))
}

/// Bits that tell `count` things apart.
fn bits_for(count: u32) -> u32 {
    count.next_power_of_two().trailing_zeros()
}

fn read(sets: &ParameterSets, unit: u8, bits: &mut Bits<'_>) -> Result<(), &'static str> {
    let first = bits.flag()?;
    if (16..=23).contains(&unit) {
        bits.flag()?; // no output of prior pictures
    }
    let (sps, pps) = sets.of_slice(bits.ue_up_to(63)?)?;
    let mut dependent = false;
    if !first {
        dependent = pps.dependent_slices && bits.flag()?;
        bits.u(bits_for(sps.pic_size_in_ctbs))?;
    }
    if !dependent {
        independent(sps, pps, unit, bits)?;
    }
    if pps.entry_points {
        let count = bits.ue_up_to(440 * 1024)?;
        if count > 0 {
            let len = bits.ue_up_to(31)? + 1;
            bits.skip(count as usize * len as usize)?;
        }
    }
    if pps.header_extension {
        let len = bits.ue_up_to(256)?;
        bits.skip(8 * len as usize)?;
    }
    Ok(())
}

/// What only the first segment of a slice has.
fn independent(sps: &Sps, pps: &Pps, unit: u8, bits: &mut Bits<'_>) -> Result<(), &'static str> {
    let idr = matches!(unit, 19 | 20);
    bits.skip(pps.extra_header_bits as usize)?;
    // 0: B, 1: P, 2: I.
    let slice_type = bits.ue_up_to(2)?;
    if pps.output_flag {
        bits.flag()?;
    }
    if sps.separate_colour_planes {
        bits.skip(2)?;
    }
    let mut pictures = u32::from(pps.current_picture_reference);
    let mut temporal_mvp = false;
    if !idr {
        pictures += reference_pictures(sps, bits)?;
        temporal_mvp = sps.temporal_mvp && bits.flag()?;
    }
    let (mut luma, mut chroma) = (false, false);
    if sps.sample_adaptive_offset {
        luma = bits.flag()?;
        chroma = sps.chroma_array_type != 0 && bits.flag()?;
    }
    if slice_type != 2 {
        prediction(sps, pps, slice_type == 0, pictures, temporal_mvp, bits)?;
    }
    bits.se()?; // QP
    if pps.slice_chroma_qp_offsets {
        bits.se()?;
        bits.se()?;
    }
    if pps.slice_act_qp_offsets {
        (0..3).try_for_each(|_| bits.se().map(drop))?;
    }
    if pps.chroma_qp_offset_lists {
        bits.flag()?;
    }
    let mut deblocking_disabled = pps.deblocking_disabled;
    if pps.deblocking_override && bits.flag()? {
        deblocking_disabled = bits.flag()?;
        if !deblocking_disabled {
            bits.se()?;
            bits.se()?;
        }
    }
    if pps.loop_filter_across_slices && (luma || chroma || !deblocking_disabled) {
        bits.flag()?;
    }
    Ok(())
}

/// The reference picture sets; returns how many pictures they give (`NumPicTotalCurr`).
fn reference_pictures(sps: &Sps, bits: &mut Bits<'_>) -> Result<u32, &'static str> {
    bits.u(sps.log2_max_poc_lsb)?;
    let sets = &sps.short_term_sets;
    let mut pictures = if bits.flag()? {
        let index = if sets.len() > 1 { bits.u(bits_for(sets.len() as u32))? } else { 0 };
        sets.get(index as usize).ok_or("a reference picture set that is not there")?.used()
    } else {
        ShortTermSet::read(bits, sets, true)?.used()
    };
    if sps.long_term_pictures {
        let named = if sps.long_term.is_empty() { 0 } else { bits.ue_up_to(32)? };
        let others = bits.ue_up_to(32)?;
        for n in 0..named + others {
            let used = if n < named {
                let index = match sps.long_term.len() {
                    0 | 1 => 0,
                    count => bits.u(bits_for(count as u32))?,
                };
                *sps.long_term.get(index as usize).ok_or("a long-term picture that is not there")?
            } else {
                bits.u(sps.log2_max_poc_lsb)?;
                bits.flag()?
            };
            pictures += u32::from(used);
            if bits.flag()? {
                bits.ue()?;
            }
        }
    }
    Ok(pictures)
}

/// What P and B slices have.
fn prediction(
    sps: &Sps,
    pps: &Pps,
    both: bool,
    pictures: u32,
    temporal_mvp: bool,
    bits: &mut Bits<'_>,
) -> Result<(), &'static str> {
    let mut counts = pps.default_refs;
    if bits.flag()? {
        counts[0] = bits.ue_up_to(14)? + 1;
        if both {
            counts[1] = bits.ue_up_to(14)? + 1;
        }
    }
    let lists = if both { 2 } else { 1 };
    if pps.lists_modification && pictures > 1 {
        for count in counts.iter().take(lists) {
            if bits.flag()? {
                bits.skip((count * bits_for(pictures)) as usize)?;
            }
        }
    }
    if both {
        bits.flag()?; // mvd_l1_zero
    }
    if pps.cabac_init {
        bits.flag()?;
    }
    if temporal_mvp {
        let from_first = !both || bits.flag()?;
        if counts[usize::from(!from_first)] > 1 {
            bits.ue()?;
        }
    }
    if pps.weighted[usize::from(both)] {
        if pps.current_picture_reference {
            return Err("weighted prediction beside references to the picture itself is not supported");
        }
        weights(sps.chroma_array_type != 0, &counts[..lists], bits)?;
    }
    bits.ue()?; // merge candidates
    if sps.motion_vector_resolution_control == 2 {
        bits.flag()?;
    }
    Ok(())
}

/// `pred_weight_table` (§7.3.6.3).
fn weights(chroma: bool, counts: &[u32], bits: &mut Bits<'_>) -> Result<(), &'static str> {
    bits.ue()?;
    if chroma {
        bits.se()?;
    }
    for &count in counts {
        let luma: Vec<bool> = (0..count).map(|_| bits.flag()).collect::<Result<_, _>>()?;
        let colour: Vec<bool> =
            (0..count).map(|_| Ok(chroma && bits.flag()?)).collect::<Result<_, &'static str>>()?;
        for (luma, colour) in luma.into_iter().zip(colour) {
            let numbers = if luma { 2 } else { 0 } + if colour { 4 } else { 0 };
            (0..numbers).try_for_each(|_| bits.se().map(drop))?;
        }
    }
    Ok(())
}

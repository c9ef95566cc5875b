use crate::bits::Bits;

/// Sizes of the frames that others may refer to.
pub(super) type References = [[u32; 2]; 8];

/// What the uncompressed header of a frame says (VP9 bitstream specification, §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// Its bytes.
    pub(super) len: usize,
    pub(super) key: bool,
    /// Whether an earlier frame is shown again, and nothing follows the header.
    pub(super) shows_existing: bool,
    /// Which references the frame replaces, one bit each.
    pub(super) refreshes: u8,
}

/// Reads a frame's header, and notes the sizes of what it replaces.
pub(super) fn read(frame: &[u8], references: &mut References) -> Result<FrameHeader, &'static str> {
    let mut bits = Bits::new(frame);
    if bits.u(2)? != 2 {
        return Err("no VP9 frame");
    }
    let profile = u32::from(bits.flag()?) | u32::from(bits.flag()?) << 1;
    if profile == 3 {
        bits.flag()?;
    }
    if bits.flag()? {
        bits.skip(3)?;
        return Ok(FrameHeader { len: frame.len(), key: false, shows_existing: true, refreshes: 0 });
    }
    let key = !bits.flag()?;
    let (shown, error_resilient) = (bits.flag()?, bits.flag()?);
    let (size, refreshes);
    if key {
        sync_code(&mut bits)?;
        color_config(&mut bits, profile)?;
        (size, refreshes) = (frame_size(&mut bits)?, 0xff);
        render_size(&mut bits)?;
    } else {
        let intra_only = !shown && bits.flag()?;
        if !error_resilient {
            bits.skip(2)?;
        }
        if intra_only {
            sync_code(&mut bits)?;
            if profile > 0 {
                color_config(&mut bits, profile)?;
            }
            refreshes = bits.u(8)?;
            size = frame_size(&mut bits)?;
            render_size(&mut bits)?;
        } else {
            refreshes = bits.u(8)?;
            let mut named = [0; 3];
            for index in &mut named {
                *index = bits.u(3)? as usize;
                bits.flag()?;
            }
            let mut found = None;
            for index in named {
                if bits.flag()? {
                    found = Some(references[index]);
                    break;
                }
            }
            size = match found {
                Some(size) => size,
                None => frame_size(&mut bits)?,
            };
            render_size(&mut bits)?;
            bits.flag()?; // high precision vectors
            if !bits.flag()? {
                bits.skip(2)?; // interpolation filter
            }
        }
    }
    if !error_resilient {
        bits.skip(2)?;
    }
    bits.skip(2)?; // context
    loop_filter(&mut bits)?;
    bits.skip(8)?;
    for _ in 0..3 {
        if bits.flag()? {
            bits.skip(5)?;
        }
    }
    segmentation(&mut bits)?;
    tiles(&mut bits, size[0])?;
    if bits.u(16)? == 0 {
        return Err("a frame without a compressed header");
    }
    for (n, reference) in references.iter_mut().enumerate() {
        if refreshes >> n & 1 == 1 {
            *reference = size;
        }
    }
    Ok(FrameHeader { len: bits.bytes(), key, shows_existing: false, refreshes: refreshes as u8 })
}

/// Profile, bits of a sample and chroma subsampling (as `vpcC` has it) of a key frame.
pub(super) fn format(frame: &[u8]) -> Result<[u8; 3], &'static str> {
    let mut bits = Bits::new(frame);
    if bits.u(2)? != 2 {
        return Err("no VP9 frame");
    }
    let profile = bits.u(1)? | bits.u(1)? << 1;
    bits.skip(if profile == 3 { 1 } else { 0 })?;
    if bits.flag()? || bits.flag()? {
        return Err("no key frame");
    }
    bits.skip(2)?;
    sync_code(&mut bits)?;
    let depth = match profile {
        2 | 3 => 10 + 2 * bits.u(1)?,
        _ => 8,
    };
    let rgb = bits.u(3)? == 7;
    bits.skip(if rgb { 0 } else { 1 })?;
    let chroma = match (rgb, profile & 1) {
        (true, _) => 3,
        (false, 0) => 1,
        _ => match (bits.u(1)?, bits.u(1)?) {
            (1, 0) => 2,
            (0, 0) => 3,
            _ => return Err("a chroma subsampling that MP4 cannot say"),
        },
    };
    Ok([profile as u8, depth as u8, chroma])
}

fn sync_code(bits: &mut Bits<'_>) -> Result<(), &'static str> {
    match bits.u(24)? {
        0x49_8342 => Ok(()),
        _ => Err("no VP9 key frame"),
    }
}

fn color_config(bits: &mut Bits<'_>, profile: u32) -> Result<(), &'static str> {
    if profile >= 2 {
        bits.flag()?;
    }
    let odd = profile & 1 == 1;
    match bits.u(3)? {
        // RGB
        7 => bits.skip(usize::from(odd)),
        _ => bits.skip(if odd { 4 } else { 1 }),
    }
}

fn frame_size(bits: &mut Bits<'_>) -> Result<[u32; 2], &'static str> {
    Ok([bits.u(16)? + 1, bits.u(16)? + 1])
}

fn render_size(bits: &mut Bits<'_>) -> Result<(), &'static str> {
    if bits.flag()? { bits.skip(32) } else { Ok(()) }
}

fn loop_filter(bits: &mut Bits<'_>) -> Result<(), &'static str> {
    bits.skip(9)?;
    if bits.flag()? && bits.flag()? {
        for _ in 0..6 {
            if bits.flag()? {
                bits.skip(7)?;
            }
        }
    }
    Ok(())
}

fn segmentation(bits: &mut Bits<'_>) -> Result<(), &'static str> {
    if !bits.flag()? {
        return Ok(());
    }
    let probability = |bits: &mut Bits<'_>| if bits.flag()? { bits.skip(8) } else { Ok(()) };
    if bits.flag()? {
        (0..7).try_for_each(|_| probability(bits))?;
        if bits.flag()? {
            (0..3).try_for_each(|_| probability(bits))?;
        }
    }
    if bits.flag()? {
        bits.flag()?;
        for _ in 0..8 {
            // Bits of each feature, with its sign.
            for len in [9, 7, 2, 0] {
                if bits.flag()? {
                    bits.skip(len)?;
                }
            }
        }
    }
    Ok(())
}

fn tiles(bits: &mut Bits<'_>, width: u32) -> Result<(), &'static str> {
    let blocks = width.div_ceil(64);
    let (mut log2, mut most) = (0, 1);
    while 64 << log2 < blocks {
        log2 += 1;
    }
    while blocks >> most >= 4 {
        most += 1;
    }
    while log2 < most - 1 && bits.flag()? {
        log2 += 1;
    }
    if bits.flag()? {
        bits.flag()?;
    }
    Ok(())
}

use crate::bits::Bits;

/// What frame headers need of a sequence header (AV1 bitstream specification, §5.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) reduced_still: bool,
    pub(super) equal_picture_interval: bool,
    pub(super) decoder_model: Option<DecoderModel>,
    /// Of each operating point: its layers, and whether a decoder model describes it.
    pub(super) operating_points: Vec<(u32, bool)>,
    /// Bits of width and height, and their largest values.
    pub(super) size_bits: [u32; 2],
    pub(super) max_size: [u32; 2],
    /// Bits of frame ids and of their differences, if frames have ids.
    pub(super) frame_id_bits: Option<[u32; 2]>,
    pub(super) large_superblocks: bool,
    pub(super) warped_motion: bool,
    /// Bits of order hints; 0: there are none.
    pub(super) order_hint_bits: u32,
    pub(super) ref_frame_mvs: bool,
    /// 0, 1, or 2: each frame says.
    pub(super) screen_content: u32,
    pub(super) integer_mv: u32,
    pub(super) superres: bool,
    pub(super) cdef: bool,
    pub(super) restoration: bool,
    pub(super) monochrome: bool,
    /// Horizontal and vertical subsampling.
    pub(super) subsampling: [bool; 2],
    pub(super) separate_uv_delta_q: bool,
    pub(super) film_grain: bool,
    /// Primaries, transfer and matrix by ITU-T H.273.
    pub(super) colour: [u32; 3],
    pub(super) full_range: bool,
}

/// Bits of the decoder model's fields (§5.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DecoderModel {
    pub(super) buffer_delay: u32,
    pub(super) removal_time: u32,
    pub(super) presentation_time: u32,
}

impl Sequence {
    pub(super) fn parse(payload: &[u8]) -> Result<Self, &'static str> {
        let mut bits = Bits::new(payload);
        let profile = bits.u(3)?;
        bits.flag()?;
        let mut this = Self {
            reduced_still: bits.flag()?,
            equal_picture_interval: false,
            decoder_model: None,
            operating_points: Vec::new(),
            size_bits: [0; 2],
            max_size: [0; 2],
            frame_id_bits: None,
            large_superblocks: false,
            warped_motion: false,
            order_hint_bits: 0,
            ref_frame_mvs: false,
            screen_content: 2,
            integer_mv: 2,
            superres: false,
            cdef: false,
            restoration: false,
            monochrome: false,
            subsampling: [true, true],
            separate_uv_delta_q: false,
            film_grain: false,
            colour: [2, 2, 2],
            full_range: false,
        };
        if this.reduced_still {
            bits.skip(5)?;
            this.operating_points.push((0, false));
        } else {
            this.read_operating_points(&mut bits)?;
        }
        this.size_bits = [bits.u(4)? + 1, bits.u(4)? + 1];
        this.max_size = [bits.u(this.size_bits[0])? + 1, bits.u(this.size_bits[1])? + 1];
        if !this.reduced_still && bits.flag()? {
            let difference = bits.u(4)? + 2;
            this.frame_id_bits = Some([difference + bits.u(3)? + 1, difference]);
        }
        this.large_superblocks = bits.flag()?;
        bits.skip(2)?; // filter intra, intra edge filter
        if !this.reduced_still {
            this.read_tools(&mut bits)?;
        }
        this.superres = bits.flag()?;
        this.cdef = bits.flag()?;
        this.restoration = bits.flag()?;
        this.read_color_config(&mut bits, profile)?;
        this.film_grain = bits.flag()?;
        Ok(this)
    }

    fn read_operating_points(&mut self, bits: &mut Bits<'_>) -> Result<(), &'static str> {
        if bits.flag()? {
            bits.skip(64)?;
            self.equal_picture_interval = bits.flag()?;
            if self.equal_picture_interval {
                uvlc(bits)?;
            }
            if bits.flag()? {
                let buffer_delay = bits.u(5)? + 1;
                bits.skip(32)?;
                self.decoder_model = Some(DecoderModel {
                    buffer_delay,
                    removal_time: bits.u(5)? + 1,
                    presentation_time: bits.u(5)? + 1,
                });
            }
        }
        let display_delay = bits.flag()?;
        for _ in 0..=bits.u(5)? {
            let layers = bits.u(12)?;
            if bits.u(5)? > 7 {
                bits.flag()?;
            }
            let mut described = false;
            if let Some(model) = self.decoder_model {
                described = bits.flag()?;
                if described {
                    bits.skip(2 * model.buffer_delay as usize + 1)?;
                }
            }
            if display_delay && bits.flag()? {
                bits.skip(4)?;
            }
            self.operating_points.push((layers, described));
        }
        Ok(())
    }

    fn read_tools(&mut self, bits: &mut Bits<'_>) -> Result<(), &'static str> {
        bits.skip(2)?; // inter-intra and masked compounds
        self.warped_motion = bits.flag()?;
        bits.flag()?; // dual filter
        let order_hint = bits.flag()?;
        if order_hint {
            bits.flag()?; // joint compounds
            self.ref_frame_mvs = bits.flag()?;
        }
        self.screen_content = if bits.flag()? { 2 } else { bits.u(1)? };
        self.integer_mv = match self.screen_content {
            0 => 2,
            _ if bits.flag()? => 2,
            _ => bits.u(1)?,
        };
        if order_hint {
            self.order_hint_bits = bits.u(3)? + 1;
        }
        Ok(())
    }

    fn read_color_config(&mut self, bits: &mut Bits<'_>, profile: u32) -> Result<(), &'static str> {
        let high = bits.flag()?;
        let twelve = profile == 2 && high && bits.flag()?;
        self.monochrome = profile != 1 && bits.flag()?;
        if bits.flag()? {
            self.colour = [bits.u(8)?, bits.u(8)?, bits.u(8)?];
        }
        if self.monochrome {
            self.full_range = bits.flag()?;
            return Ok(());
        }
        if self.colour == [1, 13, 0] {
            (self.full_range, self.subsampling) = (true, [false, false]);
        } else {
            self.full_range = bits.flag()?;
            self.subsampling = match profile {
                0 => [true, true],
                1 => [false, false],
                _ if twelve => {
                    let x = bits.flag()?;
                    [x, x && bits.flag()?]
                }
                _ => [true, false],
            };
            if self.subsampling == [true, true] {
                bits.skip(2)?;
            }
        }
        self.separate_uv_delta_q = bits.flag()?;
        Ok(())
    }
}

/// §4.10.3.
fn uvlc(bits: &mut Bits<'_>) -> Result<(), &'static str> {
    let mut zeros = 0;
    while !bits.flag()? {
        zeros += 1;
    }
    if zeros < 32 { bits.skip(zeros) } else { Ok(()) }
}

//! How HDR was mastered: what Matroska says in `Colour` (RFC 9559, §5.1.4.1.28), and MP4 in boxes (ISO/IEC
//! 14496-12, §12.1.6 and §12.1.7).

use isobmff::BoxWriter;

use super::ebml::{children, float, unsigned};

/// Static metadata of HDR10.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Mastering {
    /// Chromaticities x and y of red, green, blue and white, the most and the least light in candela per
    /// square metre.
    display: Option<[f64; 10]>,
    /// The brightest sample and the mean of the brightest picture, in candela per square metre.
    light: Option<[u16; 2]>,
}

impl Mastering {
    /// From `Colour`'s data. Numbers that MP4 cannot say are left out, and what belongs to them.
    pub(super) fn parse(colour: &[u8]) -> Self {
        let (mut display, mut light_levels) = ([None; 10], [None; 2]);
        for (id, data) in children(colour) {
            match id {
                0x55bc => light_levels[0] = unsigned(data),
                0x55bd => light_levels[1] = unsigned(data),
                // `MasteringMetadata`: its elements follow each other as this array does.
                0x55d0 => {
                    for (id, data) in children(data) {
                        if let Some(place @ 0..10) = id.checked_sub(0x55d1) {
                            display[place as usize] = float(data);
                        }
                    }
                }
                _ => {}
            }
        }
        let display: Option<Vec<_>> = display.into_iter().collect();
        let light = |value: Option<u64>| u16::try_from(value?).ok();
        Self {
            display: display.and_then(|numbers| numbers.try_into().ok()).filter(is_sound),
            // Zeros of both are how writers say that they do not know.
            light: light(light_levels[0])
                .zip(light(light_levels[1]))
                .map(<[u16; 2]>::from)
                .filter(|levels| *levels != [0, 0]),
        }
    }

    /// Writes `mdcv` and `clli`, as far as they are known.
    pub(super) fn write(&self, out: &mut BoxWriter) {
        if let Some([red_x, red_y, green_x, green_y, blue_x, blue_y, white_x, white_y, most, least]) =
            self.display
        {
            out.boxed(b"mdcv", |out| {
                // Parts of 50,000, and of 10,000; what is too large was left out.
                for place in [green_x, green_y, blue_x, blue_y, red_x, red_y, white_x, white_y] {
                    out.u16((place * 50_000.0).round() as u16);
                }
                out.u32((most * 10_000.0).round() as u32);
                out.u32((least * 10_000.0).round() as u32);
            });
        }
        if let Some(light) = self.light {
            out.boxed(b"clli", |out| light.iter().for_each(|&value| out.u16(value)));
        }
    }
}

/// Whether the numbers can be those of a display.
fn is_sound(display: &[f64; 10]) -> bool {
    let (places, light) = display.split_at(8);
    places.iter().all(|place| (0.0..=1.0).contains(place))
        && light.iter().all(|light| (0.0..=100_000.0).contains(light))
        && light[0] > light[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element with a size of one octet.
    fn element(id: u16, data: &[u8]) -> Vec<u8> {
        [&id.to_be_bytes()[..], &[0x80 | data.len() as u8], data].concat()
    }

    fn colour(display: &[f32; 10], light: [u16; 2]) -> Vec<u8> {
        let places = (0x55d1..).zip(display);
        let display: Vec<u8> = places.flat_map(|(id, value)| element(id, &value.to_be_bytes())).collect();
        let light = (0x55bc..).zip(light).flat_map(|(id, value)| element(id, &value.to_be_bytes()));
        [element(0x55d0, &display), light.collect()].concat()
    }

    const DISPLAY: [f32; 10] = [0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329, 1000.0, 0.005];

    #[test]
    fn boxes_say_what_the_elements_said() {
        let mut out = BoxWriter::new();
        Mastering::parse(&colour(&DISPLAY, [1000, 400])).write(&mut out);
        let expected = "00000020 6d646376 33c2 86c4 1d4c 0bb8 84d0 3e80 3d13 4042 00989680 00000032 \
                        0000000c 636c6c69 03e8 0190";
        let written: String = out.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, expected.replace(' ', ""));
    }

    #[test]
    fn what_cannot_be_is_left_out() {
        for (place, value) in [(0, 1.5), (3, -0.1), (7, f32::NAN), (8, 1e9), (9, 2000.0)] {
            let mut wrong = DISPLAY;
            wrong[place] = value;
            let mastering = Mastering::parse(&colour(&wrong, [1000, 400]));
            assert_eq!((mastering.display, mastering.light), (None, Some([1000, 400])), "{place}: {value}");
        }
        for (levels, expected) in [([0, 0], None), ([0, 400], Some([0, 400])), ([1000, 0], Some([1000, 0]))] {
            assert_eq!(Mastering::parse(&colour(&DISPLAY, levels)).light, expected);
        }
        let whole = element(0x55d0, &element(0x55d1, &1_f32.to_be_bytes()));
        assert_eq!(Mastering::parse(&whole), Mastering::default());
    }
}

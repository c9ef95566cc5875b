use cenc::Scheme;
use h264_reader::Context;
use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::pps::PicParameterSet;
use h264_reader::nal::sps::{FrameMbsFlags, SeqParameterSet};
use h264_reader::nal::{Nal, RefNal};

use super::slice_header::slice_header_len;
use crate::nal::NalUnits;
use crate::subsamples::SubsampleBuilder;
use crate::{Access, Appearance, CodedSample};

/// An H.264 stream, read sample by sample in decoding order: parameter sets may change on the way.
pub(crate) struct AvcStream {
    context: Context,
    length_size: usize,
}

impl AvcStream {
    /// Takes the parameter sets and the NAL length size from `avcC`'s payload.
    ///
    /// # Errors
    /// In words, if it cannot be parsed.
    pub(crate) fn new(avcc: &[u8]) -> Result<Self, String> {
        let record =
            AvcDecoderConfigurationRecord::try_from(avcc).map_err(|error| format!("avcC: {error:?}"))?;
        let length_size = usize::from(record.length_size_minus_one()) + 1;
        if length_size == 3 {
            return Err("avcC: NAL lengths of 3 bytes".to_owned());
        }
        let context = record.create_context().map_err(|error| format!("avcC: {error:?}"))?;
        Ok(Self { context, length_size })
    }

    /// What the first sequence parameter set says of the pictures, if there is one outside the samples.
    pub(crate) fn appearance(&self) -> Appearance {
        let sps = self.context.sps().next();
        let vui = sps.and_then(|sps| sps.vui_parameters.as_ref());
        let sar = vui.and_then(|vui| vui.aspect_ratio_info.as_ref()?.get());
        let colour = vui.and_then(|vui| vui.video_signal_type.as_ref()?.colour_description.as_ref());
        Appearance {
            size: sps.and_then(|sps| sps.pixel_dimensions().ok()),
            sar: sar.map(|(width, height)| [width.into(), height.into()]),
            transfer: colour.map(|colour| colour.transfer_characteristics),
            may_be_interlaced: sps.is_some_and(|sps| sps.frame_mbs_flags != FrameMbsFlags::Frames),
        }
    }

    /// Reads the next sample. NAL lengths, headers and slice headers stay clear, and so do all units that are
    /// no slices. For cenc, as many of a slice's first bytes stay clear as make the rest a multiple of 16.
    ///
    /// # Errors
    /// In words, if NAL units or slice headers cannot be parsed.
    pub(crate) fn sample(&mut self, sample: &[u8], scheme: Scheme) -> Result<CodedSample, String> {
        let mut builder = SubsampleBuilder::default();
        let (mut idr, mut reference) = (false, false);
        for nal in NalUnits::new(sample, self.length_size) {
            let nal = nal?;
            builder.clear(self.length_size);
            let Some(&header) = nal.first() else { continue };
            match header & 0x1f {
                unit @ (1 | 5) => {
                    idr |= unit == 5;
                    reference |= header & 0x60 != 0;
                    builder.slice(slice_header_len(&self.context, nal)?, nal.len(), scheme);
                }
                2..=4 => return Err("data partitioning is not supported".to_owned()),
                20 | 21 => return Err("scalable and multiview streams are not supported".to_owned()),
                7 => {
                    let sps = SeqParameterSet::from_bits(RefNal::new(nal, &[], true).rbsp_bits());
                    self.context.put_seq_param_set(sps.map_err(|error| format!("parameter set: {error:?}"))?);
                    builder.clear(nal.len());
                }
                8 => {
                    let pps =
                        PicParameterSet::from_bits(&self.context, RefNal::new(nal, &[], true).rbsp_bits());
                    self.context.put_pic_param_set(pps.map_err(|error| format!("parameter set: {error:?}"))?);
                    builder.clear(nal.len());
                }
                _ => builder.clear(nal.len()),
            }
        }
        let access = if idr { Access::Clean } else { Access::None };
        Ok(CodedSample { subsamples: builder.finish(), access, leading: None, reference })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use proptest::prelude::*;

    use isobmff::{Boxes, InitSegment, SampleTable};

    use super::*;

    /// The payload of the first video track's `avcC`, and its samples' bytes.
    fn video(path: &Path) -> (Vec<u8>, Vec<Vec<u8>>) {
        let file = std::fs::read(path).unwrap();
        let moov = Boxes::new(&file).first(b"moov").unwrap().unwrap();
        let init = InitSegment::parse(&file[moov.offset..]).unwrap();
        let index = init.tracks.iter().position(|track| track.handler == b"vide").unwrap();
        let entry = file.get(moov.offset + init.tracks[index].entries[0].offset..).unwrap();
        let entry = Boxes::new(entry).next().unwrap().unwrap();
        let avcc = entry.children(78).first(b"avcC").unwrap().unwrap().payload.to_vec();
        let traks = moov.children(0).map(Result::unwrap).filter(|child| child.kind == b"trak");
        let trak = traks.into_iter().nth(index).unwrap();
        let minf = trak.required(b"mdia").unwrap().required(b"minf").unwrap();
        let table =
            SampleTable::parse(&minf.required(b"stbl").unwrap(), file.len() as u64, u64::MAX).unwrap();
        let bytes = table.samples.iter().map(|s| file[s.offset as usize..][..s.size as usize].to_vec());
        (avcc, bytes.collect())
    }

    /// Lengths in bits of all slice headers of a file, NAL header included, as ffmpeg's parser finds them.
    fn header_bits_by_ffmpeg(path: &Path) -> Vec<u64> {
        let args = [
            "-nostdin",
            "-copyts",
            "-map",
            "0:v:0",
            "-c",
            "copy",
            "-bsf:v",
            "trace_headers",
            "-f",
            "null",
            "-",
        ];
        let done =
            Command::new("ffmpeg").arg("-ignore_editlist").arg("1").arg("-i").arg(path).args(args).output();
        let log = String::from_utf8_lossy(&done.unwrap().stderr).into_owned();
        let mut headers = Vec::new();
        let mut end = None;
        for line in log.lines() {
            // "[trace_headers @ 0x…] 46   slice_qp_delta   00110 = 3", after other output on the same line.
            let Some((_, line)) = line.rsplit_once("[trace_headers @ ") else { continue };
            let text = line.split_once("] ").unwrap().1;
            let fields: Vec<_> = text.split_whitespace().collect();
            match fields[..] {
                ["Slice", "Header"] => {
                    headers.extend(end);
                    end = Some(0);
                }
                [position, name, bits, "=", _] if end.is_some() && !name.starts_with("cabac_alignment") => {
                    end = Some(position.parse::<u64>().unwrap() + bits.len() as u64);
                }
                [position, ..] if position.parse::<u64>().is_ok() => {}
                _ => headers.extend(end.take()),
            }
        }
        headers.extend(end);
        headers
    }

    /// The clear head of each slice, by our parser: NAL header and slice header in whole bytes of payload.
    fn header_bytes(path: &Path) -> Vec<usize> {
        let (avcc, samples) = video(path);
        let mut stream = AvcStream::new(&avcc).unwrap();
        let mut lengths = Vec::new();
        for data in &samples {
            let mut rest = &data[..];
            while let Some((length, after)) = rest.split_at_checked(stream.length_size) {
                let length = length.iter().fold(0, |value, &byte| value << 8 | usize::from(byte));
                let (nal, after) = after.split_at(length);
                rest = after;
                if matches!(nal[0] & 0x1f, 1 | 5) {
                    let len = slice_header_len(&stream.context, nal).unwrap();
                    // Without the emulation prevention bytes, which ffmpeg does not count.
                    let escapes = nal[..len].windows(3).filter(|three| three == b"\0\0\x03").count();
                    lengths.push(len - escapes);
                }
            }
            stream.sample(data, Scheme::Cenc).unwrap();
        }
        lengths
    }

    /// The slice header that stays clear is exactly the one that another parser sees: not a byte more.
    #[test]
    fn slice_headers_end_where_ffmpeg_says() {
        if !Command::new("ffmpeg").arg("-version").output().is_ok_and(|out| out.status.success()) {
            eprintln!("SKIPPED: ffmpeg is not installed");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = vec![
            here.join("../../media/demo/240p.mp4"),
            here.join("../packager/tests/fixtures/bigbuckbunny.mp4"),
        ];
        for (name, options) in [
            ("weights.mp4", "-preset slow -x264-params keyint=50:bframes=5:weightp=2:b-pyramid=normal:ref=6"),
            ("slices.mp4", "-x264-params keyint=50:slices=6:cabac=0:weightb=0:deblock=-1,2"),
            ("interlaced.mp4", "-flags +ilme+ildct -x264-params tff=1:keyint=50"),
            ("baseline.mp4", "-profile:v baseline -pix_fmt yuv420p -g 20"),
            ("gray.mp4", "-pix_fmt gray -g 20"),
            ("intra444.mp4", "-pix_fmt yuv444p10le -g 1"),
        ] {
            let path = dir.path().join(name);
            let picture = "-v error -f lavfi -i testsrc2=s=192x112:r=25:d=4,fade=out:0:90 -c:v libx264";
            let args = format!("{picture} {options}");
            let done = Command::new("ffmpeg").args(args.split_whitespace()).arg(&path).output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            files.push(path);
        }
        for path in files {
            let expected: Vec<_> =
                header_bits_by_ffmpeg(&path).iter().map(|bits| bits.div_ceil(8) as usize).collect();
            assert!(expected.len() >= 90, "{}: {}", path.display(), expected.len());
            assert_eq!(header_bytes(&path), expected, "{}", path.display());
        }
    }

    /// The demo film's parameter sets and its first group of pictures.
    fn real_samples() -> (Vec<u8>, Vec<Vec<u8>>) {
        let (avcc, mut samples) =
            video(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo/240p.mp4"));
        samples.truncate(24);
        (avcc, samples)
    }

    proptest! {
        #[test]
        fn arbitrary_samples_never_panic(avcc: Vec<u8>, data: Vec<u8>, unit in prop_oneof![Just(1u8), Just(5), Just(7), Just(8), any::<u8>()]) {
            let _ = AvcStream::new(&avcc).map(|mut stream| stream.sample(&data, Scheme::Cenc));
            let (real, _) = real_samples();
            let mut sample = (data.len() as u32 + 1).to_be_bytes().to_vec();
            sample.push(unit);
            sample.extend(&data);
            let _ = AvcStream::new(&real).unwrap().sample(&sample, Scheme::Cbcs);
        }

        /// Real samples and parameter sets with some bytes changed: an error or subsamples that cover the
        /// sample.
        #[test]
        fn mutated_samples_never_panic(
            changes in proptest::collection::vec((0usize..24, any::<proptest::sample::Index>(), any::<u8>()), 0..12),
            sets in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..3),
        ) {
            let (mut avcc, mut samples) = real_samples();
            for (at, value) in sets {
                let at = at.index(avcc.len());
                avcc[at] = value;
            }
            for (n, at, value) in changes {
                let at = at.index(samples[n].len().min(40));
                samples[n][at] = value;
            }
            let Ok(mut stream) = AvcStream::new(&avcc) else { return Ok(()) };
            for sample in &samples {
                if let Ok(read) = stream.sample(sample, Scheme::Cenc) {
                    let sum: u64 = read.subsamples.iter().map(|s| u64::from(s.clear) + u64::from(s.protected)).sum();
                    prop_assert_eq!(sum, sample.len() as u64);
                    prop_assert!(read.subsamples.iter().all(|s| s.protected % 16 == 0));
                }
            }
        }
    }
}

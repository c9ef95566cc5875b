//! What ffmpeg can make of container × codec × oddity, and what is to come of each by `matinee add`. The
//! end-to-end tests have them, too.

use std::path::Path;
use std::process::Command;

/// An input, and what is to come of it.
pub(crate) struct Odd {
    pub(crate) name: &'static str,
    /// What ffmpeg makes it with, but for the output; see [`args`].
    pub(crate) args: &'static str,
    pub(crate) comes: Comes,
    pub(crate) size: (u32, u32),
    pub(crate) sounds: usize,
    pub(crate) seconds: f64,
    pub(crate) daily: bool,
}

#[derive(PartialEq)]
pub(crate) enum Comes {
    /// A title with the source's frames, bit for bit.
    Same,
    /// A title with as many pictures.
    Made,
    /// A title with more pictures: some are held.
    Held,
    /// One line with this in it.
    Refused(&'static str),
}

const fn odd(name: &'static str, args: &'static str) -> Odd {
    Odd { name, args, comes: Comes::Made, size: (128, 96), sounds: 1, seconds: 2.0, daily: false }
}

impl Odd {
    const fn same(self) -> Self {
        Self { comes: Comes::Same, ..self }
    }
    const fn held(self) -> Self {
        Self { comes: Comes::Held, ..self }
    }
    const fn refused(self, why: &'static str) -> Self {
        Self { comes: Comes::Refused(why), ..self }
    }
    const fn sized(self, width: u32, height: u32) -> Self {
        Self { size: (width, height), ..self }
    }
    const fn sounds(self, sounds: usize) -> Self {
        Self { sounds, ..self }
    }
    const fn lasts(self, seconds: f64) -> Self {
        Self { seconds, ..self }
    }
    const fn daily(self) -> Self {
        Self { daily: true, ..self }
    }
}

const PICTURES: &str = "-f lavfi -i testsrc=s=128x96:r=25:d=2";
const SOUND: &str = "-f lavfi -i sine=d=2";
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25";

/// `PIC`, `SND`: inputs of 2 s; `H264`: how pictures are encoded that pass.
pub(crate) const MATRIX: &[Odd] = &[
    // Sound: none, more, longer, shorter, with holes, in what no browser plays.
    odd("silent.mp4", "PIC H264").sounds(0).same().daily(),
    odd(
        "languages.mkv",
        "PIC SND SND -i SRT -map 0 -map 1 -map 2 -map 3 H264 -c:a aac -c:s srt -metadata:s:a:0 language=eng \
         -metadata:s:a:1 language=ger -metadata:s:s:0 language=ger -disposition:s:0 hearing_impaired",
    )
    .sounds(2)
    .same()
    .daily(),
    odd("strange-language.mkv", "PIC SND H264 -c:a aac -metadata:s:a:0 language=No_Such!").same(),
    odd("sound-is-longer.mkv", "PIC -f lavfi -i sine=d=15 H264 -c:a aac").lasts(15.0).held().daily(),
    odd("sound-is-shorter.mp4", "PIC -f lavfi -i sine=d=0.5 H264 -c:a aac").same(),
    odd("sound-is-late.mkv", "PIC -itsoffset 1 -f lavfi -i sine=d=1 H264 -c:a aac").same(),
    odd(
        "sound-has-a-gap.mkv",
        "-f lavfi -i testsrc=s=128x96:r=25:d=12 -f lavfi -i sine=d=12 -af aselect='not(between(t,2,10))' H264 -c:a aac",
    )
    .lasts(12.0)
    .same()
    .daily(),
    odd("sound-mp3.mp4", "PIC SND H264 -c:a libmp3lame").same(),
    odd("sound-ac3.mkv", "PIC SND H264 -c:a ac3 -ac 6").same(),
    odd("sound-opus-5.1.mkv", "PIC SND H264 -c:a libopus -ac 6").same(),
    odd("sound-flac-7.1.mkv", "PIC SND H264 -c:a flac -ac 8").same(),
    odd("sound-vorbis.mkv", "PIC SND H264 -c:a libvorbis").same(),
    odd("sound-alac.m4v", "PIC SND H264 -c:a alac -f mov").same(),
    // Pictures: lengths, times, rates.
    odd("one-second.webm", "PIC SND -t 1 -c:v libvpx -c:a libopus").lasts(1.0).daily(),
    odd("one-picture.mkv", "PIC -frames:v 1 -c:v mpeg4").sounds(0).lasts(0.04).daily(),
    odd("one-picture-h264.mp4", "PIC -frames:v 1 H264").sounds(0).lasts(0.04).same(),
    odd("negative-start.mp4", "-ss 0.5 -i WHOLE -c copy").same().daily(),
    odd("late.ts", "PIC SND -output_ts_offset 10 -c:v mpeg2video -c:a mp2").daily(),
    odd("clock-wraps.ts", "PIC SND -output_ts_offset 95442.5 H264 -c:a aac").same(),
    odd("pictures-are-late.mp4", "-itsoffset 1 -i WHOLE -i WHOLE -map 0:v -map 1:a -c copy").lasts(3.0).held().daily(),
    odd(
        "pictures-have-a-gap.mkv",
        "-f lavfi -i testsrc=s=128x96:r=25:d=6 -f lavfi -i sine=d=6 -vf select='not(between(t,2,4))' -fps_mode vfr \
         H264 -c:a aac",
    )
    .lasts(6.0)
    .same(),
    odd("rate-varies.mkv", "PIC -vf select='gt(n,25)+not(mod(n,3))' -fps_mode vfr -c:v mpeg4").sounds(0).daily(),
    odd("rate-varies-h264.mp4", "PIC SND -vf select='gt(n,25)+not(mod(n,3))' -fps_mode vfr H264 -c:a aac").same(),
    odd("rate-23.976.mp4", "-f lavfi -i testsrc=s=128x96:r=24000/1001:d=2 SND H264 -c:a aac").same(),
    odd("rate-29.97.mkv", "-f lavfi -i testsrc=s=128x96:r=30000/1001:d=2 SND H264 -c:a aac").same().daily(),
    odd("rate-60.mov", "-f lavfi -i testsrc=s=128x96:r=60:d=2 SND H264 -c:a aac").same(),
    odd("rate-1.mkv", "-f lavfi -i testsrc=s=128x96:r=1:d=5 H264").sounds(0).lasts(5.0).same(),
    odd(
        "three-hours.mp4",
        "-f lavfi -i testsrc=s=128x96:r=1:d=10800 -f lavfi -i sine=d=10800:r=16000 H264 -g 4 -c:a aac -ac 1",
    )
    .lasts(10_800.0)
    .same(),
    odd("rate-1000.mkv", "-f lavfi -i testsrc=s=128x96:r=1000:d=0.5 H264").sounds(0).lasts(0.5).same(),
    // Groups of pictures.
    odd(
        "pyramid.mkv",
        "PIC SND -c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params \
         bframes=5:b-pyramid=normal:keyint=25:open-gop=0 -c:a aac",
    )
    .same(),
    odd(
        "open-groups.mp4",
        "PIC SND -c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params open-gop=1:bframes=3:keyint=10 -c:a aac",
    )
    .daily(),
    odd(
        "no-key-frames.mp4",
        "-f lavfi -i testsrc=s=128x96:r=25:d=13 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params \
         keyint=infinite",
    )
    .sounds(0)
    .lasts(13.0),
    odd(
        "intra-refresh.mp4",
        "PIC SND -c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params intra-refresh=1:keyint=25 -c:a aac",
    )
    .same(),
    // Formats of pictures.
    odd("4-2-2-10-bit.mov", "PIC -c:v libx264 -preset ultrafast -pix_fmt yuv422p10le").sounds(0).daily(),
    odd("4-4-4.mp4", "PIC -c:v libx264 -preset ultrafast -pix_fmt yuv444p").sounds(0),
    odd("full-range.mp4", "PIC H264 -pix_fmt yuvj420p").sounds(0).same(),
    odd("grey-16-bit.mkv", "PIC -c:v ffv1 -pix_fmt gray16le").sounds(0),
    odd("alpha.mov", "PIC SND -c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -c:a pcm_s24le -ar 96000 -ac 1"),
    odd("alpha.webm", "PIC -c:v libvpx-vp9 -pix_fmt yuva420p -deadline realtime -cpu-used 8").sounds(0),
    odd(
        "hdr.mkv",
        "PIC -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params \
         log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
    )
    .sounds(0),
    odd("hevc.mp4", "PIC SND -c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1 -c:a aac"),
    odd("vp9.webm", "PIC SND -c:v libvpx-vp9 -pix_fmt yuv420p -deadline realtime -cpu-used 8 -g 25 -c:a libopus").same(),
    odd(
        "vp9-superframes.webm",
        "PIC SND -c:v libvpx-vp9 -pix_fmt yuv420p -cpu-used 5 -auto-alt-ref 1 -lag-in-frames 25 -g 25 -b:v 100k -c:a libvorbis",
    )
    .same(),
    odd("av1-10-bit.mkv", "PIC SND -c:v libsvtav1 -preset 12 -g 25 -pix_fmt yuv420p10le -c:a libopus").same(),
    // Shapes.
    odd("turned.mp4", "-i WHOLE -c copy -metadata:s:v rotate=90").sized(96, 128).daily(),
    odd("upside-down.mp4", "-i WHOLE -c copy -metadata:s:v rotate=180"),
    odd("wide-samples.avi", "PIC -vf setsar=2/1 -c:v mpeg4").sized(256, 96).sounds(0).daily(),
    odd("anamorphic.mp4", "PIC -vf setsar=40/33 H264").sounds(0).same(),
    odd("narrow-samples.mkv", "PIC -vf setsar=1/20 -c:v mpeg4").sized(6, 96).sounds(0),
    odd("odd-size.mkv", "-f lavfi -i testsrc=s=127x95:r=25:d=2 -c:v ffv1").sounds(0),
    odd("tiny.mkv", "-f lavfi -i testsrc=s=16x16:r=25:d=2 -c:v ffv1").sized(16, 16).sounds(0),
    odd("fields.mkv", "PIC -flags +ilme+ildct -top 1 -c:v mpeg2video").sounds(0),
    // Streams that are no film.
    odd("timecode.mov", "PIC SND H264 -c:a pcm_s16le -timecode 01:00:00:00").same().daily(),
    odd("data.ts", "PIC SND -f data -i BIN -map 0 -map 1 -map 2 H264 -c:a aac -c:d copy").same(),
    odd("cover.mp4", "PIC SND -i JPEG -map 0 -map 1 -map 2 H264 -c:v:1 copy -disposition:v:1 attached_pic -c:a aac").same(),
    odd("cover-unmarked.mkv", "-i JPEG PIC SND -map 0 -map 1 -map 2 H264 -c:v:0 copy -c:a aac").same().daily(),
    odd("cover-unmarked.mp4", "-i PNG PIC SND -map 0 -map 1 -map 2 H264 -c:v:0 copy -c:a aac").same(),
    odd("texts.mkv", "PIC SND -i SRT -map 0 -map 1 -map 2 -map 2 H264 -c:a aac -c:s:0 ass -c:s:1 webvtt").same(),
    odd("chapters.mkv", "PIC SND -i CHAPTERS -map 0 -map 1 -map_metadata 2 -map_chapters 2 H264 -c:a aac").same(),
    // Containers.
    odd("fragments.mp4", "PIC SND H264 -c:a aac -movflags frag_keyframe+empty_moov+default_base_moof").same(),
    odd("unknown-length.mkv", "PIC SND H264 -c:a aac -live 1").same(),
    odd("film.flv", "PIC SND -c:v flv -c:a libmp3lame -ar 44100"),
    odd("film.asf", "PIC SND -c:v wmv2 -c:a wmav2"),
    odd("film.ogv", "PIC SND -c:v libtheora -c:a libvorbis"),
    odd("film.3gp", "-f lavfi -i testsrc=s=176x144:r=15:d=2 SND -c:v h263 -c:a aac -ar 8000 -ac 1").sized(176, 144),
    odd("film.gif", "PIC").sounds(0),
    odd("jpegs.avi", "PIC SND -c:v mjpeg -c:a pcm_u8 -ar 8000"),
    odd("raw.avi", "PIC -c:v rawvideo -pix_fmt bgr24").sounds(0),
    odd("raw.y4m", "PIC -pix_fmt yuv420p").sounds(0),
    odd("disc.mpg", "-f lavfi -i testsrc=s=352x288:r=25:d=2 SND -c:v mpeg2video -c:a ac3").sized(352, 288),
    odd("studio.mxf", "-f lavfi -i testsrc=s=720x576:r=25:d=1 -f lavfi -i sine=d=1:r=48000 -c:v mpeg2video -c:a pcm_s16le")
        .sized(720, 576)
        .lasts(1.0),
    // What is refused.
    odd("song.mp3", "SND -i JPEG -map 0 -map 1 -c:v copy -disposition:v:0 attached_pic")
        .refused("there are no moving pictures in it; name the film's file")
        .daily(),
    odd("song.mkv", "SND -c:a aac").refused("there are no moving pictures in it"),
    odd("still.png", "PIC -frames:v 1").refused("there are no moving pictures in it"),
    odd("raw.h264", "PIC H264")
        .refused("it has pictures without times; give it some by `ffmpeg -framerate 25 -i IN -c copy OUT.mp4`"),
    odd(
        "locked.mp4",
        "PIC SND H264 -c:a aac -encryption_scheme cenc-aes-ctr -encryption_key 00112233445566778899aabbccddeeff \
         -encryption_kid 00112233445566778899aabbccddeeff",
    )
    .refused("it is encrypted; give the film's clear file")
    .daily(),
];

/// A chapter that begins at none of the film's times, and one without a name.
const CHAPTERS: &str = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n[CHAPTER]\n\
     TIMEBASE=1/1000\nSTART=1000\nEND=90000\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=90000\nEND=95000\ntitle=Far\n";

/// Makes a file; `args` are everything but the output.
pub(crate) fn ffmpeg(args: &[String], to: &Path) {
    let done =
        Command::new("ffmpeg").args(["-v", "error", "-y", "-nostdin"]).args(args).arg(to).output().unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// The words of what ffmpeg is told, with the files that inputs are made of, which [`make_parts`] left in a
/// folder.
pub(crate) fn args(folder: &Path, args: &str) -> Vec<String> {
    let file = |name| folder.join(name).to_str().unwrap().to_owned();
    let word = |word: &str| match word {
        "PIC" => PICTURES.split(' ').map(str::to_owned).collect(),
        "SND" => SOUND.split(' ').map(str::to_owned).collect(),
        "H264" => H264.split(' ').map(str::to_owned).collect(),
        "SRT" => vec![file("x.srt")],
        "BIN" => vec![file("some.bin")],
        "JPEG" => vec![file("cover.jpg")],
        "PNG" => vec![file("cover.png")],
        "CHAPTERS" => vec![file("chapters.txt")],
        "WHOLE" => vec![file("whole.mp4")],
        other => vec![other.to_owned()],
    };
    args.split_whitespace().flat_map(word).collect()
}

/// Writes the files of which inputs are made.
pub(crate) fn make_parts(folder: &Path) {
    std::fs::write(folder.join("x.srt"), "1\n00:00:00,500 --> 00:00:01,000\nHallo\n").unwrap();
    std::fs::write(folder.join("chapters.txt"), CHAPTERS).unwrap();
    std::fs::write(folder.join("some.bin"), [7; 3000]).unwrap();
    for (name, made) in [
        ("cover.jpg", "-f lavfi -i testsrc=s=64x64:d=1 -frames:v 1"),
        ("cover.png", "-f lavfi -i testsrc=s=640x640:d=1 -frames:v 1"),
        ("whole.mp4", "PIC SND H264 -c:a aac"),
    ] {
        ffmpeg(&args(folder, made), &folder.join(name));
    }
}

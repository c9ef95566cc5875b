//! Subtitles and chapters.

use super::film::film;
use super::{Plan, Reading, Source, Text, name, place};
use crate::probe::{Kind, Media, Stream};
use pack::{Chapter, SubtitleRole};
use std::path::Path;

/// Codecs of subtitles that are text. Others are pictures, of which only a person can make text.
const TEXT: [&str; 9] = ["subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text", "subviewer", "ttml"];

/// Containers that the packager reads itself.
const DIRECT: [&str; 3] = ["srt", "webvtt", "ttml"];

impl Plan {
    pub(super) fn add_texts(&mut self, source: &Source, alone: bool) {
        for stream in source.media.streams.iter().filter(|stream| stream.kind == Kind::Subtitle) {
            let name = name(source, stream);
            if !TEXT.contains(&&stream.codec[..]) {
                let codec = &stream.codec;
                self.notes
                    .push(format!("{name}: {codec} subtitles are pictures, left out; give them as SRT"));
                continue;
            }
            let words = file_words(&source.path);
            let said = |word: &str| alone && words.iter().any(|other| other == word);
            self.texts.push(Text {
                place: place(source, stream),
                how: match &stream.codec[..] {
                    _ if alone && DIRECT.contains(&&source.media.container[..]) => Reading::Direct,
                    "ttml" => Reading::Documents,
                    _ => Reading::Decode,
                },
                alone,
                language: language(stream).or_else(|| alone.then(|| in_name(&source.path))?),
                role: match () {
                    () if stream.is("forced") || said("forced") => SubtitleRole::Forced,
                    () if stream.is("hearing_impaired")
                        || stream.is("captions")
                        || said("sdh")
                        || said("cc") =>
                    {
                        SubtitleRole::Caption
                    }
                    () => SubtitleRole::Subtitle,
                },
                label: stream.title.clone().filter(|title| pack::layout::is_label(title)),
            });
            self.notes.push(format!("{name}: {} becomes WebVTT", stream.codec));
        }
    }
}

/// Codecs whose pictures have captions in user data.
const CAPTIONED: [&str; 3] = ["h264", "hevc", "mpeg2video"];

/// The stream of pictures in which captions may be, by its number.
pub(crate) fn may_have_captions(media: &Media) -> Option<usize> {
    film(media).filter(|film| CAPTIONED.contains(&&film.codec[..])).map(|film| film.index)
}

impl Plan {
    /// Captions in the film's pictures.
    pub(super) fn add_captions(&mut self, source: &Source, stream: &Stream) {
        self.texts.push(Text {
            place: place(source, stream),
            how: Reading::Captions { start: (source.media.start * 1000.0).round() as i64 },
            alone: false,
            // No caption says it.
            language: None,
            role: SubtitleRole::Caption,
            label: None,
        });
        let name = name(source, stream);
        self.notes.push(format!("{name}: captions in its pictures (CEA-608, or else CEA-708) become WebVTT"));
    }
}

/// The language that a stream says, if that is the name of one.
pub(super) fn language(stream: &Stream) -> Option<String> {
    let said = stream.language.as_ref()?.replace('_', "-");
    pack::layout::is_language(&said).then_some(said)
}

/// Words of a file's name between dots, without the first and the extension: `film.de.forced.srt`.
fn file_words(path: &Path) -> Vec<String> {
    let name = path.file_stem().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.split('.').skip(1).map(str::to_owned).collect()
}

/// The language that a file's name says.
pub(super) fn in_name(path: &Path) -> Option<String> {
    let is_code = |word: &String| (2..=3).contains(&word.split('-').next().unwrap_or_default().len());
    let words = file_words(path).into_iter().filter(|word| !["sdh", "cc"].contains(&&word[..]));
    words.filter(is_code).find(|word| pack::layout::is_language(word))
}

/// The chapters that begin before the film ends.
pub(super) fn chapters(media: &Media, duration: f64) -> Vec<Chapter> {
    let chapter = |(n, (start, title)): (usize, &(f64, Option<String>))| Chapter {
        start: (start * 1000.0).round() as u64,
        title: title
            .clone()
            .filter(|t| pack::layout::is_label(t))
            .unwrap_or_else(|| format!("Chapter {}", n + 1)),
    };
    let within = media.chapters.iter().enumerate().filter(|(_, (start, _))| *start < duration);
    let mut chapters: Vec<_> = within.map(chapter).collect();
    chapters.sort_by_key(|chapter| chapter.start);
    chapters.truncate(1000);
    chapters
}

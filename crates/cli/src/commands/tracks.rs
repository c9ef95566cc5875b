//! Tracks that an operator names one by one: `--audio`, `--subtitles`, `--chapters`.

use crate::Failure;
use crate::args::Tracks;
use pack::{AudioRole, Chapter, SubtitleRole};
use packager::{AudioDetails, AudioSource, SubtitleSource, read_chapters};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What was named.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) audio: Vec<AudioSource>,
    pub(super) subtitles: Vec<SubtitleSource>,
    pub(super) chapters: Vec<Chapter>,
}

/// Reads the options, and the file of chapters.
pub(super) fn read(tracks: &Tracks) -> Result<Named, Failure> {
    Ok(Named {
        audio: pairs(&tracks.audio, "--audio", audio)?,
        subtitles: pairs(&tracks.subtitles, "--subtitles", subtitles)?,
        chapters: tracks.chapters.as_deref().map_or(Ok(Vec::new()), read_chapters)?,
    })
}

fn pairs<T>(
    values: &[OsString],
    option: &str,
    read: fn(&Spec, PathBuf) -> Result<T, String>,
) -> Result<Vec<T>, Failure> {
    let one = |pair: &[OsString]| {
        let [spec, path] = pair else { return Err(format!("{option}: a track and a file")) };
        let spec = Spec::parse(spec).map_err(|what| format!("{option} {}: {what}", spec.display()))?;
        read(&spec, path.into()).map_err(|what| format!("{option} {}: {what}", path.display()))
    };
    values.chunks(2).map(one).collect::<Result<_, _>>().map_err(Failure::Usage)
}

fn audio(spec: &Spec, path: PathBuf) -> Result<AudioSource, String> {
    spec.only(&["lang", "label", "role", "default", "track"])?;
    let number = |text: &str| text.parse().map_err(|_| format!("track={text}: tracks have numbers from 1"));
    Ok(AudioSource {
        path,
        track: spec.get("track").map(number).transpose()?,
        details: AudioDetails {
            language: spec.get("lang").map(str::to_owned),
            role: spec.get("role").map_or(Ok(AudioRole::default()), |role| role.parse())?,
            label: spec.get("label").map(str::to_owned),
            default: spec.flag("default")?,
        },
    })
}

fn subtitles(spec: &Spec, path: PathBuf) -> Result<SubtitleSource, String> {
    spec.only(&["lang", "label", "role", "default"])?;
    Ok(SubtitleSource {
        path,
        language: spec.get("lang").unwrap_or("und").to_owned(),
        role: spec.get("role").map_or(Ok(SubtitleRole::default()), |role| role.parse())?,
        label: spec.get("label").map(str::to_owned),
        default: spec.flag("default")?,
    })
}

/// `lang=de,label="Deutsch, laut",default`: names with values; commas in quotes belong to the value.
#[derive(Debug, PartialEq, Eq)]
struct Spec(Vec<(String, String)>);

impl Spec {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let text = text.to_str().ok_or("not in UTF-8")?;
        let (mut parts, mut quoted) = (vec![String::new()], false);
        for character in text.chars() {
            match character {
                '"' => quoted = !quoted,
                ',' if !quoted => parts.push(String::new()),
                other => parts.last_mut().ok_or("empty")?.push(other),
            }
        }
        if quoted {
            return Err("a quote is not closed".to_owned());
        }
        let pair = |part: String| {
            let (name, value) = part.split_once('=').unwrap_or((&part, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        };
        let pairs: Vec<_> = parts.into_iter().map(pair).collect();
        let twice = pairs.iter().enumerate().find(|(n, (name, _))| pairs[..*n].iter().any(|p| p.0 == *name));
        match twice {
            Some((_, (name, _))) => Err(format!("`{name}` is said twice")),
            None => Ok(Self(pairs)),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|pair| pair.0 == name).map(|pair| &pair.1[..])
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match self.get(name) {
            None | Some("no") => Ok(false),
            Some("" | "yes") => Ok(true),
            Some(other) => Err(format!("{name}={other}: yes or no")),
        }
    }

    fn only(&self, names: &[&str]) -> Result<(), String> {
        match self.0.iter().find(|pair| !names.contains(&&pair.0[..])) {
            Some((name, _)) => Err(format!("`{name}` is none of {}", names.join(", "))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn named(option: &str, spec: &str) -> Result<Named, Failure> {
        let values = vec![OsString::from(spec), "file".into()];
        let mut tracks = Tracks { audio: Vec::new(), subtitles: Vec::new(), chapters: None };
        if option == "audio" {
            tracks.audio = values
        } else {
            tracks.subtitles = values
        }
        read(&tracks)
    }

    #[test]
    fn tracks_are_told_in_pairs_of_names_and_values() {
        let audio =
            named("audio", "lang=de,label=\"Deutsch, laut\",role=description,default,track=2").unwrap();
        let expected = AudioDetails {
            language: Some("de".into()),
            role: AudioRole::Description,
            label: Some("Deutsch, laut".into()),
            default: true,
        };
        assert_eq!((audio.audio[0].track, &audio.audio[0].details), (Some(2), &expected));
        let subtitles = named("subtitles", "lang=pt-BR,role=forced").unwrap().subtitles.remove(0);
        assert_eq!(
            (&subtitles.language[..], subtitles.role, subtitles.default),
            ("pt-BR", SubtitleRole::Forced, false)
        );
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (option, spec, what) in [
            ("audio", "language=de", "none of lang, label"),
            ("audio", "role=music", "expected one of: main"),
            ("audio", "track=first", "numbers from 1"),
            ("subtitles", "track=1", "none of"),
            ("subtitles", "lang=de,lang=en", "twice"),
            ("subtitles", "label=\"x", "quote"),
            ("subtitles", "default=perhaps", "yes or no"),
        ] {
            let error = named(option, spec).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--{option}")) && error.contains(what), "{error}");
        }
    }
}

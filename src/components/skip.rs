//! What most people skip: intro, recap and credits, where the film's chapters name them.

use localization::say;
use nccp::Chapter;

/// What can be skipped where the film is now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Skip {
    /// `Skip intro`.
    pub label: &'static str,
    /// The second at which it ends.
    pub to: f64,
}

/// Seconds before the film's end in which nothing is left to skip: the last picture begins a little earlier.
const END: f64 = 0.25;

/// What is skipped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Recap,
    Intro,
    Credits,
}

impl Part {
    /// What the button says.
    fn label(self) -> &'static str {
        match self {
            Self::Recap => say::skip_recap(),
            Self::Intro => say::skip_intro(),
            Self::Credits => say::skip_credits(),
        }
    }
}

/// Titles of such chapters in English, German, Spanish, French and Arabic; the whole title, without numbers
/// and signs.
const TITLES: [(Part, &[&str]); 3] = [
    (
        Part::Recap,
        &[
            "recap",
            "previously",
            "previously on",
            "rückblick",
            "was bisher geschah",
            "zusammenfassung",
            "resumen",
            "anteriormente",
            "en episodios anteriores",
            "résumé",
            "précédemment",
            "ملخص",
            "ملخص ما سبق",
            "في الحلقات السابقة",
        ],
    ),
    (
        Part::Intro,
        &[
            "intro",
            "introduction",
            "opening",
            "opening credits",
            "opening titles",
            "title sequence",
            "titles",
            "main title",
            "main titles",
            "theme song",
            "vorspann",
            "einleitung",
            "titelvorspann",
            "apertura",
            "cabecera",
            "introducción",
            "créditos iniciales",
            "ouverture",
            "générique de début",
            "générique d ouverture",
            "مقدمة",
            "المقدمة",
            "شارة البداية",
        ],
    ),
    (
        Part::Credits,
        &[
            "credits",
            "end credits",
            "closing credits",
            "ending credits",
            "end titles",
            "outro",
            "ending",
            "abspann",
            "nachspann",
            "créditos",
            "créditos finales",
            "générique",
            "générique de fin",
            "crédits",
            "crédits de fin",
            "شارة النهاية",
        ],
    ),
];

/// Where the credits begin that a film ends with, in its second half; `None` where something follows on them.
pub fn closing_credits(chapters: &[Chapter], duration: f64) -> Option<f64> {
    let last = chapters.last().filter(|last| part(&last.title) == Some(Part::Credits))?;
    (duration - last.start > END && last.start >= duration / 2.0).then_some(last.start)
}

impl Skip {
    /// At this second of a film so long, whose chapters these are, ascending.
    pub fn at(chapters: &[Chapter], seconds: f64, duration: f64) -> Option<Self> {
        let place = chapters.iter().rposition(|chapter| chapter.start <= seconds)?;
        let label = part(&chapters.get(place)?.title)?.label();
        let to = chapters.get(place + 1).map_or(duration, |next| next.start.min(duration));
        (to > seconds && duration - seconds > END).then_some(Self { label, to })
    }
}

fn part(title: &str) -> Option<Part> {
    let plain: String =
        title.to_lowercase().chars().map(|c| if c.is_alphabetic() { c } else { ' ' }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let plain = words.join(" ");
    TITLES.iter().find(|(_, titles)| titles.contains(&plain.as_str())).map(|(part, _)| *part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapters() -> Vec<Chapter> {
        [(0.0, "Recap"), (20.0, "Intro"), (55.5, "The walk"), (90.0, "Abspann")]
            .map(|(start, title)| Chapter { start, title: title.to_owned() })
            .into()
    }

    #[test]
    fn a_skip_leads_to_the_end_of_its_chapter() {
        for (seconds, expected) in [
            (0.0, Some(("Skip recap", 20.0))),
            (20.0, Some(("Skip intro", 55.5))),
            (55.4, Some(("Skip intro", 55.5))),
            (55.5, None),
            (89.9, None),
            (90.0, Some(("Skip credits", 100.0))),
            (99.7, Some(("Skip credits", 100.0))),
            (99.8, None),
            (100.0, None),
        ] {
            let skip = Skip::at(&chapters(), seconds, 100.0).map(|skip| (skip.label, skip.to));
            assert_eq!(skip, expected, "{seconds}");
        }
        assert_eq!(Skip::at(&[], 5.0, 100.0), None);
        assert_eq!(Skip::at(&chapters()[1..], 5.0, 100.0), None, "before the first chapter");
        assert_eq!(Skip::at(&chapters(), 95.0, 0.0), None, "the length is not known yet");
    }

    #[test]
    fn titles_are_known_in_five_languages_and_nothing_else_is_skipped() {
        for (title, expected) in [
            ("INTRO", Some("Skip intro")),
            ("Opening Credits", Some("Skip intro")),
            ("1. Vorspann", Some("Skip intro")),
            ("Créditos iniciales", Some("Skip intro")),
            ("Générique d’ouverture", Some("Skip intro")),
            ("Générique de fin", Some("Skip credits")),
            ("End Credits (2)", Some("Skip credits")),
            ("Was bisher geschah …", Some("Skip recap")),
            ("Previously on", Some("Skip recap")),
            ("المقدمة", Some("Skip intro")),
            ("شارة النهاية", Some("Skip credits")),
            ("An introduction to cooking", None),
            ("The opening of the tomb", None),
            ("Credit where it is due", None),
            ("", None),
            ("12", None),
        ] {
            assert_eq!(part(title).map(Part::label), expected, "{title}");
        }
    }
}

//! The message files: each language has what English has, and nothing is there that nobody says.

use std::path::Path;

use fluent_compiler::{OF_CODES, Reference, WITHOUT_THE_APP};

use crate::error::Error;
use crate::project::Project;

/// Whose Rust says something.
const SPEAKERS: [&str; 2] = ["src", "crates/web-player/src"];

/// Checks them. That what is said is there the compiler knows: it is said by functions that are made of the
/// messages.
///
/// # Errors
/// [`Error::Rule`] with all that is wrong.
pub(super) fn check(project: &Project) -> Result<(), Error> {
    let folder = project.root.join("www/languages");
    let english = read(&folder.join("en.ftl"))?;
    let reference = Reference::parse(&english).map_err(|error| Error::Rule(format!("en.ftl: {error}")))?;
    let mut wrong = Vec::new();
    let mut languages = 0;
    for entry in std::fs::read_dir(&folder).map_err(Error::file(&folder))? {
        let path = entry.map_err(Error::file(&folder))?.path();
        if let Err(error) = reference.translate(&read(&path)?) {
            wrong.extend(error.0.iter().map(|problem| format!("{}: {problem}", path.display())));
        }
        languages += 1;
    }
    let mut rust = String::new();
    for speaker in SPEAKERS {
        gather(&project.root.join(speaker), &["rs"], &mut rust)?;
    }
    let mut pages = String::new();
    gather(&project.root.join("www"), &["html", "js", "webmanifest"], &mut pages)?;
    wrong.extend(unsaid(&reference, &rust, &pages));
    if !wrong.is_empty() {
        return Err(Error::Rule(wrong.join("\n")));
    }
    println!(
        "{languages} languages have the same {} messages, all of which are said",
        reference.messages.len()
    );
    Ok(())
}

/// What the Rust and the pages do not say.
fn unsaid(reference: &Reference, rust: &str, pages: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for message in &reference.messages {
        let key = &message.key;
        if message.has_function() {
            let call = format!("say::{}", message.function());
            let ends =
                |at: usize| !rust[at + call.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
            if !rust.match_indices(&call).any(|(at, _)| ends(at)) && key != "direction" {
                wrong.push(format!("en.ftl: nobody says {key}"));
            }
        } else if key.starts_with(WITHOUT_THE_APP) {
            // It stands there in English, too, for where no table comes.
            let is_there =
                [format!("\"{key}\""), message.pattern.clone()].iter().all(|text| pages.contains(text));
            if !is_there {
                wrong.push(format!("en.ftl: no page of www says {key} with the same words"));
            }
        } else if let Some(code) = key.strip_prefix(OF_CODES)
            && !code.contains('.')
        {
            for ending in ["text", "more"] {
                let more = format!("{key}.{ending}");
                if !reference.messages.iter().any(|message| message.key == more) {
                    wrong.push(format!("en.ftl: there is no {more}"));
                }
            }
        }
    }
    wrong
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(Error::file(path))
}

/// Adds the texts of all files of these kinds.
fn gather(folder: &Path, kinds: &[&str], out: &mut String) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
        let path = entry.map_err(Error::file(folder))?.path();
        if path.is_dir() {
            gather(&path, kinds, out)?;
        } else if path.extension().is_some_and(|kind| kinds.iter().any(|wanted| kind == *wanted)) {
            out.push_str(&read(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_says_is_found() {
        let reference = Reference::parse(
            "play = Play\nplay-all = Play all\nearly-wait = Wait\ncode-NO = No\n    .text = No.\n",
        )
        .unwrap();
        let pages = "say(\"early-wait\", \"Wait\")";
        assert_eq!(
            unsaid(&reference, "say::play_all()", pages),
            ["en.ftl: nobody says play", "en.ftl: there is no code-NO.more"]
        );
        let other = unsaid(&reference, "say::play() say::play_all()", "say(\"early-wait\", \"Hold on\")");
        assert!(other[0].contains("early-wait"), "{other:?}");
    }
}

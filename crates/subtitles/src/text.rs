//! Cue text: what WebVTT knows stays, what it does not is left out or escaped.

/// Tags of WebVTT's cue text.
const TAGS: [&str; 8] = ["c", "i", "b", "u", "v", "lang", "ruby", "rt"];

/// Named characters that stay as they are.
const NAMED: [&str; 6] = ["amp", "lt", "gt", "nbsp", "lrm", "rlm"];

/// Longest name of a character, and longest tag with what it says.
const MAX_NAME: usize = 8;
const MAX_TAG: usize = 200;

/// One line of text, clean. Cleaning twice changes nothing more.
pub(crate) fn clean(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['<', '>', '&', '{']) {
        out += &rest[..at];
        let special = &rest[at..];
        rest = &special[1..];
        match special.as_bytes()[0] {
            b'<' => match tag(rest) {
                Some((tag, after)) => {
                    if is_known(tag) {
                        out += &format!("<{tag}>");
                    }
                    rest = after;
                }
                None => out += "&lt;",
            },
            b'>' => out += "&gt;",
            b'&' => match character(rest) {
                Some(name) => {
                    out += &format!("&{name};");
                    rest = &rest[name.len() + 1..];
                }
                None => out += "&amp;",
            },
            _ => out.push('{'),
        }
        // What editors leave in SubRip files: `{\an8}` is a place on the screen. What is left out may join
        // two halves.
        while out.ends_with('{')
            && let Some((_, after)) = rest.strip_prefix('\\').and_then(|code| code.split_once('}'))
        {
            out.pop();
            rest = after;
        }
    }
    out + rest
}

/// What is between `<` and the next `>`, and what is behind.
fn tag(text: &str) -> Option<(&str, &str)> {
    let (tag, after) = text.split_once('>')?;
    let first = tag.strip_prefix('/').unwrap_or(tag).chars().next()?;
    let good = tag.len() <= MAX_TAG && !tag.contains(['<', '&', '{']);
    (good && first.is_ascii_alphanumeric()).then_some((tag, after))
}

fn is_known(tag: &str) -> bool {
    let name = tag.strip_prefix('/').unwrap_or(tag);
    let end = name.find(|c: char| c == '.' || c.is_whitespace()).unwrap_or(name.len());
    // Tags that end say nothing else.
    TAGS.contains(&&name[..end]) && (!tag.starts_with('/') || end == name.len())
}

/// The name of a character reference that stands behind `&`.
fn character(text: &str) -> Option<&str> {
    let (name, _) = text.split_once(';')?;
    let number = |name: &str| match name.strip_prefix(['x', 'X']) {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()),
    };
    let good =
        name.len() <= MAX_NAME && (NAMED.contains(&name) || name.strip_prefix('#').is_some_and(number));
    good.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_tags_stay() {
        for (given, clean_text) in [
            ("<i>Who</i> is <v.loud Mary Ann>there?</v>", "<i>Who</i> is <v.loud Mary Ann>there?</v>"),
            ("<font color=\"#fff\">red</font>", "red"),
            ("{\\an8}Top", "Top"),
            ("{sic}", "{sic}"),
            ("x{{\\}\\}y{<x>\\c}z", "xyz"),
            ("a < b && c --> d", "a &lt; b &amp;&amp; c --&gt; d"),
            ("&amp;&nbsp;&#65;&copy;", "&amp;&nbsp;&#65;&amp;copy;"),
            ("<3", "&lt;3"),
            ("<script>x</script>", "x"),
        ] {
            assert_eq!(clean(given), clean_text, "{given}");
        }
    }

    proptest! {
        #[test]
        fn cleaning_is_done_once(line in "[<>&{}\\\\/;a-c#x0-9. ]{0,40}") {
            let once = clean(&line);
            prop_assert_eq!(clean(&once), once.clone());
            prop_assert!(!once.contains("-->"));
        }
    }
}

//! Language tags (docs/protocol.md, section 9).

use isolang::Language;

/// The ISO 639-2 code of a BCP 47 tag, `und` where there is none.
pub(crate) fn language_code(tag: &str) -> [u8; 3] {
    let first = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let three = match first.len() {
        2 => Language::from_639_1(&first).map(|language| language.to_639_3().to_owned()),
        3 => Some(first),
        _ => None,
    };
    three.and_then(|code| code.into_bytes().try_into().ok()).unwrap_or(*b"und")
}

/// A language tag as it is written in a pack: two letters where there are two, and the usual case.
pub(crate) fn canonical_language(tag: &str) -> String {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default().to_ascii_lowercase();
    let first = match <[u8; 3]>::try_from(first.as_bytes()) {
        Ok(code) => language_tag(code),
        Err(_) => first,
    };
    parts.fold(first, |mut tag, part| {
        let lower = part.to_ascii_lowercase();
        tag.push('-');
        match part.len() {
            2 => tag += &lower.to_ascii_uppercase(),
            4 if part.bytes().all(|b| b.is_ascii_alphabetic()) => {
                tag += &lower[..1].to_ascii_uppercase();
                tag += &lower[1..];
            }
            _ => tag += &lower,
        }
        tag
    })
}

/// The BCP 47 tag of an ISO 639-2 code: two letters where there are two.
pub(crate) fn language_tag(code: [u8; 3]) -> String {
    // The bibliographic codes of ISO 639-2, which differ from those of ISO 639-3.
    let terminology = match &code {
        b"alb" => "sqi",
        b"arm" => "hye",
        b"baq" => "eus",
        b"bur" => "mya",
        b"chi" => "zho",
        b"cze" => "ces",
        b"dut" => "nld",
        b"fre" => "fra",
        b"geo" => "kat",
        b"ger" => "deu",
        b"gre" => "ell",
        b"ice" => "isl",
        b"mac" => "mkd",
        b"mao" => "mri",
        b"may" => "msa",
        b"per" => "fas",
        b"rum" => "ron",
        b"slo" => "slk",
        b"tib" => "bod",
        b"wel" => "cym",
        other => std::str::from_utf8(other).unwrap_or("und"),
    };
    Language::from_639_3(terminology)
        .and_then(|language| language.to_639_1())
        .unwrap_or(terminology)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages() {
        assert_eq!(
            [*b"eng", *b"ger", *b"deu", *b"und", *b"haw"].map(language_tag),
            ["en", "de", "de", "und", "haw"]
        );
        assert_eq!(
            ["de", "DE-at", "zh-hant-tw", "haw", "und", "x-private"].map(language_code),
            [*b"deu", *b"deu", *b"zho", *b"haw", *b"und", *b"und"]
        );
        assert_eq!(
            ["DE", "ger-at", "ZH-hant-tw", "eng", "de-1996"].map(canonical_language),
            ["de", "de-AT", "zh-Hant-TW", "en", "de-1996"]
        );
    }
}

//! What a browser is called.

/// Marks in a `User-Agent`, and whose they are. Each browser also names those that it descends from, so the
/// order counts.
const BROWSERS: [(&str, &str); 5] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];
const BROWSER: &str = "Browser";
const SYSTEM: &str = "an unknown system";

/// What people would call a browser that sends this `User-Agent`: `Firefox on Linux`.
pub fn machine_name(agent: &str) -> String {
    let first = |table: &[(&str, &'static str)], otherwise| {
        table.iter().find(|(mark, _)| agent.contains(mark)).map_or(otherwise, |(_, name)| *name)
    };
    format!("{} on {}", first(&BROWSERS, BROWSER), first(&SYSTEMS, SYSTEM))
}

/// Browser and system of a name that [`machine_name`] gave, each `None` where it was not known; `None` for a
/// name that it did not give.
pub fn machine_parts(name: &str) -> Option<(Option<&'static str>, Option<&'static str>)> {
    let part = |table: &[(&str, &'static str)], text: &str, otherwise: &str| {
        let known = table.iter().find(|(_, name)| *name == text).map(|(_, name)| *name);
        (known.is_some() || text == otherwise).then_some(known)
    };
    let (browser, system) = name.split_once(" on ")?;
    Some((part(&BROWSERS, browser, BROWSER)?, part(&SYSTEMS, system, SYSTEM)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_were_given_are_known_again() {
        for (agent, parts) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                (Some("Firefox"), Some("Linux")),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0",
                (Some("Edge"), Some("Windows")),
            ),
            ("Mozilla/5.0 (Haiku) Firefox/140.0", (Some("Firefox"), None)),
            ("curl/8", (None, None)),
        ] {
            assert_eq!(machine_parts(&machine_name(agent)), Some(parts), "{agent}");
        }
        for name in
            ["", "Ada's laptop", "Firefox", "Firefox on fire", "Films on Linux", "Chrome on Linux on Linux"]
        {
            assert_eq!(machine_parts(name), None, "{name}");
        }
    }
}

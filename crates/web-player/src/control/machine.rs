//! What this browser calls itself when it registers.

use control_client::Kind;

/// A browser, as the controller is told of it.
pub(super) fn kind() -> Kind {
    let agent = user_agent();
    Kind::browser(machine_name(&agent), agent.chars().take(400).collect::<String>())
}

fn user_agent() -> String {
    gloo::utils::window().navigator().user_agent().unwrap_or_default()
}

/// What people would call the device: `Firefox on Linux`.
pub fn machine_name(agent: &str) -> String {
    let first = |table: &[(&str, &'static str)], otherwise| {
        table.iter().find(|(mark, _)| agent.contains(mark)).map_or(otherwise, |(_, name)| *name)
    };
    // Each browser also names those that it descends from, so the order counts.
    let browser = first(
        &[
            ("Edg/", "Edge"),
            ("OPR/", "Opera"),
            ("Firefox/", "Firefox"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ],
        "Browser",
    );
    let system = first(
        &[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS X", "macOS"),
            ("CrOS", "ChromeOS"),
            ("Linux", "Linux"),
        ],
        "an unknown system",
    );
    format!("{browser} on {system}")
}
